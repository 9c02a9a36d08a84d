package engine

import (
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRequest bounds a request's body; providers' own limits are below it.
const maxRequest = 1 << 20

// maxHold bounds how long an unanswered call is held.
const maxHold = 2 * time.Minute

// ServeHTTP answers a provider's client, or an /_emulator route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_emulator/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	f := s.vendorFor(r.URL.Path)
	if f == nil {
		JSON(http.StatusNotFound, map[string]string{"error": "no provider has this path"}).write(w)
		return
	}
	body, err := readBody(r)
	if err != nil {
		JSON(http.StatusBadRequest, map[string]string{"error": "the body can't be read"}).write(w)
		return
	}
	now := time.Now()
	m, a := f.Read(s, r, body)
	if m == nil {
		s.note(r, body, nil, now, false)
		a.write(w)
		return
	}
	m.vendor, m.At = f, now
	s.receive(w, r, m, body)
}

// receive decides on a send, notes it, and answers.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, m *Send, body []byte) {
	st := s.settings.Load()
	o := s.decide(m, body, st)
	if o.taken() {
		s.accept(m, st, o)
	}
	s.note(r, body, m, m.At, o.taken())
	switch o {
	case silent:
		s.hold(w, r)
		panic(http.ErrAbortHandler)
	case cut:
		s.sleep(r.Context(), st.latency())
		reset(w)
		return
	case Throttled, Failing, Invalid, Accepted:
	}
	s.sleep(r.Context(), st.latency())
	a := m.vendor.Reply(m, o)
	if o == Throttled {
		a.Header = append(a.Header, [2]string{"Retry-After", "1"})
	}
	a.write(w)
}

// hold keeps the client waiting until it disconnects.
func (s *Server) hold(w http.ResponseWriter, r *http.Request) {
	if own, ok := w.(*writer); ok {
		own.hold(maxHold)
		return
	}
	s.sleep(r.Context(), maxHold)
}

// decide chooses the outcome of a call: the rate limit first, then the script
// of the recipient, then chance.
func (s *Server) decide(m *Send, body []byte, st *Settings) Outcome {
	if st.RateLimit > 0 && !s.limiter.allow(m.Channel.Key, st.RateLimit, m.At) {
		return Throttled
	}
	sc := scriptFor(m.To)
	if n := len(sc.first); n > 0 {
		if nth := s.attempts.add(m.identity(body)); nth <= n {
			return sc.first[nth-1]
		}
	}
	if sc.then != Accepted {
		return sc.then
	}
	return st.chance(rand.Float64())
}

var seed = maphash.MakeSeed()

// identity is what repeated calls for one message share: our message id where
// the request carries it, else all of the body.
func (m *Send) identity(body []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(m.Channel.Key)
	_, _ = h.WriteString("\x00" + m.To + "\x00" + m.Ref)
	if m.Ref == "" {
		_, _ = h.Write(body)
	}
	return h.Sum64()
}

// accept returns the message its id and plans its callbacks.
func (s *Server) accept(m *Send, st *Settings, o Outcome) {
	m.ID = s.newID()
	m.Base = m.At
	if o == Accepted {
		m.Base = m.At.Add(st.latency())
	}
	m.gap = st.delay()
	m.plan = scriptFor(m.To).plan
	if m.vendor.Remembers {
		s.history.add(m)
	}
	if st.Callbacks && len(m.plan) > 0 && (m.CallbackURL != "" || m.Channel.Settings["callback_url"] != "") {
		s.calls.plan(m)
	}
}

// note records a request.
func (s *Server) note(r *http.Request, body []byte, m *Send, at time.Time, taken bool) {
	e := entry{at: at, accepted: taken}
	channel := ""
	if m != nil {
		e.to, channel = Number(m.To), m.Channel.Key
	}
	if s.settings.Load().Record {
		e.method, e.path, e.body, e.header = r.Method, r.URL.RequestURI(), body, compact(r)
	}
	s.ledger.add(e, channel)
}

// readBody reads a whole body into memory of its size.
func readBody(r *http.Request) ([]byte, error) {
	if n := r.ContentLength; n >= 0 && n <= maxRequest {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
}

// reset ends the connection with a RST, as a crashing server does.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// Number returns the digits of a phone number, the ledger's key.
func Number(to string) uint64 {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, to)
	n, _ := strconv.ParseUint(digits, 10, 64) // E.164 has at most 15
	return n
}
