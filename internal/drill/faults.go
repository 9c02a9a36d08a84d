package drill

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killWork is kill -9 of work, and another one.
func (s *Stack) killWork() {
	s.Work.Kill()
	s.StartWork()
}

// killServe is kill -9 of serve, and another one.
func (s *Stack) killServe() {
	s.Serve.Kill()
	s.StartServe()
}

// wipeRedis empties Redis while the worker stands still, so that there is something to lose.
func (s *Stack) wipeRedis() {
	s.t.Helper()
	s.Work.Signal(syscall.SIGSTOP)
	defer s.Work.Signal(syscall.SIGCONT)
	s.pass(200 * time.Millisecond)
	if _, err := s.redis("flushall"); err != nil {
		s.t.Errorf("flushall: %v", err)
	}
}

// pauseWork stops the worker for d, while a second one works.
func (s *Stack) pauseWork(d time.Duration) {
	s.t.Helper()
	old := s.Work
	old.Old()
	old.Signal(syscall.SIGSTOP)
	s.StartWork()
	s.pass(d)
	old.Signal(syscall.SIGCONT)
	old.Terminate(30 * time.Second)
}

// crashPostgres is `pg_ctl stop -m immediate`; dev starts it again.
func (s *Stack) crashPostgres() {
	s.t.Helper()
	var dir string
	if err := s.DB.QueryRow(`SHOW data_directory`).Scan(&dir); err != nil {
		s.t.Fatalf("find postgres: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		s.t.Fatalf("find postgres: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(raw), "\n", 2)[0]))
	if err != nil {
		s.t.Fatalf("find postgres: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		s.t.Fatalf("crash postgres: %v", err)
	}
	Until(s.t, 60*time.Second, "postgres back", func() error {
		now, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
		if err == nil && strings.HasPrefix(string(now), strconv.Itoa(pid)+"\n") {
			err = errors.New("the old postmaster is still there")
		}
		if err != nil {
			return err
		}
		var one int
		return s.DB.QueryRow(`SELECT 1`).Scan(&one)
	})
}
