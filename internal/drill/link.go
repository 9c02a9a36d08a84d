package drill

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// link is a way to a server that can be made long, lossy or be cut.
type link struct {
	t        T
	target   string
	listener net.Listener

	delay   atomic.Int64 // nanoseconds that each piece of an answer is late
	cut     atomic.Bool  // nobody gets through
	refused atomic.Int64 // connections, while it was cut
	lost    atomic.Int64 // answers

	mu     sync.Mutex
	share  float64 // of the answers that are lost, with their connection
	random *rand.Rand
	open   map[net.Conn]bool
}

// linked has serve and work reach a server through a link: name is the variable that
// holds its address, at present address. It starts them anew.
func (s *Stack) linked(name, address string, seed uint64) *link {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	l := &link{t: s.t, target: u.Host, random: rand.New(rand.NewPCG(seed, seed)), open: map[net.Conn]bool{}}
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		s.t.Fatalf("listen: %v", err)
	}
	go l.serve()
	s.t.Cleanup(func() { _ = l.listener.Close(); l.cutNow() })
	u.Host = l.listener.Addr().String()
	s.Set(name, u.String())
	s.Work.Terminate(30 * time.Second)
	s.Serve.Terminate(30 * time.Second)
	s.StartServe()
	s.StartWork()
	return l
}

func (l *link) serve() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		if l.cut.Load() {
			l.refused.Add(1)
			_ = c.Close()
			continue
		}
		go l.carry(c)
	}
}

// carry joins a connection with one to the server until either ends.
func (l *link) carry(c net.Conn) {
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		_ = c.Close()
		return
	}
	l.mu.Lock()
	l.open[c], l.open[server] = true, true
	l.mu.Unlock()
	end := func() {
		_, _ = c.Close(), server.Close()
		l.mu.Lock()
		delete(l.open, c)
		delete(l.open, server)
		l.mu.Unlock()
	}
	go func() { defer end(); _, _ = io.Copy(server, c) }()
	defer end()
	for buf := make([]byte, 64<<10); ; {
		n, err := server.Read(buf)
		if n > 0 {
			time.Sleep(time.Duration(l.delay.Load()))
			if l.loses() {
				return
			}
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// loses decides whether an answer is lost.
func (l *link) loses() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.share == 0 || l.random.Float64() >= l.share {
		return false
	}
	l.lost.Add(1)
	return true
}

// lose sets the share of answers that are lost.
func (l *link) lose(share float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.share = share
}

// cutNow ends all connections and lets no other through.
func (l *link) cutNow() {
	l.cut.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Close()
	}
}
