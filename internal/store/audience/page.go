package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Row is one row of a file.
type Row struct {
	Number, Line        int
	Phone, WaID, UserID string // at least one, unless the row is bad
	Name, TimeZone      string
	Fields              json.RawMessage
	Problem             *Problem // of a bad row
	Cells               []string // of a row that is bad or may turn out to be

	duplicate, suppressed, erased bool // of the person
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
		if err := m.judge(ctx); err != nil {
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
	ids  bool   // a row has another id than a phone
	n    Counts // of the page
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

// sqlStage prepares a table of the rows of a page, with room for what becomes of
// each.
const sqlStage = `
CREATE TEMP TABLE import_stage (row integer PRIMARY KEY, phone text, wa_id text, user_id text, name text, time_zone text,
  fields jsonb, suppressed boolean, result text, contact bigint, problem text) WITH (fillfactor = 50) ON COMMIT DROP`

var stageColumns = []string{"row", "phone", "wa_id", "user_id", "name", "time_zone", "fields", "suppressed", "result"}

// stage copies the good rows into a table of the transaction.
func (m *merge) stage(ctx context.Context) error {
	if err := m.run(ctx, sqlStage); err != nil {
		return err
	}
	if err := m.tx.Copy(ctx, "import_stage", stageColumns, m.good()); err != nil {
		return err
	}
	return m.run(ctx, `ANALYZE import_stage`)
}

func (m *merge) good() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range m.page {
			r := &m.page[i]
			if r.Problem != nil {
				continue
			}
			m.ids = m.ids || r.WaID != "" || r.UserID != ""
			values := []any{
				r.Number, pg.Nullable(r.Phone), r.WaID, r.UserID, r.Name, r.TimeZone, string(r.Fields), r.suppressed, pg.Nullable(r.ended()),
			}
			if !yield(values) {
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

var badColumns = []string{"import_id", "row", "line", "result", "problem", "cells"}

// keepBad stores the bad rows of the page.
func (m *merge) keepBad(ctx context.Context) (n int64, err error) {
	if !slices.ContainsFunc(m.page, func(r Row) bool { return r.Problem != nil }) {
		return 0, nil
	}
	err = m.tx.Copy(ctx, "import_rows", badColumns, func(yield func([]any) bool) {
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
const sqlTally = `
SELECT count(*) FILTER (WHERE result = 'duplicate') AS duplicate,
  count(*) FILTER (WHERE result = 'suppressed' OR suppressed AND result IN ('created', 'updated', 'unchanged')) AS suppressed,
  count(*) FILTER (WHERE NOT suppressed AND result = 'created') AS created,
  count(*) FILTER (WHERE NOT suppressed AND result = 'updated') AS updated,
  count(*) FILTER (WHERE NOT suppressed AND result = 'unchanged') AS unchanged FROM import_stage`

// tally stores the bad rows and counts the rows of the page that were staged.
func (m *merge) tally(ctx context.Context) error {
	if err := m.rejected(ctx); err != nil {
		return err
	}
	if err := m.tx.GetContext(ctx, &m.n, sqlTally); err != nil {
		return pg.Wrap("count rows of import", err)
	}
	bad, err := m.keepBad(ctx)
	m.n.Bad = bad
	return err
}

const sqlCount = `
UPDATE imports i SET lines = lines + $2, created = created + $3, updated = updated + $4, unchanged = unchanged + $5,
  duplicate = duplicate + $6, suppressed = suppressed + $7, bad = bad + $8,
  lease_until = clock_timestamp() + ` + leaseFor + `, updated_at = now() WHERE id = $1 RETURNING lines`

// count adds the page to the counts of the import.
func (m *merge) count(ctx context.Context) error {
	n := &m.n
	err := m.tx.GetContext(ctx, &m.i.Lines, sqlCount, m.i.ID, len(m.page), n.Created, n.Updated, n.Unchanged, n.Duplicate, n.Suppressed, n.Bad)
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
