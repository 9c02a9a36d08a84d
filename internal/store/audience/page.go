package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Row is one row of a file.
type Row struct {
	Number, Line        int
	Phone, WaID, UserID string // at least one, unless the row is bad
	Name, TimeZone      string
	Fields              json.RawMessage
	Erased              bool     // the person was: nothing of the row is kept
	Problem             *Problem // of a bad row
	Cells               []string // of a row that is bad or may turn out to be
}

// Problem is what is wrong with a row.
type Problem struct {
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

// Apply commits one page of an import that the process with the lease runs, and
// counts its rows; bad ones are among them. Returns ErrLost if the process does
// not run it any more, or if the page does not begin after the rows that are
// counted.
func (s *Store) Apply(ctx context.Context, i *Import, lease string, page []Row) error {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		m := &merge{tx: tx, i: i, o: i.Options(), page: page}
		if err := m.hold(ctx, lease); err != nil {
			return err
		}
		if err := m.stage(ctx); err != nil {
			return err
		}
		steps := map[string]func(context.Context) error{Contacts: m.contacts, Suppressions: m.suppressions, Audience: m.audience}
		if err := steps[i.Kind](ctx); err != nil {
			return err
		}
		return m.count(ctx)
	})
	if pg.Poisoned(err) && !pg.Duplicate(err) { // a repeat would end the same
		text := fmt.Sprintf("lines %d to %d: a value cannot be stored", page[0].Line, page[len(page)-1].Line)
		return &dispatch.Error{Code: dispatch.Invalid, Msg: text, Err: err}
	}
	return err
}

// merge writes a page by statements about all of its rows at once.
type merge struct {
	tx   *pg.DB
	i    *Import
	o    Options
	page []Row
	ids  bool // a row has another id than a phone
}

const sqlHold = `
SELECT lines, list_id FROM imports WHERE id = $1 AND lease = $2 AND status = 'running' AND NOT undo FOR UPDATE`

// hold locks the import.
func (m *merge) hold(ctx context.Context, lease string) error {
	var now struct {
		Lines int64  `db:"lines"`
		List  *int64 `db:"list_id"`
	}
	err := pg.Wrap("lock import", m.tx.GetContext(ctx, &now, sqlHold, m.i.ID, lease))
	if dispatch.CodeOf(err) == dispatch.NotFound || err == nil && int64(m.page[0].Number) != now.Lines+1 {
		return ErrLost
	}
	m.i.List = now.List // the list may have been deleted
	return err
}

// The rows of a page, and the values by which their persons are known.
var sqlStage = []string{
	// Probing an index for each row never costs more than the page; reading a
	// whole table may.
	`SET LOCAL random_page_cost = 1.1`,
	`SET LOCAL enable_hashjoin = off`,
	`SET LOCAL enable_mergejoin = off`,
	`CREATE TEMP TABLE import_stage (row integer PRIMARY KEY, line integer, phone text, wa_id text, user_id text, name text, time_zone text,
		fields jsonb, erased boolean, contact bigint, suppressed boolean NOT NULL DEFAULT false, result text, problem text) ON COMMIT DROP`,
	`CREATE TEMP TABLE import_values (row integer, key text, person bigint, value text) ON COMMIT DROP`,
}

// Statements about the staged rows; $1 is the account.
const (
	sqlValues = `
INSERT INTO import_values SELECT s.row, v.value, i.person, v.value FROM import_stage s
CROSS JOIN LATERAL (VALUES (s.phone), ('+' || nullif(s.wa_id, '')), (nullif(s.user_id, ''))) v (value)
LEFT JOIN identities i ON i.account_id = $1 AND i.value = v.value WHERE v.value IS NOT NULL`

	// The keys of a person are the values and, if several are known, the person's
	// number. The first row of a key has it.
	sqlPersons = `INSERT INTO import_values (row, key) SELECT DISTINCT row, 'person ' || person FROM import_values WHERE person IS NOT NULL`
	sqlKeys    = `
INSERT INTO import_keys (import_id, key, row) SELECT $1, key, min(row) FROM import_values GROUP BY key ORDER BY key ON CONFLICT DO NOTHING`
	sqlDuplicates = `
UPDATE import_stage s SET result = 'duplicate' FROM (SELECT DISTINCT v.row FROM import_values v
  JOIN import_keys k ON k.import_id = $1 AND k.key = v.key WHERE k.row < v.row) x WHERE x.row = s.row`

	sqlSuppressed = `
UPDATE import_stage s SET suppressed = true FROM (
  SELECT v.row FROM import_values v JOIN suppressions p ON p.account_id = $1 AND p.phone = v.value
  UNION SELECT v.row FROM import_values v JOIN identities i ON i.account_id = $1 AND i.person = v.person
  JOIN suppressions p ON p.account_id = $1 AND p.phone = i.value) x
WHERE x.row = s.row AND s.result IS NULL`
	sqlErased = `UPDATE import_stage SET result = 'suppressed' WHERE erased AND result IS NULL`
)

var stageColumns = []string{"row", "line", "phone", "wa_id", "user_id", "name", "time_zone", "fields", "erased"}

// stage copies the good rows into a table of the transaction and finds the
// duplicates and the persons that are suppressed or erased.
func (m *merge) stage(ctx context.Context) error {
	for _, sql := range sqlStage {
		if _, err := m.tx.ExecContext(ctx, sql); err != nil {
			return pg.Wrap("prepare stage", err)
		}
	}
	if err := m.erased(ctx); err != nil {
		return err
	}
	if err := m.tx.Copy(ctx, "import_stage", stageColumns, m.good()); err != nil {
		return err
	}
	account, id := []any{m.i.Account}, []any{m.i.ID}
	return m.steps(ctx, []step{
		{true, `ANALYZE import_stage`, nil},
		{true, sqlValues, account},
		{true, sqlPersons, nil},
		{true, sqlKeys, id},
		{true, sqlDuplicates, id},
		{true, sqlErased, nil},
		{true, sqlSuppressed, account},
	})
}

// erased marks the rows of persons who were erased.
func (m *merge) erased(ctx context.Context) error {
	var ids []string
	for i := range m.page {
		ids = append(ids, m.page[i].ids()...)
	}
	erased, err := erasure.Erased(ctx, m.tx, m.i.Account, ids)
	if len(erased) == 0 {
		return err
	}
	for i := range m.page {
		m.page[i].Erased = slices.ContainsFunc(m.page[i].ids(), func(id string) bool { return erased[id] })
	}
	return err
}

// ids returns the ids of the row's person.
func (r *Row) ids() []string {
	ids := []string{r.Phone, r.UserID}
	if r.WaID != "" {
		ids = append(ids, "+"+r.WaID)
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

func (m *merge) good() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range m.page {
			r := &m.page[i]
			if r.Problem != nil {
				continue
			}
			m.ids = m.ids || r.WaID != "" || r.UserID != ""
			if !yield([]any{r.Number, r.Line, pg.Nullable(r.Phone), r.WaID, r.UserID, r.Name, r.TimeZone, string(r.Fields), r.Erased}) {
				return
			}
		}
	}
}

// run executes a statement about the staged rows.
func (m *merge) run(ctx context.Context, sql string, args ...any) error {
	_, err := m.tx.ExecContext(ctx, sql, args...)
	return pg.Wrap("merge rows of import", err)
}

const sqlRejected = `SELECT row, problem FROM import_stage WHERE result = 'bad'`

// rejected marks the rows that turned out to be bad.
func (m *merge) rejected(ctx context.Context) error {
	var bad []struct {
		Row     int    `db:"row"`
		Problem string `db:"problem"`
	}
	if err := m.tx.SelectContext(ctx, &bad, sqlRejected); err != nil {
		return pg.Wrap("read bad rows of import", err)
	}
	first := m.page[0].Number
	for _, b := range bad {
		m.page[b.Row-first].Problem = &Problem{Reason: b.Problem}
	}
	return nil
}

var rowColumns = []string{"import_id", "row", "line", "result", "problem", "cells"}

// keepBad stores the bad rows of the page.
func (m *merge) keepBad(ctx context.Context) (n int64, err error) {
	err = m.tx.Copy(ctx, "import_rows", rowColumns, func(yield func([]any) bool) {
		for i := range m.page {
			r := &m.page[i]
			if r.Problem == nil {
				continue
			}
			n++
			if !yield([]any{m.i.ID, r.Number, r.Line, "bad", pg.JSON(r.Problem), pg.JSON(r.Cells)}) {
				return
			}
		}
	})
	return n, err
}

// A row of a suppressed person counts as suppressed only, whatever was written.
const sqlCount = `
WITH n AS (SELECT
  count(*) FILTER (WHERE result = 'duplicate') AS duplicate,
  count(*) FILTER (WHERE result = 'suppressed' OR suppressed AND result IN ('created', 'updated', 'unchanged')) AS suppressed,
  count(*) FILTER (WHERE NOT suppressed AND result = 'created') AS created,
  count(*) FILTER (WHERE NOT suppressed AND result = 'updated') AS updated,
  count(*) FILTER (WHERE NOT suppressed AND result = 'unchanged') AS unchanged FROM import_stage)
UPDATE imports i SET lines = i.lines + $2, created = i.created + n.created, updated = i.updated + n.updated,
  unchanged = i.unchanged + n.unchanged, duplicate = i.duplicate + n.duplicate, suppressed = i.suppressed + n.suppressed, bad = i.bad + $3,
  lease_until = clock_timestamp() + ` + leaseFor + `, updated_at = now()
FROM n WHERE i.id = $1 RETURNING i.lines`

// count stores the bad rows and adds the page to the counts of the import.
func (m *merge) count(ctx context.Context) error {
	if err := m.rejected(ctx); err != nil {
		return err
	}
	bad, err := m.keepBad(ctx)
	if err != nil {
		return err
	}
	err = m.tx.GetContext(ctx, &m.i.Lines, sqlCount, m.i.ID, len(m.page), bad)
	return pg.Wrap("count rows of import", err)
}

// Reject stores the bad rows of a file that is stopped: none of its rows is
// written, and only the bad ones count.
func (s *Store) Reject(ctx context.Context, i *Import, lease string, bad []Row) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		m := &merge{tx: tx, i: i, page: bad}
		if err := New(tx).Renew(ctx, i.ID, lease); err != nil {
			return err
		}
		if err := m.run(ctx, `DELETE FROM import_rows WHERE import_id = $1`, i.ID); err != nil {
			return err
		}
		n, err := m.keepBad(ctx)
		if err != nil {
			return err
		}
		return m.run(ctx, `UPDATE imports SET lines = $2, bad = $2 WHERE id = $1`, i.ID, n)
	})
}
