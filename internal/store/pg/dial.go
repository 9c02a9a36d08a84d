package pg

import (
	"net"
	"time"
)

// readTimeout bounds every read from the socket, a little longer than
// statementTimeout: lib/pq does not unblock a read of a dead network when its
// context ends (lib/pq issue 620).
const readTimeout = 6 * time.Second

// dialTimeout bounds a TCP connect without a connect_timeout of its own.
const dialTimeout = 3 * time.Second

// deadlineDialer opens connections whose reads have a deadline.
type deadlineDialer struct{}

func (deadlineDialer) Dial(network, addr string) (net.Conn, error) {
	return deadlineDialer{}.DialTimeout(network, addr, dialTimeout)
}

func (deadlineDialer) DialTimeout(network, addr string, d time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, addr, d)
	if err != nil {
		return nil, err
	}
	return &deadlineConn{Conn: c}, nil
}

// deadlineConn sets a deadline before every read.
type deadlineConn struct{ net.Conn }

func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}
