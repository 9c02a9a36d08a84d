// Package stats reads the figures of the dashboard's overview. Every read is
// bounded: what is more than a sample is estimated from it.
package stats

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The bounds of the reads, in rows.
const (
	MaxWaiting = 100_000
	perBucket  = 300
	recent     = 10_000
	oldest     = 1_000
)

// Store reads figures.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db} }

var numbers = pg.Domain.Merge(pg.Numbers{"ready": store.StateReady})

// Counts are the figures of an account's configuration and of today.
type Counts struct {
	Keys          int   `db:"keys"`
	ActiveKeys    int   `db:"active_keys"`
	Templates     int   `db:"templates"`
	CallsToday    int64 `db:"calls_today"`
	MessagesToday int64 `db:"messages_today"`
}

// Counts reads the counts of an account.
func (s *Store) Counts(ctx context.Context, account int64) (Counts, error) {
	var c Counts
	err := s.db.GetContext(ctx, &c, `
SELECT (SELECT count(*) FROM api_keys WHERE account_id = $1) AS keys,
  (SELECT count(*) FROM api_keys WHERE account_id = $1 AND active AND (expires_at IS NULL OR expires_at > now())) AS active_keys,
  (SELECT count(*) FROM templates WHERE account_id = $1) AS templates,
  coalesce(sum(u.calls), 0)::bigint AS calls_today, coalesce(sum(u.messages), 0)::bigint AS messages_today
FROM api_keys k JOIN key_usage u ON u.key_id = k.id AND u.day = (now() AT TIME ZONE 'utc')::date
WHERE k.account_id = $1`, account)
	return c, pg.Wrap("read counts", err)
}

var sqlWaiting = numbers.SQL(`
SELECT (SELECT count(*) FROM (SELECT 1 FROM dispatch WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk})
  AND channel_id = ANY($1::bigint[])
    AND state = {ready} LIMIT $2) x) + (SELECT coalesce(sum(n), 0) FROM (SELECT n FROM backlog
      WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = ANY($1::bigint[]) LIMIT $2) x) AS waiting,
  (SELECT extract(epoch FROM now() - min(due_at)) FROM ((SELECT due_at FROM dispatch
    WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = ANY($1::bigint[]) AND state = {ready} LIMIT $3)
    UNION ALL (SELECT created_at FROM backlog
      WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = ANY($1::bigint[]) ORDER BY page LIMIT 1)) x
    WHERE due_at <= now()) AS oldest`)

// Waiting returns how many messages wait on channels, at most MaxWaiting + 1, and
// the age in seconds of the oldest that is due, or nil.
func (s *Store) Waiting(ctx context.Context, channels []int64) (n int, oldestAge *float64, err error) {
	var row struct {
		Waiting int      `db:"waiting"`
		Oldest  *float64 `db:"oldest"`
	}
	err = s.db.GetContext(ctx, &row, sqlWaiting, pq.Array(channels), MaxWaiting+1, oldest)
	return min(row.Waiting, MaxWaiting+1), row.Oldest, pg.Wrap("count what waits", err)
}

// sqlInOrder has the newest read from the index until there are enough: by the
// statistics of a table that has just grown, the planner would sort whole ranges.
const sqlInOrder = `SET LOCAL enable_sort = off`

// newest reads rows in the order of an index.
func (s *Store) newest(ctx context.Context, dest any, query string, args ...any) error {
	return s.db.Readers().Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, sqlInOrder); err != nil {
			return err
		}
		return tx.SelectContext(ctx, dest, query, args...)
	})
}

// Bucket is a period of a series.
type Bucket struct {
	Messages int      `db:"n"`
	Span     float64  `db:"span"` // seconds between the first and the last message
	Sent     int      `db:"good"`
	Failed   int      `db:"bad"`
	P50      *float64 `db:"p50"` // accept to sent, in ms
	P99      *float64 `db:"p99"`
}

// Sampled reports whether the bucket has more messages than were read.
func (b *Bucket) Sampled() bool { return b.Messages >= perBucket }

// MaxCounted is how far the messages of a bucket are counted.
const MaxCounted = 50_000

const sqlCount = `SELECT count(*) FROM (SELECT 1 FROM messages WHERE account_id = $1 AND id >= $2::uuid AND id < $3::uuid
  ORDER BY id DESC LIMIT $4) x`

// Count returns how many messages were accepted in a period, at most MaxCounted.
func (s *Store) Count(ctx context.Context, account int64, from, to time.Time) (int, error) {
	var n []int
	if err := s.newest(ctx, &n, sqlCount, account, first(from), first(to), MaxCounted); err != nil {
		return 0, pg.Wrap("count messages", err)
	}
	return n[0], nil
}

var sqlSeries = numbers.SQL(`
SELECT x.n, x.span, x.good, x.bad, x.p50, x.p99
FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS b(low, high, i)
CROSS JOIN LATERAL (
  SELECT count(*) AS n, coalesce(extract(epoch FROM max(created_at) - min(created_at)), 0) AS span,
    count(*) FILTER (WHERE status IN ({sent}, {delivered}, {read})) AS good,
    count(*) FILTER (WHERE status IN ({failed}, {expired}, {unknown})) AS bad,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) AS p99
  FROM (SELECT created_at, status, extract(epoch FROM sent_at - greatest(created_at, send_at)) * 1000 AS ms
    FROM messages WHERE account_id = $1 AND id >= b.low AND id < b.high ORDER BY id DESC LIMIT $4) m
) x
ORDER BY b.i`)

// Series reads the buckets between the times of edges, which are in order.
func (s *Store) Series(ctx context.Context, account int64, edges []time.Time) ([]Bucket, error) {
	var low, high []uuid.UUID
	for i := 1; i < len(edges); i++ {
		low, high = append(low, first(edges[i-1])), append(high, first(edges[i]))
	}
	out := []Bucket{}
	err := s.newest(ctx, &out, sqlSeries, account, pg.UUIDArray(low), pg.UUIDArray(high), perBucket)
	return out, pg.Wrap("read series", err)
}

// first returns the least id of a time, as in UUIDv7.
func first(t time.Time) uuid.UUID {
	var id uuid.UUID
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}

// Failure is a group of failed messages.
type Failure struct {
	Channel int64     `db:"channel_id"`
	Code    string    `db:"code"`
	Count   int       `db:"n"`
	Last    time.Time `db:"last_at"`
}

var sqlRecent = numbers.SQL(`
WITH m AS MATERIALIZED (SELECT channel_id, status, error_code, coalesce(failed_at, updated_at) AS at
  FROM messages WHERE account_id = $1 AND id >= $2::uuid ORDER BY id DESC LIMIT $3)
SELECT channel_id, coalesce(error_code, '') AS code, status IN ({failed}, {expired}, {unknown}) AS bad, count(*) AS n, max(at) AS last_at
FROM m WHERE status IN ({sent}, {delivered}, {read}, {failed}, {expired}, {unknown})
GROUP BY 1, 2, 3 ORDER BY n DESC LIMIT 500`)

// Recent reads how the newest messages since a time have ended: how many were sent
// and how many were not, and the failures by channel and code.
func (s *Store) Recent(ctx context.Context, account int64, since time.Time) (good, bad int, failures []Failure, err error) {
	var rows []struct {
		Failure
		Bad bool `db:"bad"`
	}
	err = s.newest(ctx, &rows, sqlRecent, account, first(since), recent)
	failures = []Failure{}
	for _, r := range rows {
		if !r.Bad {
			good += r.Count
			continue
		}
		bad += r.Count
		if len(failures) < 20 {
			failures = append(failures, r.Failure)
		}
	}
	return good, bad, failures, pg.Wrap("read how messages ended", err)
}
