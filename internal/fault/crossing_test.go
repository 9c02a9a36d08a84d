//go:build fault

package fault

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// cross sends messages through what stands between serve, work and their servers,
// with a fault in the middle. Each is delivered, and none accepted more than most
// times by the provider.
func (s *stack) cross(most int, middle func()) drill.Result {
	s.t.Helper()
	s.StartServe()
	s.StartWork()
	x := s.SendMany(int(number(s.t, "SENDOFF_FAULT_MESSAGES", 5000)))
	x.During([]int{40}, middle)
	r := x.Check(most, "delivered")
	// Without Redis all is delivered too.
	drill.Until(s.t, 20*time.Second, "readiness with both servers", func() error {
		var state struct{ Status string }
		if err := s.Get(s.Dev.BaseURL+"/readyz", &state); err != nil {
			return err
		}
		if state.Status != "ready" {
			return errors.New(state.Status)
		}
		return nil
	})
	return r
}

func nothing() {}

// pooled puts a PgBouncer before the Postgres at address, with the role's settings
// that doctor asks for then.
func (s *stack) pooled(address string, size int, lines ...string) *devstack.PgBouncer {
	s.t.Helper()
	p := storetest.Pooler(s.t, address, size, lines...)
	missing, err := storetest.Open(s.t, p.URL(), 2).MissingSettings(s.t.Context())
	storetest.Must(s.t, err)
	_, err = s.DB.ExecContext(s.t.Context(), missing)
	storetest.Must(s.t, err)
	s.Set("SENDOFF_POSTGRES_URL", p.URL())
	return p
}

// Debian's PgBouncer in transaction mode, which knows no prepared statements, with
// fewer connections than the processes open, and a migration in the middle.
func TestCrossing_PgBouncer(t *testing.T) {
	for _, pool := range []int{5, 2} {
		t.Run(map[int]string{5: "five connections", 2: "two connections"}[pool], func(t *testing.T) {
			s := servers(t)
			s.pooled(s.Dev.PostgresURL, pool)
			s.cross(1, func() {
				s.run("migrate", "down", "--yes")
				s.run("migrate", "up")
			})
		})
	}
}

// A pooler that is killed takes calls with it whose result is not written.
func TestCrossing_PgBouncerKilled(t *testing.T) {
	s := servers(t)
	p := s.pooled(s.Dev.PostgresURL, 5)
	s.cross(2, func() { storetest.Must(t, p.Crash(t.Context())) })
}

// run runs a command in the environment of serve and work.
func (s *stack) run(args ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), binary, args...)
	cmd.Env = s.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("sendoff %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// The primary dies and its standby is promoted: with synchronous replication
// nothing that was accepted is lost. The old primary comes back as a standby.
func TestCrossing_PostgresFailover(t *testing.T) {
	s := servers(t)
	standby := storetest.Standby(t, s.Dev.PostgresURL)
	for _, statement := range []string{`ALTER SYSTEM SET synchronous_standby_names = 'standby'`, `SELECT pg_reload_conf()`} {
		_, err := s.DB.ExecContext(t.Context(), statement)
		storetest.Must(t, err)
	}
	drill.Until(t, 20*time.Second, "synchronous replication", func() error {
		var state string
		if err := s.DB.QueryRow(`SELECT sync_state FROM pg_stat_replication`).Scan(&state); err != nil || state != "sync" {
			return fmt.Errorf("%q %w", state, err)
		}
		return nil
	})
	var dir string
	storetest.Must(t, s.DB.QueryRow(`SHOW data_directory`).Scan(&dir))
	s.Set("SENDOFF_POSTGRES_URL", together(t, s.Dev.PostgresURL, standby.URL()))
	s.cross(2, func() {
		storetest.Must(t, os.WriteFile(filepath.Join(dir, "standby.signal"), nil, 0o644))
		killPostmaster(t, dir)
		storetest.Must(t, standby.Promote(t.Context()))
		db, err := sql.Open("postgres", standby.URL())
		storetest.Must(t, err)
		t.Cleanup(func() { _ = db.Close() })
		s.DB = db
	})
}

// together returns the address of the server that takes writes, of two.
func together(t *testing.T, one, two string) string {
	t.Helper()
	u, err := url.Parse(one)
	storetest.Must(t, err)
	v, err := url.Parse(two)
	storetest.Must(t, err)
	u.Host += "," + v.Host
	u.RawQuery += "&target_session_attrs=read-write"
	return u.String()
}

// killPostmaster kills the Postgres whose data are in dir, without another word.
func killPostmaster(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	storetest.Must(t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	kill(t, first)
}

func kill(t *testing.T, number string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(number))
	storetest.Must(t, err)
	storetest.Must(t, syscall.Kill(pid, syscall.SIGKILL))
}
