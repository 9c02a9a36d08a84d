package audience

import (
	"context"
	"errors"
	"io"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlAppend adds bytes at the end of an upload, or nothing if its end is
// elsewhere: a repeat, or another writer.
const sqlAppend = `
WITH u AS (UPDATE imports SET received = received + length($4::bytea), updated_at = now()
  WHERE account_id = $1 AND id = $2 AND status = 'uploading' AND received = $3 RETURNING id)
INSERT INTO import_chunks (import_id, start, data) SELECT id, $3, $4 FROM u RETURNING start`

// Append adds bytes at an offset of an upload. Returns dispatch.Conflict unless
// that is its end.
func (s *Store) Append(ctx context.Context, account, id, offset int64, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var start int64
	err := s.db.Tx(ctx, func(tx *pg.DB) error { return tx.GetContext(ctx, &start, sqlAppend, account, id, offset, data) })
	if err = pg.Wrap("store upload", err); errors.Is(err, dispatch.ErrNotFound) {
		return dispatch.Errorf(dispatch.Conflict, "the upload does not end at this offset: GET tells how much was received")
	}
	return err
}

// Upload returns the bytes of an import's file.
func (s *Store) Upload(ctx context.Context, id int64) io.Reader {
	return &upload{ctx: ctx, db: s.db, id: id}
}

// upload reads chunk after chunk.
type upload struct {
	ctx  context.Context
	db   *pg.DB
	id   int64
	next int64
	rest []byte
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	if len(u.rest) == 0 {
		err := u.db.GetContext(u.ctx, &u.rest, `SELECT data FROM import_chunks WHERE import_id = $1 AND start = $2`, u.id, u.next)
		err = pg.Wrap("read upload", err)
		if errors.Is(err, dispatch.ErrNotFound) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		u.next += int64(len(u.rest))
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// What is removed of a file at once: about 16 MiB, and some thousand keys.
const (
	sqlDropChunks = `
DELETE FROM import_chunks WHERE import_id = $1
  AND start = ANY(ARRAY(SELECT start FROM import_chunks WHERE import_id = $1 ORDER BY start LIMIT 16))`
	sqlDropKeys = `
DELETE FROM import_keys WHERE import_id = $1
  AND key = ANY(ARRAY(SELECT key FROM import_keys WHERE import_id = $1 ORDER BY key LIMIT 10000))`
)

// DropUpload removes the bytes of an import's file and what was noted of it, page by
// page: a file of 1 GB in one statement takes longer than one may last.
func (s *Store) DropUpload(ctx context.Context, id int64) error {
	for _, sql := range []string{sqlDropChunks, sqlDropKeys} {
		for n := int64(1); n > 0; {
			r, err := s.db.ExecContext(ctx, sql, id)
			if err != nil {
				return pg.Wrap("drop upload", err)
			}
			if n, err = r.RowsAffected(); err != nil {
				return pg.Wrap("drop upload", err)
			}
		}
	}
	return nil
}

// FailUpload ends an upload that broke off.
func (s *Store) FailUpload(ctx context.Context, account, id int64, reason string) error {
	r, err := s.db.ExecContext(ctx, `UPDATE imports SET status = 'failed', error = $3, finished_at = now(), updated_at = now()
		WHERE account_id = $1 AND id = $2 AND status = 'uploading'`, account, id, storable.Clean(reason))
	if err != nil {
		return pg.Wrap("end upload", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 { // the file of a finished upload is still needed
		return pg.Wrap("end upload", err)
	}
	return s.DropUpload(ctx, id)
}
