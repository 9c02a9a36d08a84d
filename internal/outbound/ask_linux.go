//go:build linux && (amd64 || arm64)

package outbound

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// maxHeld is how much is held until the answer is read, in bytes.
const maxHeld = 8 << 10

// asking holds a request until its answer is read. Then one step looks whether the
// connection lives, writes and, since nothing can have come yet, waits; a seventh of
// what a call took was the read before the answer, and the scheduler being told of system
// calls none of which blocks.
type asking struct {
	raw     syscall.RawConn // nil: this can't be done
	step    func(fd uintptr) bool
	holding bool // what is written is held
	check   bool // whether the connection lives
	out, in []byte
	sent    bool // all of out
	n       int  // written of out, or else read into in
	errno   syscall.Errno
	gone    bool // see errGone
}

func (c *countedConn) prepareAsking() {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn() // nil with an error
		c.step = c.ask
	}
}

// asks reports whether what is written can be held.
func (c *countedConn) asks() bool { return c.raw != nil }

// hold holds what is written from now on until the answer is read. With check it is written
// only if the connection is open then and nothing has come.
func (c *countedConn) hold(check bool) {
	c.holding, c.check, c.out = true, check, c.out[:0]
}

// keep holds b, if it should be held.
func (c *countedConn) keep(b []byte) bool {
	if !c.holding || len(c.out)+len(b) > maxHeld {
		return false
	}
	c.out = append(c.out, b...)
	return true
}

// ask writes what is held, then reads. It is called again whenever something may have come
// since.
func (c *countedConn) ask(fd uintptr) (done bool) {
	if c.sent {
		c.n, c.errno = transfer(syscall.SYS_RECVFROM, fd, c.in, 0)
		return c.errno != syscall.EAGAIN
	}
	if c.check {
		var b [1]byte
		if _, errno := transfer(syscall.SYS_RECVFROM, fd, b[:], syscall.MSG_PEEK); errno != syscall.EAGAIN {
			c.gone = true
			return true
		}
	}
	c.writes.Add(1)
	n, errno := transfer(syscall.SYS_SENDTO, fd, c.out, syscall.MSG_NOSIGNAL)
	if errno != 0 {
		c.writes.Add(-1)
	}
	c.n, c.sent = n, n == len(c.out)
	return !c.sent
}

// transfer sends or receives what it can at once.
func transfer(call, fd uintptr, b []byte, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			flags|syscall.MSG_DONTWAIT, 0, 0)
		if errno != syscall.EINTR {
			return max(int(n), 0), errno
		}
	}
}

// Read writes what is held before it reads.
func (c *countedConn) Read(b []byte) (int, error) {
	if !c.holding || len(b) == 0 {
		return c.Conn.Read(b)
	}
	c.holding, c.sent, c.gone, c.in = false, false, false, b
	err := c.raw.Read(c.step)
	c.in = nil
	switch {
	case err != nil:
		return 0, c.failure(err)
	case c.gone:
		return 0, errGone
	case !c.sent: // no room for all of it, or the connection is broken
		if _, err := c.write(c.out[c.n:]); err != nil {
			return 0, err
		}
		return c.Conn.Read(b)
	case c.errno != 0:
		return 0, c.failure(&net.OpError{Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", c.errno)})
	case c.n == 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// failure returns an error as that of a read.
func (c *countedConn) failure(err error) error {
	if e, ok := err.(*net.OpError); ok {
		e.Op = "read"
	}
	return err
}
