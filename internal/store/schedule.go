package store

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Edit is a change of a scheduled message; nil fields stay.
type Edit struct {
	To        *string
	Content   *string // stored JSON
	Type      *string
	SendAt    *time.Time
	ExpiresAt *time.Time
	Segments  *int
	Price     *int64
	Window    bool // the channel has a conversation window: it must be open for what is no template
}

// Reschedule changes a message that is still scheduled, up to the moment it is
// claimed. It reports whether it did; what accept would refuse in its transaction
// is refused here too.
func (s *Store) Reschedule(ctx context.Context, id dispatch.ID, e Edit) (done bool, err error) {
	for i := 0; i < looks && err == nil && !done; i++ {
		done, err = s.reschedule(ctx, id, e)
	}
	return done, err
}

// sqlTake takes away the row of a scheduled message. It takes none that would
// not come back: what waits for a retry, or was never scheduled, has another
// due_at than its message's send_at.
var sqlTake = numbers.SQL(`
WITH d AS (DELETE FROM dispatch d USING messages m WHERE m.id = $1::uuid AND d.message_id = $1::uuid AND d.due_at = m.send_at
    AND d.state = {ready} AND d.due_at > now() AND d.attempts = 0 AND d.rl_hits = 0 AND NOT d.maybe_sent RETURNING d.message_id),
  s AS (DELETE FROM scheduled s USING messages m WHERE m.id = $1::uuid AND s.message_id = m.id AND s.due_at = m.send_at
    RETURNING s.message_id)
SELECT message_id FROM d UNION ALL SELECT message_id FROM s`)

// sqlChange changes the message and puts a row for it in its place; the wake-up
// for its fallback moves with send_at.
var sqlChange = numbers.SQL(`
WITH old AS MATERIALIZED (SELECT id, send_at, price FROM messages WHERE id = $1::uuid),
  u AS (UPDATE messages m SET recipient = coalesce($2, m.recipient), content = coalesce($3, m.content), type = coalesce($4, m.type),
    send_at = coalesce($5, m.send_at),
    expires_at = CASE WHEN $6::timestamptz IS NOT NULL THEN $6 WHEN $5::timestamptz IS NOT NULL
      THEN $5::timestamptz + (m.expires_at - coalesce(m.send_at, m.created_at)) ELSE m.expires_at END,
    segments = coalesce($7, m.segments), price = coalesce($8, m.price), updated_at = now(), version = m.version + 1
    FROM old WHERE m.id = $1::uuid
    RETURNING m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, m.type, m.recipient, m.send_at, m.expires_at, m.version, m.charged,
      m.price - old.price AS more, m.send_at - old.send_at AS later),
  d AS (INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
    SELECT id, account_id, channel_id, campaign_id, lane, send_at, send_at, expires_at FROM u
      WHERE send_at <= now() + interval '{horizon_min} minutes'),
  s AS (INSERT INTO scheduled (due_at, message_id, account_id, channel_id, campaign_id, lane, expires_at)
    SELECT send_at, id, account_id, channel_id, campaign_id, lane, expires_at FROM u
      WHERE send_at > now() + interval '{horizon_min} minutes'),
  f AS (UPDATE fallbacks f SET wake_at = f.wake_at + u.later FROM u WHERE f.message_id = $1::uuid),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, detail)
    SELECT id, account_id, channel_id, {event_note}, version, 'api', 'changed' FROM u)
SELECT account_id, channel_id, recipient, type, CASE WHEN charged = {paid} THEN more ELSE 0 END AS more FROM u`)

// reschedule takes the message's row away and puts one for the changed message
// in its place.
func (s *Store) reschedule(ctx context.Context, id dispatch.ID, e Edit) (bool, error) {
	var done bool
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		done = false
		var taken dispatch.ID
		err := tx.GetContext(ctx, &taken, sqlTake, id.String())
		if pg.Wrap("", err) == dispatch.ErrNotFound {
			return nil
		}
		if err != nil {
			return pg.Wrap("take scheduled message", err)
		}
		var now struct {
			Account int64  `db:"account_id"`
			Channel int64  `db:"channel_id"`
			To      string `db:"recipient"`
			Type    string `db:"type"`
			More    int64  `db:"more"` // what it costs more than before
		}
		if err := tx.GetContext(ctx, &now, sqlChange, id.String(), e.To, e.Content, e.Type, e.SendAt, e.ExpiresAt, e.Segments,
			e.Price); err != nil {
			return pg.Wrap("change message", err)
		}
		if e.To != nil || e.Content != nil {
			m := &dispatch.Message{Account: now.Account, Channel: now.Channel, To: now.To}
			if err := checkAccept(ctx, tx, NewMessage{Message: m, NeedsWindow: e.Window &&
				dispatch.Type(now.Type) != dispatch.TypeTemplate}); err != nil {
				return err
			}
		}
		done = true
		return debitMore(ctx, tx, now.Account, id, now.More)
	})
	return done && err == nil, err
}

// sqlMove brings scheduled messages into dispatch minutes before they are due.
// One statement, so that a message is always in exactly one of the two.
var sqlMove = numbers.SQL(`
WITH p AS MATERIALIZED (SELECT due_at, message_id FROM scheduled WHERE due_at < now() + interval '{horizon_min} minutes'
  ORDER BY due_at, message_id LIMIT 1000 FOR UPDATE SKIP LOCKED),
  s AS (DELETE FROM scheduled s USING p WHERE s.due_at = p.due_at AND s.message_id = p.message_id RETURNING s.*)
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
SELECT message_id, account_id, channel_id, campaign_id, lane, due_at, due_at, expires_at FROM s ON CONFLICT DO NOTHING`)

// MoveScheduled moves one page of scheduled messages that come due soon.
func (s *Store) MoveScheduled(ctx context.Context) (int64, error) {
	r, err := s.db.ExecContext(ctx, sqlMove)
	if err != nil {
		return 0, pg.Wrap("move scheduled messages", err)
	}
	return r.RowsAffected()
}

// sqlEnd finishes messages for which no call will be made any more: 61 expired
// or 62 cancelled, or 63 unknown where a call may have succeeded.
var sqlEnd = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT message_id FROM dispatch WHERE message_id = ANY($1::uuid[]) AND state IN ({ready}, {held})
  AND ($2::smallint <> {expired} OR expires_at <= now()) ORDER BY message_id FOR UPDATE),
  sc AS (DELETE FROM scheduled s USING messages m WHERE $2 = {cancelled} AND m.id = ANY($1::uuid[]) AND s.message_id = m.id
    AND s.due_at = m.send_at RETURNING s.message_id),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id, maybe_sent),
  x AS (SELECT message_id, maybe_sent FROM d UNION ALL SELECT message_id, false FROM sc),
  u AS (UPDATE messages m SET status = CASE WHEN x.maybe_sent OR m.maybe_sent THEN {unknown} ELSE $2 END, maybe_sent = m.maybe_sent
    OR x.maybe_sent, final_by = {by_us},
      failed_at = CASE WHEN $2 = {expired} THEN now() ELSE m.failed_at END, updated_at = now(), version = m.version + 1, error_code = $3,
        error_message = $4
    FROM x WHERE m.id = x.message_id AND m.status < {sent}
    RETURNING m.id, m.account_id, m.channel_id, m.status, m.version, m.charged, m.fallback),
  f AS (INSERT INTO fallbacks (message_id, wake_at, cause) SELECT id, now(), 'expired' FROM u
    WHERE status = {expired} AND fallback IS NOT NULL
    ON CONFLICT (message_id) DO UPDATE SET wake_at = now(), cause = 'expired'),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code)
    SELECT id, account_id, channel_id, status, version, $5, $3 FROM u)
SELECT id, status, 0::smallint AS was, charged FROM u`)

// Expire ends those of ids whose time is over and which nobody is sending.
func (s *Store) Expire(ctx context.Context, ids []dispatch.ID) (int, error) {
	rows, err := s.end(ctx, ids, dispatch.Expired, dispatch.FailExpired, "not sent before expires_at", "feeder")
	return len(rows), err
}

func (s *Store) end(ctx context.Context, ids []dispatch.ID, to dispatch.Status, code, msg, cause string) ([]applied, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []applied
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		rows = rows[:0]
		if err := tx.SelectContext(ctx, &rows, sqlEnd, pg.UUIDArray(ids), int16(to), code, msg, cause); err != nil {
			return pg.Wrap("end messages", err)
		}
		var paid []string
		for _, r := range rows {
			if r.Charged == chargePaid && dispatch.Status(r.Status) != dispatch.Unknown {
				paid = append(paid, r.ID.String())
			}
		}
		return refund(ctx, tx, paid)
	})
	return rows, err
}

// sqlCancelDoubts requests the end of a message whose outcome is being resolved,
// and ends it at once: no further call is made, and unknown is its state until
// the provider reports more.
var sqlCancelDoubts = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT message_id FROM dispatch WHERE message_id = ANY($1::uuid[]) AND state = {resolving}
  ORDER BY message_id FOR UPDATE),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id),
  u AS (UPDATE messages m SET status = {unknown}, maybe_sent = true, updated_at = now(), version = m.version + 1,
    error_code = 'outcome_unknown', error_message = 'cancelled while the outcome of a call was not known'
    FROM d WHERE m.id = d.message_id AND m.status < {sent}
      RETURNING m.id, m.account_id, m.channel_id, m.version),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code)
    SELECT id, account_id, channel_id, {unknown}, version, 'api', 'outcome_unknown' FROM u)
SELECT count(*) FROM u`)

// looks is how often a change looks for a message's row: one that moves from
// scheduled to dispatch at that moment is in neither place for the first look.
const looks = 2

// Cancel ends a message before its next call. It reports whether it did: a message
// that is being sent, or is finished, stays as it is.
func (s *Store) Cancel(ctx context.Context, id dispatch.ID) (bool, error) {
	if err := s.open(ctx, []dispatch.ID{id}); err != nil {
		return false, err
	}
	for range looks {
		rows, err := s.end(ctx, []dispatch.ID{id}, dispatch.Cancelled, "cancelled", "cancelled by request", "api")
		if err != nil || len(rows) > 0 {
			return len(rows) > 0, err
		}
		var n int
		err = s.db.GetContext(ctx, &n, sqlCancelDoubts, pg.UUIDArray([]dispatch.ID{id}))
		if err != nil || n > 0 {
			return n > 0, pg.Wrap("cancel message", err)
		}
	}
	return false, nil
}

// CancelAll ends messages before their next call, except those that are being
// sent.
func (s *Store) CancelAll(ctx context.Context, ids []dispatch.ID) error {
	if err := s.open(ctx, ids); err != nil {
		return err
	}
	if _, err := s.end(ctx, ids, dispatch.Cancelled, "cancelled", "cancelled by request", "api"); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, sqlCancelDoubts, pg.UUIDArray(ids))
	return pg.Wrap("cancel messages", err)
}
