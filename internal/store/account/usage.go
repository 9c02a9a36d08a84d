package account

import (
	"context"
	"time"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// KeyUsage is how much a key was used.
type KeyUsage struct {
	Key           int64      `db:"id" json:"key_id"`
	Name          string     `db:"name" json:"name"`
	Prefix        string     `db:"prefix" json:"prefix"`
	CallsToday    int64      `db:"calls_today" json:"calls_today"`
	MessagesToday int64      `db:"messages_today" json:"messages_today"`
	Calls         int64      `db:"calls" json:"calls_30_days"`
	Messages      int64      `db:"messages" json:"messages_30_days"`
	LastUsed      *time.Time `db:"last_used" json:"last_used_at,omitempty"`
}

// DayUsage is how much all keys of an account were used on one UTC day.
type DayUsage struct {
	Day      string `db:"day" json:"day"`
	Calls    int64  `db:"calls" json:"calls"`
	Messages int64  `db:"messages" json:"messages"`
}

// KeyUsages returns today's and the last 30 days' use of each key after the id.
func (s *Store) KeyUsages(ctx context.Context, account, after int64, limit int) ([]KeyUsage, error) {
	out := []KeyUsage{}
	err := s.db.SelectContext(ctx, &out, `SELECT k.id, k.name, k.prefix,
		  coalesce(sum(u.calls) FILTER (WHERE u.day = t.today), 0)::bigint AS calls_today,
		    coalesce(sum(u.messages) FILTER (WHERE u.day = t.today), 0)::bigint AS messages_today,
		  coalesce(sum(u.calls), 0)::bigint AS calls, coalesce(sum(u.messages), 0)::bigint AS messages, max(u.last_used) AS last_used
		FROM api_keys k CROSS JOIN (SELECT (now() AT TIME ZONE 'utc')::date AS today) t
		  LEFT JOIN key_usage u ON u.key_id = k.id AND u.day > t.today - 30
		WHERE k.account_id = $1 AND k.id > $2 GROUP BY k.id ORDER BY k.id LIMIT $3`, account, after, limit)
	return out, pg.Wrap("read usage of keys", err)
}

// DayUsages returns the use of the last 30 UTC days, the newest first, days
// without any included.
func (s *Store) DayUsages(ctx context.Context, account int64) ([]DayUsage, error) {
	out := []DayUsage{}
	err := s.db.SelectContext(ctx, &out, `SELECT to_char(d.day, 'YYYY-MM-DD') AS day, coalesce(sum(u.calls), 0)::bigint AS calls,
	  coalesce(sum(u.messages), 0)::bigint AS messages
		FROM (SELECT (now() AT TIME ZONE 'utc')::date - n AS day FROM generate_series(0, 29) n) d
		  LEFT JOIN (SELECT u.* FROM api_keys k CROSS JOIN LATERAL (SELECT * FROM key_usage u
		    WHERE u.key_id = k.id AND u.day > (now() AT TIME ZONE 'utc')::date - 30 OFFSET 0) u WHERE k.account_id = $1) u ON u.day = d.day
		GROUP BY d.day ORDER BY d.day DESC`, account)
	return out, pg.Wrap("read usage by day", err)
}

// LoadDay reads how many messages a key has been charged for on a UTC day.
func (s *Store) LoadDay(ctx context.Context, key int64, day string) (int64, error) {
	var n int64
	err := s.db.GetContext(ctx, &n, `SELECT coalesce(sum(messages), 0)::bigint FROM key_usage WHERE key_id = $1 AND day = $2::date`, key, day)
	return n, pg.Wrap("read day's count", err)
}

// AddDay adds to the day's message counts of keys.
func (s *Store) AddDay(ctx context.Context, day string, counts map[int64]int64) error {
	return s.addUsage(ctx, day, counts, "messages")
}

// AddCalls adds to the day's request counts of keys and notes their last use.
func (s *Store) AddCalls(ctx context.Context, counts map[int64]int64) error {
	return s.addUsage(ctx, time.Now().UTC().Format(time.DateOnly), counts, "calls")
}

func (s *Store) addUsage(ctx context.Context, day string, counts map[int64]int64, column string) error {
	var ids, ns []int64
	for id, n := range counts {
		ids, ns = append(ids, id), append(ns, n)
	}
	if len(ids) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO key_usage AS u (key_id, day, `+column+`)
			SELECT x.id, $1::date, x.n FROM unnest($2::bigint[], $3::bigint[]) AS x(id, n) JOIN api_keys k ON k.id = x.id ORDER BY 1
			ON CONFLICT (key_id, day) DO UPDATE SET `+column+` = u.`+column+` + excluded.`+column+`,
			  last_used = now()`, day, pq.Array(ids), pq.Array(ns))
		return pg.Wrap("count key usage", err)
	})
}
