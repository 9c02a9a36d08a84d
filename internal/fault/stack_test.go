//go:build fault

// Package fault kills Sendoff and the servers it uses while thousands of
// messages are under way, and counts what arrives (`make fault`).
package fault

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the checks read the database

	"github.com/sendoff/sendoff/internal/devstack"
)

// binary is a copy of bin/sendoff: a build in the middle of a run must not
// change what is tested.
var binary string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "bin", "sendoff"))
	if err != nil {
		return 0, fmt.Errorf("run `make fault`, which builds bin/sendoff: %w", err)
	}
	dir, err := os.MkdirTemp("", "sendoff-fault")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "sendoff")
	if err := os.WriteFile(binary, raw, 0o755); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// folder is a temporary folder of the test's own, for a stack.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "sendoff-fault")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// stack is `sendoff dev --infra-only` with a serve and a work process, each a
// process that the test may kill.
type stack struct {
	t   *testing.T
	dir string
	env []string
	db  *sql.DB
	dev struct {
		BaseURL     string `json:"base_url"`
		APIKey      string `json:"api_key"`
		PostgresURL string `json:"postgres_url"`
		RedisURL    string `json:"redis_url"`
		EmulatorURL string `json:"emulator_url"`
	}
	http        *http.Client
	serve, work *process
}

func start(t *testing.T) *stack {
	t.Helper()
	s := startServers(t)
	s.startServe()
	s.startWork()
	return s
}

// startServers starts everything but serve and work.
func startServers(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, dir: folder(t), http: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	s.launch("dev", "dev", "--infra-only", "--dir", s.dir, "--listen", freeAddress(t), "--log-level", "info")
	until(t, 90*time.Second, "dev.json", func() error {
		raw, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &s.dev)
	})
	s.readEnv()
	db, err := sql.Open("postgres", s.dev.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	return s
}

// set changes a variable of the environment of serve and work.
func (s *stack) set(name, value string) {
	s.env = append(s.env, name+"="+value) // the last one counts
}

func freeAddress(t *testing.T) string {
	t.Helper()
	addr, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// readEnv takes dev.env, which serve and work are started with.
func (s *stack) readEnv() {
	f, err := os.Open(filepath.Join(s.dir, "dev.env"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		s.env = append(s.env, sc.Text())
	}
}

func (s *stack) startServe() {
	s.serve = s.launch("serve", "serve")
	until(s.t, 30*time.Second, "serve ready", func() error { return s.get(s.dev.BaseURL+"/readyz", nil) })
}

func (s *stack) startWork() { s.work = s.launch("work", "work") }

// process is one child.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // once done
}

// launch starts the binary; what it prints goes to NAME.log in the stack's folder.
func (s *stack) launch(name string, args ...string) *process {
	s.t.Helper()
	file := filepath.Join(s.dir, name+".log")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	p := &process{t: s.t, name: name, cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), s.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(p.cmd.SysProcAttr)
	if err := p.cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	s.t.Cleanup(func() {
		p.terminate(30 * time.Second)
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

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	if p.gone() {
		p.t.Errorf("%s had ended by itself: %v", p.name, p.err)
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// terminate is SIGTERM; a process that does not leave in time is an error.
func (p *process) terminate(most time.Duration) time.Duration {
	p.t.Helper()
	if p.gone() {
		return 0
	}
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Errorf("%s after SIGTERM: %v", p.name, p.err)
		}
	case <-time.After(most):
		p.t.Errorf("%s still runs %v after SIGTERM", p.name, most)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return time.Since(began)
}

// crashPostgres is `pg_ctl stop -m immediate`; dev starts it again.
func (s *stack) crashPostgres() {
	s.t.Helper()
	var dir string
	if err := s.db.QueryRow(`SHOW data_directory`).Scan(&dir); err != nil {
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
	until(s.t, 60*time.Second, "postgres back", func() error {
		now, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
		if err == nil && strings.HasPrefix(string(now), strconv.Itoa(pid)+"\n") {
			err = errors.New("the old postmaster is still there")
		}
		if err != nil {
			return err
		}
		var one int
		return s.db.QueryRow(`SELECT 1`).Scan(&one)
	})
}

// get reads JSON from an address; into may be nil.
func (s *stack) get(url string, into any) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return s.do(req, into)
}

func (s *stack) do(req *http.Request, into any) error {
	req.Header.Set("Authorization", "Bearer "+s.dev.APIKey)
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", req.Method, req.URL, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// configure changes the emulator.
func (s *stack) configure(settings string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPut, s.dev.EmulatorURL+"/_emulator/settings", strings.NewReader(settings))
	if err == nil {
		err = s.do(req, nil)
	}
	if err != nil {
		s.t.Fatalf("configure emulator: %v", err)
	}
}

// until polls f until it succeeds, or fails the test after d.
func until(t *testing.T, d time.Duration, what string, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, d, err)
		case <-tick.C:
		}
	}
}
