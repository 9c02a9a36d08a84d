package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strings"
)

// Lock is what a migration does to a table that is in use. It stands in the
// migration's file as a line of the form
//
//	-- lock: TABLE, STRENGTH, WORK
//
// with the strength in the words of Postgres' manual; "-- lock: none" is the line
// of a migration that only makes new things. Rows and Bytes are Postgres' own
// estimates for the table, with its partitions.
type Lock struct {
	Table    string  `json:"table"`
	Strength string  `json:"strength"`
	Work     Work    `json:"work"`
	Rows     int64   `json:"rows"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"` // how long it is held, estimated
	Text     string  `json:"text"`
}

// Work is why a lock is held.
type Work string

// The kinds of work.
const (
	Catalogue Work = "catalogue" // of the catalogue only: the size does not matter
	Index     Work = "index"     // builds an index
	Scan      Work = "scan"      // reads every row
	Rewrite   Work = "rewrite"   // writes every row anew
)

// rates are rows and bytes a second that two slow cores and a slow disk do.
var rates = map[Work]struct{ rows, bytes float64 }{
	Index: {250_000, 60e6}, Scan: {1_000_000, 200e6}, Rewrite: {100_000, 40e6},
}

// blocked is what waits for a lock.
var blocked = map[string]string{
	"ACCESS EXCLUSIVE": "reads and writes wait", "SHARE ROW EXCLUSIVE": "writes wait", "SHARE": "writes wait",
	"SHARE UPDATE EXCLUSIVE": "reads and writes go on", "ROW EXCLUSIVE": "reads and writes go on",
}

var lockLine = regexp.MustCompile(`(?m)^-- lock: (?:(none)|([a-z_]+), ([A-Z ]+), ([a-z]+))$`)

// Locks returns what the migration in file locks. Of one whose file does not say
// so known is false.
func Locks(file string) (locks []Lock, known bool, err error) {
	text, err := fs.ReadFile(FS, file)
	if err != nil {
		return nil, false, fmt.Errorf("read migration: %w", err)
	}
	if n := strings.Count(string(text), "\n-- lock:") + strings.Count(string(text[:min(len(text), 8)]), "-- lock:"); n !=
		len(lockLine.FindAll(text, -1)) {
		return nil, false, fmt.Errorf("%s: a line that begins with -- lock: has not the form of one", file)
	}
	for _, m := range lockLine.FindAllStringSubmatch(string(text), -1) {
		known = true
		if m[1] != "" {
			continue
		}
		l := Lock{Table: m[2], Strength: m[3], Work: Work(m[4])}
		if _, ok := rates[l.Work]; !ok && l.Work != Catalogue || blocked[l.Strength] == "" {
			return nil, false, fmt.Errorf("%s: lock of unknown strength or work: %s", file, m[0])
		}
		locks = append(locks, l)
	}
	return locks, known, nil
}

// sqlSize returns the estimated rows and the size of a table with its partitions.
// Without statistics a row is taken for 200 bytes.
const sqlSize = `
SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 200 END), 0)::bigint,
  coalesce(sum(pg_table_size(c.oid)), 0)::bigint
FROM pg_class c WHERE relkind = 'r' AND (oid = to_regclass($1) OR oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1))))`

// estimate sets how long a lock is held on this database. It reports whether the
// table is there: what is not, an earlier migration makes, and nobody uses it.
func (l *Lock) estimate(ctx context.Context, db *sql.DB) (bool, error) {
	var there bool
	if err := db.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", l.Table).Scan(&there); err != nil || !there {
		return false, wrap("look for table "+l.Table, err)
	}
	if err := db.QueryRowContext(ctx, sqlSize, l.Table).Scan(&l.Rows, &l.Bytes); err != nil {
		return false, wrap("read the size of "+l.Table, err)
	}
	if r, ok := rates[l.Work]; ok {
		l.Seconds = max(float64(l.Rows)/r.rows, float64(l.Bytes)/r.bytes)
		if l.Work == Index && l.Strength == "SHARE UPDATE EXCLUSIVE" {
			l.Seconds *= 2 // concurrently: it reads the table twice
		}
	}
	l.Text = l.sentence()
	return true, nil
}

// sentence returns what the lock means, for people.
func (l *Lock) sentence() string {
	rows := fmt.Sprintf("about %s for %s rows", seconds(l.Seconds), thousands(l.Rows))
	switch l.Work {
	case Index:
		return fmt.Sprintf("builds an index on %s, %s; %s", l.Table, rows, blocked[l.Strength])
	case Scan:
		return fmt.Sprintf("takes %s on %s and reads every row, %s; %s", l.Strength, l.Table, rows, blocked[l.Strength])
	case Rewrite:
		return fmt.Sprintf("takes %s on %s and writes every row anew, %s; %s", l.Strength, l.Table, rows, blocked[l.Strength])
	}
	return fmt.Sprintf("takes %s on %s for less than a second: only the catalogue changes", l.Strength, l.Table)
}

// seconds returns a duration in words, rounded up.
func seconds(s float64) string {
	if s > 120 {
		return fmt.Sprintf("%.0f min", math.Ceil(s/60))
	}
	return fmt.Sprintf("%.0f s", max(1, math.Ceil(s)))
}

// thousands returns a number with commas: 3,100,000.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
