package front

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
func (l *Listener) look() {
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
func (c *conn) watchClient() {
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
