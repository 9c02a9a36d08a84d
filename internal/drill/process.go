package drill

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Process is a child.
type Process struct {
	t     T
	name  string
	cmd   *exec.Cmd
	began time.Time
	done  chan struct{}
	err   error // once done
}

// youth is how long a process may take until it hears SIGTERM. Before it does, the
// signal ends it.
const youth = 2 * time.Second

// Old waits until the process listens to signals.
func (p *Process) Old() {
	p.t.Helper()
	Until(p.t, 2*youth, p.name+" listens to signals", func() error {
		if time.Since(p.began) < youth {
			return errors.New("not yet")
		}
		return nil
	})
}

// Launch starts the binary; what it prints goes to NAME.log in the stack's folder.
func (s *Stack) Launch(name string, args ...string) *Process {
	s.t.Helper()
	file := filepath.Join(s.dir, name+".log")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	p := &Process{t: s.t, name: name, cmd: exec.Command(s.binary, args...), began: time.Now(), done: make(chan struct{})}
	p.cmd.Env = s.Environ()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(p.cmd.SysProcAttr)
	if err := p.cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	s.t.Cleanup(func() {
		p.Terminate(30 * time.Second)
		if s.t.Failed() {
			s.t.Logf("last lines of %s:\n%s", name, tail(file))
		}
	})
	return p
}

// tail returns the end of a log.
func tail(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// Kill is kill -9.
func (p *Process) Kill() {
	p.t.Helper()
	if p.gone() {
		p.t.Errorf("%s had ended by itself: %v", p.name, p.err)
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Ends waits until the process has ended by itself.
func (p *Process) Ends(most time.Duration) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(most):
		p.t.Fatalf("%s still runs after %v", p.name, most)
	}
}

func (p *Process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Terminate is SIGTERM; it returns how long the process took. A process that does not leave in time is an error.
func (p *Process) Terminate(most time.Duration) time.Duration {
	p.t.Helper()
	if p.gone() {
		return 0
	}
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil && began.Sub(p.began) > youth {
			p.t.Errorf("%s after SIGTERM: %v", p.name, p.err)
		}
	case <-time.After(most):
		p.t.Errorf("%s still runs %v after SIGTERM", p.name, most)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return time.Since(began)
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// Environ returns the environment of serve and work: no variable of Sendoff's but
// those of the stack.
func (s *Stack) Environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SENDOFF_") })
	return append(env, s.env...)
}
