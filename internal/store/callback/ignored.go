// Package callback stores what callbacks of providers report besides the statuses
// of messages: states of channels and templates, messaging limits, notes, and
// callbacks that nothing was read from.
package callback

import (
	"context"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store keeps what callbacks report.
type Store struct {
	db *pg.DB
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db} }

// maxIgnored is how many ignored callbacks an account keeps.
const maxIgnored = 1000

// KeepIgnored keeps a callback that nothing was read from, in place of the
// account's oldest one beyond 1,000. Its texts must be masked already.
func (s *Store) KeepIgnored(ctx context.Context, account int64, c dispatch.IgnoredCallback) error {
	_, err := s.db.ExecContext(ctx, `WITH i AS (INSERT INTO ignored_callbacks (id, account_id, channel_id, provider, kind, reason, body)
		VALUES ($1::uuid, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING)
		DELETE FROM ignored_callbacks WHERE account_id = $2
		AND id <= (SELECT id FROM ignored_callbacks WHERE account_id = $2 ORDER BY id DESC OFFSET $8 LIMIT 1)`,
		c.ID.String(), account, c.Channel, c.Provider, pg.FitRef(storable.Clean(c.Kind)), storable.Clean(c.Reason),
		storable.Clean(c.Body), maxIgnored-1)
	return pg.Wrap("keep ignored callback", err)
}

// Ignored lists the callbacks of the account that nothing was read from, newest
// first, from before on.
func (s *Store) Ignored(ctx context.Context, account int64, before *dispatch.ID, limit int) ([]dispatch.IgnoredCallback, error) {
	where := pg.NewWhere(1)
	last := uuid.Max
	if before != nil {
		last = *before
	}
	order := where.Before(`account_id`, `id`, account, last.String())
	out := []dispatch.IgnoredCallback{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, channel_id, provider, kind, reason, body, at FROM ignored_callbacks
		WHERE `+where.SQL()+` ORDER BY `+order+` LIMIT $1`, append([]any{limit}, where.Args()...)...)
	return out, pg.Wrap("list ignored callbacks", err)
}
