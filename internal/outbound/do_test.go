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

// each runs a test with a client as New makes it for providers, and with one
// whose calls all go through net/http.
func each(t *testing.T, o outbound.Options, f func(t *testing.T, c *outbound.Client)) {
	t.Helper()
	for name, netHTTP := range map[string]bool{"own": false, "net/http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.NetHTTP = netHTTP
			f(t, outbound.New(o))
		})
	}
}

// wantWritten checks that err is an *outbound.Error and what it reports.
func wantWritten(t *testing.T, err error, written bool) {
	t.Helper()
	e, ok := errors.AsType[*outbound.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *outbound.Error", err)
	}
	if e.Written != written {
		t.Fatalf("%v: written %v, want %v", err, e.Written, written)
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
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Echo", string(b))
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short and stout")
		}))
		defer s.Close()
		res, err := c.Do(t.Context(), post(t, s.URL))
		if err != nil || res.Cut != nil {
			t.Fatalf("cut %v, err %v", res.Cut, err)
		}
		if res.Status != http.StatusTeapot || res.Header().Get("X-Echo") != `{"n":1}` || string(res.Body) != "short and stout" {
			t.Errorf("got %+v", res)
		}
	})
}

func TestDo_NothingListens_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), post(t, "http://user:hunter2@"+addr+"/?key=hunter2"))
		wantWritten(t, err, false)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("secret in %q", err)
		}
	})
}

func TestDo_TLSNotTrusted_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewTLSServer(http.NotFoundHandler())
		s.Config.ErrorLog = discard()
		defer s.Close()
		_, err := c.Do(t.Context(), post(t, s.URL))
		wantWritten(t, err, false)
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
	_, err := c.Do(t.Context(), post(t, s.URL))
	wantWritten(t, err, true)
}

func TestDo_CancelledBefore_NotSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Do(ctx, post(t, "http://127.0.0.1:9/"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("err %v", err)
		}
		wantWritten(t, err, false)
	})
}

func TestDo_CancelledAfterArrival_Uncertain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			cancel()
			<-r.Context().Done()
		}))
		defer s.Close()
		_, err := c.Do(ctx, post(t, s.URL))
		wantWritten(t, err, true)
	})
}

func TestDo_Timeout_Uncertain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{Timeout: 50 * time.Millisecond}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}))
		defer s.Close()
		_, err := c.Do(t.Context(), post(t, s.URL))
		wantWritten(t, err, true)
	})
}

func TestDo_ResetOnReusedConnection_IsNotSentAgain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			if calls.Add(1) == 2 {
				reset(w)
			}
		}))
		defer s.Close()
		if _, err := c.Do(t.Context(), post(t, s.URL)); err != nil {
			t.Fatal(err)
		}
		req := post(t, s.URL)
		req.Header.Set("Idempotency-Key", "k") // Go would take it as leave to repeat
		req.Header.Set("X-Idempotency-Key", "k")
		_, err := c.Do(t.Context(), req)
		wantWritten(t, err, true)
		if n := calls.Load(); n != 2 {
			t.Errorf("the server got %d requests, want 2", n)
		}
	})
}

func TestDo_IdempotencyKey_IsNeverSent(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Idempotency-Key")+r.Header.Get("X-Idempotency-Key") != "" {
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		defer s.Close()
		req := post(t, s.URL)
		req.Header.Set("Idempotency-Key", "k")
		req.Header.Set("X-Idempotency-Key", "k")
		res, err := c.Do(t.Context(), req)
		if err != nil || res.Status != http.StatusOK {
			t.Errorf("status %d, err %v", res.Status, err)
		}
	})
}

func TestDo_Redirect_IsNotFollowed(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				http.Redirect(w, r, "/other", status)
			}))
			res, err := c.Do(t.Context(), post(t, s.URL))
			s.Close()
			if err != nil || res.Status != status || calls.Load() != 1 {
				t.Errorf("%d: got status %d after %d calls, err %v", status, res.Status, calls.Load(), err)
			}
		}
	})
}

func TestDo_HugeAnswer_IsCut(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 10<<20))
		}))
		defer s.Close()
		res, err := c.Do(t.Context(), post(t, s.URL))
		if err != nil || len(res.Body) != outbound.MaxBody || !errors.Is(res.Cut, outbound.ErrTooLong) {
			t.Errorf("%d bytes, cut %v, err %v", len(res.Body), res.Cut, err)
		}
	})
}

func TestDo_AnswerBreaksOff_StatusStands(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer s.Close()
		res, err := c.Do(t.Context(), post(t, s.URL))
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
		res, err := c.Do(t.Context(), post(t, s.URL))
		if err != nil {
			if e, ok := errors.AsType[*outbound.Error](err); ok && e.Written {
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
