package store

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// InboundFilter narrows a list of inbound messages, newest first.
type InboundFilter struct {
	Channel int64        // 0: all
	From    string       // E.164; empty: all
	Before  *dispatch.ID // the last id of the page before
	Limit   int
}

// Inbounds lists inbound messages of the account.
func (s *Store) Inbounds(ctx context.Context, account int64, f InboundFilter) ([]dispatch.Received, error) {
	where := pg.NewWhere(1)
	where.Add(`account_id = ?`, account)
	if f.Channel != 0 {
		where.Add(`channel_id = ?`, f.Channel)
	}
	if f.From != "" {
		where.Add(`from_phone = ?`, f.From)
	}
	if f.Before != nil {
		where.Add(`id < ?::uuid`, f.Before.String())
	}
	out := []dispatch.Received{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, channel_id, from_phone, wa_id, name, type, text, provider_id, at, received_at FROM inbound
		WHERE `+where.SQL()+` ORDER BY id DESC LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("list inbound messages", err)
}

// InsertInbound stores messages that contacts sent, opens their windows and
// follows STOP and START. It is safe to repeat: the provider's id is unique in
// its channel.
const sqlInbound = `
WITH i AS (INSERT INTO inbound (id, account_id, channel_id, from_phone, wa_id, name, type, text, provider_id, raw, at)
    SELECT $1::uuid, c.account_id, c.id, $3, $4, $5, $6, $7, $8, $9, $10 FROM channels c WHERE c.id = $2 ON CONFLICT (channel_id, provider_id) DO NOTHING RETURNING id, account_id, channel_id),
  w AS (INSERT INTO windows (channel_id, phone, wa_id, opened_at) SELECT channel_id, $3, $4, least($10, now()) FROM i
    ON CONFLICT (channel_id, phone) DO UPDATE SET opened_at = greatest(windows.opened_at, excluded.opened_at), wa_id = CASE WHEN excluded.wa_id <> '' THEN excluded.wa_id ELSE windows.wa_id END),
  s AS (INSERT INTO suppressions (account_id, phone, reason, detail) SELECT account_id, $3, 'stop', 'the contact wrote a stop word' FROM i WHERE $11 ON CONFLICT DO NOTHING),
  d AS (DELETE FROM suppressions p USING i WHERE $12 AND p.account_id = i.account_id AND p.phone = $3 AND p.reason = 'stop')
INSERT INTO events (message_id, account_id, channel_id, kind, cause) SELECT id, account_id, channel_id, 101, 'callback' FROM i`

// InsertInbound stores one inbound message; stop and start say what its text
// asks for.
func (s *Store) InsertInbound(ctx context.Context, in dispatch.Inbound, stop, start bool) error {
	id := dispatch.NewID()
	_, err := s.db.ExecContext(ctx, sqlInbound, id.String(), in.Channel, pg.Storable(in.From), pg.Storable(in.WaID), pg.Storable(in.Name), pg.Storable(in.Type),
		pg.Storable(in.Text), pg.Storable(in.ProviderID), pg.Storable(in.Raw), time.UnixMicro(*pg.Micros(in.At)), stop, start)
	return pg.Wrap("store inbound message", err)
}
