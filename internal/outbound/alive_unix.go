//go:build unix

package outbound

import (
	"errors"
	"syscall"
)

// alive reports whether a kept connection is still open, without reading from
// it. Unrequested data (a close notification of TLS) counts as closed.
func (c *conn) alive() bool {
	sc, ok := c.counted.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && quiet
}
