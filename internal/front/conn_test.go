package front

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// written notes the deadline of writes.
type written struct {
	net.Conn

	deadline time.Time
}

func (w *written) Write(b []byte) (int, error)        { return len(b), nil }
func (w *written) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

// Every write has a deadline of its own; that of a handler stands.
func TestPacedConn_Write_HasADeadline(t *testing.T) {
	t.Parallel()
	w := &written{}
	c := &conn{Conn: w}
	write := func() time.Duration {
		t.Helper()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		return time.Until(w.deadline)
	}
	if left := write(); left < writeTime-5*time.Second || left > writeTime {
		t.Errorf("a write may take %v", left)
	}
	for at, want := range map[time.Duration]bool{time.Second: true, time.Hour: false} {
		if err := c.SetWriteDeadline(time.Now().Add(at)); err != nil {
			t.Fatal(err)
		}
		if left := write(); (left <= time.Second) != want {
			t.Errorf("a handler's deadline in %v became %v", at, left)
		}
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if left := write(); left > writeTime {
		t.Errorf("after a handler's: %v", left)
	}
}

// A body with two lengths is refused, and a chunked one ends its connection: what
// follows on it may be what a proxy took for a body.
func TestOneLength_ContentLengthAndChunked_IsRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}
	OneLength(srv)
	go func() { _ = srv.Serve(&Listener{Listener: l}) }()
	t.Cleanup(func() { _ = srv.Close() })
	const (
		plain   = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
		chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
	)
	both := strings.Replace(chunked, "Host: a", "Host: a\r\ncontent-LENGTH: 40", 1)
	for _, c := range []struct {
		requests []string
		codes    []int
		closed   bool
	}{
		{[]string{plain, plain}, []int{200, 200}, false},
		{[]string{plain, chunked}, []int{200, 200}, true},
		{[]string{both}, []int{400}, true},
		{[]string{plain, plain, both}, []int{200, 200, 400}, true},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		for i, request := range c.requests {
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if last := i == len(c.requests)-1; resp.StatusCode != c.codes[i] || resp.Close != (last && c.closed) {
				t.Errorf("%d of %d: %d %s, closes: %v", i+1, len(c.requests), resp.StatusCode, body, resp.Close)
			}
		}
		_ = conn.Close()
	}
}

// deadlines counts the deadlines that a connection gets.
type deadlines struct {
	net.Conn
	n int
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.n++
	return d.Conn.SetReadDeadline(t)
}

// A read has the deadline that was set last before it or, at once, during it. Others cost
// nothing.
func TestPacedConn_ReadDeadline_IsThatOfTheRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer func() { _ = client.Close() }()
		under := &deadlines{Conn: server}
		c := &conn{Conn: under}
		defer func() { _ = c.Close() }()
		set := func(in time.Duration) {
			t.Helper()
			at := time.Time{}
			if in != 0 {
				at = time.Now().Add(in)
			}
			if err := c.SetReadDeadline(at); err != nil {
				t.Error(err)
			}
		}
		read := func() (took time.Duration, err error) {
			began := time.Now()
			_, err = c.Read(make([]byte, 8))
			return time.Since(began), err
		}
		times := func(want int) {
			t.Helper()
			if under.n != want {
				t.Errorf("%d deadlines, want %d", under.n, want)
			}
		}
		for range 5 {
			set(time.Hour)
			set(time.Second)
		}
		times(0)
		if took, err := read(); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %s", err, took)
		}
		times(1)
		set(0)
		set(-time.Hour)
		set(0)
		go func() {
			time.Sleep(time.Minute)
			set(-time.Hour)
		}()
		if took, err := read(); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Minute {
			t.Errorf("%v after %s", err, took)
		}
		times(3)
		set(0)
		go func() { _, _ = client.Write([]byte("x")) }()
		if _, err := read(); err != nil {
			t.Error(err)
		}
		times(4)
		go func() {
			time.Sleep(time.Minute)
			c.endReads(time.Now())
		}()
		if took, err := read(); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Minute+lastReads {
			t.Errorf("%v after %s", err, took)
		}
		set(0) // is limited by the end of the process
		if took, err := read(); !errors.Is(err, os.ErrDeadlineExceeded) || took != lastDrain-lastReads {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// Deadlines that follow each other closely share one, which ends nothing much too early.
func TestPacedConn_CloseDeadlines_ShareOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		under := &deadlines{Conn: server}
		c := &conn{Conn: under}
		defer func() { _ = errors.Join(client.Close(), c.Close()) }()
		go func() {
			for range 3 {
				time.Sleep(slack / 3)
				_, _ = client.Write([]byte("x"))
			}
		}()
		for range 3 {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if under.n != 1 {
			t.Errorf("%d deadlines for reads within %s", under.n, slack)
		}
		began := time.Now()
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, err := c.Read(make([]byte, 1))
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took > time.Second || took <= time.Second-slack {
			t.Errorf("%v after %s", err, took)
		}
		w := &written{}
		out, set := &conn{Conn: w}, 0
		for at := time.Duration(0); at < time.Second; at += slack / 5 {
			if _, err := out.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if left := time.Until(w.deadline); left > writeTime || left <= writeTime-slack {
				t.Errorf("a write after %s may take %v", at, left)
			}
			if last := w.deadline; out.SetWriteDeadline(time.Time{}) == nil && !w.deadline.Equal(last) {
				t.Errorf("a deadline was taken away that nobody had set")
			}
			if time.Until(w.deadline) == writeTime {
				set++
			}
			time.Sleep(slack / 5)
		}
		if set != int(time.Second/slack) {
			t.Errorf("%d deadlines for writes within a second", set)
		}
	})
}
