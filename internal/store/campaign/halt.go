package campaign

import (
	"context"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlPark holds what is ready; a row that is being claimed is left to the gate
// of its worker. It wakes when it expires.
var sqlPark = numbers.SQL(`
UPDATE dispatch SET state = {held}, wake_at = expires_at WHERE message_id = ANY(ARRAY(SELECT message_id FROM dispatch
  WHERE campaign_id = $1 AND campaign_id <> 0 AND state = {ready} AND expires_at > now() FOR UPDATE SKIP LOCKED))`)

// Park takes the ready messages of a campaign out of the queue.
func (s *Store) Park(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, sqlPark, id)
	return pg.Wrap("hold messages", err)
}

var sqlUnpark = numbers.SQL(`
UPDATE dispatch SET state = {ready}, wake_at = greatest(due_at, now()) WHERE message_id = ANY(ARRAY(SELECT message_id FROM dispatch
  WHERE campaign_id = $1 AND campaign_id <> 0 AND state = {held} ORDER BY message_id FOR UPDATE))`)

// Unpark puts the messages of a campaign back into the queue.
func (s *Store) Unpark(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, sqlUnpark, id)
	return pg.Wrap("release messages", err)
}

var sqlWakeHeld = numbers.SQL(`UPDATE dispatch SET state = {ready}, wake_at = now() WHERE message_id = ANY(ARRAY(SELECT message_id
  FROM dispatch
	WHERE state = {held} AND wake_at <= now() AND state <> {ready} ORDER BY wake_at LIMIT 1000 FOR UPDATE SKIP LOCKED)) AND state = {held}`)

// WakeExpired puts held messages whose time is over back into the queue, which
// ends them.
func (s *Store) WakeExpired(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, sqlWakeHeld)
	return pg.Wrap("wake expired messages", err)
}

// cancelPage is how many messages or rows are cancelled at once.
const cancelPage = 2000

var sqlStoppable = numbers.SQL(`SELECT message_id FROM dispatch WHERE campaign_id = $1 AND campaign_id <> 0
	AND state IN ({ready}, {held}, {resolving}) LIMIT $2`)

// CancelMessages cancels a page of messages that nobody is sending. more reports
// whether there may be others.
func (s *Store) CancelMessages(ctx context.Context, id int64) (more bool, err error) {
	var ids []uuid.UUID
	if err := s.db.SelectContext(ctx, &ids, sqlStoppable, id, cancelPage); err != nil || len(ids) == 0 {
		return false, pg.Wrap("look for messages to cancel", err)
	}
	if err := s.messages().CancelAll(ctx, ids); err != nil {
		return false, err
	}
	return len(ids) == cancelPage, s.Settled(ctx, id, ids)
}

// sqlCancelRows reads in the order of turns and tells how far it came, so that a page costs the
// same in a ledger of any size; so does the array of places, as in ledger.Sync.
var sqlCancelRows = `
WITH x AS MATERIALIZED (SELECT r.ctid AS place, r.status, r.wake_at, r.seq` + sqlWaiting + `
  ORDER BY r.wake_at, r.seq LIMIT (SELECT $4::integer) FOR UPDATE SKIP LOCKED),
c AS (UPDATE campaign_recipients r SET status = ` + numbers.SQL(`{cancelled}, indexed_status = {cancelled}`) + `
  FROM x WHERE r.ctid = ANY(ARRAY(SELECT place FROM x)) AND r.campaign_id = $1 AND r.seq = x.seq
  RETURNING r.campaign_id, x.status AS was, 0::smallint AS was_reason, r.status, 0::smallint AS reason, x.wake_at, x.seq),
n AS (` + ledger.Count + `)
SELECT wake_at AS at, seq, count(*) OVER () AS n FROM c ORDER BY wake_at DESC, seq DESC LIMIT 1`

// CancelRows cancels a page of recipients that have no message yet, without those
// of which a step is making messages, and notes how far it came. more reports whether there may be others.
func (s *Store) CancelRows(ctx context.Context, c *Campaign) (more bool, err error) {
	var last []struct {
		Mark

		N int `db:"n"`
	}
	err = s.db.SelectContext(ctx, &last, sqlCancelRows, c.ID, c.TurnAt, c.TurnSeq, cancelPage)
	if err != nil || len(last) == 0 {
		return false, pg.Wrap("cancel recipients", err)
	}
	c.TurnAt, c.TurnSeq = last[0].At, last[0].Seq
	return last[0].N == cancelPage, nil
}

// sqlWithTemplate finds the provider's template under every entry that it has here,
// the account's and those of channels. Another business account has another
// template of the same name; where it is not known, only the same entry is the same.
var sqlWithTemplate = numbers.SQL(`
WITH a AS MATERIALIZED (SELECT c.account_id, h.id AS channel, h.provider, coalesce(h.settings->>'waba_id', '') AS waba, t.id AS template,
    t.name, t.language, t.provider_template_id AS provider_id
  FROM campaigns c JOIN templates t ON t.id = c.template_id JOIN channels h ON h.id = c.channel_id WHERE c.id = $1)
SELECT ` + columns + ` FROM campaigns c WHERE c.state = {campaign_running} AND (c.id = $1 OR EXISTS (
  SELECT 1 FROM a, templates t, channels h, coalesce(h.settings->>'waba_id', '') AS of(waba)
  WHERE t.id = c.template_id AND h.id = c.channel_id AND c.account_id = a.account_id AND h.provider = a.provider
    AND (t.id = a.template OR t.name = a.name AND t.language = a.language
      AND (t.provider_template_id = a.provider_id OR '' IN (t.provider_template_id, a.provider_id)))
    AND (h.id = a.channel OR of.waba = a.waba AND a.waba <> '' OR '' IN (of.waba, a.waba) AND t.id = a.template)))
ORDER BY c.id FOR NO KEY UPDATE OF c`)

// WithTemplate takes the running campaigns that send the provider's template of a
// campaign through its business account, that one included.
func (s *Store) WithTemplate(ctx context.Context, id int64) ([]Campaign, error) {
	var out []Campaign
	err := s.db.SelectContext(ctx, &out, sqlWithTemplate, id)
	return out, pg.Wrap("read campaigns of a template", err)
}

// Note adds an event of a campaign, which detail describes, to the log.
func (s *Store) Note(ctx context.Context, c *Campaign, kind int16, cause, detail string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO events (message_id, account_id, channel_id, kind, cause, code, detail)
	  VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		dispatch.NoID.String(), c.Account, c.Channel, kind, cause, c.State.String(), detail)
	return pg.Wrap("write event", err)
}
