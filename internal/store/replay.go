package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const sqlFindKeys = `
SELECT i.account_id, i.key, i.idx, i.fingerprint, i.message_id, m.recipient, m.channel_id, m.send_at, m.created_at, m.segments, m.price
FROM idempotency i JOIN messages m ON m.id = i.message_id
WHERE i.day >= (now() AT TIME ZONE 'utc')::date - 1
  AND (i.account_id, i.key, i.idx) IN (SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[]))`

type keyRow struct {
	Account     int64       `db:"account_id"`
	Key         string      `db:"key"`
	Idx         int         `db:"idx"`
	Fingerprint string      `db:"fingerprint"`
	ID          dispatch.ID `db:"message_id"`
	To          string      `db:"recipient"`
	Channel     int64       `db:"channel_id"`
	SendAt      *time.Time  `db:"send_at"`
	CreatedAt   time.Time   `db:"created_at"`
	Segments    int         `db:"segments"`
	Price       int64       `db:"price"`
}

func (r *keyRow) receipt(id dispatch.ID) dispatch.Receipt {
	out := dispatch.Receipt{ID: r.ID, Status: dispatch.Queued, To: r.To, Channel: r.Channel, CreatedAt: r.CreatedAt, Replayed: r.ID != id, Segments: r.Segments, Price: r.Price}
	if r.SendAt != nil {
		out.SendAt = *r.SendAt
		if r.SendAt.After(r.CreatedAt) {
			out.Status = dispatch.Scheduled
		}
	}
	return out
}

// resolveMissing says for rows that weren't inserted why: an earlier request
// with the same key (its answer again, or a refusal when it asked for something
// else), our own first run of the statement, a suppression, a closed window.
func resolveMissing(ctx context.Context, q querier, page []*Accept, rows map[dispatch.ID]*acceptRow, out map[dispatch.ID]dispatch.Receipt) error {
	var accounts []int64
	var keys, ids []string
	var idxs []int64
	for _, a := range page {
		ids = append(ids, a.ID.String())
		if a.IdemKey != "" {
			accounts, keys, idxs = append(accounts, a.Account), append(keys, a.IdemKey), append(idxs, int64(a.IdemIndex))
		}
	}
	type keyID struct {
		account int64
		key     string
		idx     int
	}
	found := map[keyID]*keyRow{}
	if len(keys) > 0 {
		var krs []keyRow
		if err := q.SelectContext(ctx, &krs, sqlFindKeys, pq.Array(accounts), pq.Array(keys), pq.Array(idxs)); err != nil {
			return wrap("find idempotency keys", err)
		}
		for i := range krs {
			found[keyID{krs[i].Account, krs[i].Key, krs[i].Idx}] = &krs[i]
		}
	}
	var own []acceptRow
	if err := q.SelectContext(ctx, &own, `SELECT id, created_at, coalesce(send_at > created_at, false) AS later FROM messages WHERE id = ANY($1::uuid[])`, pq.Array(ids)); err != nil {
		return wrap("find own messages", err)
	}
	mine := map[dispatch.ID]acceptRow{}
	for _, r := range own {
		mine[r.ID] = r
	}
	for _, a := range page {
		if kr := found[keyID{a.Account, a.IdemKey, a.IdemIndex}]; a.IdemKey != "" && kr != nil {
			if kr.ID != a.ID && kr.Fingerprint != a.IdemFingerprint {
				out[a.ID] = dispatch.Receipt{Err: dispatch.Errorf(dispatch.KeyReused, "this Idempotency-Key was used for another request; use a new key for a new message")}
				continue
			}
			out[a.ID] = kr.receipt(a.ID)
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
