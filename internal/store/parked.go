package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// maxParked is how much evidence without a message is kept of a channel.
const maxParked = 10_000

// sqlPark keeps each piece once. Of a channel with {max_parked} pieces the oldest
// tenth goes: what another system sends from the same number never finds its
// message, and must not take the room of what comes a moment before its own.
var sqlPark = numbers.Merge(pg.Numbers{"max_parked": maxParked, "tenth": maxParked / 10}).SQL(`
WITH full_ones AS MATERIALIZED (SELECT c.id FROM unnest($4::bigint[]) AS c(id)
    WHERE (SELECT count(*) FROM (SELECT 1 FROM parked_callbacks p WHERE p.channel_id = c.id LIMIT {max_parked}) x) >= {max_parked}),
  d AS (DELETE FROM parked_callbacks WHERE id = ANY(ARRAY(SELECT o.id FROM full_ones f CROSS JOIN LATERAL (SELECT p.id
  FROM parked_callbacks p
    WHERE p.channel_id = f.id ORDER BY p.id LIMIT {tenth} FOR UPDATE SKIP LOCKED) o)))
INSERT INTO parked_callbacks (channel_id, ref, body, wake_at)
SELECT DISTINCT t.channel_id, t.ref, t.body, now() + interval '1 second'
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t(channel_id, ref, body)
WHERE NOT EXISTS (SELECT 1 FROM parked_callbacks p WHERE p.channel_id = t.channel_id AND p.ref = t.ref AND p.body = t.body
  AND p.created_at > now() - interval '1 day')`)

// Park keeps evidence for which no message was found: the callback may have
// overtaken the commit of the provider's id. It is tried again after 1 s and
// then ever more slowly, for a day.
func (s *Store) Park(ctx context.Context, us ...dispatch.StatusUpdate) error {
	var channels []int64
	var refs, bodies []string
	seen := map[int64]bool{}
	var distinct []int64
	for _, u := range us {
		fit(&u)
		channels, refs, bodies = append(channels, u.Channel), append(refs, u.ProviderID), append(bodies, pg.JSON(u))
		if !seen[u.Channel] {
			seen[u.Channel], distinct = true, append(distinct, u.Channel)
		}
	}
	if len(channels) == 0 {
		return nil
	}
	_, err := s.db.ExecContext(ctx, sqlPark, pq.Array(channels), pq.Array(refs), pq.Array(bodies), pq.Array(distinct))
	return pg.Wrap("park callbacks", err)
}

const sqlUnpark = `
UPDATE parked_callbacks SET tries = tries + 1,
  wake_at = now() + (ARRAY[interval '2 s', '5 s', '10 s', '30 s', '5 min', '1 hour'])[least(tries + 1, 6)]
WHERE id = ANY(ARRAY(SELECT id FROM parked_callbacks WHERE wake_at <= now() ORDER BY wake_at LIMIT 200 FOR UPDATE SKIP LOCKED))
RETURNING id, body, created_at`

const sqlDropParked = `DELETE FROM parked_callbacks WHERE id = ANY($1)`

const sqlExpireParked = `
DELETE FROM parked_callbacks WHERE id = ANY(ARRAY(SELECT id FROM parked_callbacks WHERE created_at < now() - interval '1 day'
  ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED)) RETURNING id, body, created_at`

type parkedRow struct {
	ID        int64     `db:"id"`
	Body      string    `db:"body"`
	CreatedAt time.Time `db:"created_at"`
}

// evidence returns what was parked. The row reports nothing about messages that
// were accepted after it arrived.
func (r *parkedRow) evidence() (u dispatch.StatusUpdate, err error) {
	err = json.Unmarshal([]byte(r.Body), &u)
	if u.At.IsZero() || u.At.After(r.CreatedAt) {
		u.At = r.CreatedAt
	}
	return u, err
}

// RetryParked tries parked evidence again and drops what is settled. One piece that
// can't be read or applied keeps its place and holds up no other. It returns the
// messages that failed by it.
func (s *Store) RetryParked(ctx context.Context) ([]Failure, error) {
	var rows []parkedRow
	if err := s.db.SelectContext(ctx, &rows, sqlUnpark); err != nil || len(rows) == 0 {
		return nil, pg.Wrap("unpark callbacks", err)
	}
	var us []dispatch.StatusUpdate
	var ids []int64
	for i := range rows {
		if u, err := rows[i].evidence(); err == nil {
			us, ids = append(us, u), append(ids, rows[i].ID)
		}
	}
	a, err := s.Apply(ctx, us)
	if err != nil {
		return nil, err
	}
	keep := map[int]bool{}
	for _, i := range append(a.Unmatched, a.Refused...) {
		keep[i] = true
	}
	var done []int64
	for i, id := range ids {
		if !keep[i] {
			done = append(done, id)
		}
	}
	_, err = s.db.ExecContext(ctx, sqlDropParked, pg.IntArray(done))
	return a.Failed, pg.Wrap("drop parked callbacks", err)
}

// ExpireParked drops evidence for which no message was found in a day, and returns it.
func (s *Store) ExpireParked(ctx context.Context) ([]dispatch.StatusUpdate, error) {
	var rows []parkedRow
	if err := s.db.SelectContext(ctx, &rows, sqlExpireParked); err != nil {
		return nil, pg.Wrap("drop old callbacks", err)
	}
	out := make([]dispatch.StatusUpdate, len(rows))
	for i := range rows {
		out[i], _ = rows[i].evidence() // what can't be read is counted all the same
	}
	return out, nil
}
