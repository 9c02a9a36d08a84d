package webhook

import (
	"context"
	"encoding/binary"
	"net/url"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// deliveryID names the delivery of an event: UUID version 8 of the event's
// millisecond, the message's version and the event's id. The same event has the
// same id at every endpoint and in every replay.
func deliveryID(e *dispatch.Event) dispatch.ID {
	var id dispatch.ID
	binary.BigEndian.PutUint64(id[:8], uint64(e.At.UnixMilli())<<16|0x8000|uint64(e.Seq&0xfff))
	binary.BigEndian.PutUint64(id[8:], 1<<63|uint64(e.ID)&(1<<62-1))
	return id
}

// deliveries are the rows of one page.
type deliveries struct {
	rows     []*Event
	payloads []string
}

func (d *deliveries) add(e *Event, payload string) {
	d.rows, d.payloads = append(d.rows, e), append(d.payloads, payload)
}

// lanes finds or makes the lanes of status callbacks: one for each account and
// host.
func (d *deliveries) lanes(ctx context.Context, tx *pg.DB) error {
	type lane struct {
		account int64
		origin  string
	}
	known := map[lane]int64{}
	for _, e := range d.rows {
		if e.Webhook != 0 {
			continue
		}
		l := lane{account: e.Account, origin: origin(e.Callback)}
		if known[l] == 0 {
			var id int64
			if err := tx.GetContext(ctx, &id, `INSERT INTO webhooks (account_id, url, format, implicit) VALUES ($1, $2, 'twilio', true)
				ON CONFLICT (account_id, url) WHERE implicit DO UPDATE SET updated_at = now() RETURNING id`, l.account, l.origin); err != nil {
				return pg.Wrap("make lane of status callbacks", err)
			}
			known[l] = id
		}
		e.Webhook = known[l]
	}
	return nil
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "invalid"
	}
	return u.Scheme + "://" + u.Host
}

// sqlInsertDeliveries inserts deliveries, due at once or, where an event of the
// message has failed at its first try, with that one (see sqlTried; sqlDueDeliveries says why "+ 0").
var sqlInsertDeliveries = numbers.SQL(`
INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, seq, format, url, payload, wake_at)
SELECT t.webhook_id, t.id, t.message_id, t.kind, t.seq, t.format, nullif(t.url, ''), t.payload,
  greatest(now(), CASE WHEN t.seq > 1 THEN (SELECT max(d.wake_at) FROM webhook_deliveries d WHERE d.message_id = t.message_id
    AND d.webhook_id + 0 = t.webhook_id AND d.state + 0 = {delivery_pending} AND d.attempts = 1 AND d.seq < t.seq) END)
FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::smallint[], $5::integer[], $6::text[], $7::text[], $8::text[]) AS t(webhook_id, id,
  message_id, kind, seq, format, url, payload)
ON CONFLICT (webhook_id, id) DO `)

// sqlAgain makes a delivery that exists due again, with all its tries. One that was
// erased or redacted gets the bytes of what is left of its message.
var sqlAgain = numbers.SQL(`UPDATE SET state = {delivery_pending}, attempts = 0, wake_at = now(), done_at = NULL,
  payload = CASE WHEN webhook_deliveries.payload = '{}' THEN excluded.payload ELSE webhook_deliveries.payload END`)

// sqlWakeLanes makes lanes look for what is due. It locks the rows first: a
// lane whose holder lets go of it at this moment must not be missed.
const sqlWakeLanes = `
WITH l AS MATERIALIZED (SELECT id, wake_at FROM webhooks WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE)
UPDATE webhooks w SET wake_at = now() FROM l WHERE w.id = l.id AND l.wake_at > now()`

// insert writes the rows. A replay sets back those that are there: the same id
// and the same bytes go out once more, unless those were erased.
func (d *deliveries) insert(ctx context.Context, tx *pg.DB, replay bool) error {
	n := len(d.rows)
	hooks, kinds, seqs := make([]int64, n), make([]int64, n), make([]int64, n)
	ids, messages, formats, urls := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range d.rows {
		hooks[i], kinds[i], seqs[i], formats[i], urls[i] = e.Webhook, int64(e.Kind), int64(e.Seq), e.Format, e.Callback
		ids[i], messages[i] = deliveryID(&e.Event).String(), e.Message.String()
	}
	query := sqlInsertDeliveries + `NOTHING`
	if replay {
		query = sqlInsertDeliveries + sqlAgain
	}
	if _, err := tx.ExecContext(ctx, query, pq.Array(hooks), pq.Array(ids), pq.Array(messages), pq.Array(kinds), pq.Array(seqs),
		pq.Array(formats), pq.Array(urls), pq.Array(d.payloads)); err != nil {
		return pg.Wrap("insert webhook deliveries", err)
	}
	return wakeLanes(ctx, tx, hooks)
}

func wakeLanes(ctx context.Context, q *pg.DB, ids []int64) error {
	_, err := q.ExecContext(ctx, sqlWakeLanes, pg.IntArray(ids))
	return pg.Wrap("wake webhooks", err)
}
