package operate

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Waiting is a channel with due messages.
type Waiting struct {
	Channel int64   `db:"channel_id"`
	Seconds float64 `db:"seconds"` // since the oldest was due
}

// Age returns how long the oldest message of the channel has been due.
func (w Waiting) Age() time.Duration { return time.Duration(w.Seconds * float64(time.Second)) }

// sqlDispatchable walks the index of ready rows from channel to channel, as
// sqlDepths of package store does.
var sqlDispatchable = numbers.SQL(`
WITH RECURSIVE c(lane, channel_id) AS (
  SELECT l.lane, (SELECT d.channel_id FROM dispatch d WHERE d.lane = l.lane AND d.state = {ready} ORDER BY d.channel_id LIMIT 1)
    FROM generate_series({lane_otp}, {lane_bulk}) AS l(lane)
  UNION ALL
  SELECT c.lane, (SELECT d.channel_id FROM dispatch d WHERE d.lane = c.lane AND d.state = {ready} AND d.channel_id > c.channel_id
    ORDER BY d.channel_id LIMIT 1) FROM c WHERE c.channel_id IS NOT NULL
), p(lane, channel_id) AS (
  SELECT l.lane, (SELECT b.channel_id FROM backlog b WHERE b.lane = l.lane ORDER BY b.channel_id LIMIT 1)
    FROM generate_series({lane_otp}, {lane_bulk}) AS l(lane)
  UNION ALL
  SELECT p.lane, (SELECT b.channel_id FROM backlog b WHERE b.lane = p.lane AND b.channel_id > p.channel_id
    ORDER BY b.channel_id LIMIT 1) FROM p WHERE p.channel_id IS NOT NULL
)
SELECT c.channel_id, extract(epoch FROM now() - min(w.due_at))::float8 AS seconds FROM (SELECT * FROM c UNION SELECT * FROM p) c
JOIN channels ch ON ch.id = c.channel_id AND ch.enabled
LEFT JOIN channel_health h ON h.channel_id = c.channel_id
CROSS JOIN LATERAL ((SELECT greatest(d.due_at, d.wake_at) AS due_at FROM dispatch d WHERE d.lane = c.lane AND d.state = {ready}
    AND d.channel_id = c.channel_id AND d.wake_at <= now() ORDER BY d.wake_at LIMIT 100)
  UNION ALL (SELECT b.created_at FROM backlog b WHERE (b.lane, b.channel_id, b.page) >= (c.lane::smallint, c.channel_id, 0::bigint)
    AND (b.lane, b.channel_id) <= (c.lane::smallint, c.channel_id) ORDER BY b.lane, b.channel_id, b.page LIMIT 1)) w
WHERE w.due_at <= now() AND coalesce(h.state, 'closed') = 'closed' GROUP BY 1 ORDER BY 2 DESC LIMIT 20`)

// Dispatchable returns the channels that may send and have due messages, the one
// with the oldest first, at most 20.
func (s *Store) Dispatchable(ctx context.Context) ([]Waiting, error) {
	var out []Waiting
	err := s.db.SelectContext(ctx, &out, sqlDispatchable)
	return out, pg.Wrap("read oldest messages", err)
}
