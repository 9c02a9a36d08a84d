package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// readTimeout bounds every read from the socket, a little longer than
// statementTimeout: lib/pq does not unblock a read of a dead network when its
// context ends (lib/pq issue 620).
const readTimeout = 6 * time.Second

// dialTimeout bounds a TCP connect without a connect_timeout of its own.
const dialTimeout = 3 * time.Second

// dialer opens one connection of lib/pq. lib/pq calls it again, with another
// context, to open the connection over which it asks the server to cancel a
// statement of the first.
type dialer struct {
	quiet func() bool // reports whether such requests must not be sent
	conn  net.Conn    // the one to be used
}

// dialing is the key of a context in which a connection is opened to be used.
type dialing struct{}

// errQuiet is what lib/pq gets, and passes over, instead of a connection to cancel a
// statement over.
var errQuiet = errors.New("requests to cancel are not sent through this pooler")

// DialContext opens a connection whose reads have a deadline. Where it must be quiet
// it closes the first connection in the place of a request to cancel: whoever waits
// for the statement waits no longer, and the pooler ends it.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	cancels := ctx.Value(dialing{}) == nil // several may at once
	if cancels && d.quiet() {
		_ = d.conn.Close()
		return nil, errQuiet
	}
	c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	timed := &deadlineConn{Conn: c}
	if !cancels {
		d.conn = timed
	}
	return timed, nil
}

// Dial and DialTimeout are never called, since there is DialContext.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout is like Dial.
func (d *dialer) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return d.Dial(network, address)
}

// deadlineConn sets a deadline before every read.
type deadlineConn struct{ net.Conn }

func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return 0, ended(err)
	}
	n, err := c.Conn.Read(b)
	return n, ended(err)
}

func (c *deadlineConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, ended(err)
}

// ended returns io.EOF for the error of a connection that dialer has closed: to
// lib/pq that is a bad connection, in the place of which database/sql returns the
// error of the context.
func ended(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return io.EOF
	}
	return err
}
