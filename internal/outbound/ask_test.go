package outbound_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sendoff/sendoff/internal/outbound"
)

// server starts a server of http or https and returns a client that trusts it.
func server(t *testing.T, scheme string, s *httptest.Server) *outbound.Client {
	t.Helper()
	t.Cleanup(s.Close)
	if scheme == "http" {
		s.Start()
		return outbound.New(outbound.Options{})
	}
	s.StartTLS()
	return outbound.New(outbound.Options{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
}

// However many kept connections the server has closed: a call finds that out before it
// writes.
func TestPost_AllKeptConnectionsClosed_NoneIsWrittenTo(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			const calls = 8
			var all sync.WaitGroup
			all.Add(calls)
			var requests atomic.Int32
			closed := make(chan struct{}, calls)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) <= calls { // each on a connection of its own
					all.Done()
					all.Wait()
				}
				echo(w, r)
			}))
			s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
				if st == http.StateClosed {
					closed <- struct{}{}
				}
			}
			c := server(t, scheme, s)
			to := targetOf(t, c, s.URL)
			var wg sync.WaitGroup
			for range calls {
				wg.Go(func() {
					if _, err := c.Post(t.Context(), to, []byte("{}")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s.CloseClientConnections()
			for range calls {
				<-closed
			}
			if res, err := c.Post(t.Context(), to, []byte(`{"n":1}`)); err != nil || string(res.Body) != `{"n":1}` {
				t.Errorf("%q, %v", res.Body, err)
			}
			if n := requests.Load(); n != calls+1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// corked is a connection that writes once what has been written to it until it is
// uncorked.
type corked struct {
	net.Conn
	cork bool
	held []byte
}

func (c *corked) Write(b []byte) (int, error) {
	if !c.cork {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

type corkedListener struct{ net.Listener }

func (l corkedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &corked{Conn: c}, err
}

// An answer that comes together with the one before, unasked, is none to the next call,
// which is made all the same.
func TestPost_AnswerThatNobodyAskedFor_IsNotTaken(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = c.Close() }()
				beneath, ok := c.(*corked)
				if secure, isTLS := c.(*tls.Conn); isTLS {
					beneath, ok = secure.NetConn().(*corked)
				}
				if !ok {
					t.Errorf("%T", c)
					return
				}
				beneath.cork = true
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
				_, _ = io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 6\r\n\r\nothers") // with TLS a record of its own
				beneath.cork = false
				_, _ = beneath.Write(beneath.held)
				_, _ = io.Copy(io.Discard, c) // until the client closes
			}))
			s.Listener = corkedListener{s.Listener}
			c := server(t, scheme, s)
			to := targetOf(t, c, s.URL)
			for range 20 {
				if res, err := c.Post(t.Context(), to, []byte("{}")); err != nil || res.Status != 200 || string(res.Body) != "mine" {
					t.Fatalf("%d %q, %v", res.Status, res.Body, err)
				}
			}
			if n := requests.Load(); n != 20 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestPost_BodiesOfAllLengths(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
			c := server(t, scheme, s).WithMaxBody(16 << 20)
			to := targetOf(t, c, s.URL)
			for _, n := range []int{1, 1000, 3900, 4096, 7800, 8100, 9000, 70_000, 8 << 20} {
				for range 2 { // on a new connection and on a kept one
					body := strings.Repeat("x", n)
					if res, err := c.Post(t.Context(), to, []byte(body)); err != nil || string(res.Body) != body {
						t.Fatalf("%d bytes: %d, %v", n, len(res.Body), err)
					}
				}
			}
		})
	}
}
