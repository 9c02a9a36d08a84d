package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Backlog is one channel with something to offer in a lane.
type Backlog struct {
	Channel int64 `db:"channel_id"`
	N       int   `db:"n"`     // due now and with a row of their own, counted up to the limit
	Paged   int   `db:"paged"` // in pages, those of the first ones
}

// sqlBacklog walks the index from channel to channel (a loose index scan): its
// cost follows the number of channels, not the backlog. The order keeps the
// count on the index: the planner would read the table from its beginning.
var sqlBacklog = numbers.SQL(`
WITH RECURSIVE c AS (
  (SELECT channel_id FROM dispatch WHERE lane = $1 AND state = {ready} ORDER BY channel_id LIMIT 1)
  UNION ALL
  SELECT (SELECT d.channel_id FROM dispatch d WHERE d.lane = $1 AND d.state = {ready} AND d.channel_id > c.channel_id
    ORDER BY d.channel_id LIMIT 1)
  FROM c WHERE c.channel_id IS NOT NULL
), p AS (
  (SELECT channel_id FROM backlog WHERE lane = $1 ORDER BY channel_id LIMIT 1)
  UNION ALL
  SELECT (SELECT b.channel_id FROM backlog b WHERE b.lane = $1 AND b.channel_id > p.channel_id ORDER BY b.channel_id LIMIT 1)
  FROM p WHERE p.channel_id IS NOT NULL
)
SELECT channel_id, sum(n)::integer AS n, sum(paged)::integer AS paged FROM (
  SELECT c.channel_id, w.n, 0 AS paged FROM (SELECT channel_id FROM c WHERE channel_id IS NOT NULL) c
  CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM dispatch d
    WHERE d.lane = $1 AND d.state = {ready} AND d.channel_id = c.channel_id AND d.wake_at <= now()
    ORDER BY d.wake_at LIMIT $2) x) w
  WHERE w.n > 0
  UNION ALL
  SELECT p.channel_id, 0, (SELECT sum(n) FROM (SELECT b.n FROM backlog b
      WHERE (b.lane, b.channel_id, b.page) >= ($1, p.channel_id, 0::bigint) AND (b.lane, b.channel_id) <= ($1, p.channel_id)
      ORDER BY b.lane, b.channel_id, b.page LIMIT 16) x)
  FROM p WHERE p.channel_id IS NOT NULL) u
GROUP BY channel_id`)

// Backlogs lists the channels that have ready messages of the lane to offer and
// counts them, up to limit each.
func (s *Store) Backlogs(ctx context.Context, lane dispatch.Lane, limit int) ([]Backlog, error) {
	var out []Backlog
	err := s.db.SelectPrepared(ctx, &out, sqlBacklog, int16(lane), limit)
	return out, pg.Wrap("list backlogs", err)
}

// sqlDue takes at most the budget of each channel, oldest first, and moves each
// row's wake_at ahead, so that nobody else offers it for a while and so that a
// row that is never claimed comes back, ever more slowly (30 s · 2ⁿ).
var sqlDue = numbers.SQL(`
WITH pick AS MATERIALIZED (
  SELECT x.message_id FROM unnest($2::bigint[], $3::integer[]) AS b(channel_id, k)
  CROSS JOIN LATERAL (SELECT d.message_id FROM dispatch d WHERE d.lane = $1 AND d.channel_id = b.channel_id AND d.state = {ready}
    AND d.wake_at <= now()
    ORDER BY d.wake_at LIMIT b.k FOR UPDATE SKIP LOCKED) x
)
UPDATE dispatch d SET nudges = least(d.nudges + 1, 100),
  wake_at = least(now() + interval '30 s' * power(2, least(d.nudges, 4)), greatest(d.expires_at, now() + interval '1 second'))
WHERE d.message_id = ANY(ARRAY(SELECT message_id FROM pick))
RETURNING d.message_id, d.channel_id, d.expires_at <= now() AS expired`)

// Due is one message to offer, or to expire.
type Due struct {
	ID      dispatch.ID `db:"message_id"`
	Channel int64       `db:"channel_id"`
	Expired bool        `db:"expired"`
}

// DueMessages takes what is due in the lane, up to each channel's budget.
func (s *Store) DueMessages(ctx context.Context, lane dispatch.Lane, budgets map[int64]int) ([]Due, error) {
	var channels, ks []int64
	for c, k := range budgets {
		if k > 0 {
			channels, ks = append(channels, c), append(ks, int64(k))
		}
	}
	if len(channels) == 0 {
		return nil, nil
	}
	var out []Due
	err := s.db.SelectPrepared(ctx, &out, sqlDue, int16(lane), pq.Array(channels), pq.Array(ks))
	return out, pg.Wrap("take due messages", err)
}

var sqlWakeOffered = numbers.SQL(`UPDATE dispatch SET wake_at = now() + random() * interval '2 seconds', nudges = 0
			WHERE message_id = ANY(ARRAY(SELECT message_id FROM dispatch WHERE state = {ready} AND wake_at > now() + interval '2 seconds'
			  AND due_at <= now() AND nudges > 0 LIMIT 5000 FOR UPDATE SKIP LOCKED)) AND state = {ready}`)

// WakeOffered makes everything that was offered wake within five seconds: Redis
// has lost its queues.
func (s *Store) WakeOffered(ctx context.Context) (int64, error) {
	var total int64
	for {
		r, err := s.db.ExecContext(ctx, sqlWakeOffered)
		if err != nil {
			return total, pg.Wrap("wake offered messages", err)
		}
		n, err := r.RowsAffected()
		total += n
		if err != nil || n < 5000 {
			return total, pg.Wrap("wake offered messages", err)
		}
	}
}

// LaneDepth is how many unfinished messages a lane has and how late the oldest
// ready one is.
type LaneDepth struct {
	Lane          int16   `db:"lane"`
	Count         int64   `db:"count"`
	OldestSeconds float64 `db:"oldest_s"`
}

// sqlDepths walks the index of ready rows from channel to channel and looks at
// the first of each. The orders keep it there: without them the planner reads
// the whole table, a second of work with 300,000 rows.
var sqlDepths = numbers.SQL(`
WITH RECURSIVE c(lane, channel_id) AS (
  SELECT l.lane, (SELECT d.channel_id FROM dispatch d WHERE d.lane = l.lane AND d.state = {ready} ORDER BY d.channel_id LIMIT 1)
    FROM generate_series({lane_otp}, {lane_bulk}) AS l(lane)
  UNION ALL
  SELECT c.lane, (SELECT d.channel_id FROM dispatch d WHERE d.lane = c.lane AND d.state = {ready} AND d.channel_id > c.channel_id
    ORDER BY d.channel_id LIMIT 1) FROM c WHERE c.channel_id IS NOT NULL
), o AS MATERIALIZED (
  SELECT c.lane, min(w.due_at) AS due_at FROM c CROSS JOIN LATERAL (SELECT d.due_at FROM dispatch d
    WHERE d.lane = c.lane AND d.state = {ready} AND d.channel_id = c.channel_id ORDER BY d.wake_at LIMIT 100) w
      WHERE w.due_at <= now() GROUP BY 1
), p AS MATERIALIZED (
  SELECT lane, sum(n) AS n, min(created_at) AS due_at FROM (SELECT lane, n, created_at FROM backlog ORDER BY page LIMIT 100000) b GROUP BY 1
)
SELECT l.lane::smallint AS lane, (SELECT count(*) FROM (SELECT 1 FROM dispatch d WHERE d.lane = l.lane AND d.state = {ready}
    ORDER BY d.channel_id, d.wake_at LIMIT 100000) x) + coalesce((SELECT p.n FROM p WHERE p.lane = l.lane), 0) AS count,
  coalesce((SELECT extract(epoch FROM now() - least(o.due_at, p.due_at)) FROM (SELECT l.lane) k LEFT JOIN o ON o.lane = k.lane
    LEFT JOIN p ON p.lane = k.lane), 0)::float8 AS oldest_s
FROM generate_series({lane_otp}, {lane_bulk}) AS l(lane)`)

// Depths counts unfinished messages by lane, at most those of 100,000 rows and as many
// pages: a gauge, not a report.
func (s *Store) Depths(ctx context.Context) ([]LaneDepth, error) {
	var out []LaneDepth
	err := s.db.SelectContext(ctx, &out, sqlDepths)
	return out, pg.Wrap("read depths", err)
}

// sqlLeases ends the claims whose worker is gone: it is unknown whether the
// call was made, so it counts as an unknown outcome, as in sqlResolve.
var sqlLeases = numbers.SQL(`
WITH c AS MATERIALIZED (SELECT message_id, claim, channel_id FROM dispatch
  WHERE state = {claimed} AND wake_at <= now()
    ORDER BY message_id LIMIT 500 FOR UPDATE SKIP LOCKED),
  a AS (INSERT INTO attempts (message_id, claim, outcome, detail) SELECT message_id, claim, {result_unknown},
    'lease ran out: the worker is gone' FROM c ON CONFLICT DO NOTHING),
  u AS (UPDATE messages SET maybe_sent = true, version = version + 1, updated_at = now()
    WHERE id = ANY(ARRAY(SELECT message_id FROM c)) AND NOT maybe_sent)
UPDATE dispatch d SET state = {resolving}, unknowns = d.unknowns + 1, maybe_sent = true,
  wake_at = now() + make_interval(secs => coalesce((ch.policy->'resolve_window_s'->>d.lane::int)::float8, ($1::float8[])[d.lane + 1]))
FROM c LEFT JOIN channels ch ON ch.id = c.channel_id WHERE d.message_id = c.message_id AND d.message_id = ANY(ARRAY(SELECT message_id
  FROM c)) AND d.claim = c.claim AND d.state + 0 = {claimed}`)

// ExpireLeases turns claims that ran out into unknown outcomes; windows are the
// default resolve windows by lane. After an outage of Postgres all claims look over
// at once: the caller gives workers time to write what they hold.
func (s *Store) ExpireLeases(ctx context.Context, windows [3]time.Duration) (int64, error) {
	const some = 8
	for range 32 { // claims hold no more than workers have calls
		n, err := s.openClaims(ctx, sqlOpenClaims, lockClaims+`wake_at <= now() ORDER BY claim LIMIT $1 FOR UPDATE SKIP LOCKED`, some)
		if err != nil {
			return 0, err
		}
		if n < some {
			break
		}
	}
	r, err := s.db.ExecContext(ctx, sqlLeases, pq.Array([]float64{windows[0].Seconds(), windows[1].Seconds(), windows[2].Seconds()}))
	if err != nil {
		return 0, pg.Wrap("expire leases", err)
	}
	return r.RowsAffected()
}

// Doubt is a message whose resolve window is over, or which a provider may be
// asked about.
type Doubt struct {
	ID      dispatch.ID `db:"message_id"`
	Channel int64       `db:"channel_id"`
	Lane    int16       `db:"lane"`
	Claim   string      `db:"claim"`
}

// sqlDoubtful lists unknown outcomes whose window is over; moving wake_at ahead
// keeps other workers off and brings the row back if this one dies.
var sqlDoubtful = numbers.SQL(`
UPDATE dispatch d SET wake_at = now() + interval '30 seconds'
WHERE d.message_id = ANY(ARRAY(SELECT message_id FROM dispatch WHERE state = {resolving} AND wake_at <= now()
  ORDER BY wake_at LIMIT 500 FOR UPDATE SKIP LOCKED)) AND d.state + 0 = {resolving}
RETURNING d.message_id, d.channel_id, d.lane, coalesce(d.claim::text, '') AS claim`)

// Doubtful takes the unknown outcomes whose resolve window is over.
func (s *Store) Doubtful(ctx context.Context) ([]Doubt, error) {
	var out []Doubt
	err := s.db.SelectContext(ctx, &out, sqlDoubtful)
	return out, pg.Wrap("take doubtful messages", err)
}

var sqlReopen = numbers.SQL(`
UPDATE dispatch SET state = {ready}, wake_at = now(), due_at = least(due_at, now())
WHERE message_id = ANY(ARRAY(SELECT d.message_id FROM dispatch d JOIN unnest($1::uuid[], $2::integer[]) AS t(id, u) ON t.id = d.message_id
  WHERE d.state = {resolving} AND d.unknowns <= t.u AND NOT d.cancel_requested
    ORDER BY d.message_id FOR UPDATE OF d SKIP LOCKED)) AND state + 0 = {resolving}`)

var sqlGiveUp = numbers.SQL(`
WITH dl AS MATERIALIZED (SELECT d.message_id FROM dispatch d JOIN unnest($1::uuid[], $2::integer[]) AS t(id, u) ON t.id = d.message_id
    WHERE d.state = {resolving} AND (d.unknowns > t.u OR d.cancel_requested) ORDER BY d.message_id FOR UPDATE OF d SKIP LOCKED),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dl)) RETURNING message_id),
  u AS (UPDATE messages m SET status = {unknown}, maybe_sent = true, failed_at = NULL, updated_at = now(), version = m.version + 1,
      error_code = 'outcome_unknown', error_message = 'the provider may or may not have the message, and policy forbids another try'
    FROM d WHERE m.id = d.message_id AND m.status < {sent} RETURNING m.id, m.account_id, m.channel_id, m.version)
INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code)
  SELECT id, account_id, channel_id, {unknown}, version, 'feeder', 'outcome_unknown' FROM u`)

// SettleDoubts reopens those of ids that may be tried again (at most u unknown
// outcomes so far) and calls the others unknown.
func (s *Store) SettleDoubts(ctx context.Context, ids []dispatch.ID, u []int) error {
	if len(ids) == 0 {
		return nil
	}
	us := make([]int64, len(u))
	for i, n := range u {
		us[i] = int64(n)
	}
	if _, err := s.db.ExecContext(ctx, sqlReopen, pg.UUIDArray(ids), pq.Array(us)); err != nil {
		return pg.Wrap("reopen doubtful messages", err)
	}
	_, err := s.db.ExecContext(ctx, sqlGiveUp, pg.UUIDArray(ids), pq.Array(us))
	return pg.Wrap("give doubtful messages up", err)
}

// Message reads what a provider may be asked about a message.
func (s *Store) Message(ctx context.Context, id dispatch.ID) (Claimed, error) {
	c := Claimed{ID: id}
	err := s.db.QueryRowxContext(ctx, `SELECT account_id, channel_id, lane, recipient, content, test, created_at, coalesce(send_at, created_at)
		FROM messages WHERE id = $1::uuid`, id.String()).
		Scan(&c.Account, &c.Channel, &c.Lane, &c.To, &c.Content, &c.Test, &c.CreatedAt, &c.Since)
	return c, pg.Wrap("read message", err)
}
