package drill

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"time"

	_ "github.com/lib/pq" // the checks read the database
	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/devstack"
)

// folder returns a temporary folder for a stack.
func folder(t T) string {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "sendoff-drill")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Stack is `sendoff dev --infra-only` with a serve and a work process, each a
// process that a drill may kill.
type Stack struct {
	t        T
	binary   string
	dir      string
	env      []string
	untraced bool
	DB       *sql.DB
	Dev      struct {
		BaseURL     string `json:"base_url"`
		APIKey      string `json:"api_key"`
		PostgresURL string `json:"postgres_url"`
		RedisURL    string `json:"redis_url"`
		EmulatorURL string `json:"emulator_url"`
	}
	http        *http.Client
	Serve, Work *Process
	made        int // faults

	fronts    []string      // addresses of serve; none: base_url alone
	strict    bool          // the client repeats nothing but refused connections, and keeps none
	most      rate.Limit    // messages a second; 0: perSecond
	lasts     time.Duration // of a send, at least
	passwords int           // each so-many-th message is a one-time password; 0: none
}

// Start starts everything.
func Start(t T, binary string) *Stack {
	t.Helper()
	s := StartServers(t, binary)
	s.StartServe()
	s.StartWork()
	return s
}

// StartServers starts everything but serve and work.
func StartServers(t T, binary string) *Stack {
	t.Helper()
	return startServers(t, binary, nil)
}

func startServers(t T, binary string, d *disk) *Stack {
	t.Helper()
	s := &Stack{
		t: t, binary: binary, dir: folder(t),
		http: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if d != nil {
		d.mount(t, s.dir)
	}
	s.Launch("dev", "dev", "--infra-only", "--dir", s.dir, "--listen", freeAddress(t), "--log-level", "info")
	Until(t, 90*time.Second, "dev.json", func() error {
		raw, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &s.Dev)
	})
	s.readEnv()
	s.traced()
	db, err := sql.Open("postgres", s.Dev.PostgresURL)
	if err != nil {
		t.Fatalf("%v", err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	s.DB = db
	return s
}

// Use has the processes that are started from now on be of another binary.
func (s *Stack) Use(binary string) { s.binary = binary }

// Set changes a variable of the environment of serve and work.
func (s *Stack) Set(name, value string) {
	s.env = append(s.env, name+"="+value) // the last one counts
}

func freeAddress(t T) string {
	t.Helper()
	addr, err := devstack.FreeAddress()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return addr
}

// readEnv reads dev.env, which serve and work are started with.
func (s *Stack) readEnv() {
	f, err := os.Open(filepath.Join(s.dir, "dev.env"))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		s.env = append(s.env, sc.Text())
	}
}

// StartServe starts serve and waits until it is ready.
func (s *Stack) StartServe() {
	s.Serve = s.Launch("serve", "serve")
	Until(s.t, 30*time.Second, "serve ready", func() error { return s.Get(s.Dev.BaseURL+"/readyz", nil) })
}

// StartWork starts work.
func (s *Stack) StartWork() { s.Work = s.Launch("work", "work") }
