package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// post makes a POST whose body can be read again, as http.NewRequest does.
func post(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// each runs a test with a client as New makes it, and with one whose calls go
// the way of net/http's transport (proxies, tests' own transports).
func each(t *testing.T, o outbound.Options, f func(t *testing.T, c *http.Client)) {
	t.Helper()
	t.Run("own", func(t *testing.T) {
		t.Parallel()
		f(t, outbound.New(o))
	})
	t.Run("net/http", func(t *testing.T) {
		t.Parallel()
		c := outbound.New(o)
		c.Transport = struct{ http.RoundTripper }{c.Transport}
		f(t, c)
	})
}

func wantKind(t *testing.T, err error, kind provider.Kind) {
	t.Helper()
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *provider.Error", err)
	}
	if e.Kind != kind {
		t.Fatalf("got %s (%v), want %s", e.Kind, err, kind)
	}
}

// reset ends a connection with a RST.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func TestDo_Answer_IsReadWithStatusAndHeader(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Echo", string(b))
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short and stout")
		}))
		defer s.Close()
		res, written, err := outbound.Do(t.Context(), c, post(t, s.URL))
		if err != nil || !written || res.Cut != nil {
			t.Fatalf("written %v, cut %v, err %v", written, res.Cut, err)
		}
		if res.Status != http.StatusTeapot || res.Header.Get("X-Echo") != `{"n":1}` || string(res.Body) != "short and stout" {
			t.Errorf("got %+v", res)
		}
	})
}

func TestDo_NothingListens_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, written, err := outbound.Do(t.Context(), c, post(t, "http://user:hunter2@"+addr+"/?key=hunter2"))
		if written {
			t.Error("written")
		}
		wantKind(t, err, provider.NotSent)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("secret in %q", err)
		}
	})
}

func TestDo_TLSNotTrusted_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		s := httptest.NewTLSServer(http.NotFoundHandler())
		s.Config.ErrorLog = discard()
		defer s.Close()
		_, written, err := outbound.Do(t.Context(), c, post(t, s.URL))
		if written {
			t.Error("written")
		}
		wantKind(t, err, provider.NotSent)
	})
}

func TestDo_TLS_CountsWhatIsBeneath(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	c := outbound.New(outbound.Options{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	_, written, err := outbound.Do(t.Context(), c, post(t, s.URL))
	if !written {
		t.Error("not written")
	}
	wantKind(t, err, provider.Uncertain)
}

func TestDo_CancelledBefore_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, written, err := outbound.Do(ctx, c, post(t, "http://127.0.0.1:9/"))
		if written || !errors.Is(err, context.Canceled) {
			t.Errorf("written %v, err %v", written, err)
		}
		wantKind(t, err, provider.NotSent)
	})
}

func TestDo_CancelledAfterArrival_Uncertain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			cancel()
			<-r.Context().Done()
		}))
		defer s.Close()
		_, written, err := outbound.Do(ctx, c, post(t, s.URL))
		if !written {
			t.Error("not written")
		}
		wantKind(t, err, provider.Uncertain)
	})
}

func TestDo_Timeout_Uncertain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{Timeout: 50 * time.Millisecond}, func(t *testing.T, c *http.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}))
		defer s.Close()
		_, _, err := outbound.Do(t.Context(), c, post(t, s.URL))
		wantKind(t, err, provider.Uncertain)
	})
}

func TestDo_ResetOnReusedConnection_IsNotSentAgain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			if calls.Add(1) == 2 {
				reset(w)
			}
		}))
		defer s.Close()
		if _, _, err := outbound.Do(t.Context(), c, post(t, s.URL)); err != nil {
			t.Fatal(err)
		}
		req := post(t, s.URL)
		req.Header.Set("Idempotency-Key", "k") // Go would take it as leave to repeat
		req.Header.Set("X-Idempotency-Key", "k")
		_, written, err := outbound.Do(t.Context(), c, req)
		if !written {
			t.Error("not written")
		}
		wantKind(t, err, provider.Uncertain)
		if n := calls.Load(); n != 2 {
			t.Errorf("the server got %d requests, want 2", n)
		}
	})
}

func TestDo_IdempotencyKey_IsNeverSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Idempotency-Key")+r.Header.Get("X-Idempotency-Key") != "" {
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		defer s.Close()
		req := post(t, s.URL)
		req.Header.Set("Idempotency-Key", "k")
		req.Header.Set("X-Idempotency-Key", "k")
		res, _, err := outbound.Do(t.Context(), c, req)
		if err != nil || res.Status != http.StatusOK {
			t.Errorf("status %d, err %v", res.Status, err)
		}
	})
}

func TestDo_Redirect_IsNotFollowed(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				http.Redirect(w, r, "/other", status)
			}))
			res, _, err := outbound.Do(t.Context(), c, post(t, s.URL))
			s.Close()
			if err != nil || res.Status != status || calls.Load() != 1 {
				t.Errorf("%d: got status %d after %d calls, err %v", status, res.Status, calls.Load(), err)
			}
		}
	})
}

func TestDo_HugeAnswer_IsCut(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 10<<20))
		}))
		defer s.Close()
		res, _, err := outbound.Do(t.Context(), c, post(t, s.URL))
		if err != nil || len(res.Body) != outbound.MaxBody || !errors.Is(res.Cut, outbound.ErrTooLong) {
			t.Errorf("%d bytes, cut %v, err %v", len(res.Body), res.Cut, err)
		}
	})
}

func TestDo_AnswerBreaksOff_StatusStands(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *http.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer s.Close()
		res, _, err := outbound.Do(t.Context(), c, post(t, s.URL))
		if err != nil || res.Status != http.StatusBadRequest || string(res.Body) != "half" || res.Cut == nil {
			t.Errorf("got %+v, err %v", res, err)
		}
	})
}

// discard is for a server whose complaints about a client are the point.
func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func TestDo_StaleConnections_AreReplacedWhileNothingIsWritten(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}))
	defer s.Close()
	c := outbound.New(outbound.Options{})
	for range 50 { // the server closes kept connections between calls: none of these may fail
		res, _, err := outbound.Do(t.Context(), c, post(t, s.URL))
		if err != nil {
			e, ok := errors.AsType[*provider.Error](err)
			if ok && e.Kind == provider.Uncertain {
				continue // closed between our write and its arrival: nobody can tell these apart
			}
			t.Fatal(err)
		}
		if string(res.Body) != `{"n":1}` {
			t.Fatalf("the body wasn't sent again whole: %q", res.Body)
		}
		s.CloseClientConnections()
	}
}
