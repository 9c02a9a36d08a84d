package outbound_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/outbound"
)

// counting starts a server that counts its connections and reports when one ends.
func counting(t *testing.T, h http.HandlerFunc) (s *httptest.Server, opened *atomic.Int32, closed chan struct{}) {
	t.Helper()
	opened, closed = new(atomic.Int32), make(chan struct{}, 100)
	s = httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		switch st {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, opened, closed
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	_, _ = w.Write(b)
}

func TestDo_Connection_IsKeptAndUsedAgain(t *testing.T) {
	t.Parallel()
	s, opened, _ := counting(t, echo)
	c := outbound.New(outbound.Options{})
	for range 10 {
		res, err := c.Do(t.Context(), post(t, s.URL))
		if err != nil || string(res.Body) != `{"n":1}` {
			t.Fatalf("%q, %v", res.Body, err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for ten calls", n)
	}
}

func TestDo_ManyCallers_GetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	s, _, _ := counting(t, echo)
	c := outbound.New(outbound.Options{MaxIdleConnsPerHost: 4})
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for n := range 100 {
				want := fmt.Sprintf("%d of %d", n, caller)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				if res, err := c.Do(t.Context(), req); err != nil || string(res.Body) != want {
					t.Errorf("got %q, %v, want %q", res.Body, err, want)
				}
			}
		})
	}
	callers.Wait()
}

func TestDo_ManyAtOnce_KeepNoMoreThanAllowed(t *testing.T) {
	t.Parallel()
	var gate sync.WaitGroup
	gate.Add(8)
	s, opened, closed := counting(t, func(w http.ResponseWriter, r *http.Request) {
		gate.Done()
		gate.Wait()
		echo(w, r)
	})
	c := outbound.New(outbound.Options{MaxIdleConnsPerHost: 3})
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := c.Do(t.Context(), post(t, s.URL)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	for range 5 {
		<-closed
	}
	if n := opened.Load(); n != 8 || len(closed) != 0 {
		t.Errorf("%d connections, %d closed beyond five", n, len(closed))
	}
	c.CloseIdleConnections()
	for range 3 {
		<-closed
	}
}

func TestDo_ClosedWhileIdle_IsReplacedUnseen(t *testing.T) {
	t.Parallel()
	s, opened, closed := counting(t, echo)
	c := outbound.New(outbound.Options{})
	for range 20 {
		if _, err := c.Do(t.Context(), post(t, s.URL)); err != nil {
			t.Fatal(err)
		}
		s.CloseClientConnections()
		<-closed
	}
	if n := opened.Load(); n != 20 {
		t.Errorf("%d connections", n)
	}
}

func TestDo_IdleTooLong_IsClosed(t *testing.T) {
	t.Parallel()
	s, _, closed := counting(t, echo)
	c := outbound.New(outbound.Options{IdleTimeout: 20 * time.Millisecond})
	if _, err := c.Do(t.Context(), post(t, s.URL)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("still open")
	}
}

func TestDo_TLS_ConnectionIsKept(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	c := outbound.New(outbound.Options{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	for range 5 {
		if _, err := c.Do(t.Context(), post(t, s.URL)); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for five calls", n)
	}
}

// raw starts a server that answers each request with text, whatever it holds.
func raw(t *testing.T, answer func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { _ = c.Close() }()
				br := bufio.NewReader(c)
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					answer(c)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
	return "http://" + l.Addr().String()
}

func text(s string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, s) } }

func TestDo_OddAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		status int // 0: no answer
		body   string
	}{
		"early hints first":   {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		"chunked":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"},
		"chunked with text":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200, ""},
		"no content":          {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		"more than announced": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale", 200, "ok"},
		"not HTTP":            {"SSH-2.0-OpenSSH_9.6\r\n", 0, ""},
		"only hints":          {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20), 0, ""},
		"switches":            {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0, ""},
		"bad length":          {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", 0, ""},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := raw(t, text(c.answer))
			client := outbound.New(outbound.Options{Timeout: 2 * time.Second})
			defer client.CloseIdleConnections()
			for range 3 { // what one answer leaves behind must not become the next one's
				res, err := client.Do(t.Context(), post(t, base))
				if res.Status != c.status || string(res.Body) != c.body {
					t.Errorf("%d %q, %v", res.Status, res.Body, err)
				}
				if c.status == 0 {
					wantWritten(t, err, true)
				}
			}
		})
	}
}

func TestDo_EndlessHeader_IsCut(t *testing.T) {
	t.Parallel()
	base := raw(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-Pad: "+strings.Repeat("x", 4000)+"\r\n"); err != nil {
				return
			}
		}
	})
	_, err := outbound.New(outbound.Options{}).Do(t.Context(), post(t, base))
	wantWritten(t, err, true)
}

func TestDo_ContextEnds_CallReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"before the header": "", "within the header": "HTTP/1.1 200 OK\r\nContent-",
		"within the body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
	} {
		each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
			ctx, cancel := context.WithCancel(t.Context())
			base := raw(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, body)
				cancel()
				_, _ = conn.Read(make([]byte, 1))
			})
			start := time.Now()
			res, err := c.Do(ctx, post(t, base))
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s: returned after %s", name, took)
			}
			if err != nil {
				wantWritten(t, err, true)
			}
			// A status that came stands, its body is cut; else the context is the cause.
			if (err == nil && (res.Status != 200 || res.Cut == nil)) || (err != nil && !errors.Is(err, context.Canceled)) {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
		})
	}
}

func TestDo_UserInAddress_BecomesBasicAuth(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			_, _ = io.WriteString(w, user+" "+password+" "+r.Host+" "+r.RequestURI)
		}))
		defer s.Close()
		res, err := c.Do(t.Context(), post(t, strings.Replace(s.URL, "http://", "http://ann:s%20t@", 1)+"/p?q=1"))
		want := "ann s t " + strings.TrimPrefix(s.URL, "http://") + " /p?q=1"
		if err != nil || string(res.Body) != want {
			t.Errorf("got %q, %v, want %q", res.Body, err, want)
		}
	})
}
