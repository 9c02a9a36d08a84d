// Package front has the connections of a front door: what a client may take time for, that a
// request has one length, that a stop loses none, and who looks whether a client has left.
package front

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listener ends connections whose clients do not read and, after stop, those
// whose clients do not end their requests.
type Listener struct {
	net.Listener

	leaving atomic.Bool // the process stops
	mu      sync.Mutex
	open    map[*conn]struct{}
	looking bool // look comes again
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*conn]struct{}{}
	}
	p := &conn{Conn: c, closed: l.forget}
	if sc, ok := c.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn() // without it net/http watches
	}
	l.open[p] = struct{}{}
	if !l.looking {
		l.looking = true
		time.AfterFunc(watchAfter, l.look)
	}
	return p, nil
}

func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// stop limits the reading of requests.
func (l *Listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.endReads(time.Now())
	}
}
