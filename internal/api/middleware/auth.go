// Package middleware holds what every route of the API shares: authentication,
// limits, bodies, problems, request ids and logging.
package middleware

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Keys looks up API keys by the hash of their secret, and their accounts. Both
// return an error with code dispatch.NotFound for what does not exist.
type Keys interface {
	Key(ctx context.Context, hash [sha256.Size]byte) (account.Key, error)
	Account(ctx context.Context, id int64) (account.Account, error)
}

// CallLog adds to the number of calls of each key, by the key's id.
type CallLog interface {
	AddCalls(ctx context.Context, counts map[int64]int64) error
}

// Auth authenticates API keys, whose calls it counts, and sessions.
type Auth struct {
	keys     Keys
	log      *slog.Logger
	sessions Sessions // nil: there are none
	origins  *http.CrossOriginProtection
	guesses  guesses

	calls  CallLog
	mu     sync.Mutex
	counts map[int64]int64 // calls not yet written, by key
}

// NewAuth returns an Auth. Run writes the counted calls.
func NewAuth(keys Keys, calls CallLog, sessions Sessions, log *slog.Logger) *Auth {
	return &Auth{keys: keys, calls: calls, sessions: sessions, origins: http.NewCrossOriginProtection(), log: log, counts: map[int64]int64{}}
}

// Authenticate returns the caller that secret belongs to and counts the call.
// Its errors are those of Check.
func (a *Auth) Authenticate(ctx context.Context, secret string) (*accept.Caller, error) {
	if played, ok := ctx.Value(playKey{}).(play); ok {
		a.count(played.who.Key.ID)
		return played.who, nil
	}
	who, err := a.Check(ctx, secret)
	if err == nil {
		a.count(who.Key.ID)
	}
	return who, err
}

// AuthenticateRequest is Authenticate for a request that carries secret. Many
// requests without a valid key from one address are refused with the code
// dispatch.RateLimited.
func (a *Auth) AuthenticateRequest(r *http.Request, secret string) (*accept.Caller, error) {
	who, err := a.Authenticate(r.Context(), secret)
	return who, a.guesses.refuse(r, err)
}

// Check returns the caller that secret belongs to. A refusal has the code
// dispatch.Unauthorized and the reason missing, unknown, inactive or expired,
// which dialects word each in their own way; dispatch.Overloaded means that the
// database did not answer.
func (a *Auth) Check(ctx context.Context, secret string) (*accept.Caller, error) {
	if secret == "" {
		return nil, Unauthorized("missing", "no API key was sent")
	}
	secret = auth.Canonical(secret)
	test, ok := auth.Parse(secret)
	if !ok {
		return nil, Unauthorized("unknown", "the API key is not valid")
	}
	key, err := a.keys.Key(ctx, auth.Hash(secret))
	switch {
	case err != nil && dispatch.CodeOf(err) == dispatch.NotFound, err == nil && (key.Test != test || key.Rotated(time.Now())):
		return nil, Unauthorized("unknown", "the API key is not valid")
	case err != nil:
		return nil, Unavailable(err)
	case !key.Active:
		return nil, Unauthorized("inactive", "the API key is inactive")
	case key.ExpiresAt != nil && time.Now().After(*key.ExpiresAt):
		return nil, Unauthorized("expired", "the API key has expired")
	}
	account, err := a.keys.Account(ctx, key.Account)
	switch {
	case err != nil:
		return nil, Unavailable(err)
	case account.DisabledAt != nil:
		return nil, Unauthorized("inactive", "the API key is inactive")
	}
	perms, err := auth.ParsePermissions(key.Permissions)
	if err != nil {
		return nil, fmt.Errorf("key %d: %w", key.ID, err)
	}
	return &accept.Caller{Account: account, Key: key, Permissions: perms}, nil
}

// Unauthorized returns a refusal for an API key that does not authenticate.
func Unauthorized(reason, msg string) error {
	return &dispatch.Error{Code: dispatch.Unauthorized, Reason: reason, Msg: msg}
}

// Native authenticates requests of the native API, which carry the key in
// Authorization: Bearer or in X-API-Key, or the cookie of a session. Handlers get
// the caller from Caller.
func (a *Auth) Native(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := a.native(c.Request(), a.Authenticate)
		if err != nil {
			return a.guesses.refuse(c.Request(), err)
		}
		c.Set("caller", who)
		if r := c.Request(); r.Method == http.MethodGet && NativeKey(r) == "" && a.sessions != nil {
			c.SetRequest(r.WithContext(a.sessions.Reading(r.Context())))
		}
		return next(c)
	}
}

// Recheck returns the caller of a native request that has gone on for a while.
func (a *Auth) Recheck(ctx context.Context, r *http.Request) (*accept.Caller, error) {
	if token := SessionToken(r); a.sessions != nil && token != "" && NativeKey(r) == "" {
		return a.sessions.Recheck(ctx, token)
	}
	return a.native(r.WithContext(ctx), a.Check)
}

// native returns the caller of a native request; a key takes precedence over a
// session.
func (a *Auth) native(r *http.Request, byKey func(context.Context, string) (*accept.Caller, error)) (*accept.Caller, error) {
	secret := NativeKey(r)
	if secret != "" || a.sessions == nil {
		return byKey(r.Context(), secret)
	}
	token := SessionToken(r)
	if token == "" {
		return byKey(r.Context(), "")
	}
	if err := a.SameOrigin(r); err != nil {
		return nil, err
	}
	return a.sessions.Caller(r.Context(), token)
}

// NativeKey returns the API key of a native request, or "" if it has none.
func NativeKey(r *http.Request) string {
	if h := r.Header.Get("Authorization"); len(h) > 7 && strings.EqualFold(h[:7], "bearer ") {
		return strings.TrimSpace(h[7:])
	}
	return r.Header.Get("X-Api-Key")
}

// Caller returns the caller that Native authenticated.
func Caller(c echo.Context) *accept.Caller { return c.Get("caller").(*accept.Caller) }

func (a *Auth) count(key int64) {
	a.mu.Lock()
	a.counts[key]++
	a.mu.Unlock()
}

// Run writes the counted calls once a second until ctx ends, and once after.
func (a *Auth) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			a.write(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			a.write(ctx)
		}
	}
}

// write writes the counted calls. Counts that cannot be written are lost: they
// are statistics.
func (a *Auth) write(ctx context.Context) {
	a.mu.Lock()
	counts := a.counts
	a.counts = map[int64]int64{}
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := a.calls.AddCalls(ctx, counts); err != nil {
		a.log.Debug("call counts not written", "error", err)
	}
}
