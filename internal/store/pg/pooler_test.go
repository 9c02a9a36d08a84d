package pg_test

import (
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func open(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(pg.Options{URL: url, MaxConns: 8, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestPooler_IsRecognised(t *testing.T) {
	t.Parallel()
	direct := storetest.Postgres(t)
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
	url := storetest.Postgres(t)
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
