package store

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlEnd finishes messages for which no call will be made any more: 61 expired
// or 62 cancelled, or 63 unknown where a call may have succeeded.
var sqlEnd = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT message_id FROM dispatch WHERE message_id = ANY($1::uuid[]) AND state IN ({ready}, {held}) AND ($2::smallint <> {expired} OR expires_at <= now()) ORDER BY message_id FOR UPDATE),
  sc AS (DELETE FROM scheduled s USING messages m WHERE $2 = {cancelled} AND m.id = ANY($1::uuid[]) AND s.message_id = m.id AND s.due_at = m.send_at RETURNING s.message_id),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id, maybe_sent),
  x AS (SELECT message_id, maybe_sent FROM d UNION ALL SELECT message_id, false FROM sc),
  u AS (UPDATE messages m SET status = CASE WHEN x.maybe_sent OR m.maybe_sent THEN {unknown} ELSE $2 END, maybe_sent = m.maybe_sent OR x.maybe_sent, final_by = {by_us},
      failed_at = CASE WHEN $2 = {expired} THEN now() ELSE m.failed_at END, updated_at = now(), version = m.version + 1, error_code = $3, error_message = $4
    FROM x WHERE m.id = x.message_id AND m.id = ANY($1::uuid[]) AND m.status < {sent}
    RETURNING m.id, m.account_id, m.channel_id, m.status, m.version, m.charged, m.fallback),
  f AS (INSERT INTO fallbacks (message_id, wake_at, cause) SELECT id, now(), 'expired' FROM u WHERE status = {expired} AND fallback IS NOT NULL
    ON CONFLICT (message_id) DO UPDATE SET wake_at = now(), cause = 'expired'),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code) SELECT id, account_id, channel_id, status, version, $5, $3 FROM u)
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

// sqlCancelDoubt asks for the end of a message whose outcome is being resolved,
// and ends it at once: no further call is made, and unknown is its state until
// the provider says more.
var sqlCancelDoubt = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT message_id FROM dispatch WHERE message_id = $1::uuid AND state = {resolving} FOR UPDATE),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id),
  u AS (UPDATE messages m SET status = {unknown}, maybe_sent = true, updated_at = now(), version = m.version + 1, error_code = 'outcome_unknown', error_message = 'cancelled while the outcome of a call was not known'
    FROM d WHERE m.id = d.message_id AND m.id = $1::uuid AND m.status < {sent} RETURNING m.id, m.account_id, m.channel_id, m.version),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code) SELECT id, account_id, channel_id, {unknown}, version, 'api', 'outcome_unknown' FROM u)
SELECT count(*) FROM u`)

// looks is how often a change looks for a message's row: one that moves from
// scheduled to dispatch at that moment is in neither place for the first look.
const looks = 2

// Cancel ends a message before its next call. It says whether it did: a message
// that is being sent, or is finished, stays as it is.
func (s *Store) Cancel(ctx context.Context, id dispatch.ID) (bool, error) {
	for range looks {
		rows, err := s.end(ctx, []dispatch.ID{id}, dispatch.Cancelled, "cancelled", "cancelled by request", "api")
		if err != nil || len(rows) > 0 {
			return len(rows) > 0, err
		}
		var n int
		err = s.db.GetContext(ctx, &n, sqlCancelDoubt, id.String())
		if err != nil || n > 0 {
			return n > 0, pg.Wrap("cancel message", err)
		}
	}
	return false, nil
}
