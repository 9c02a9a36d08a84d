package engine

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Serve answers HTTP/1.1 on l until Close. It is for loopback, in the benchmark
// and beside it: there the emulator shares the machine with what it serves, and
// net/http's server, which watches each connection with a goroutine of its own
// while a handler runs, costs about 20 µs of CPU more per call. Server is an
// http.Handler, too, where that doesn't matter.
func (s *Server) Serve(l net.Listener) error {
	s.done.Add(1) // so that Close doesn't finish while a connection may still come in
	defer s.done.Done()
	s.done.Go(func() {
		<-s.closing.Done()
		_ = l.Close() // it only ends the loop below
	})
	for {
		c, err := l.Accept()
		if err != nil {
			if s.closing.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept connection: %w", err)
		}
		s.done.Go(func() { s.serve(c) })
	}
}

// serve answers the requests of one connection.
func (s *Server) serve(c net.Conn) {
	w := &writer{conn: c, out: bufio.NewWriter(c), header: make(http.Header)}
	w.in = bufio.NewReader(c)
	s.conns.Store(w, struct{}{})
	defer func() {
		s.conns.Delete(w)
		if !w.hijacked {
			_ = c.Close()
		}
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			slog.Error("emulator handler panicked", "panic", p)
		}
	}()
	client := c.RemoteAddr().String()
	for s.closing.Err() == nil {
		r, err := http.ReadRequest(w.in)
		if err != nil {
			return
		}
		r.RemoteAddr = client
		if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		w.reset()
		s.ServeHTTP(w, r)
		if w.hijacked || !w.finish(r) {
			return
		}
	}
}

// writer is the answer to one request, gathered and sent at once.
type writer struct {
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer
	header   http.Header
	status   int
	body     []byte
	second   int64  // of date
	date     string // as in a header
	hijacked bool
}

// Header is the answer's header.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sets the status.
func (w *writer) WriteHeader(status int) { w.status = status }

// Write adds to the body.
func (w *writer) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}

// Hijack hands over the connection.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return w.conn, bufio.NewReadWriter(w.in, w.out), nil
}

// hold waits until the client goes or sends on, at most for d.
func (w *writer) hold(d time.Duration) {
	_ = w.conn.SetReadDeadline(time.Now().Add(d))
	_, _ = w.in.Peek(1)
}

func (w *writer) reset() {
	clear(w.header)
	w.status, w.body = http.StatusOK, w.body[:0]
}

// finish sends the answer, and reports whether the connection may serve another.
func (w *writer) finish(r *http.Request) bool {
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxRequest))
	again := err == nil && n < maxRequest && !r.Close
	w.line("HTTP/1.1 ", strconv.Itoa(w.status), " ", http.StatusText(w.status))
	if now := time.Now(); now.Unix() != w.second {
		w.second, w.date = now.Unix(), now.UTC().Format(http.TimeFormat)
	}
	w.line("Date: ", w.date)
	for k, vs := range w.header {
		for _, v := range vs {
			w.line(k, ": ", v)
		}
	}
	if w.status != http.StatusNoContent {
		w.line("Content-Length: ", strconv.Itoa(len(w.body)))
	}
	if !again {
		w.line("Connection: close")
	}
	w.line()
	if r.Method != http.MethodHead {
		_, _ = w.out.Write(w.body)
	}
	return w.out.Flush() == nil && again
}

// line writes one line of the header; Flush returns errors.
func (w *writer) line(parts ...string) {
	for _, p := range parts {
		_, _ = w.out.WriteString(p)
	}
	_, _ = w.out.WriteString("\r\n")
}
