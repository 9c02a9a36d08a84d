package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Quoted is a message that another one answers: one of ours, or one that a
// contact sent.
type Quoted struct {
	Channel    int64  `db:"channel_id"`
	Inbound    bool   `db:"inbound"`
	Test       bool   `db:"test"`
	ProviderID string `db:"provider_id"` // empty: the provider has given none
}

const sqlQuoted = `
SELECT channel_id, false AS inbound, test, coalesce(provider_message_id, '') AS provider_id FROM messages WHERE id = $1::uuid AND account_id = $2
UNION ALL
SELECT channel_id, true, false, provider_id FROM inbound WHERE id = $1::uuid AND account_id = $2
LIMIT 1`

// FindQuoted looks for a message of the account by our own id; found is false
// when it has none.
func (s *Store) FindQuoted(ctx context.Context, account int64, id dispatch.ID) (q Quoted, found bool, err error) {
	err = s.db.GetContext(ctx, &q, sqlQuoted, id.String(), account)
	if errors.Is(err, sql.ErrNoRows) {
		return q, false, nil
	}
	return q, err == nil, pg.Wrap("find quoted message", err)
}
