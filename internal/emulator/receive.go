package emulator

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
	f := faceFor(r.URL.Path)
	if f == nil {
		jsonAnswer(http.StatusNotFound, []byte(`{"error":"no provider has this path"}`)).write(w)
		return
	}
	body, err := readBody(r)
	if err != nil {
		jsonAnswer(http.StatusBadRequest, []byte(`{"error":"the body can't be read"}`)).write(w)
		return
	}
	now := time.Now()
	m, a := f.read(s, r, body)
	if m == nil {
		s.note(r, body, nil, now, false)
		a.write(w)
		return
	}
	m.face, m.at = f, now
	s.receive(w, r, m, body)
}

// receive decides on a send, notes it, and answers.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, m *send, body []byte) {
	st := s.settings.Load()
	o := s.decide(m, body, st)
	if o.taken() {
		s.accept(m, st, o)
	}
	s.note(r, body, m, m.at, o.taken())
	switch o {
	case silent:
		s.hold(w, r)
		panic(http.ErrAbortHandler)
	case cut:
		s.sleep(r.Context(), st.latency())
		reset(w)
		return
	case throttled, failing, invalid, accepted:
	}
	s.sleep(r.Context(), st.latency())
	a := m.face.reply(m, o)
	if o == throttled {
		a.header = append(a.header, [2]string{"Retry-After", "1"})
	}
	a.write(w)
}

// hold keeps the client waiting until it gives up.
func (s *Server) hold(w http.ResponseWriter, r *http.Request) {
	if own, ok := w.(*writer); ok {
		own.hold(maxHold)
		return
	}
	s.sleep(r.Context(), maxHold)
}

// decide chooses the outcome of a call: the rate limit first, then the script
// of the recipient, then chance.
func (s *Server) decide(m *send, body []byte, st *Settings) outcome {
	if st.RateLimit > 0 && !s.limiter.allow(m.ch.Key, st.RateLimit, m.at) {
		return throttled
	}
	sc := scriptFor(m.to)
	if n := len(sc.first); n > 0 {
		if nth := s.attempts.add(m.identity(body)); nth <= n {
			return sc.first[nth-1]
		}
	}
	if sc.then != accepted {
		return sc.then
	}
	return st.chance(rand.Float64())
}

var seed = maphash.MakeSeed()

// identity is what repeated calls for one message share: our message id where
// the request carries it, else all of the body.
func (m *send) identity(body []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(m.ch.Key)
	_, _ = h.WriteString("\x00" + m.to + "\x00" + m.ref)
	if m.ref == "" {
		_, _ = h.Write(body)
	}
	return h.Sum64()
}

// accept gives the message its id and plans its callbacks.
func (s *Server) accept(m *send, st *Settings, o outcome) {
	m.id = s.newID()
	m.base = m.at
	if o == accepted {
		m.base = m.at.Add(st.latency())
	}
	m.gap = st.delay()
	m.plan = scriptFor(m.to).plan
	if m.face.remembers {
		s.history.add(m)
	}
	if st.Callbacks && len(m.plan) > 0 && (m.callbackURL != "" || m.ch.Settings["callback_url"] != "") {
		s.calls.plan(m)
	}
}

// note records a request.
func (s *Server) note(r *http.Request, body []byte, m *send, at time.Time, taken bool) {
	e := entry{at: at, accepted: taken}
	channel := ""
	if m != nil {
		e.to, channel = number(m.to), m.ch.Key
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

// number is the digits of a phone number, the ledger's key.
func number(to string) uint64 {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, to)
	n, _ := strconv.ParseUint(digits, 10, 64) // E.164 has at most 15
	return n
}
