package retention

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// job removes or blanks the old rows of an account in pages.
type job struct {
	account       int64
	action, table string
	before        time.Time
	mark          string // under which done_to is kept; empty: the rows are gone
	page, size    string // statements: the next page of ids, all that is left
	do            string // the statement for a page of ids; empty: messages are blanked
}

// The pages of an account's ids ($1 is the account, $2 the id before, $3 the time).
// busy ones are left for later.
const (
	pageRows   = 500
	unfinished = `
SELECT m.id, EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)
  OR EXISTS (SELECT 1 FROM scheduled s WHERE s.account_id = m.account_id AND s.message_id = m.id)
  OR EXISTS (SELECT 1 FROM fallbacks f WHERE f.message_id = m.id)`
	unread = `
  OR EXISTS (SELECT 1 FROM events e JOIN webhook_cursors c ON (e.xid, e.id) > (c.xid, c.event_id) WHERE e.message_id = m.id)`
	ofMessages = ` AS busy
FROM (SELECT id, account_id FROM messages WHERE account_id = $1 AND id > $2 AND id < uuid_floor($3) ORDER BY id LIMIT $4) m ORDER BY m.id`
	pageMessages = unfinished + ofMessages
	pageEvents   = unfinished + unread + ofMessages
	pageInbound  = `
SELECT id, false AS busy FROM (SELECT id, received_at FROM inbound WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $4) i
WHERE received_at < $3 ORDER BY id`
)

// What is left of a table ($1 is the account, $2 the id before, $3 the time).
const (
	sizeMessages = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(m.*)), 0) AS bytes FROM messages m
		WHERE m.account_id = $1 AND m.id > $2 AND m.id < uuid_floor($3)`
	sizeAttempts = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(a.*)), 0) AS bytes FROM messages m
		JOIN attempts a ON a.message_id = m.id WHERE m.account_id = $1 AND m.id > $2 AND m.id < uuid_floor($3)`
	sizeEvents = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(e.*)), 0) AS bytes FROM messages m
		JOIN events e ON e.message_id = m.id WHERE m.account_id = $1 AND m.id > $2 AND m.id < uuid_floor($3)`
	sizeInbound = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(i.*)), 0) AS bytes FROM inbound i
		WHERE i.account_id = $1 AND i.id > $2 AND i.received_at < $3`
	sizeAudit = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(l.*)), 0) AS bytes FROM audit_log l
		WHERE l.account_id = $1 AND $2::uuid IS NOT NULL AND l.at < $3`
)

// blankInbound removes what a contact wrote and who it was.
const blankInbound = `UPDATE inbound SET from_phone = '', wa_id = '', user_id = '', username = '', name = '', moved_to = '', text = '',
  raw = '{}', content = '{}' WHERE id = ANY($1)`

// jobs returns what is to be done of the rows of an account, in the order in which
// it is: what belongs to messages goes before them. A table that no account keeps
// longer is left to its partitions.
func jobs(all []settings, a *settings, now time.Time) []job {
	var out []job
	add := func(j job) {
		j.account = a.ID
		if j.before.IsZero() {
			j.before = a.Days.before(j.table, now)
		}
		out = append(out, j)
	}
	weekly := func(j job) {
		if a.Days.of(j.table) < longest(all, j.table) {
			add(j)
		}
	}
	if a.RedactDays != nil {
		before := now.AddDate(0, 0, -*a.RedactDays)
		add(job{action: Blank, table: "messages", before: before, mark: "redact_messages", page: pageMessages, size: sizeMessages})
		add(job{
			action: Blank, table: "inbound", before: before, mark: "redact_inbound", page: pageInbound, size: sizeInbound, do: blankInbound,
		})
	}
	weekly(job{
		action: Delete, table: "attempts", mark: "attempts", page: pageMessages, size: sizeAttempts,
		do: `DELETE FROM attempts WHERE message_id = ANY($1)`,
	})
	weekly(job{
		action: Delete, table: "events", mark: "events", page: pageEvents, size: sizeEvents,
		do: `DELETE FROM events WHERE message_id = ANY($1)`,
	})
	weekly(job{
		action: Delete, table: "messages", mark: "messages", page: pageMessages, size: sizeMessages,
		do: `DELETE FROM messages WHERE id = ANY($1)`,
	})
	add(job{action: Delete, table: "inbound", page: pageInbound, size: sizeInbound, do: `DELETE FROM inbound WHERE id = ANY($1)`})
	add(job{action: Delete, table: "audit_log", size: sizeAudit})
	return out
}

// measure counts what a job would do.
func (s *Store) measure(ctx context.Context, j *job, into *Step) error {
	from, err := s.done(ctx, j)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		return pg.Wrap("measure "+j.table, tx.QueryRowxContext(ctx, j.size, j.account, from, j.before).Scan(&into.Rows, &into.Bytes))
	})
}

// patient lets a statement read whole tables.
func patient(ctx context.Context, tx *pg.DB) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = '5min'`)
	return pg.Wrap("set timeout", err)
}

// walk does a job, page by page, and pauses after each page for as long as the page
// took. It returns how many rows were removed or blanked.
func (s *Store) walk(ctx context.Context, j *job) (rows int64, err error) {
	if j.table == "audit_log" {
		return s.audit(ctx, j)
	}
	at, err := s.done(ctx, j)
	if err != nil {
		return 0, err
	}
	for whole := true; ; {
		began := time.Now()
		ids, last, busy, err := s.nextPage(ctx, j, at)
		if err != nil || last == never {
			return rows, err
		}
		n, left, err := s.doPage(ctx, j, ids)
		if rows += n; err != nil {
			return rows, err
		}
		if whole = whole && !busy && left == 0; whole {
			if err := s.setDone(ctx, j, last); err != nil {
				return rows, err
			}
		}
		at = last
		if err := pause(ctx, time.Since(began)); err != nil {
			return rows, err
		}
	}
}

// nextPage returns the finished ids after at, and the last id of the page, which is
// never if there is none. busy reports whether unfinished ones were left out.
func (s *Store) nextPage(ctx context.Context, j *job, at uuid.UUID) (ids []uuid.UUID, last uuid.UUID, busy bool, err error) {
	var page []struct {
		ID   uuid.UUID `db:"id"`
		Busy bool      `db:"busy"`
	}
	if err := s.db.SelectContext(ctx, &page, j.page, j.account, at, j.before, pageRows); err != nil {
		return nil, never, false, pg.Wrap("look for old "+j.table, err)
	}
	for _, r := range page {
		last = r.ID
		if r.Busy {
			busy = true
			continue
		}
		ids = append(ids, r.ID)
	}
	return ids, last, busy, nil
}

// doPage does a job for the ids; left is how many turned out to be unfinished.
func (s *Store) doPage(ctx context.Context, j *job, ids []uuid.UUID) (rows int64, left int, err error) {
	if len(ids) == 0 {
		return 0, 0, nil
	}
	if j.do == "" {
		left, err = s.blank.Blank(ctx, ids, map[string]int64{})
		return int64(len(ids) - left), left, err
	}
	r, err := s.db.ExecContext(ctx, j.do, pg.UUIDArray(ids))
	if err != nil {
		return 0, 0, pg.Wrap(j.action+" old "+j.table, err)
	}
	rows, err = r.RowsAffected()
	return rows, 0, err
}

const sqlAudit = `DELETE FROM audit_log WHERE id IN (SELECT id FROM
  (SELECT id, at FROM audit_log WHERE account_id = $1 ORDER BY id LIMIT $3) l WHERE at < $2)`

// audit deletes old entries of the audit log.
func (s *Store) audit(ctx context.Context, j *job) (rows int64, err error) {
	for {
		r, err := s.db.ExecContext(ctx, sqlAudit, j.account, j.before, pageRows)
		if err != nil {
			return rows, pg.Wrap("delete old audit log", err)
		}
		n, err := r.RowsAffected()
		if rows += n; err != nil || n < pageRows {
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

func (s *Store) setDone(ctx context.Context, j *job, to uuid.UUID) error {
	if j.mark == "" {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO retention_marks (account_id, what, done_to) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, what) DO UPDATE SET done_to = excluded.done_to`, j.account, j.mark, to)
	return pg.Wrap("note how far retention is", err)
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
