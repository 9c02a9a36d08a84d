package outbound

import (
	"context"
	"net"
	"sync/atomic"
)

// countedConn counts the writes that handed, or may be handing, bytes to the
// kernel. Comparing the count before and after a call shows whether any byte of
// it can have left, also on a reused connection, which the events of
// net/http/httptrace alone don't (they fire when the buffer is filled).
type countedConn struct {
	net.Conn
	writes atomic.Int64
	asking
}

// Write writes, unless what is written is held.
func (c *countedConn) Write(b []byte) (int, error) {
	if c.keep(b) {
		return len(b), nil
	}
	if c.holding {
		c.holding = false
		if n, err := c.write(c.out); err != nil {
			return n, err
		}
	}
	return c.write(b)
}

// write counts itself before it starts and takes itself back when nothing was
// written.
func (c *countedConn) write(b []byte) (int, error) {
	c.writes.Add(1)
	n, err := c.Conn.Write(b)
	if n == 0 {
		c.writes.Add(-1)
	}
	return n, err
}

// dialer makes counted connections.
type dialer struct {
	net.Dialer

	trusted func(addr string) bool // nil: none is
}

func (d *dialer) dial(ctx context.Context, network, addr string) (*countedConn, error) {
	plain := &d.Dialer
	if d.trusted != nil && d.trusted(addr) {
		unguarded := d.Dialer
		unguarded.ControlContext = nil
		plain = &unguarded
	}
	c, err := plain.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	counted := &countedConn{Conn: c}
	counted.prepareAsking()
	return counted, nil
}

// counted finds the counted connection beneath TLS, if there is one.
func counted(c net.Conn) *countedConn {
	for {
		switch inner := c.(type) {
		case *countedConn:
			return inner
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
		default:
			return nil
		}
	}
}
