package erasure

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// statement changes rows of which $1 are the ids; name is under what they are
// reported.
type statement struct{ name, sql string }

// What is blanked of finished messages. What is blank already is left alone.
var ofMessages = []statement{
	{"attempts", `UPDATE attempts SET detail = NULL WHERE message_id = ANY($1) AND detail IS NOT NULL`},
	{"events", `UPDATE events SET detail = NULL, extra = NULL WHERE message_id = ANY($1) AND (detail IS NOT NULL OR extra IS NOT NULL)`},
	{"campaign_recipients", `UPDATE campaign_recipients SET recipient = '', person = NULL, fields = '{}', detail = ''
		WHERE (campaign_id, seq) IN (SELECT m.campaign_id, ` + ledger.SeqOf("m.campaign_id", "m.id") + ` FROM messages m
		  WHERE m.id = ANY($1) AND m.campaign_id <> 0) AND message_id = ANY($1)
		AND (recipient, fields, detail) <> ('', '{}', '')`},
	{"messages", `UPDATE messages SET recipient = '', content = '{}', metadata = NULL, fallback = NULL, error_message = NULL
		WHERE id = ANY($1) AND (recipient <> '' OR error_message IS NOT NULL)`},
}

// What is blanked of inbound messages.
var ofInbound = []statement{
	{"inbound", `UPDATE inbound SET from_phone = '', wa_id = '', user_id = '', username = '', name = '', moved_to = '', text = '',
		raw = '{}', content = '{}' WHERE id = ANY($1)
		AND (from_phone, wa_id, user_id, username, name, moved_to, text, raw, content) <> ('', '', '', '', '', '', '', '{}', '{}')`},
}

// What is removed of an erased person's messages besides: a fallback is not sent any
// more, and WhatsApp's id of a message has the number of the recipient in it.
var ofErased = []statement{
	{"fallbacks", `DELETE FROM fallbacks WHERE message_id = ANY($1)`},
	{"provider_ids", `DELETE FROM provider_refs WHERE (channel_id, ref) IN (SELECT m.channel_id, a.provider_message_id
		FROM messages m JOIN attempts a ON a.message_id = m.id WHERE m.id = ANY($1) AND a.provider_message_id IS NOT NULL)`},
	{"provider_ids", `UPDATE attempts SET provider_message_id = NULL WHERE message_id = ANY($1) AND provider_message_id IS NOT NULL`},
	{"provider_ids", `UPDATE messages SET provider_message_id = NULL WHERE id = ANY($1) AND provider_message_id IS NOT NULL`},
}

// The webhooks of an erased person's messages that are not delivered yet never are.
var dropUndelivered = statement{"webhook_bodies", `DELETE FROM webhook_deliveries WHERE message_id = ANY($1) AND done_at IS NULL`}

// sqlBlankDeliveries blanks the webhooks that are done of messages or inbound messages.
// It returns a row for each that it blanked, and for each that waits to be delivered.
const sqlBlankDeliveries = `
WITH d AS MATERIALIZED (SELECT webhook_id, id, message_id, done_at FROM webhook_deliveries
    WHERE message_id = ANY($1) AND (done_at IS NULL OR payload <> '{}' OR response IS NOT NULL) ORDER BY webhook_id, id FOR UPDATE),
  u AS (UPDATE webhook_deliveries w SET payload = '{}', response = NULL FROM d
    WHERE w.webhook_id = d.webhook_id AND w.id = d.id AND d.done_at IS NOT NULL RETURNING 1)
SELECT message_id, done_at IS NULL AS waits FROM d`

// sqlExpanded waits until whoever turns events into webhooks right now is done: who
// begins later reads what is blank already.
const sqlExpanded = `SELECT count(*) FROM (SELECT 1 FROM webhook_cursors FOR SHARE) c`

var sqlFinished = numbers.SQL(`
SELECT id FROM unnest($1::uuid[]) AS m (id) WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)
AND NOT EXISTS (SELECT 1 FROM scheduled s WHERE s.message_id = m.id)
AND NOT EXISTS (SELECT 1 FROM messages p WHERE p.id = m.id AND p.page IS NOT NULL AND p.status = {queued})`)

// Blank removes content and recipient of those messages of a person that are finished,
// with the webhooks that are not delivered yet, and adds to removed how much of
// what. left is how many messages are not finished.
func (s *Store) Blank(ctx context.Context, ids []uuid.UUID, removed map[string]int64) (left int, err error) {
	var done []uuid.UUID
	if err := s.db.SelectContext(ctx, &done, sqlFinished, pg.UUIDArray(ids)); err != nil {
		return 0, pg.Wrap("look for finished messages", err)
	}
	if err := s.each(ctx, done, removed, slices.Concat(ofErased, ofMessages)...); err != nil {
		return 0, err
	}
	if err := s.expanded(ctx); err != nil {
		return 0, err
	}
	if err := s.each(ctx, done, removed, dropUndelivered); err != nil {
		return 0, err
	}
	_, err = s.blankDeliveries(ctx, done, removed)
	return len(ids) - len(done), err
}

// RedactMessages blanks finished messages and their webhooks. It returns how many
// messages it blanked, and those of which a webhook is still to be delivered with
// what it tells: the caller comes back for them.
func (s *Store) RedactMessages(ctx context.Context, ids []uuid.UUID) (blanked int64, waiting []uuid.UUID, err error) {
	removed := map[string]int64{}
	waiting, err = s.redact(ctx, ids, removed, ofMessages)
	return removed["messages"], waiting, err
}

// RedactInbound does for inbound messages what RedactMessages does for messages.
func (s *Store) RedactInbound(ctx context.Context, ids []uuid.UUID) (blanked int64, waiting []uuid.UUID, err error) {
	removed := map[string]int64{}
	waiting, err = s.redact(ctx, ids, removed, ofInbound)
	return removed["inbound"], waiting, err
}

func (s *Store) redact(ctx context.Context, ids []uuid.UUID, removed map[string]int64, what []statement) ([]uuid.UUID, error) {
	if err := s.each(ctx, ids, removed, what...); err != nil {
		return nil, err
	}
	if err := s.expanded(ctx); err != nil {
		return nil, err
	}
	return s.blankDeliveries(ctx, ids, removed)
}

// each runs statements in one transaction.
func (s *Store) each(ctx context.Context, ids []uuid.UUID, removed map[string]int64, what ...statement) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		for _, w := range what {
			if err := count(ctx, tx, removed, w.name, w.sql, pg.UUIDArray(ids)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) expanded(ctx context.Context) error {
	var n int
	return pg.Wrap("wait for webhooks", s.db.GetContext(ctx, &n, sqlExpanded))
}

// blankDeliveries returns the messages of which a webhook waits to be delivered.
func (s *Store) blankDeliveries(ctx context.Context, ids []uuid.UUID, removed map[string]int64) (waiting []uuid.UUID, err error) {
	var rows []struct {
		Message uuid.UUID `db:"message_id"`
		Waits   bool      `db:"waits"`
	}
	if err := s.db.SelectContext(ctx, &rows, sqlBlankDeliveries, pg.UUIDArray(ids)); err != nil {
		return nil, pg.Wrap("blank webhooks", err)
	}
	for _, r := range rows {
		if r.Waits {
			waiting = append(waiting, r.Message)
		} else {
			removed["webhook_bodies"]++
		}
	}
	return waiting, nil
}
