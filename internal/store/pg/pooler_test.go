package pg_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func open(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(pg.Options{URL: url, MaxConns: 8, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func TestPooler_IsRecognised(t *testing.T) {
	t.Parallel()
	direct := storetest.Session(t, "it is compared with poolers")
	for _, c := range []struct {
		name    string
		url     string
		want    pg.Pooler
		refused bool
	}{
		{"none", direct, pg.NoPooler, false},
		{"transaction mode", storetest.PgBouncer(t, direct, 5), pg.LosesNames, true},
		{"parameters ignored", storetest.PgBouncer(t, direct, 5, storetest.IgnoreSettings), pg.LosesNames, false},
		{"session mode", storetest.PgBouncer(t, direct, 20, storetest.IgnoreSettings, "pool_mode = session"), pg.NoPooler, false},
	} {
		db := open(t, c.url)
		if got := db.Pooler(t.Context()); got != c.want || db.SettingsRefused() != c.refused {
			t.Errorf("%s: pooler %d, settings refused %t; want %d, %t", c.name, got, db.SettingsRefused(), c.want, c.refused)
		}
	}
}

// Two processes that number their prepared statements alike share the server
// connections of a pooler: neither may run the other's.
func TestPrepared_ThroughPooler_RunsTheOwnStatement(t *testing.T) {
	t.Parallel()
	url := storetest.PgBouncer(t, storetest.Postgres(t), 2)
	var wg sync.WaitGroup
	for i, query := range []string{"SELECT $1::bigint + 1", "SELECT $1::bigint + $2::bigint"} {
		db := open(t, url)
		args := []any{int64(40), int64(60)}[:i+1]
		want := []int64{41, 100}[i]
		for range 4 {
			wg.Go(func() {
				for range 50 {
					var got []int64
					if err := db.SelectPrepared(t.Context(), &got, query, args...); err != nil || len(got) != 1 || got[0] != want {
						t.Errorf("%s: %v, %v; want %d", query, got, err, want)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestPing_ReadOnly_SaysSoAndFindsTheNextServer(t *testing.T) {
	t.Parallel()
	url := storetest.Session(t, "settings of a database reach new sessions only")
	admin, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	set := func(value string) {
		t.Helper()
		var name string
		if err := admin.QueryRowContext(t.Context(), "SELECT quote_ident(current_database())").Scan(&name); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.ExecContext(t.Context(), "ALTER DATABASE "+name+" SET default_transaction_read_only = "+value); err != nil {
			t.Fatal(err)
		}
	}
	set("on")
	db := open(t, url)
	if err := db.Ping(t.Context()); !errors.Is(err, pg.ErrReadOnly) {
		t.Fatalf("ping of a read-only database: %v, want ErrReadOnly", err)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM accounts"); !pg.ReadOnly(err) {
		t.Fatalf("write to a read-only database: %v", err)
	}
	if _, err := admin.ExecContext(t.Context(), "SET default_transaction_read_only = off"); err != nil {
		t.Fatal(err)
	}
	set("off")
	// The first one still reaches an old connection, which it closes.
	if err := db.Ping(t.Context()); !errors.Is(err, pg.ErrReadOnly) {
		t.Fatalf("ping through an old connection: %v, want ErrReadOnly", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Fatalf("ping after the switch: %v", err)
	}
}

// Contexts that end while their statements run, many at a time, leave PgBouncer
// alive: 1.18 can end at a request to cancel.
func TestCancelled_ThroughPooler_EndsTheStatementAlone(t *testing.T) {
	t.Parallel()
	direct := storetest.Session(t, "it looks at the server's sessions")
	db := open(t, storetest.PgBouncer(t, direct, 4))
	if k := db.Pooler(t.Context()); k != pg.LosesNames {
		t.Skipf("SKIPPED, NOT TESTED: this pooler is %s", k)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 25 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
				_, err := db.ExecContext(ctx, "SELECT pg_sleep(3)")
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) { // the latter while it connects
					t.Errorf("a statement whose context ended: %v", err)
				}
			}
		})
	}
	began := time.Now()
	wg.Wait()
	if took := time.Since(began); took > 25*3*time.Second {
		t.Errorf("25 statements each took %s", took)
	}
	wait.For(t, 30*time.Second, func() error {
		var sleeping int
		err := open(t, direct).GetContext(t.Context(), &sleeping,
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(3)' AND state = 'active'")
		if err != nil || sleeping > 0 {
			return fmt.Errorf("%d statements still run: %w", sleeping, err)
		}
		return nil
	})
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("the pooler has ended: %v", err)
	}
}
