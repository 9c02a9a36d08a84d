package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/migrations"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestList_EmptyDatabase_ChangesNothing(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	ms, err := migrations.List(t.Context(), url)
	if err != nil || len(ms) < 7 || ms[0].Version != 1 || ms[0].Applied {
		t.Fatalf("list: %+v, %v", ms, err)
	}
	db := connect(t, url)
	var tables int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil ||
		tables != 0 {
		t.Errorf("%d tables after a look, %v; want none", tables, err)
	}
}

func TestUpDown_ReturnWhatTheyDid(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	names, err := migrations.Up(t.Context(), url)
	if err != nil || len(names) < 7 {
		t.Fatalf("up: %v, %v", names, err)
	}
	if again, err := migrations.Up(t.Context(), url); err != nil || len(again) != 0 {
		t.Errorf("up again: %v, %v; want nothing to do", again, err)
	}
	if name, err := migrations.Down(t.Context(), url); err != nil || name != names[len(names)-1] {
		t.Errorf("down: %q, %v; want %q", name, err, names[len(names)-1])
	}
	ms, err := migrations.List(t.Context(), url)
	if err != nil || ms[len(ms)-1].Applied || !ms[len(ms)-2].Applied {
		t.Errorf("list after down: %+v, %v", ms, err)
	}
}

func TestCheck_NamesTheCommand(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	db, err := pg.Open(pg.Options{URL: url, MaxConns: 1, Application: "migrations-test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := migrations.Check(t.Context(), db); err == nil || err.Error() != "the database has no tables yet; run: sendoff migrate up" {
		t.Errorf("empty database: %v", err)
	}
	if _, err := migrations.Up(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Check(t.Context(), db); err != nil {
		t.Errorf("migrated database: %v", err)
	}
	if _, err := migrations.Down(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	want := "the database lacks 1 migrations that this version needs; run: sendoff migrate up"
	if err := migrations.Check(t.Context(), db); err == nil || err.Error() != want {
		t.Errorf("database behind: %v", err)
	}
}

// Migrations run while the service works through the same pooler: a lock of a
// session would stay behind with a connection of somebody else.
func TestUpDown_ThroughPoolerUnderTraffic(t *testing.T) {
	t.Parallel()
	url := pooled(t, storetest.Postgres(t))
	ctx, cancel := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	db := connect(t, url)
	for range 4 {
		traffic.Go(func() {
			for ctx.Err() == nil {
				var n int64
				if err := db.QueryRowContext(ctx, "SELECT count(*) FROM accounts").Scan(&n); err != nil && ctx.Err() == nil {
					t.Errorf("traffic: %v", err)
					return
				}
			}
		})
	}
	for range 2 {
		name, err := migrations.Down(t.Context(), url)
		if err != nil {
			t.Fatalf("down: %v", err)
		}
		if names, err := migrations.Up(t.Context(), url); err != nil || len(names) != 1 || names[0] != name {
			t.Fatalf("up: %v, %v; want %s", names, err, name)
		}
	}
	cancel()
	traffic.Wait()
}

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// pooled returns the address of a database through a PgBouncer with two
// connections.
func pooled(t *testing.T, url string) string {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "pgbouncer-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := devstack.StartPgBouncer(t.Context(), dir, url, 2)
	if errors.Is(err, devstack.ErrNoPgBouncer) && os.Getenv("SENDOFF_TEST_REQUIRED") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p.URL()
}
