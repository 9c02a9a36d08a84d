// Package storetest creates for every test a Postgres database and a Redis of its
// own, on servers that all tests of a run share.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/migrations"
)

// Migrate fills the template that Postgres clones. Set it before the first
// call, if at all.
var Migrate = migrations.Up

// limit bounds each step that a test waits for: a server's start, a clone.
const limit = 90 * time.Second

// servers are the ones of this run.
type servers struct {
	postgresURL string
	poolerURL   string  // of a pooler before it, if the tests go through one
	admin       *sql.DB // on the server's own database
	version     int     // 150018 is 15.18
	redis       *redis.Client
	databases   int64 // how many Redis has
	stop        func(context.Context) error
}

// shared opens the servers at first use: those that `make test` has started,
// else private ones for this test binary.
var shared = sync.OnceValues(open)

func open() (*servers, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	pg, rd := os.Getenv("SENDOFF_TEST_POSTGRES_URL"), os.Getenv("SENDOFF_TEST_REDIS_URL")
	stop := func(context.Context) error { return nil }
	if pg == "" || rd == "" {
		stack, stopStack, err := devstack.StartTemp(ctx, devstack.Options{})
		if err != nil {
			return nil, err
		}
		pg, rd, stop = stack.PostgresURL(), stack.RedisURL(), stopStack
	}
	s, err := connect(ctx, pg, rd)
	if err != nil {
		return nil, errors.Join(err, stop(ctx))
	}
	s.stop = stop
	return s, nil
}

func connect(ctx context.Context, pg, rd string) (*servers, error) {
	admin, err := sql.Open("postgres", pg)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	admin.SetMaxOpenConns(4)
	admin.SetMaxIdleConns(4)
	var version int
	if err := admin.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return nil, errors.Join(fmt.Errorf("reach postgres: %w", err), admin.Close())
	}
	o, err := redis.ParseURL(rd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read redis address: %w", err), admin.Close())
	}
	s := &servers{postgresURL: pg, poolerURL: os.Getenv("SENDOFF_TEST_POOLER_URL"), admin: admin, version: version, redis: redis.NewClient(o)}
	if s.databases, err = countRedis(ctx, s.redis); err != nil {
		return nil, errors.Join(fmt.Errorf("reach redis: %w", err), admin.Close(), s.redis.Close())
	}
	return s, nil
}

// strategy has Postgres copy files to clone a database, as it always did before
// version 15. The new way writes every page to the log: 85 ms a database against 20
// ms on a server without fsync.
func (s *servers) strategy() string {
	if s.version < 150000 {
		return ""
	}
	return " STRATEGY file_copy"
}

// Main runs a package's tests and then stops the servers, if they were started
// for it alone: `func TestMain(m *testing.M) { storetest.Main(m) }`. Without it
// they end all the same when the process does (on Linux), but their folder is
// left to the next run to remove.
func Main(m *testing.M) {
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest: stop servers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func closeShared() error {
	if !opened.Load() {
		return nil
	}
	s, err := shared()
	if err != nil {
		return nil // nothing was started, and the tests have said so
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return errors.Join(s.admin.Close(), s.redis.Close(), s.stop(ctx))
}

// use returns the servers, or skips the test: loudly, and not at all where
// With SENDOFF_TEST_REQUIRED=1 a test fails without servers.
func use(t testing.TB) *servers {
	t.Helper()
	opened.Store(true)
	s, err := shared()
	switch {
	case err == nil:
		return s
	case os.Getenv("SENDOFF_TEST_REQUIRED") == "1":
		t.Fatalf("no servers to test with: %v", err)
	default:
		t.Skipf("SKIPPED, NOT TESTED: no servers to test with (run `make test`): %v", err)
	}
	return nil
}
