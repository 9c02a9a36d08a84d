package devstack

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/wait"
)

// start runs a stack in dir until the test ends.
func start(t *testing.T, o Options) *Stack {
	t.Helper()
	skipWithoutPostgres(t)
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Stack) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func skipWithoutPostgres(t *testing.T) {
	t.Helper()
	_, err := findPostgres(0)
	if err == nil {
		return
	}
	if os.Getenv("SENDOFF_TEST_REQUIRED") == "1" {
		t.Fatal(err)
	}
	t.Skipf("SKIPPED, NOT TESTED: %v", err)
}

// folder is a temporary folder that other users can enter, as t.TempDir's are
// not, so that root's tests need no second folder for the data.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := MkdirTemp("", "devstack-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func runSQL(t *testing.T, url, statement string) {
	t.Helper()
	if err := trySQL(t.Context(), url, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func trySQL(ctx context.Context, url, statement string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func count(t *testing.T, url string) (n int) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM kept`).Scan(&n); err != nil {
		t.Fatalf("count rows: %v", err)
	}
	return n
}

func client(t *testing.T, s *Stack) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(s.RedisURL())
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestStart_SecondStart_KeepsData(t *testing.T) {
	t.Parallel()
	o := Options{Dir: folder(t), RedisAOF: true}
	first := start(t, o)
	runSQL(t, first.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	if err := client(t, first).Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	stop(t, first)
	if p := first.PostgresPID(); commandOf(p) != "" {
		t.Errorf("postgres %d runs after Stop: %q", p, commandOf(p))
	}

	second := start(t, o)
	if got := count(t, second.PostgresURL()); got != 1 {
		t.Errorf("rows after a second start = %d, want 1", got)
	}
	if second.RedisKind() != "redis-server" {
		t.Skip("miniredis keeps nothing")
	}
	if got := client(t, second).Get(t.Context(), "kept").Val(); got != "yes" {
		t.Errorf("redis key after a second start = %q, want yes", got)
	}
}

func TestStart_FolderInUse_IsRefused(t *testing.T) {
	t.Parallel()
	o := Options{Dir: folder(t), Fast: true}
	s := start(t, o)
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "another sendoff uses this folder") {
		t.Fatalf("second Start = %v, want a refusal", err)
	}
	runSQL(t, s.PostgresURL(), `SELECT 1`) // the first one's server was left alone
}

func TestStart_ContextDone_LeavesNothing(t *testing.T) {
	t.Parallel()
	skipWithoutPostgres(t)
	o := Options{Dir: folder(t), Fast: true}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, o); err == nil {
		t.Fatal("Start with a done context succeeded")
	}
	start(t, o) // the lock is free
}

func TestWatch_ServersKilled_RunAgainOnTheSamePorts(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	runSQL(t, s.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	pg, rd, url, redisURL := s.PostgresPID(), s.RedisPID(), s.PostgresURL(), s.RedisURL()
	done := make(chan struct{})
	go func() { defer close(done); s.Watch(t.Context()) }()

	kill(t, pg)
	if rd != 0 {
		kill(t, rd)
	}
	wait.Until(t, "postgres answers again", func() bool {
		return s.PostgresPID() != pg && trySQL(t.Context(), url, `SELECT 1`) == nil
	})
	if got := count(t, url); got != 1 {
		t.Errorf("rows after kill -9 = %d, want 1", got)
	}
	c := client(t, s)
	wait.Until(t, "redis answers again", func() bool {
		return (rd == 0 || s.RedisPID() != rd) && c.Ping(t.Context()).Err() == nil
	})
	if s.PostgresURL() != url || s.RedisURL() != redisURL {
		t.Error("the addresses changed")
	}
	stop(t, s)
	<-done // Stop ends Watch
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

func TestRestartPostgresImmediate_KeepsCommitted(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	go s.Watch(t.Context()) // must not start a second server
	runSQL(t, s.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	old := s.PostgresPID()
	if err := s.RestartPostgresImmediate(t.Context()); err != nil {
		t.Fatalf("RestartPostgresImmediate: %v", err)
	}
	if s.PostgresPID() == old {
		t.Error("the server was not restarted")
	}
	if got := count(t, s.PostgresURL()); got != 1 {
		t.Errorf("rows after restart = %d, want 1", got)
	}
}

func TestWatch_PgCtlRestart_IsAdopted(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	go s.Watch(t.Context())
	old := s.PostgresPID()

	cmd := s.postgres.command(t.Context(), "pg_ctl", "-D", s.postgres.data(), "-m", "immediate", "-w", "restart")
	log, err := os.Create(filepath.Join(t.TempDir(), "pg_ctl.log")) // its server would hold a pipe open
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		t.Fatalf("pg_ctl restart: %v\n%s", err, logTail(log.Name(), 0))
	}
	wait.Until(t, "the new server is adopted", func() bool { return s.PostgresPID() != old })
	adopted := s.PostgresPID()
	runSQL(t, s.PostgresURL(), `SELECT 1`)
	stop(t, s)
	if commandOf(adopted) != "" {
		t.Error("Stop left the adopted server running")
	}
}
