package bench

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

// filled returns a database with the demo account and one of its channels.
func filled(t *testing.T) (*sql.DB, dispatch.Channel) {
	t.Helper()
	url := storetest.Postgres(t)
	pool := storetest.Open(t, url, 2)
	accounts := account.New(pool)
	a, err := demo.Account(t.Context(), accounts, "http://127.0.0.1:1")
	must(t, err)
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	chs, err := accounts.Channels(t.Context(), a.ID)
	must(t, err)
	return db, chs[0]
}

// The filler writes as many finished messages as it is asked for, with UUIDv7 of
// their time.
func TestFill(t *testing.T) {
	t.Parallel()
	db, ch := filled(t)

	const n = 10_000
	var reported []int
	must(t, fill(t.Context(), db, &ch, n, func(rows int) { reported = append(reported, rows) }))
	var rows, recipients, strange int
	must(t, db.QueryRowContext(t.Context(), `
SELECT count(*), count(DISTINCT recipient), count(*) FILTER (WHERE
   substr(id::text, 15, 1) <> '7' OR substr(id::text, 20, 1) <> '8' OR status <> 40
  OR account_id <> $1 OR channel_id <> $2
  OR abs(('x' || replace(substr(id::text, 1, 13), '-', ''))::bit(48)::bigint - extract(epoch FROM created_at) * 1000) > 1)
FROM messages`, ch.Account, ch.ID).Scan(&rows, &recipients, &strange))
	if rows != n || recipients != n || strange != 0 {
		t.Errorf("%d rows to %d recipients, %d of them not as they should be", rows, recipients, strange)
	}
	if len(reported) != 1 || reported[0] != n {
		t.Errorf("reported %v rows", reported)
	}
}

// Within one transaction, whose time stands still, filling twice writes each message
// once: an interrupted filling is repeated without harm.
func TestFill_Twice(t *testing.T) {
	t.Parallel()
	db, ch := filled(t)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"BEGIN", "COMMIT"} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
		if statement == "BEGIN" {
			for range 2 {
				must(t, fill(t.Context(), db, &ch, 300, func(int) {}))
			}
		}
	}
	var rows int
	must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM messages`).Scan(&rows))
	if rows != 300 {
		t.Errorf("%d rows", rows)
	}
	must(t, fill(t.Context(), db, &ch, 0, func(rows int) { t.Errorf("%d rows of none", rows) }))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fill(ctx, db, &ch, 300, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Ctrl-C: %v", err)
	}
}

var must = storetest.Must
