package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often a condition outside this process is looked at.
const pollEvery = 25 * time.Millisecond

// process is a running server, our child or one that we found.
type process struct {
	pid  int
	done chan struct{} // closed when it has gone
}

// spawn starts cmd in its own process group, so that Ctrl-C in a terminal
// reaches us and not it, and has it signalled with orphan if we die.
//
// The parent-death signal is tied to the thread that forked, not to the
// process, so that thread is kept for the child's lifetime
// (https://github.com/golang/go/issues/27505).
func spawn(cmd *exec.Cmd, orphan syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	setOrphanSignal(cmd.SysProcAttr, orphan)

	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	return p, nil
}

// adopt follows a server that is not our child, for as long as is reports that
// pid is still that server.
func adopt(pid int, is func(pid int) bool) *process {
	p := &process{pid: pid, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for is(pid) {
			<-tick.C
		}
	}()
	return p
}

func (p *process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end signals soft, then hard, and at last kills; it returns when
// the process has gone. It takes at most 4.5 s: `sendoff dev` has 10 s for its
// whole stop, of which open calls may take 5. A Postgres that needs longer for
// its last checkpoint recovers at the next start.
func (p *process) end(ctx context.Context, soft, hard syscall.Signal) error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{soft, 2500 * time.Millisecond}, {hard, time.Second}, {syscall.SIGKILL, time.Second}} {
		if p.gone() {
			return nil
		}
		if err := syscall.Kill(p.pid, step.signal); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("signal process %d: %w", p.pid, err)
		}
		if p.wait(ctx, step.wait) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not end", p.pid)
}

// wait reports whether the process went within limit; a done ctx shortens the
// wait to a tenth of a second, since the caller has no more time for politeness.
func (p *process) wait(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
	}
	timer.Reset(100 * time.Millisecond)
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// commandOf is the command line of a process, empty when it has gone or is
// only waiting to be reaped.
func commandOf(pid int) string {
	if pid <= 0 || syscall.Kill(pid, 0) == syscall.ESRCH {
		return ""
	}
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err != nil {
			return ""
		}
		return strings.TrimSpace(strings.ReplaceAll(string(raw), "\x00", " "))
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || strings.Contains(string(out), "<defunct>") {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// pidIn is the number on the first line of a pid file, or 0.
func pidIn(file string) int {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0
	}
	return pid
}

// childEnv is all that a server needs to know: our own environment may hold
// secrets, and PG* variables would change what the binaries do.
func childEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
