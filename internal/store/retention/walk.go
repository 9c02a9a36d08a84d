package retention

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// pageRows is how many rows are looked at in one statement.
const pageRows = 500

// measure counts what a job would do.
func (s *Store) measure(ctx context.Context, j *job, into *Step) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		if j.all != "" {
			return pg.Wrap("measure "+j.table, tx.QueryRowxContext(ctx, j.size, j.account, j.before, nil).Scan(&into.Rows, &into.Bytes))
		}
		from, err := s.done(ctx, j)
		if err != nil {
			return err
		}
		if err := into.add(ctx, tx, j, j.fresh, from); err != nil || j.left == "" {
			return err
		}
		return into.add(ctx, tx, j, j.left, never)
	})
}

// add counts the rows of all pages of a job.
func (st *Step) add(ctx context.Context, tx *pg.DB, j *job, pages string, from uuid.UUID) error {
	var rows, bytes int64
	err := tx.QueryRowxContext(ctx, `SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM (`+pages+`) p JOIN `+j.rows+`
		WHERE NOT p.busy`, j.account, from, j.before, nil).Scan(&rows, &bytes)
	st.Rows, st.Bytes = st.Rows+rows, st.Bytes+bytes
	return pg.Wrap("measure "+j.table, err)
}

// patient lets a statement read whole tables.
func patient(ctx context.Context, tx *pg.DB) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = '5min'`)
	return pg.Wrap("set timeout", err)
}

// walk does a job and returns how many rows were removed or blanked: first what it
// left before, then what is old since.
func (s *Store) walk(ctx context.Context, j *job) (rows int64, err error) {
	if j.all != "" {
		return s.sweep(ctx, j)
	}
	if j.left != "" {
		if rows, err = s.pages(ctx, j, j.left, never); err != nil {
			return rows, err
		}
	}
	from, err := s.done(ctx, j)
	if err != nil {
		return rows, err
	}
	n, err := s.pages(ctx, j, j.fresh, from)
	return rows + n, err
}

// pages does a job page by page, and pauses after each page for as long as the page
// took.
func (s *Store) pages(ctx context.Context, j *job, query string, at uuid.UUID) (rows int64, err error) {
	for {
		began := time.Now()
		p, err := s.nextPage(ctx, j, query, at)
		if err != nil || p.last == never {
			return rows, err
		}
		n, err := s.doPage(ctx, j, &p)
		if rows += n; err != nil {
			return rows, err
		}
		at = p.last
		if err := pause(ctx, time.Since(began)); err != nil {
			return rows, err
		}
	}
}

// batch is a page of ids: finished ones, and those that are left for later.
type batch struct {
	ids, left []uuid.UUID
	last      uuid.UUID // never: there is none
}

// nextPage returns the page after an id.
func (s *Store) nextPage(ctx context.Context, j *job, query string, at uuid.UUID) (p batch, err error) {
	var rows []struct {
		ID   uuid.UUID `db:"id"`
		Busy bool      `db:"busy"`
	}
	if err := s.db.SelectContext(ctx, &rows, query, j.account, at, j.before, pageRows); err != nil {
		return p, pg.Wrap("look for old "+j.table, err)
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
func (s *Store) doPage(ctx context.Context, j *job, p *batch) (rows int64, err error) {
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
func (s *Store) note(ctx context.Context, j *job, p *batch) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		for _, do := range []struct {
			sql string
			arg any
		}{{sqlTake, pg.UUIDArray(p.ids)}, {sqlLeft, pg.UUIDArray(p.left)}, {sqlDone, p.last}} {
			if _, err := tx.ExecContext(ctx, do.sql, j.account, j.mark, do.arg); err != nil {
				return pg.Wrap("note how far retention is", err)
			}
		}
		return nil
	})
}

// sweep deletes rows until none is old.
func (s *Store) sweep(ctx context.Context, j *job) (rows int64, err error) {
	for {
		began := time.Now()
		r, err := s.db.ExecContext(ctx, j.all, j.account, j.before, pageRows)
		if err != nil {
			return rows, pg.Wrap("delete old "+j.table, err)
		}
		n, err := r.RowsAffected()
		if rows += n; err != nil || n < pageRows {
			return rows, err
		}
		if err := pause(ctx, time.Since(began)); err != nil {
			return rows, err
		}
	}
}

// done returns the id up to which a job is done.
func (s *Store) done(ctx context.Context, j *job) (uuid.UUID, error) {
	var to []uuid.UUID
	err := s.db.SelectContext(ctx, &to, `SELECT done_to FROM retention_marks WHERE account_id = $1 AND what = $2`, j.account, j.mark)
	if err != nil || len(to) == 0 {
		return never, pg.Wrap("read how far retention is", err)
	}
	return to[0], nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
