package operate

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

var sqlHolds = numbers.Merge(ledger.Numbers).SQL(`
SELECT EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.campaign_id = m.campaign_id
    AND r.seq = ` + ledger.SeqOf("m.campaign_id", "m.id") + ` AND r.message_id = m.id AND r.status = {row_held}) AS quiet,
  m.type <> 'template' AND c.kind = 'whatsapp' AND c.window_rule <> 'provider' AND NOT ` +
	people.OpenWindow("m.channel_id", "m.recipient", people.LinkedTo("m.account_id", "m.recipient")) + ` AS closed
FROM messages m JOIN channels c ON c.id = m.channel_id WHERE m.id = $1::uuid`)

// Holds reports whether the quiet hours of its campaign hold a message back, and
// whether it needs a conversation window that is not open. It returns
// dispatch.ErrNotFound for an unknown message.
func (s *Store) Holds(ctx context.Context, id dispatch.ID) (quiet, closed bool, err error) {
	err = s.db.QueryRowxContext(ctx, sqlHolds, id.String()).Scan(&quiet, &closed)
	return quiet, closed, pg.Wrap("read what holds a message back", err)
}
