package bench

import (
	"database/sql"
	"testing"

	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// The filler writes as many finished messages as it is asked for, with UUIDv7 of
// of their time, and filling again adds none of the same moment twice.
func TestFill(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	box, err := pg.NewBox("a secret key of the tests")
	must(t, err)
	pool, err := pg.Open(pg.Options{URL: url, MaxConns: 2, Application: "bench-test", Box: box})
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	accounts := account.New(pool)
	a, err := demo.Account(t.Context(), accounts, "http://127.0.0.1:1")
	must(t, err)
	chs, err := accounts.Channels(t.Context(), a.ID)
	must(t, err)
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })

	const n = 10_000
	var reported []int
	must(t, fill(t.Context(), db, &chs[0], n, func(rows int) { reported = append(reported, rows) }))
	var rows, recipients, strange int
	must(t, db.QueryRowContext(t.Context(), `
SELECT count(*), count(DISTINCT recipient), count(*) FILTER (WHERE
   substr(id::text, 15, 1) <> '7' OR substr(id::text, 20, 1) <> '8' OR status <> 40
  OR account_id <> $1 OR channel_id <> $2
  OR abs(('x' || replace(substr(id::text, 1, 13), '-', ''))::bit(48)::bigint - extract(epoch FROM created_at) * 1000) > 1)
FROM messages`, a.ID, chs[0].ID).Scan(&rows, &recipients, &strange))
	if rows != n || recipients != n || strange != 0 {
		t.Errorf("%d rows to %d recipients, %d of them not as they should be", rows, recipients, strange)
	}
	if len(reported) != 1 || reported[0] != n {
		t.Errorf("reported %v rows", reported)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
