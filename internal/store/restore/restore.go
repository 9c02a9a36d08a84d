// Package restore holds what a restored backup would send again. Between the backup
// and now the messages that it has as unfinished may have been sent.
package restore

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store changes the database.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db} }

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(store.States).Merge(pg.Numbers{
	"campaign_scheduled": int(campaign.Scheduled), "campaign_running": int(campaign.Running), "campaign_paused": int(campaign.Paused),
})

// page is how many messages one transaction holds or releases.
const page = 5000

// reason is the error_message of a message that is held, by which it is found.
const reason = "in doubt after a restore: it may have been sent since the backup"

// paused is why a campaign is paused, by which it is found.
const paused = "restored from a backup"

// Held is what Hold has done.
type Held struct {
	Messages  int64 `json:"messages"`  // that are unknown now
	Campaigns int64 `json:"campaigns"` // that are paused now
	Fallbacks int64 `json:"fallbacks"` // that would have been sent, and are not
}

// sqlRunning counts processes that work on the database.
const sqlRunning = `SELECT count(*) FROM instances WHERE seen_at > now() - interval '20 seconds'`

// Running returns the number of processes that work on the database.
func (s *Store) Running(ctx context.Context) (n int, err error) {
	err = s.db.GetContext(ctx, &n, sqlRunning)
	return n, pg.Wrap("count processes", err)
}

// sqlPause pauses each campaign that may have gone on since: it runs, or its time
// has come.
var sqlPause = numbers.SQL(`
UPDATE campaigns SET state = {campaign_paused}, reason = $1, updated_at = now(), next_at = now()
WHERE state = {campaign_running} OR state = {campaign_scheduled} AND next_at <= now()`)

// sqlFallbacks drops the fallbacks that may have been sent since.
const sqlFallbacks = `DELETE FROM fallbacks WHERE wake_at <= now()`

// sqlHold makes a page of messages unknown that were due before now, or that a call
// was made for. Scheduled ones whose time has not come stay as they are.
var sqlHold = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT message_id FROM dispatch
    WHERE due_at <= now() OR state <> {ready} OR attempts > 0 OR maybe_sent ORDER BY message_id LIMIT $1 FOR UPDATE),
  sl AS MATERIALIZED (SELECT due_at, message_id FROM scheduled WHERE due_at <= now() ORDER BY due_at, message_id LIMIT $1 FOR UPDATE),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id),
  s AS (DELETE FROM scheduled s USING sl WHERE s.due_at = sl.due_at AND s.message_id = sl.message_id RETURNING s.message_id),
  x AS (SELECT message_id FROM d UNION SELECT message_id FROM s),
  u AS (UPDATE messages m SET status = {unknown}, maybe_sent = true, final_by = {by_us}, updated_at = now(), version = m.version + 1,
      error_code = 'outcome_unknown', error_message = $2
    FROM x WHERE m.id = x.message_id AND m.status < {sent} RETURNING m.id, m.account_id, m.channel_id, m.version),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code)
    SELECT id, account_id, channel_id, {unknown}, version, 'restore', 'outcome_unknown' FROM u)
SELECT (SELECT count(*) FROM x) AS taken, (SELECT count(*) FROM u) AS held`)

// Hold makes the messages unknown that may have been sent since the backup, and
// pauses campaigns. It may be repeated. No process may work on the database.
func (s *Store) Hold(ctx context.Context) (h Held, err error) {
	if _, err := store.New(s.db).OpenAll(ctx); err != nil {
		return h, err
	}
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		r, err := tx.ExecContext(ctx, sqlPause, paused)
		if err != nil {
			return pg.Wrap("pause campaigns", err)
		}
		if h.Campaigns, err = r.RowsAffected(); err != nil {
			return pg.Wrap("pause campaigns", err)
		}
		if r, err = tx.ExecContext(ctx, sqlFallbacks); err != nil {
			return pg.Wrap("drop fallbacks", err)
		}
		h.Fallbacks, err = r.RowsAffected()
		return pg.Wrap("drop fallbacks", err)
	})
	for err == nil {
		var done struct{ Taken, Held int64 }
		if err = s.db.Tx(ctx, func(tx *pg.DB) error { return tx.GetContext(ctx, &done, sqlHold, page, reason) }); err != nil {
			return h, pg.Wrap("hold messages", err)
		}
		h.Messages += done.Held
		if done.Taken == 0 {
			break
		}
	}
	return h, err
}

// Message is one that is held.
type Message struct {
	ID        dispatch.ID `db:"id" json:"message_id"`
	Account   int64       `db:"account_id" json:"account_id"`
	Channel   int64       `db:"channel_id" json:"channel_id"`
	Campaign  int64       `db:"campaign_id" json:"campaign_id"`
	Reference string      `db:"reference" json:"reference"`
	CreatedAt time.Time   `db:"created_at" json:"created_at"`
	ExpiresAt time.Time   `db:"expires_at" json:"expires_at"` // it cannot be released later
}

// sqlList finds held messages by their event: there is no index on a status.
var sqlList = numbers.SQL(`
SELECT m.id, m.account_id, m.channel_id, m.campaign_id, coalesce(m.reference, '') AS reference, m.created_at, m.expires_at
FROM (SELECT DISTINCT message_id FROM events WHERE kind = {unknown} AND cause = 'restore') e
JOIN messages m ON m.id = e.message_id
WHERE m.status = {unknown} AND m.error_message = $1 AND (m.expires_at > now() OR NOT $3) ORDER BY m.id LIMIT $2`)

// List returns held messages, oldest first; live leaves out those that have expired.
func (s *Store) List(ctx context.Context, limit int, live bool) ([]Message, error) {
	out := []Message{}
	err := s.db.SelectContext(ctx, &out, sqlList, reason, limit, live)
	return out, pg.Wrap("list held messages", err)
}

// sqlRelease puts held messages back into the queue. They stay maybe_sent.
var sqlRelease = numbers.SQL(`
WITH u AS (UPDATE messages m SET status = {queued}, error_code = NULL, error_message = NULL, updated_at = now(), version = m.version + 1
    WHERE m.id = ANY($1::uuid[]) AND m.status = {unknown} AND m.error_message = $2 AND m.expires_at > now()
    RETURNING m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, m.expires_at, m.version),
  d AS (INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at, maybe_sent)
    SELECT id, account_id, channel_id, campaign_id, lane, now(), now(), expires_at, true FROM u ON CONFLICT DO NOTHING),
  e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause)
    SELECT id, account_id, channel_id, {queued}, version, 'restore' FROM u)
SELECT count(*) FROM u`)

// Release puts held messages back into the queue and returns how many: none that
// was settled meanwhile or has expired.
func (s *Store) Release(ctx context.Context, ids []dispatch.ID) (n int, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error { return tx.GetContext(ctx, &n, sqlRelease, pg.UUIDArray(ids), reason) })
	return n, pg.Wrap("release messages", err)
}

// ReleaseAll releases all held messages that have not expired.
func (s *Store) ReleaseAll(ctx context.Context) (n int, err error) {
	for {
		held, err := s.List(ctx, page, true)
		if err != nil || len(held) == 0 {
			return n, err
		}
		ids := make([]dispatch.ID, len(held))
		for i := range held {
			ids[i] = held[i].ID
		}
		done, err := s.Release(ctx, ids)
		n += done
		if err != nil || done == 0 {
			return n, err
		}
	}
}
