package app

import (
	"net"
	"sync/atomic"
	"time"
)

// writeTime is how long one write to a client may take: the buffers of the network
// are full, and the client reads nothing.
const writeTime = 30 * time.Second

// pacedListener ends connections whose clients do not read.
type pacedListener struct{ net.Listener }

// Accept implements net.Listener.
func (l pacedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &pacedConn{Conn: c}, nil
}

// pacedConn sets a deadline of writeTime for every write, unless a handler has set a deadline.
type pacedConn struct {
	net.Conn

	set atomic.Bool
}

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
	c.set.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}
