package store

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Inbound is a message that a contact sent to a channel.
type Inbound struct {
	ID         dispatch.ID `db:"id" json:"id"`
	Channel    int64       `db:"channel_id" json:"channel_id"`
	From       string      `db:"from_phone" json:"from"`
	WaID       string      `db:"wa_id" json:"wa_id,omitempty"`
	Name       string      `db:"name" json:"name,omitempty"`
	Type       string      `db:"type" json:"type"`
	Text       string      `db:"text" json:"text,omitempty"`
	ProviderID string      `db:"provider_id" json:"provider_message_id"`
	At         time.Time   `db:"at" json:"at"`
	ReceivedAt time.Time   `db:"received_at" json:"received_at"`
}

// InboundFilter narrows a list of inbound messages, newest first.
type InboundFilter struct {
	Channel int64        // 0: all
	From    string       // E.164; empty: all
	Before  *dispatch.ID // the last id of the page before
	Limit   int
}

// Inbounds lists inbound messages of the account.
func (s *Store) Inbounds(ctx context.Context, account int64, f InboundFilter) ([]Inbound, error) {
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
	out := []Inbound{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, channel_id, from_phone, wa_id, name, type, text, provider_id, at, received_at FROM inbound
		WHERE `+where.SQL()+` ORDER BY id DESC LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("list inbound messages", err)
}
