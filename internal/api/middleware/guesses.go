package middleware

import (
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// How many requests without a valid key an address may make: at once, and each
// second from then on. Requests with a valid key are not affected.
const (
	guessesAtOnce   = 1_000
	guessesASecond  = 10
	mostGuessers    = 10_000
	guesserBitsOfV6 = 64 // what a customer of a provider has
)

// guesses slows down who sends requests without a valid key.
type guesses struct {
	mu sync.Mutex
	by map[netip.Prefix]*rate.Limiter
}

// refuse returns err, or a refusal with the code dispatch.RateLimited if err says that
// the key is not valid and the client's address has sent too many of those.
func (g *guesses) refuse(r *http.Request, err error) error {
	if err == nil || dispatch.CodeOf(err) != dispatch.Unauthorized || g.of(r).Allow() {
		return err
	}
	return &dispatch.Error{Code: dispatch.RateLimited, Msg: "too many requests without a valid API key", RetryAfter: 1}
}

// of returns the limiter of the client's address, or of the last proxy's.
func (g *guesses) of(r *http.Request) *rate.Limiter {
	var from netip.Prefix // an address that can't be read shares one
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr := a.Addr().Unmap()
		from, _ = addr.Prefix(min(addr.BitLen(), guesserBitsOfV6)) // the length fits
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.by[from]
	if l == nil {
		if len(g.by) >= mostGuessers || g.by == nil {
			g.by = map[netip.Prefix]*rate.Limiter{}
		}
		l = rate.NewLimiter(guessesASecond, guessesAtOnce)
		g.by[from] = l
	}
	return l
}
