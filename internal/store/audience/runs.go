package audience

import (
	"context"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// leaseFor is how long an import belongs to a process that does not renew it.
const leaseFor = `interval '10 seconds'`

const sqlTake = `
UPDATE imports SET lease = $1, lease_until = clock_timestamp() + ` + leaseFor + `, started_at = coalesce(started_at, now())
WHERE id = (SELECT id FROM imports WHERE status = 'running' AND (lease_until IS NULL OR lease_until < clock_timestamp())
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING ` + importColumns

// Take leases an import that is to be run and that no process runs, the oldest
// one. found is false if there is none.
func (s *Store) Take(ctx context.Context, lease string) (i Import, found bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		err := pg.Wrap("take import", tx.GetContext(ctx, &i, sqlTake, lease))
		found = err == nil
		if errors.Is(err, dispatch.ErrNotFound) {
			return nil
		}
		return err
	})
	return i, found, err
}

// Renew prolongs a lease. Returns ErrLost if it has ended.
func (s *Store) Renew(ctx context.Context, id int64, lease string) error {
	return s.leased(ctx, `UPDATE imports SET lease_until = clock_timestamp() + `+leaseFor+` WHERE id = $1 AND lease = $2`, id, lease)
}

// Release ends a lease: after a while another process may go on.
func (s *Store) Release(ctx context.Context, id int64, lease string, after time.Duration) error {
	return s.leased(ctx, `UPDATE imports SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE id = $1 AND lease = $2`,
		id, lease, after.Seconds())
}

func (s *Store) leased(ctx context.Context, sql string, args ...any) error {
	r, err := s.db.ExecContext(ctx, sql, args...)
	if err != nil {
		return pg.Wrap("renew lease of import", err)
	}
	if errors.Is(pg.Found(r), dispatch.ErrNotFound) {
		return ErrLost
	}
	return nil
}

// Describe notes what the file of an import turned out to be.
func (s *Store) Describe(ctx context.Context, id int64, lease, format, encoding, delimiter string, columns []byte) error {
	err := s.leased(ctx, `UPDATE imports SET encoding = $3, delimiter = $4, columns = $5,
		options = options || jsonb_build_object('format', $6::text)
		WHERE id = $1 AND lease = $2`, id, lease, encoding, delimiter, string(columns), format)
	if pg.Poisoned(err) { // a repeat would end the same
		return &dispatch.Error{Code: dispatch.Invalid, Msg: "the columns of the file cannot be stored", Err: err}
	}
	return err
}

const sqlEnd = `
UPDATE imports SET status = $3, error = $4, finished_at = now(), updated_at = now(), lease = NULL, lease_until = NULL
WHERE id = $1 AND lease = $2 AND status = 'running' AND undo = ($3 = 'undone')`

// End ends the run of an import with a status and, if it failed, the reason. The
// file is kept of a stopped one only, which may be continued; that of others may take
// longer to remove than a statement may last, so it goes afterwards, page by page.
// Sweep removes what is left of it.
func (s *Store) End(ctx context.Context, id int64, lease, status, reason string) error {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := New(tx).leased(ctx, sqlEnd, id, lease, status, storable.Clean(reason)); err != nil || status != Stopped {
			return err
		}
		// Who continues it begins with none. It stopped early: they are few.
		_, err := tx.ExecContext(ctx, `DELETE FROM import_keys WHERE import_id = $1`, id)
		return pg.Wrap("drop keys of import", err)
	})
	if err == nil && status != Stopped {
		_ = s.DropUpload(ctx, id)
	}
	return err
}

const (
	sqlAbandoned = `
UPDATE imports SET status = 'failed', finished_at = now(),
  error = CASE status WHEN 'uploading' THEN 'the upload was not finished within 7 days' ELSE error END
WHERE status IN ('uploading', 'stopped') AND updated_at < now() - interval '7 days'`
	sqlLeft = `
SELECT id FROM imports i WHERE status NOT IN ('uploading', 'running', 'stopped')
  AND (EXISTS (SELECT 1 FROM import_chunks c WHERE c.import_id = i.id) OR EXISTS (SELECT 1 FROM import_keys k WHERE k.import_id = i.id))`
)

// Sweep ends uploads and stopped imports that nobody went on with for a week,
// and removes their files.
func (s *Store) Sweep(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, sqlAbandoned); err != nil {
		return pg.Wrap("end abandoned imports", err)
	}
	var left []int64
	if err := s.db.SelectContext(ctx, &left, sqlLeft); err != nil {
		return pg.Wrap("look for old files", err)
	}
	for _, id := range left {
		if err := s.DropUpload(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
