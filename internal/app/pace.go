package app

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

	leaving atomic.Bool // the process stops
	mu      sync.Mutex
	open    map[*pacedConn]struct{}
	looking bool // look comes again
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
	if sc, ok := c.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn() // without it net/http watches
	}
	l.open[p] = struct{}{}
	if !l.looking {
		l.looking = true
		time.AfterFunc(watchAfter, l.look)
	}
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
	phase  atomic.Int32
	watch

	mu      sync.Mutex
	head    []byte
	full    bool      // the head has ended
	last    time.Time // no read lasts longer; zero: no limit
	wanted  time.Time // the deadline of the next read
	applied time.Time // the deadline that Conn has
	reads   int       // under way
}

// Close implements net.Conn.
func (c *pacedConn) Close() error {
	if c.closed != nil {
		c.closed(c)
	}
	c.left()
	return c.Conn.Close()
}

// endReads limits the present read and all later ones.
func (c *pacedConn) endReads(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.wanted = now.Add(lastDrain), now.Add(lastReads)
	_ = c.apply() // an error: it is closed
}

// SetReadDeadline implements net.Conn. The deadline takes effect at once for a read that
// is under way, else with the next one: net/http sets eight for a request whose bytes come
// with two reads.
func (c *pacedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() && (t.IsZero() || t.After(c.last)) {
		t = c.last
	}
	c.wanted = t
	if c.reads == 0 {
		return nil
	}
	return c.apply()
}

// apply gives Conn the deadline that is wanted. The caller holds mu.
func (c *pacedConn) apply() error {
	if c.wanted.Equal(c.applied) {
		return nil
	}
	c.applied = c.wanted
	return c.Conn.SetReadDeadline(c.wanted)
}

// mostHead is how much of a head is kept, in bytes.
const mostHead = 8 << 10

// Read implements net.Conn.
func (c *pacedConn) Read(b []byte) (int, error) {
	if len(b) == 1 && c.putOff() {
		return 0, nil
	}
	if err := c.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads--
	if !c.full {
		c.head = append(c.head, b[:min(n, mostHead-len(c.head))]...)
		c.full = len(c.head) == mostHead || bytes.Contains(c.head, []byte("\r\n\r\n"))
	}
	return n, err
}

// begin notes a read and sets its deadline.
func (c *pacedConn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.apply(); err != nil {
		return err
	}
	c.reads++
	return nil
}

// next forgets the head: another request follows.
func (c *pacedConn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.full = c.head[:0], false
	c.over()
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
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if p, ok := c.(*pacedConn); ok {
			ctx = p.until(ctx)
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		p, ok := c.(*pacedConn)
		switch {
		case ok && s == http.StateIdle:
			p.next()
			p.phase.Store(int32(waiting))
		case ok && s == http.StateActive:
			p.phase.Store(int32(reading))
		}
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(connKey{}).(*pacedConn)
		if ok {
			p.phase.Store(int32(handled))
		}
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
			if ok && p.hasLength() {
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

const (
	// lastConnections bounds the wait for a moment in which no client waits to be
	// connected.
	lastConnections = 200 * time.Millisecond
	// lastIdle is how long an idle connection stays open for a request that may be on its
	// way already. The answer says that the connection is closed.
	lastIdle    = 500 * time.Millisecond
	closingTick = time.Millisecond
)

// leave takes no more connections and waits until no request is on its way to us, so
// that http.Server.Shutdown loses none: it closes a connection whose request it has read
// without an answer, and the kernel resets those that nobody has accepted. served is
// closed when the server has taken its last connection.
func (l *pacedListener) leave(ctx context.Context, served <-chan struct{}) {
	l.leaving.Store(true)
	began := time.Now()
	tick := time.NewTicker(closingTick)
	defer tick.Stop()
	until := func(over func() bool) {
		for !over() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
	until(func() bool { return l.refuse() || time.Since(began) > lastConnections })
	_ = l.Close() // an error: it is closed
	select {
	case <-ctx.Done():
	case <-served:
	}
	l.stop()
	until(func() bool {
		fresh, idle := l.count()
		took := time.Since(began)
		return fresh == 0 && (idle == 0 || took > lastIdle) || took > lastReads
	})
}

// refuse has the kernel refuse connections from now on if it holds none that is not
// accepted yet, and reports whether it does. The listener's Close alone takes effect only
// when the goroutine that accepts has noticed, with connections that have come since.
func (l *pacedListener) refuse() (done bool) {
	c, ok := l.Listener.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	done = true
	_ = raw.Control(func(fd uintptr) { // an error: it is closed
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		if done = err == nil && n == 0; done {
			_ = unix.Shutdown(int(fd), unix.SHUT_RDWR) // Linux alone can
		}
	})
	return done
}

// count returns how many connections have not brought their first request to its
// handler, or are reading one, and how many are idle after an answer.
func (l *pacedListener) count() (fresh, idle int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		switch phase(c.phase.Load()) {
		case reading:
			fresh++
		case waiting:
			idle++
		case handled:
		}
	}
	return fresh, idle
}

// phase is where a connection stands.
type phase int32

const (
	reading phase = iota // new, or with a request that has no handler yet
	handled              // its request is in a handler
	waiting              // its request is answered
)

// closing has answers say that the connection is closed once the process stops.
func closing(h http.Handler, leaving *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// watchAfter is about how long a request is handled before somebody looks whether its
// client is still there, which ends its context otherwise.
const watchAfter = 250 * time.Millisecond

// watch looks whether a client is still there, in net/http's place: that starts a
// goroutine for each request, whose read of one byte it breaks off when the answer is
// written, for requests that take milliseconds. Here that read ends at once with nothing,
// which ends it without a word, and the listener has the few that take long watched.
type watch struct {
	raw   syscall.RawConn // nil: net/http watches
	off   atomic.Bool     // net/http's watch of the present request was put off
	turn  atomic.Uint32   // counts requests
	busy  atomic.Bool     // it is watched
	seen  uint32          // turn at the last look, plus one; of the listener
	mu    sync.Mutex
	leave context.CancelFunc // ends the context of all requests of the connection
}

// putOff ends net/http's watch of a request, which is its read of a single byte, and
// reports whether it does. A second such read is none: a buffer may have one byte left.
func (w *watch) putOff() bool { return w.raw != nil && w.off.CompareAndSwap(false, true) }

// over notes that a request is answered.
func (w *watch) over() {
	w.turn.Add(1)
	w.off.Store(false)
}

// until returns a context for the requests of the connection, which ends with it.
func (w *watch) until(ctx context.Context) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, w.leave = context.WithCancel(ctx)
	return ctx
}

// left ends the context of the requests.
func (w *watch) left() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leave != nil {
		w.leave()
	}
}

// look has the clients watched whose request has been handled since the last look.
func (l *pacedListener) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looking = len(l.open) > 0; !l.looking {
		return
	}
	for c := range l.open {
		if !c.off.Load() {
			continue
		}
		turn := c.turn.Load() + 1
		if c.seen == turn && c.busy.CompareAndSwap(false, true) {
			go c.watchClient()
		}
		c.seen = turn
	}
	time.AfterFunc(watchAfter, l.look)
}

// watchClient waits until the client closes the connection, which ends the context of its
// request, or sends another request. It counts as a read: later ones wait for it.
func (c *pacedConn) watchClient() {
	defer c.busy.Store(false)
	if c.begin() != nil {
		return
	}
	gone := false
	err := c.raw.Read(func(fd uintptr) (done bool) {
		for {
			var b [1]byte
			n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case errors.Is(err, unix.EAGAIN):
				return false
			}
			gone = err != nil || n == 0
			return true
		}
	})
	c.mu.Lock()
	c.reads--
	c.mu.Unlock()
	if gone || (err != nil && !errors.Is(err, os.ErrDeadlineExceeded)) {
		c.left()
	}
}
