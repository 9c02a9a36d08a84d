package app

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// writeTime is how long one write to a client may take: the buffers of the network
// are full, and the client reads nothing.
const writeTime = 30 * time.Second

// When the process stops, a client that sends nothing is waited for at most
// lastReads, and what is left of a refused body is read until lastDrain, so that its
// client sees the answer.
const (
	lastReads = 1500 * time.Millisecond
	lastDrain = 3500 * time.Millisecond
)

// pacedListener ends connections whose clients do not read and, after stop, those
// whose clients do not end their requests.
type pacedListener struct {
	net.Listener

	mu   sync.Mutex
	open map[*pacedConn]struct{}
}

// Accept implements net.Listener.
func (l *pacedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*pacedConn]struct{}{}
	}
	p := &pacedConn{Conn: c, closed: l.forget}
	l.open[p] = struct{}{}
	return p, nil
}

func (l *pacedListener) forget(c *pacedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// stop limits the reading of requests.
func (l *pacedListener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.endReads(time.Now())
	}
}

// pacedConn sets a deadline of writeTime for every write, unless a handler has set a
// deadline, and keeps the head of the present request.
type pacedConn struct {
	net.Conn

	closed func(*pacedConn)
	set    atomic.Bool

	mu   sync.Mutex
	head []byte
	full bool      // the head has ended
	last time.Time // no read lasts longer; zero: no limit
}

// Close implements net.Conn.
func (c *pacedConn) Close() error {
	if c.closed != nil {
		c.closed(c)
	}
	return c.Conn.Close()
}

// endReads limits the present read and all later ones.
func (c *pacedConn) endReads(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = now.Add(lastDrain)
	_ = c.Conn.SetReadDeadline(now.Add(lastReads)) // an error: it is closed
}

// SetReadDeadline implements net.Conn.
func (c *pacedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() && (t.IsZero() || t.After(c.last)) {
		t = c.last
	}
	return c.Conn.SetReadDeadline(t)
}

// mostHead is how much of a head is kept, in bytes.
const mostHead = 8 << 10

// Read implements net.Conn.
func (c *pacedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.full {
		c.head = append(c.head, b[:min(n, mostHead-len(c.head))]...)
		c.full = len(c.head) == mostHead || bytes.Contains(c.head, []byte("\r\n\r\n"))
	}
	return n, err
}

// next forgets the head: another request follows.
func (c *pacedConn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.full = c.head[:0], false
}

// hasLength reports whether the head names a length of the body, which net/http
// removes from a chunked request.
func (c *pacedConn) hasLength() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, _, _ := bytes.Cut(c.head, []byte("\r\n\r\n"))
	return bytes.Contains(bytes.ToLower(head), []byte("\ncontent-length"))
}

type connKey struct{}

// oneLength makes srv refuse requests that have Content-Length and are chunked: a
// proxy in front may have read another body than we do (RFC 9112, 6.3). The
// connection of a chunked request is closed after the answer.
func oneLength(srv *http.Server) {
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if p, ok := c.(*pacedConn); ok && s == http.StateIdle {
			p.next()
		}
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
			if p, ok := r.Context().Value(connKey{}).(*pacedConn); ok && p.hasLength() {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(twoLengths)) // the client has gone if this fails
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

const twoLengths = `{"type":"https://sendoff.dev/problems/malformed_request","title":"Bad Request",` +
	`"status":400,"code":"malformed_request",` +
	`"detail":"the request has Content-Length and Transfer-Encoding; send one of them"}`

// Write implements net.Conn.
func (c *pacedConn) Write(b []byte) (int, error) {
	if !c.set.Load() {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// SetWriteDeadline implements net.Conn.
func (c *pacedConn) SetWriteDeadline(t time.Time) error {
	c.set.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *pacedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
