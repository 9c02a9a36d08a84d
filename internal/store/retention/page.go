package retention

import (
	"context"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// pageRows is how many rows are looked at in one statement.
const pageRows = 500

// Measure counts the rows that a job would change, and their bytes.
func (s *Store) Measure(ctx context.Context, j *Job) (rows, bytes int64, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		count := func(query string, args ...any) error {
			var n, size int64
			err := tx.QueryRowxContext(ctx, query, args...).Scan(&n, &size)
			rows, bytes = rows+n, bytes+size
			return pg.Wrap("measure "+j.Table, err)
		}
		if j.size != "" {
			return count(j.size, j.Account, j.Before, nil)
		}
		from, err := s.done(ctx, j)
		if err != nil {
			return err
		}
		if err := count(j.pages(j.fresh), j.Account, from, j.Before, nil); err != nil || j.left == "" {
			return err
		}
		return count(j.pages(j.left), j.Account, never, j.Before, nil)
	})
	return rows, bytes, err
}

// pages returns the statement that measures all pages.
func (j *Job) pages(of string) string {
	return `SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM (` + of + `) p JOIN ` + j.rows + ` WHERE NOT p.busy`
}

// Page does the next page of a job. It returns how many rows were removed or blanked,
// and whether there may be another page.
func (s *Store) Page(ctx context.Context, j *Job) (rows int64, more bool, err error) {
	switch {
	case j.all != "":
		return s.sweep(ctx, j)
	case j.numbered != nil:
		return j.numbered.page(ctx, s, j)
	}
	query, err := s.begin(ctx, j)
	if err != nil {
		return 0, false, err
	}
	p, err := s.nextPage(ctx, j, query)
	if err != nil {
		return 0, false, err
	}
	if p.last == never {
		more, j.past, j.at = !j.past, true, nil
		return 0, more, nil
	}
	if rows, err = s.doPage(ctx, j, &p); err != nil {
		return rows, false, err
	}
	j.at = &p.last
	return rows, true, nil
}

// begin returns the statement for the next page: first of what the job left before, then
// of what is old since.
func (s *Store) begin(ctx context.Context, j *Job) (query string, err error) {
	if !j.past && j.left != "" {
		if j.at == nil {
			j.at = &never
		}
		return j.left, nil
	}
	j.past = true
	if j.at == nil {
		at, err := s.done(ctx, j)
		if err != nil {
			return "", err
		}
		j.at = &at
	}
	return j.fresh, nil
}

// never is before every id.
var never uuid.UUID

// batch is a page of ids: finished ones, and those that are left for later.
type batch struct {
	ids, left []uuid.UUID
	last      uuid.UUID // never: there is none
}

// nextPage returns the page after the job's place.
func (s *Store) nextPage(ctx context.Context, j *Job, query string) (p batch, err error) {
	var rows []struct {
		ID   uuid.UUID `db:"id"`
		Busy bool      `db:"busy"`
	}
	if err := s.db.SelectContext(ctx, &rows, query, j.Account, *j.at, j.Before, pageRows); err != nil {
		return p, pg.Wrap("look for old "+j.Table, err)
	}
	for _, r := range rows {
		p.last = r.ID
		if r.Busy {
			p.left = append(p.left, r.ID)
		} else {
			p.ids = append(p.ids, r.ID)
		}
	}
	return p, nil
}

// doPage does a job for the finished ids of a page, and notes the others.
func (s *Store) doPage(ctx context.Context, j *Job, p *batch) (rows int64, err error) {
	if len(p.ids) > 0 {
		var waiting []uuid.UUID
		if rows, waiting, err = j.do(ctx, s, p.ids); err != nil {
			return rows, err
		}
		p.left = append(p.left, waiting...)
	}
	if j.mark == "" {
		return rows, nil
	}
	return rows, s.note(ctx, j, p)
}

const (
	sqlTake = `DELETE FROM retention_left WHERE account_id = $1 AND what = $2 AND id = ANY($3)`
	sqlLeft = `INSERT INTO retention_left (account_id, what, id) SELECT $1, $2, unnest($3::uuid[]) ON CONFLICT DO NOTHING`
	sqlDone = `INSERT INTO retention_marks AS m (account_id, what, done_to) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, what) DO UPDATE SET done_to = excluded.done_to WHERE m.done_to < excluded.done_to`
)

// note stores what a page has left, and that the job is past it.
func (s *Store) note(ctx context.Context, j *Job, p *batch) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		for _, do := range []struct {
			sql string
			arg any
		}{{sqlTake, pg.UUIDArray(p.ids)}, {sqlLeft, pg.UUIDArray(p.left)}, {sqlDone, p.last}} {
			if _, err := tx.ExecContext(ctx, do.sql, j.Account, j.mark, do.arg); err != nil {
				return pg.Wrap("note how far retention is", err)
			}
		}
		return nil
	})
}

// sweep deletes a page of rows that no ids lead to.
func (s *Store) sweep(ctx context.Context, j *Job) (rows int64, more bool, err error) {
	r, err := s.db.ExecContext(ctx, j.all, j.Account, j.Before, pageRows)
	if err != nil {
		return 0, false, pg.Wrap("delete old "+j.Table, err)
	}
	rows, err = r.RowsAffected()
	return rows, rows == pageRows, pg.Wrap("count deleted "+j.Table, err)
}

// done returns the id up to which a job is done.
func (s *Store) done(ctx context.Context, j *Job) (uuid.UUID, error) {
	var to []uuid.UUID
	err := s.db.SelectContext(ctx, &to, `SELECT done_to FROM retention_marks WHERE account_id = $1 AND what = $2`, j.Account, j.mark)
	if err != nil || len(to) == 0 {
		return never, pg.Wrap("read how far retention is", err)
	}
	return to[0], nil
}
