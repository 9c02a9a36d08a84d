package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlFindKeys looks each key up by itself, in the days that it may be of: no
// join, which could read all keys of three days.
const sqlFindKeys = `
SELECT t.n, y.fingerprint, m.id, m.channel_id, m.send_at, m.created_at, m.segments, m.price
FROM unnest($1::bigint[], $2::text[], $3::integer[]) WITH ORDINALITY AS t(account_id, key, idx, n)
CROSS JOIN LATERAL (SELECT i.fingerprint, i.message_id FROM idempotency i
  WHERE i.day IN ((now() AT TIME ZONE 'utc')::date - 1, (now() AT TIME ZONE 'utc')::date, (now() AT TIME ZONE 'utc')::date + 1)
    AND i.account_id = t.account_id AND i.key = t.key AND i.idx = t.idx LIMIT 1) y
CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = y.message_id LIMIT 1) m`

type keyRow struct {
	N           int         `db:"n"`
	Fingerprint string      `db:"fingerprint"`
	ID          dispatch.ID `db:"id"`
	Channel     int64       `db:"channel_id"`
	SendAt      *time.Time  `db:"send_at"`
	CreatedAt   time.Time   `db:"created_at"`
	Segments    int         `db:"segments"`
	Price       int64       `db:"price"`
}

// receipt is the first answer again. What was asked for stands in the repeat,
// which is the same request; the message may have been changed meanwhile.
func (r *keyRow) receipt(m *dispatch.Message) *dispatch.Receipt {
	if r.ID != m.ID && r.Fingerprint != m.IdemFingerprint {
		return &dispatch.Receipt{Err: dispatch.Errorf(dispatch.KeyReused,
			"this Idempotency-Key was used for another request; use a new key for a new message")}
	}
	out := &dispatch.Receipt{
		ID: r.ID, Status: dispatch.Queued, To: m.To, Channel: r.Channel, CreatedAt: r.CreatedAt, Replayed: r.ID != m.ID,
		Segments: r.Segments, Price: r.Price,
	}
	if r.SendAt != nil {
		out.SendAt = m.SendAt
		if m.SendAt.After(r.CreatedAt) {
			out.Status = dispatch.Scheduled
		}
	}
	return out
}

// Repeats returns for each message, of which it reads the recipient, the time to
// send and what belongs to its idempotency key, what an earlier request with
// that key was answered, or the refusal when that one asked for something else;
// nil where the key is new.
func (s *Store) Repeats(ctx context.Context, ms []*dispatch.Message) ([]*dispatch.Receipt, error) {
	return s.repeats(ctx, s.db, ms)
}

func (s *Store) repeats(ctx context.Context, q *pg.DB, ms []*dispatch.Message) ([]*dispatch.Receipt, error) {
	accounts, keys, idxs := make([]int64, len(ms)), make([]string, len(ms)), make([]int64, len(ms))
	for i, m := range ms {
		accounts[i], keys[i], idxs[i] = m.Account, m.IdemKey, int64(m.IdemIndex)
	}
	var rows []keyRow
	if err := q.SelectPrepared(ctx, &rows, sqlFindKeys, pq.Array(accounts), pq.Array(keys), pq.Array(idxs)); err != nil {
		return nil, pg.Wrap("find idempotency keys", err)
	}
	out := make([]*dispatch.Receipt, len(ms))
	for i := range rows {
		n := rows[i].N - 1
		out[n] = rows[i].receipt(ms[n])
	}
	return out, nil
}

// resolveMissing finds out why rows were not inserted: an earlier request
// with the same key (its answer again, or a refusal when it asked for something
// else), our own first run of the statement, a suppression, a closed window.
func (s *Store) resolveMissing(ctx context.Context, q *pg.DB, page []*NewMessage, rows map[dispatch.ID]*acceptRow,
	out map[dispatch.ID]dispatch.Receipt,
) error {
	var keyed []*dispatch.Message
	ids := make([]dispatch.ID, len(page))
	for i, a := range page {
		ids[i] = a.ID
		if a.IdemKey != "" {
			keyed = append(keyed, a.Message)
		}
	}
	if len(keyed) > 0 {
		found, err := s.repeats(ctx, q, keyed)
		if err != nil {
			return err
		}
		for i, r := range found {
			if r != nil {
				out[keyed[i].ID] = *r
			}
		}
	}
	var own []acceptRow
	if err := q.SelectContext(ctx, &own, `SELECT id, created_at, coalesce(send_at > created_at, false) AS later FROM messages
	  WHERE id = ANY($1::uuid[])`, pg.UUIDArray(ids)); err != nil {
		return pg.Wrap("find own messages", err)
	}
	mine := map[dispatch.ID]acceptRow{}
	for _, r := range own {
		mine[r.ID] = r
	}
	for _, a := range page {
		if _, answered := out[a.ID]; answered {
			continue
		}
		if r, ok := mine[a.ID]; ok {
			out[a.ID] = receipt(a, r.CreatedAt, r.Later)
			continue
		}
		out[a.ID] = dispatch.Receipt{Err: refusal(a, rows[a.ID])}
	}
	return nil
}

func nearMidnight(t time.Time) bool {
	t = t.UTC()
	return t.Add(2*time.Minute).Day() != t.Day() || t.Add(-2*time.Minute).Day() != t.Day()
}

// lockKeys makes requests with one idempotency key wait for each other: around
// midnight the same key may be written as a row of either day, and no index
// holds two days together. The lock is the request's, not each message's: a
// batch must not fill Postgres' table of locks.
func lockKeys(ctx context.Context, tx *pg.DB, page []*NewMessage) error {
	var keys []string
	for _, a := range page {
		if a.IdemKey != "" {
			keys = append(keys, fmt.Sprintf("%d/%s", a.Account, a.IdemKey))
		}
	}
	slices.Sort(keys) // one order for everybody
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
	  FROM unnest($1::text[]) AS key`, pq.Array(slices.Compact(keys)))
	return pg.Wrap("lock idempotency keys", err)
}
