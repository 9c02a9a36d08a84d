package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counted counts the reads of single bytes, which are net/http's watches.
type counted struct {
	net.Listener
	ones *atomic.Int32
}

type countedConn struct {
	*net.TCPConn
	ones *atomic.Int32
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.TCPConn), l.ones}, nil
}

func (c countedConn) Read(b []byte) (int, error) {
	if len(b) == 1 {
		c.ones.Add(1)
	}
	return c.TCPConn.Read(b)
}

// watched serves h as the front door does. It returns the address and the number of reads
// of single bytes that reached the network.
func watched(t *testing.T, h http.HandlerFunc) (addr string, ones *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ones = new(atomic.Int32)
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	OneLength(srv)
	go func() { _ = srv.Serve(&Listener{Listener: counted{l, ones}}) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String(), ones
}

// askOn sends a request and reads the answer's body.
func askOn(t *testing.T, c net.Conn, br *bufio.Reader, request string) string {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return answerOn(t, br)
}

func answerOn(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	sent  = "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	asked = "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
)

func dialedTo(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c, bufio.NewReader(c)
}

// The context of a request ends when its client leaves, whether its connection has served
// short and long ones before or not.
func TestWatch_ClientLeaves_ContextEnds(t *testing.T) {
	t.Parallel()
	began, ended := make(chan bool), make(chan bool, 1)
	addr, _ := watched(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/slow":
			time.Sleep(3 * watchAfter)
		case "/hang":
			began <- true
			select {
			case <-r.Context().Done():
				ended <- true
			case <-time.After(20 * time.Second):
				ended <- false
			}
		}
	})
	for name, before := range map[string][]string{"at once": nil, "after others": {"quick", "slow", "quick"}} {
		for kind, request := range map[string]string{"POST": sent, "GET": asked} {
			c, br := dialedTo(t, addr)
			for _, path := range before {
				askOn(t, c, br, fmt.Sprintf(request, path))
			}
			if _, err := fmt.Fprintf(c, request, "hang"); err != nil {
				t.Fatal(err)
			}
			<-began
			_ = c.Close()
			if !<-ended {
				t.Errorf("%s %s: the context did not end", kind, name)
			}
		}
	}
}

// Requests that are sent before the answer to the one before, or right after a long one,
// are served, each once and in order; the context of none ends.
func TestWatch_Pipelined_EachIsServed(t *testing.T) {
	t.Parallel()
	addr, _ := watched(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasPrefix(r.URL.Path, "/slow") {
			time.Sleep(4 * watchAfter)
		}
		if r.Context().Err() != nil {
			t.Errorf("%s: %v", r.URL.Path, r.Context().Err())
		}
		_, _ = io.WriteString(w, r.URL.Path)
	})
	c, br := dialedTo(t, addr)
	if _, err := fmt.Fprintf(c, sent+asked+sent, "slow1", "b", "c"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/slow1", "/b", "/c"} {
		if got := answerOn(t, br); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, err := fmt.Fprintf(c, sent, "slow2"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * watchAfter) // it is watched
	if _, err := fmt.Fprintf(c, sent, "e"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/slow2", "/e"} {
		if got := answerOn(t, br); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for range 3 {
		if got := askOn(t, c, br, fmt.Sprintf(sent, "slow3")); got != "/slow3" {
			t.Errorf("got %s", got)
		}
		time.Sleep(watchAfter / 5)
	}
}

// Short requests have no watch on the network. A head that leaves one byte of net/http's
// buffer free is read all the same.
func TestWatch_ShortRequests_HaveNone(t *testing.T) {
	t.Parallel()
	addr, ones := watched(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, r.Header.Get("X-Pad"))
	})
	c, br := dialedTo(t, addr)
	for range 50 {
		askOn(t, c, br, fmt.Sprintf(sent, "x"))
		askOn(t, c, br, fmt.Sprintf(asked, "x"))
	}
	if n := ones.Load(); n != 0 {
		t.Errorf("%d watches for 100 requests", n)
	}
	const head = "GET / HTTP/1.1\r\nHost: x\r\nX-Pad: "
	for size := 4085; size <= 4130; size++ {
		pad := strings.Repeat("p", size-len(head))
		if _, err := io.WriteString(c, head+pad); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // so that it comes in a piece of its own
		if got := askOn(t, c, br, "qq\r\n\r\n"); got != pad+"qq" {
			t.Errorf("head of %d bytes: read %d bytes of %d", size, len(got), len(pad)+2)
		}
	}
}

func TestWatch_IdleAfterALongRequest_TimesOut(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(3 * watchAfter) }), IdleTimeout: 2 * watchAfter,
	}
	OneLength(srv)
	go func() { _ = srv.Serve(&Listener{Listener: l}) }()
	t.Cleanup(func() { _ = srv.Close() })
	c, br := dialedTo(t, l.Addr().String())
	askOn(t, c, br, fmt.Sprintf(asked, "x"))
	began := time.Now()
	if _, err := br.ReadByte(); err != io.EOF || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
