package front

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// writeTime is how long one write to a client may take: the buffers of the network
// are full, and the client reads nothing.
const writeTime = 30 * time.Second

// slack is how much earlier a deadline may end a read or a write: those that follow each other
// share one, as setting it costs about as much as a small answer.
const slack = 50 * time.Millisecond

// When the process stops, a client that sends nothing is waited for at most
// lastReads, and what is left of a refused body is read until lastDrain, so that its
// client sees the answer.
const (
	lastReads = 1500 * time.Millisecond
	lastDrain = 3500 * time.Millisecond
)

// conn sets a deadline of writeTime for every write, unless a handler has set a
// deadline, and keeps the head of the present request.
type conn struct {
	net.Conn

	closed func(*conn)
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
	written time.Time // the deadline of writes that Conn has, unless a handler has set one
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.closed != nil {
		c.closed(c)
	}
	c.left()
	return c.Conn.Close()
}

// endReads limits the present read and all later ones.
func (c *conn) endReads(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.wanted = now.Add(lastDrain), now.Add(lastReads)
	_ = c.apply() // an error: it is closed
}

// SetReadDeadline implements net.Conn. The deadline takes effect at once for a read that
// is under way, else with the next one: net/http sets eight for a request whose bytes come
// with two reads.
func (c *conn) SetReadDeadline(t time.Time) error {
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

// apply sets the wanted deadline of Conn. The caller holds mu.
func (c *conn) apply() error {
	if c.wanted.Equal(c.applied) || near(c.applied, c.wanted) {
		return nil
	}
	c.applied = c.wanted
	return c.Conn.SetReadDeadline(c.wanted)
}

// near reports whether the deadline set does for wanted.
func near(set, wanted time.Time) bool {
	d := wanted.Sub(set)
	return d >= 0 && d < slack && !set.IsZero()
}

// mostHead is how much of a head is kept, in bytes.
const mostHead = 8 << 10

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
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
func (c *conn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.apply(); err != nil {
		return err
	}
	c.reads++
	return nil
}

// next forgets the head: another request follows.
func (c *conn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.full = c.head[:0], false
	c.over()
}

// hasLength reports whether the head names a length of the body, which net/http
// removes from a chunked request.
func (c *conn) hasLength() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, _, _ := bytes.Cut(c.head, []byte("\r\n\r\n"))
	return bytes.Contains(bytes.ToLower(head), []byte("\ncontent-length"))
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if !c.set.Load() {
		if err := c.limitWrite(time.Now().Add(writeTime)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// limitWrite sets the deadline of the next write.
func (c *conn) limitWrite(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if near(c.written, t) {
		return nil
	}
	c.written = t
	return c.Conn.SetWriteDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() && !c.set.Load() {
		return nil // net/http says so after each request: the next write has a deadline of its own
	}
	c.set.Store(!t.IsZero())
	c.written = time.Time{}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
