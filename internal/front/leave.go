package front

import (
	"context"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lastConnections bounds the wait for a moment in which no client waits to be
	// connected.
	lastConnections = 200 * time.Millisecond
	// lastIdle is how long an idle connection stays open for a request that may be on its
	// way already. The answer says that the connection is closed.
	lastIdle    = 500 * time.Millisecond
	closingTick = time.Millisecond
)

// Leave takes no more connections and waits until no request is on its way to us, so
// that http.Server.Shutdown loses none: it closes a connection whose request it has read
// without an answer, and the kernel resets those that nobody has accepted. served is
// closed when the server has taken its last connection.
func (l *Listener) Leave(ctx context.Context, served <-chan struct{}) {
	l.leaving.Store(true)
	began := time.Now()
	tick := time.NewTicker(closingTick)
	defer tick.Stop()
	until := func(over func() bool) {
		for !over() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
	until(func() bool { return l.refuse() || time.Since(began) > lastConnections })
	_ = l.Close() // an error: it is closed
	select {
	case <-ctx.Done():
	case <-served:
	}
	l.stop()
	until(func() bool {
		fresh, idle := l.count()
		took := time.Since(began)
		return fresh == 0 && (idle == 0 || took > lastIdle) || took > lastReads
	})
}

// refuse has the kernel refuse connections from now on if it holds none that is not
// accepted yet, and reports whether it does. The listener's Close alone takes effect only
// when the goroutine that accepts has noticed, with connections that have come since.
func (l *Listener) refuse() (done bool) {
	c, ok := l.Listener.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	done = true
	_ = raw.Control(func(fd uintptr) { // an error: it is closed
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		if done = err == nil && n == 0; done {
			_ = unix.Shutdown(int(fd), unix.SHUT_RDWR) // Linux alone can
		}
	})
	return done
}

// count returns how many connections have not brought their first request to its
// handler, or are reading one, and how many are idle after an answer, or will be when their
// handler ends: an answer from before the stop does not say that the connection is closed.
func (l *Listener) count() (fresh, idle int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		switch phase(c.phase.Load()) {
		case reading:
			fresh++
		case handled, waiting:
			idle++
		}
	}
	return fresh, idle
}

// phase is where a connection stands.
type phase int32

const (
	reading phase = iota // new, or with a request that has no handler yet
	handled              // its request is in a handler
	waiting              // its request is answered
)

// Leaving reports whether Leave has begun.
func (l *Listener) Leaving() bool { return l.leaving.Load() }

// Closing returns h, whose answers say that the connection is closed once the process stops.
func (l *Listener) Closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.Leaving() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
