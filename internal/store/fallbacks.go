package store

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Fallback is a message whose next entry may have to be sent.
type Fallback struct {
	ID        dispatch.ID `db:"id"`
	Account   int64       `db:"account_id"`
	Key       int64       `db:"key_id"`
	To        string      `db:"recipient"`
	Entries   string      `db:"fallback"` // JSON array of native drafts
	Cause     string      `db:"cause"`
	Test      bool        `db:"test"`
	Reference *string     `db:"reference"`
}

// DueFallbacks takes what waits for its fallback; each comes back after ten
// seconds until DropFallback, those that have got their child too: whoever sent
// it may not have learned that it did.
func (s *Store) DueFallbacks(ctx context.Context) ([]Fallback, error) {
	var out []Fallback
	err := s.db.SelectContext(ctx, &out, `
WITH f AS MATERIALIZED (SELECT message_id FROM fallbacks WHERE wake_at <= now() ORDER BY wake_at LIMIT 100 FOR UPDATE SKIP LOCKED),
  u AS (UPDATE fallbacks SET wake_at = now() + interval '10 seconds' WHERE message_id = ANY(ARRAY(SELECT message_id FROM f)) RETURNING message_id, cause)
SELECT m.id, m.account_id, m.key_id, m.recipient, m.fallback, u.cause, m.test, m.reference FROM u JOIN messages m ON m.id = u.message_id WHERE m.fallback IS NOT NULL AND m.status IN (30, 60, 61)`)
	if err != nil {
		return nil, pg.Wrap("take fallbacks", err)
	}
	// What was delivered, cancelled or is unknown needs none; what is still to be
	// sent comes back.
	_, err = s.db.ExecContext(ctx, `DELETE FROM fallbacks WHERE wake_at <= now() + interval '11 seconds' AND message_id IN
		(SELECT f.message_id FROM fallbacks f JOIN messages m ON m.id = f.message_id WHERE f.wake_at <= now() + interval '11 seconds' AND m.status IN (40, 50, 62, 63))`)
	return out, pg.Wrap("drop fallbacks", err)
}

// DropFallback forgets a fallback that was sent, or can't be.
func (s *Store) DropFallback(ctx context.Context, id dispatch.ID) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM fallbacks WHERE message_id = $1::uuid`, id.String())
	return pg.Wrap("drop fallback", err)
}

// ReturnFallbacks makes fallbacks that DueFallbacks took due again.
func (s *Store) ReturnFallbacks(ctx context.Context, fs []Fallback) error {
	ids := make([]dispatch.ID, len(fs))
	for i, f := range fs {
		ids[i] = f.ID
	}
	_, err := s.db.ExecContext(ctx, `UPDATE fallbacks SET wake_at = now()
		WHERE message_id = ANY(ARRAY(SELECT message_id FROM fallbacks WHERE message_id = ANY($1::uuid[]) AND wake_at > now() FOR UPDATE SKIP LOCKED))`, pg.UUIDArray(ids))
	return pg.Wrap("return fallbacks", err)
}

// Message reads what a provider may be asked about a message.
func (s *Store) Message(ctx context.Context, id dispatch.ID) (Claimed, error) {
	var c Claimed
	err := s.db.GetContext(ctx, &c, `SELECT id, account_id, channel_id, lane, recipient, content, test, created_at, coalesce(send_at, created_at) AS due_at FROM messages WHERE id = $1::uuid`, id.String())
	return c, pg.Wrap("read message", err)
}

// NoteWaID keeps the provider's own id of a recipient with the contact.
func (s *Store) NoteWaID(ctx context.Context, account int64, phone, waID string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO contacts (account_id, phone, wa_id) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, phone) DO UPDATE SET wa_id = excluded.wa_id WHERE contacts.wa_id <> excluded.wa_id`, account, phone, waID)
	return pg.Wrap("note provider's id of recipient", err)
}

// sqlTaken looks for a Twilio id, the only ones that are asked for, where its
// indexes have it: at the accepted calls, and at messages that were in doubt,
// whose id may have come with a callback; the same id has the same recipient.
// Another provider's is looked for in all of a day.
const sqlTaken = `
SELECT CASE WHEN left($2, 2) IN ('SM', 'MM') THEN
  EXISTS (SELECT 1 FROM attempts a JOIN messages m ON m.id = a.message_id WHERE left(a.provider_message_id, 2) IN ('SM', 'MM') AND a.provider_message_id = $2
    AND a.message_id <> $3::uuid AND a.message_id >= uuid_floor(now() - interval '8 days') AND m.channel_id = $1)
  OR EXISTS (SELECT 1 FROM messages m WHERE m.maybe_sent AND m.channel_id = $1 AND m.recipient = (SELECT recipient FROM messages WHERE id = $3::uuid)
    AND m.provider_message_id = $2 AND m.id <> $3::uuid AND m.id >= uuid_floor(now() - interval '8 days'))
ELSE EXISTS (SELECT 1 FROM messages WHERE channel_id = $1 AND provider_message_id = $2 AND id <> $3::uuid
  AND account_id = (SELECT account_id FROM channels WHERE id = $1) AND id >= uuid_floor(now() - interval '1 day')) END`

// ProviderIDTaken says whether another recent message of the channel already
// has the provider's id: two equal texts to one recipient look alike.
func (s *Store) ProviderIDTaken(ctx context.Context, channel int64, ref string, other dispatch.ID) (bool, error) {
	var taken bool
	err := s.db.GetContext(ctx, &taken, sqlTaken, channel, ref, other.String())
	return taken, pg.Wrap("look for provider's id", err)
}
