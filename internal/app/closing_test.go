package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

// echo starts a server that returns bodies, and returns its parts and its address.
func echo(t *testing.T) (p *parts, addr string) {
	t.Helper()
	p = &parts{log: slog.New(slog.DiscardHandler), stopTime: serveStopTime}
	addr, err := p.listen("test", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return p, addr
}

// ask posts a body that no client repeats by itself, and reports whether the answer
// closes the connection.
func ask(ctx context.Context, client *http.Client, addr string) (last bool, err error) {
	const body = "a request"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return false, err
	}
	req.ContentLength = int64(len(body))
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && string(got) != body {
		err = errors.New("another body came back")
	}
	return resp.Close, err
}

// dialed reports whether err came before there was a connection.
func dialed(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// While a server stops, it answers each request whose connection it has accepted; the
// others never reach it, so that a balancer may give them to another one.
func TestStop_AnswersWhatItHasAccepted(t *testing.T) {
	t.Parallel()
	for range 20 {
		p, addr := echo(t)
		var wg sync.WaitGroup
		var answered atomic.Int64
		for range 8 {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			wg.Go(func() {
				for {
					_, err := ask(t.Context(), client, addr)
					switch {
					case err == nil:
						answered.Add(1)
						continue
					case !dialed(err) && !errors.Is(err, syscall.ECONNRESET): // which the kernel does, of one that nobody accepted
						t.Errorf("not answered: %v", err)
					}
					return
				}
			})
		}
		wait.For(t, time.Minute, func() error {
			if answered.Load() < 100 {
				return errors.New("no load yet")
			}
			return nil
		})
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// kept returns a function that sends a request on one connection, again and again, and reports whether
// its answer says that it is the last one. (A client of net/http keeps the connection a moment after an
// answer.)
func kept(t *testing.T, addr, request string) (again func() (last bool, err error)) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	in := bufio.NewReader(c)
	return func() (last bool, err error) {
		if _, err := io.WriteString(c, request); err != nil {
			return false, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return false, err
		}
		defer func() { _ = resp.Body.Close() }()
		_, err = io.ReadAll(resp.Body)
		return resp.Close, err
	}
}

// refuses waits until nobody listens on addr.
func refuses(t *testing.T, addr string) {
	t.Helper()
	wait.For(t, time.Minute, func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil
		}
		_ = c.Close()
		return errors.New("it still listens")
	})
}

// A connection that is kept brings one more request, and its answer says that it ends: also
// where the handler of the one before ends after the stop has begun, with an answer from before it.
func TestStop_AnswersOnKeptConnections(t *testing.T) {
	t.Parallel()
	for _, slow := range []bool{false, true} {
		p, goOn := &parts{log: slog.New(slog.DiscardHandler), stopTime: serveStopTime}, make(chan struct{})
		addr, err := p.listen("test", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			<-goOn
		}))
		if err != nil {
			t.Fatal(err)
		}
		if !slow {
			close(goOn)
		}
		again := kept(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na request")
		if last, err := again(); err != nil || last {
			t.Fatalf("slow=%v: the first one: %v, %v", slow, last, err)
		}
		stopped := make(chan error, 1)
		go func() { stopped <- p.stop() }()
		refuses(t, addr)
		if slow {
			close(goOn)
		}
		if last, err := again(); err != nil || !last {
			t.Errorf("slow=%v: the last one: %v, %v", slow, last, err)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
}
