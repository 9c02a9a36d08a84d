package callback

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const sqlCount = `
WITH n AS (SELECT i.channel_id, i.reason, sum(i.n)::bigint AS n
  FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS i(channel_id, reason, n)
  JOIN channels c ON c.id = i.channel_id GROUP BY 1, 2),
old AS (DELETE FROM callback_counts WHERE span < now() - interval '2 days')
INSERT INTO callback_counts AS c (channel_id, span, reason, n, last_at)
SELECT channel_id, to_timestamp(floor(extract(epoch FROM now()) / 600) * 600), reason, n, now() FROM n ORDER BY channel_id, reason
ON CONFLICT (channel_id, span, reason) DO UPDATE SET n = c.n + excluded.n, last_at = now()`

// Count adds numbers of callbacks to those of their channels, of which it keeps two
// days; channels that no longer exist are left out.
func (s *Store) Count(ctx context.Context, counts []dispatch.CallbackCount) error {
	channels, reasons, n := make([]int64, len(counts)), make([]string, len(counts)), make([]int64, len(counts))
	for i, c := range counts {
		channels[i], reasons[i], n[i] = c.Channel, c.Reason, c.N
	}
	_, err := s.db.ExecContext(ctx, sqlCount, pq.Array(channels), pq.Array(reasons), pq.Array(n))
	return pg.Wrap("count callbacks", err)
}

// Arrivals is what arrived of a channel's callbacks.
type Arrivals struct {
	Channel  int64      `db:"channel_id"`
	Name     string     `db:"name"`
	Taken    int64      `db:"taken"`    // in the last hour
	Rejected int64      `db:"rejected"` // in the last hour
	Reasons  string     `db:"reasons"`  // of these, the most frequent first
	Last     *time.Time `db:"last"`     // taken, of the last two days
}

const sqlArrivals = `
SELECT r.channel_id, c.name, coalesce(sum(r.n) FILTER (WHERE r.recent AND r.reason = ''), 0)::bigint AS taken,
  coalesce(sum(r.n) FILTER (WHERE r.recent AND r.reason <> ''), 0)::bigint AS rejected,
  coalesce(string_agg(r.reason, ', ' ORDER BY r.n DESC, r.reason) FILTER (WHERE r.recent AND r.reason <> ''), '') AS reasons,
  max(r.last_at) FILTER (WHERE r.reason = '') AS last
FROM (SELECT channel_id, reason, span >= now() - interval '1 hour' AS recent, sum(n) AS n, max(last_at) AS last_at
  FROM callback_counts GROUP BY 1, 2, 3) r
JOIN channels c ON c.id = r.channel_id AND c.enabled GROUP BY r.channel_id, c.name ORDER BY r.channel_id`

// Arrivals returns what arrived of the callbacks of enabled channels.
func (s *Store) Arrivals(ctx context.Context) ([]Arrivals, error) {
	var out []Arrivals
	err := s.db.SelectContext(ctx, &out, sqlArrivals)
	return out, pg.Wrap("read counts of callbacks", err)
}
