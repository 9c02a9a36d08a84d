package migrations_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/migrations"
)

// stated is the number of the first migration whose file states its locks.
const stated = 40

// strengths are the locks from the weakest to the strongest, as pg_locks names them.
var strengths = []string{
	"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
	"ExclusiveLock", "AccessExclusiveLock",
}

// Each migration runs in a transaction of its own, and what it then holds on tables
// that were there before is what its file states: no table more, none less.
func TestLocks_AreWhatTheMigrationTakes(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	db := connect(t, url)
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var number int
		if _, err := fmt.Sscanf(file, "%05d_", &number); err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		locks, known, err := migrations.Locks(file)
		if err != nil || known != (number >= stated) {
			t.Errorf("%s: stated %t, %v; want a line -- lock: TABLE, STRENGTH, WORK, or -- lock: none", file, known, err)
		}
		if strings.Contains(up, "+goose NO TRANSACTION") {
			for statement := range strings.SplitSeq(up, ";\n") {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			}
			for _, l := range locks {
				if !strings.Contains(up, " ON "+l.Table+" ") {
					t.Errorf("%s does not touch %s", file, l.Table)
				}
			}
			continue
		}
		want := map[string]string{}
		for _, l := range locks {
			want[l.Table] = pgName(l.Strength)
		}
		if taken := apply(t, url, file, up); known && !maps.Equal(taken, want) {
			t.Errorf("%s (-stated +taken):\n%s", file, cmp.Diff(want, taken))
		}
	}
}

// pgName returns a lock of the manual as pg_locks names it.
func pgName(strength string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(strength) {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String() + "Lock"
}

// apply runs a migration and returns its strongest lock on each table that was there
// before. Locks of readers are left out.
func apply(t *testing.T, url, file, up string) map[string]string {
	t.Helper()
	db := connect(t, url)
	var newest uint32
	if err := db.QueryRowContext(t.Context(), "SELECT coalesce(max(oid::bigint), 0) FROM pg_class").Scan(&newest); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), up); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	rows, err := tx.QueryContext(t.Context(), `SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid <= $1
  AND c.relnamespace = 'public'::regnamespace`, int64(newest))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for rows.Next() {
		var table, mode string
		if err := rows.Scan(&table, &mode); err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(strengths, mode); i > 1 && i > slices.Index(strengths, out[table]) {
			out[table] = mode
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return out
}

// A database that lacks migrations: what each would lock, in words that hold for
// this data.
func TestList_EstimatesLocksOnThisData(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	ms, err := migrations.List(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if len(m.Locks) != 0 {
			t.Errorf("%s locks %v on an empty database", m.Name, m.Locks)
		}
	}
	if _, err := migrations.Up(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db := connect(t, url)
	for _, statement := range []string{
		"DELETE FROM goose_db_version WHERE version_id IN (50, 80, 84)",
		// what ANALYZE notes of a large table
		"UPDATE pg_class SET reltuples = 3100000, relpages = 1 WHERE oid = 'webhook_deliveries'::regclass",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	want := map[int64]string{
		50: "takes ACCESS EXCLUSIVE on accounts for less than a second: only the catalogue changes",
		80: "builds an index on webhook_deliveries, about 25 s for 3,100,000 rows; reads and writes go on", 84: "",
	}
	ms, err = migrations.List(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		var got string
		if len(m.Locks) > 0 {
			got = m.Locks[0].Text
		}
		if text, missing := want[m.Version]; got != text || missing == m.Applied || missing != (m.Locks != nil) {
			t.Errorf("%s: applied %t, %q; want %q", m.Name, m.Applied, got, text)
		}
	}
}
