package providertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

func testAccepted(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	var key atomic.Bool
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		key.Store(r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "")
		reply(c.Accepted)(w, r)
	})
	acc, err := p.Send(t.Context(), c.Channel(s.URL), c.Message())
	if err != nil {
		t.Fatal(err)
	}
	if acc.ProviderID != c.AcceptedID || acc.HTTP != c.Accepted.Status {
		t.Errorf("got %+v, want id %s", acc, c.AcceptedID)
	}
	if key.Load() {
		t.Error("the request carries an Idempotency-Key, with which Go sends a POST twice")
	}
	if ch := c.Channel(s.URL); !p.Spec().Supports(ch.Kind, c.Message().Content.Type) {
		t.Errorf("a %s channel doesn't support what the case sends", ch.Kind)
	}
}

// byClass returns the kind of an answer whose body is not in the contract.
func byClass(status int) provider.Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return provider.Throttled
	case status == http.StatusUnauthorized:
		return provider.Denied
	case status >= 300 && status < 500:
		return provider.Permanent
	}
	return provider.Uncertain
}

func testStatuses(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	var status atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, "<html>gateway</html>")
	})
	ch := c.Channel(s.URL)
	for n := 200; n < 600; n++ {
		status.Store(int32(n))
		_, err := p.Send(t.Context(), ch, c.Message())
		refused(t, ch, err, byClass(n))
		if e := provider.AsError(err); e.HTTP != n {
			t.Errorf("HTTP %d told as %d", n, e.HTTP)
		}
	}
}

func testRefusals(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for _, r := range c.Errors {
		name := r.Name
		if name == "" {
			name = r.Provider
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := c.Channel(serve(t, reply(r.Reply)).URL)
			_, err := p.Send(t.Context(), ch, c.Message())
			refused(t, ch, err, r.Kind)
			e := provider.AsError(err)
			if e.Scope != r.Scope || e.Code != r.Code || e.Provider != r.Provider || e.Suppress != r.Suppress || e.HTTP != r.Status {
				t.Errorf("got scope %d, %s, code %q, suppress %v, HTTP %d; want %+v", e.Scope, e.Code, e.Provider, e.Suppress, e.HTTP, r)
			}
			if e.RetryAfter != r.RetryAfter {
				t.Errorf("again after %s, want %s", e.RetryAfter, r.RetryAfter)
			}
		})
	}
}

// testBodies answers with bodies that no contract foresees.
func testBodies(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	huge := strings.Repeat("x", 10<<20)
	for name, body := range map[string]string{
		"empty": "", "garbage": "\x00\xff{]", "null": "null", "number": "17", "list": "[]", "text": `"ok"`, "object": "{}",
		"wrong types": `{"messages":{"id":1},"message":[],"data":7,"error":true,"code":{},"sid":[],"messageId":{},"id":{}}`,
		"huge":        huge, "huge JSON": `{"pad":"` + huge + `"}`,
	} {
		for _, status := range []int{c.Accepted.Status, http.StatusBadRequest, http.StatusInternalServerError} {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				t.Parallel()
				ch := c.Channel(serve(t, reply(Reply{Status: status, Body: body})).URL)
				_, err := p.Send(t.Context(), ch, c.Message())
				if name == "empty" && c.EmptyAccepted && status == c.Accepted.Status {
					if err != nil {
						t.Errorf("a yes without a body is no yes: %v", err)
					}
					return
				}
				if (name == "object" || name == "wrong types") && status == c.Accepted.Status {
					if err != nil && provider.AsError(err).Kind == provider.Temporary {
						t.Errorf("a yes that isn't understood is taken for a no: %v", err)
					}
					return // a provider that documents no answer takes any object for a yes
				}
				refused(t, ch, err, byClass(status))
			})
		}
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(c.Accepted.Status)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_, _ = io.WriteString(w, " ")
					_ = http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					return
				}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		ch := c.Channel(s.URL)
		_, err := p.Send(ctx, ch, c.Message())
		refused(t, ch, err, provider.Uncertain)
	})
}

// testNetwork breaks the call at each of its stages.
func testNetwork(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	send := func(ctx context.Context, t *testing.T, base string, want provider.Kind) {
		t.Helper()
		ch := c.Channel(base)
		_, err := p.Send(ctx, ch, c.Message())
		refused(t, ch, err, want)
	}
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		send(t.Context(), t, "http://"+closedPort(t), provider.NotSent)
	})
	t.Run("reset before the request", func(t *testing.T) {
		t.Parallel()
		send(t.Context(), t, "https://"+resettingPort(t), provider.NotSent)
	})
	t.Run("reset after the request", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			reset(w)
		})
		send(t.Context(), t, s.URL, provider.Uncertain)
	})
	t.Run("closed after the request", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		})
		send(t.Context(), t, s.URL, provider.Uncertain)
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		send(ctx, t, serve(t, hang(nil)).URL, provider.Uncertain)
	})
	t.Run("cancelled before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		send(ctx, t, serve(t, hang(nil)).URL, provider.NotSent)
	})
	t.Run("cancelled after arrival", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		send(ctx, t, serve(t, hang(cancel)).URL, provider.Uncertain)
	})
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		ch := c.Channel("http://[bad address")
		if _, err := p.Send(t.Context(), ch, c.Message()); provider.AsError(err).Kind == provider.Uncertain {
			t.Errorf("a channel without an address is in doubt: %v", err)
		}
	})
}

// hang reads the request, calls arrived if there is one, and never answers.
func hang(arrived func()) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if arrived != nil {
			arrived()
		}
		<-r.Context().Done()
	}
}

// reset ends the connection with a RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	abort(conn)
}

func abort(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// resettingPort takes connections and resets them at their first bytes, which
// are those of the TLS handshake.
func resettingPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))
			abort(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func testRetryAfter(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	at := time.Now().Add(90 * time.Second)
	for name, value := range map[string]string{"seconds": "7", "date": at.UTC().Format(http.TimeFormat), "nonsense": "soon"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := c.Channel(serve(t, reply(Reply{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {value}}})).URL)
			_, err := p.Send(t.Context(), ch, c.Message())
			refused(t, ch, err, provider.Throttled)
			e := provider.AsError(err)
			low, high := map[string]time.Duration{"seconds": 7 * time.Second, "date": 60 * time.Second}[name], 90*time.Second
			if name != "date" {
				high = low
			}
			if e.RetryAfter < low || e.RetryAfter > high {
				t.Errorf("Retry-After %q read as %s", value, e.RetryAfter)
			}
		})
	}
}

func testRedirects(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	var followed atomic.Int32
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		followed.Add(1)
		reply(c.Accepted)(w, r)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		ch := c.Channel(serve(t, reply(Reply{Status: status, Header: http.Header{"Location": {other.URL}}})).URL)
		_, err := p.Send(t.Context(), ch, c.Message())
		refused(t, ch, err, provider.Permanent)
	}
	if followed.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

// testSecrets has a vendor quote each secret back, and repeats the failures
// with the calls that aren't sends.
func testSecrets(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for name, secret := range c.Channel("").Secrets {
		if c.Quoting == nil {
			break
		}
		ch := c.Channel(serve(t, reply(c.Quoting("Malformed credential "+secret+" in request"))).URL)
		_, err := p.Send(t.Context(), ch, c.Message())
		if e := provider.AsError(err); err == nil || !strings.Contains(e.Msg, "Malformed credential") {
			t.Errorf("%s: the provider's text is lost: %v", name, err)
		} else {
			noSecret(t, ch, err.Error())
		}
	}
	ch := c.Channel("http://" + closedPort(t))
	err := p.Check(t.Context(), ch)
	if err == nil {
		t.Error("Check finds a provider where nothing listens")
		return
	}
	noSecret(t, ch, err.Error())
}

// noSecret fails when a text holds a secret of the channel.
func noSecret(t *testing.T, ch *dispatch.Channel, text string) {
	t.Helper()
	for name, secret := range ch.Secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("secret %s in %q", name, text)
		}
	}
}
