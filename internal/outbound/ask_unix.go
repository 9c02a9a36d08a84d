//go:build unix

package outbound

import (
	"io"
	"net"
	"os"
	"syscall"
)

// maxHeld is how much is held until the answer is read, in bytes.
const maxHeld = 8 << 10

// asking holds a request until its answer is read. Then one step looks whether the
// connection lives, writes and, since nothing can have come yet, waits: no read goes before the
// answer in vain.
type asking struct {
	raw     syscall.RawConn // nil: this can't be done
	step    func(fd uintptr) bool
	holding bool // what is written is held
	check   bool // whether the connection lives
	out, in []byte
	sent    bool // all of out
	n       int  // written of out, or else read into in
	err     error
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
// since. The connection does not block.
func (c *countedConn) ask(fd uintptr) (done bool) {
	if c.sent {
		c.n, c.err = again(syscall.Read, fd, c.in)
		return c.err != syscall.EAGAIN
	}
	if c.check {
		var b [1]byte
		if _, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK); err != syscall.EAGAIN {
			c.gone = true
			return true
		}
	}
	c.writes.Add(1)
	n, err := again(syscall.Write, fd, c.out)
	if err != nil {
		c.writes.Add(-1)
	}
	c.n, c.sent = n, n == len(c.out)
	return !c.sent
}

// again calls call until no signal breaks it off. It returns how many bytes it took.
func again(call func(fd int, b []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := call(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
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
	case c.err != nil:
		return 0, c.failure(&net.OpError{Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", c.err)})
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
