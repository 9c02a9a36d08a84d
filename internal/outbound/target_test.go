package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/outbound"
)

// targetOf returns a target as a provider's client makes it.
func targetOf(t *testing.T, c *outbound.Client, url string) *outbound.Target {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token")
	req.Header.Set("User-Agent", "sendoff")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "k")
	to, err := c.NewTarget(req)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// captured starts a server that keeps every byte of what it gets.
func captured(t *testing.T) (base string, got func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all bytes.Buffer
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { _ = c.Close() }()
				buf := make([]byte, 64<<10)
				for {
					n, err := c.Read(buf)
					mu.Lock()
					all.Write(buf[:n])
					whole := bytes.HasSuffix(all.Bytes(), []byte("}"))
					mu.Unlock()
					if err != nil {
						return
					}
					if whole {
						_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
	return "http://" + l.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		defer all.Reset()
		return all.String()
	}
}

func TestPost_SendsWhatDoSends(t *testing.T) {
	t.Parallel()
	base, got := captured(t)
	for _, path := range []string{"/v25.0/1/messages", "/a%20b/ü?x=1&y=%2F", ""} {
		c, std := outbound.New(outbound.Options{}), outbound.New(outbound.Options{NetHTTP: true})
		t.Cleanup(c.CloseIdleConnections)
		t.Cleanup(std.CloseIdleConnections)
		for _, body := range []string{`{"n":1}`, `{"n":"` + strings.Repeat("x", 10_000) + `"}`} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer token")
			req.Header.Set("User-Agent", "sendoff")
			req.Header.Set("Content-Type", "application/json")
			if _, err := c.Do(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			want := got()
			for name, client := range map[string]*outbound.Client{"own": c, "shared": c.WithMaxBody(2), "net/http": std} {
				to := targetOf(t, client, base+path)
				for range 2 { // on a new connection and on a kept one
					res, err := client.Post(t.Context(), to, []byte(body))
					if err != nil || res.Status != 200 || string(res.Body) != "ok" || res.Cut != nil {
						t.Fatalf("%s: %+v, %v", name, res, err)
					}
					sent := strings.Replace(got(), "Accept-Encoding: identity\r\n", "", 1) // net/http's transport may add it
					if diff := cmp.Diff(want, sent); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
				}
			}
		}
	}
}

func TestPost_Faults(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{MaxBody: 10, Timeout: 5 * time.Second}, func(t *testing.T, c *outbound.Client) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gone := l.Addr().String()
		_ = l.Close()
		_, err = c.Post(t.Context(), targetOf(t, c, "http://user:hunter2@"+gone), []byte("{}"))
		wantWritten(t, err, false)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("secret in %q", err)
		}
		var n atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if n.Add(1)%2 == 0 {
				reset(w)
				return
			}
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, strings.Repeat("x", 11))
		}))
		defer s.Close()
		to := targetOf(t, c, s.URL)
		res, err := c.Post(t.Context(), to, []byte("{}"))
		if err != nil || res.Status != 429 || len(res.Body) != 10 || !errors.Is(res.Cut, outbound.ErrTooLong) ||
			res.Header().Get("Retry-After") != "7" {
			t.Errorf("%+v, %v", res, err)
		}
		if res, err = c.WithMaxBody(11).Post(t.Context(), to, []byte("{}")); err == nil {
			t.Fatalf("%+v", res)
		}
		wantWritten(t, err, true)
		if n.Load() != 2 {
			t.Errorf("%d requests: it was sent again", n.Load())
		}
		res, err = c.WithMaxBody(11).Post(t.Context(), to, []byte("{}"))
		if err != nil || len(res.Body) != 11 || res.Cut != nil || res.Header().Get("Retry-After") != "7" {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

func TestNewTarget_WhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//x/\x01"
	if _, err := outbound.New(outbound.Options{}).NewTarget(req); err == nil {
		t.Error("a request that net/http does not write became a target")
	}
}

// A kept connection watches the context that its calls have in common: its end breaks off
// each call, and none of another context.
func TestPost_CommonContextEnds_OpenCallsAreBrokenOff(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		parent, cut := context.WithCancel(t.Context())
		defer cut()
		hang := make(chan struct{}, 1)
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/hang" {
				hang <- struct{}{}
				<-r.Context().Done()
			}
		}))
		defer s.Close()
		post := func(base context.Context, path string) error {
			ctx, end := outbound.Until(base, time.Now().Add(time.Minute))
			defer end()
			_, err := c.Post(ctx, targetOf(t, c, s.URL+path), []byte("{}"))
			return err
		}
		for range 3 {
			if err := post(parent, "/"); err != nil {
				t.Fatal(err)
			}
		}
		go func() { <-hang; cut() }()
		began := time.Now()
		err := post(parent, "/hang")
		wantWritten(t, err, true)
		if !errors.Is(err, context.Canceled) || time.Since(began) > 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		err = post(parent, "/")
		wantWritten(t, err, false)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		other, end := context.WithCancel(t.Context())
		defer end()
		for _, base := range []context.Context{t.Context(), other, t.Context()} {
			if err := post(base, "/"); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.Post(other, targetOf(t, c, s.URL), []byte("{}")); err != nil {
			t.Error(err)
		}
	})
}

// A connection that was used under a context that ended serves others.
func TestPost_IdleConnectionOfAnEndedContext_ServesOthers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer s.Close()
	c := outbound.New(outbound.Options{})
	to := targetOf(t, c, s.URL)
	for range 200 {
		parent, cut := context.WithCancel(t.Context())
		ctx, end := outbound.Until(parent, time.Now().Add(time.Minute))
		if _, err := c.Post(ctx, to, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		end()
		go cut()
		if _, err := c.Post(t.Context(), to, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPost_DeadlinePasses_Uncertain(t *testing.T) {
	t.Parallel()
	each(t, outbound.Options{}, func(t *testing.T, c *outbound.Client) {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}))
		defer s.Close()
		ctx, end := outbound.Until(t.Context(), time.Now().Add(50*time.Millisecond))
		defer end()
		began := time.Now()
		_, err := c.Post(ctx, targetOf(t, c, s.URL), []byte("{}"))
		wantWritten(t, err, true)
		if took := time.Since(began); took < 40*time.Millisecond || took > 10*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}
