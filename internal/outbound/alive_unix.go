//go:build unix

package outbound

import (
	"errors"
	"syscall"
)

// liveness is what alive needs, made once per connection.
type liveness struct {
	raw   syscall.RawConn // nil: can't be asked
	peek  func(fd uintptr)
	quiet bool // what peek found
}

func (c *conn) prepareAlive() {
	sc, ok := c.counted.Conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	c.raw = raw
	c.peek = func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		c.quiet = errors.Is(err, syscall.EAGAIN)
	}
}

// alive reports whether a kept connection is still open, without reading from
// it. Unrequested data (a close notification of TLS) counts as closed.
func (c *conn) alive() bool {
	return c.raw != nil && c.raw.Control(c.peek) == nil && c.quiet
}
