package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Reading is something that a page reads, in a transaction.
type Reading struct {
	Name string
	Most int64 // rows of a table or entries of an index that it may read
	Read func(ctx context.Context, tx *pg.DB) error
}

// Readings fills tables with the statements of grow and fails the test where a
// reading takes more than its most: with the statistics that the tables had when
// they were empty, and with those of now. What a reading writes is undone.
func Readings(t testing.TB, db *pg.DB, grow []string, readings []Reading) {
	t.Helper()
	execAll(t, db, append([]string{
		`SET LOCAL statement_timeout = 0`,
		`SET LOCAL session_replication_role = replica`, // no triggers and foreign keys
	}, grow...)...)
	for _, r := range readings {
		r.read(t, db, "old statistics")
	}
	execAll(t, db, `SET LOCAL statement_timeout = 0`, `ANALYZE`)
	for _, r := range readings {
		r.read(t, db, "analyzed")
	}
}

// execAll executes statements in one transaction.
func execAll(t testing.TB, db *pg.DB, statements ...string) {
	t.Helper()
	Must(t, db.Tx(t.Context(), func(tx *pg.DB) error {
		for _, s := range statements {
			if _, err := tx.ExecContext(t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	}))
}

// sqlReads counts what the present transaction has read, and what earlier ones of its
// connection have that is not yet in the shared statistics: rows of tables by sequential
// scans, and entries of indexes, those included that a condition left out.
const sqlReads = `
SELECT relname AS name, pg_stat_get_xact_tuples_returned(oid) AS n FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND pg_stat_get_xact_tuples_returned(oid) > 0`

var errUndo = errors.New("undo")

func (r *Reading) read(t testing.TB, db *pg.DB, when string) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *pg.DB) error {
		// What parallel workers read is not counted as the transaction's.
		_, err := tx.ExecContext(t.Context(), `SET LOCAL max_parallel_workers_per_gather = 0`)
		Must(t, err)
		before := reads(t, tx)
		Must(t, r.Read(t.Context(), tx))
		for of, n := range reads(t, tx) {
			if n -= before[of]; n > r.Most {
				t.Errorf("%s, %s: reads %d of %s, more than %d", r.Name, when, n, of, r.Most)
			}
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
}

func reads(t testing.TB, tx *pg.DB) map[string]int64 {
	t.Helper()
	var rows []struct {
		Name string `db:"name"`
		N    int64  `db:"n"`
	}
	Must(t, tx.SelectContext(t.Context(), &rows, sqlReads))
	out := map[string]int64{}
	for _, r := range rows {
		out[r.Name] = r.N
	}
	return out
}
