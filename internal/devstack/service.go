package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// service keeps one server process running.
type service struct {
	name string
	log  *slog.Logger
	// launch starts the process on its fixed port and waits until it answers.
	launch func(ctx context.Context) (*process, error)
	// successor finds a process that somebody else started in our place, as
	// `pg_ctl restart` does; nil where nobody does.
	successor func(ctx context.Context, old *process) *process
	soft      syscall.Signal // asks for a clean end
	hard      syscall.Signal // asks for an end now

	alive context.Context // done from the beginning of stop
	kill  context.CancelFunc
	mu    sync.Mutex // held by whoever starts or ends the process
	proc  atomic.Pointer[process]
}

// run makes a service of a process that already answers.
func (s *service) run(p *process) *service {
	s.alive, s.kill = context.WithCancel(context.Background())
	s.proc.Store(p)
	return s
}

func (s *service) pid() int { return s.proc.Load().pid }

// watch starts the process again whenever it dies, until ctx is done or the
// service is stopped.
func (s *service) watch(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.alive, cancel)()
	for {
		p := s.proc.Load()
		select {
		case <-ctx.Done():
			return
		case <-p.done:
			s.revive(ctx, p)
		}
	}
}

// revive replaces a dead process, unless somebody else has done so.
func (s *service) revive(ctx context.Context, dead *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc.Load() != dead || ctx.Err() != nil {
		return
	}
	s.log.Warn("server died, starting it again", "server", s.name, "pid", dead.pid)
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		if s.successor != nil {
			if p := s.successor(ctx, dead); p != nil {
				s.proc.Store(p)
				return
			}
		}
		p, err := s.launch(ctx)
		if err == nil {
			s.proc.Store(p)
			s.log.Info("server runs again", "server", s.name, "pid", p.pid)
			return
		}
		s.log.Warn("start server again", "server", s.name, "err", err)
		idle(ctx, pause)
	}
}

// restart ends the process with sig and starts it on the same port.
func (s *service) restart(ctx context.Context, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive.Err() != nil {
		return errors.New("restart " + s.name + ": it is stopped")
	}
	if err := s.proc.Load().end(ctx, sig, s.hard); err != nil {
		return fmt.Errorf("end %s: %w", s.name, err)
	}
	p, err := s.launch(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.proc.Store(p)
	return nil
}

// stop ends the process for good.
func (s *service) stop(ctx context.Context) error {
	s.kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.Load().end(ctx, s.soft, s.hard); err != nil {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	return nil
}

// idle waits for d, or until ctx is done.
func idle(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
