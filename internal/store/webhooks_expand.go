package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The event log is the outbox: an event is written in the transaction of the
// change that it tells of. One cursor for all endpoints goes through it in the
// order of (transaction, id) and only below the oldest running transaction, and
// whoever holds the cursor's row turns a page of events into deliveries and
// moves the cursor in one transaction: each event becomes exactly one delivery
// of each endpoint that wants it, late commits included.
//
// One cursor and not one for each endpoint: the log is read once however many
// endpoints there are, and events need no index by account, which every accept
// and every send would pay for. One holder at a time is enough: a page takes
// milliseconds, deliveries take longer.
//
// An endpoint begins at the end of the log by its column since, the id of the
// transaction that made it. A page holds only events below the snapshot's xmin;
// one of a transaction after since is therefore only read by a snapshot that
// sees the endpoint, and one before it is left out.

// WebhookEvent is an event on its way to an endpoint, with all that a payload
// may tell.
type WebhookEvent struct {
	Event
	Webhook  int64  `db:"webhook_id"` // 0: the message's own status callback
	Format   string `db:"format"`
	Callback string `db:"callback"` // the address of the message's status callback
	SID      string `db:"sid"`      // the account's

	View    *dispatch.View  `db:"-"` // of a status; nil: the message is gone
	Inbound *RawInbound     `db:"-"`
	Sender  *WebhookChannel `db:"-"` // the channel, if there is one
}

// RawInbound is an inbound message with what the provider sent.
type RawInbound struct {
	Inbound
	Raw string `db:"raw"`
}

// WebhookChannel is what payloads tell of a channel.
type WebhookChannel struct {
	ID            int64  `db:"id"`
	Key           string `db:"key"`
	Provider      string `db:"provider"`
	Kind          string `db:"kind"`
	Sender        string `db:"sender"`
	PhoneNumberID string `db:"phone_number_id"`
	BusinessID    string `db:"waba_id"`
}

// Render makes the bytes of a delivery; false: the format has no word for it.
type Render func(*WebhookEvent) (payload string, ok bool)

type webhookCursor struct {
	ID        int64      `db:"id"`
	Webhook   int64      `db:"webhook_id"`
	XID       int64      `db:"xid"`
	Event     int64      `db:"event_id"`
	From      *time.Time `db:"from_at"`
	To        *time.Time `db:"to_at"`
	Endpoints bool       `db:"endpoints"`
	Callbacks bool       `db:"callbacks"`
}

// sqlCursor takes the cursor ($1 false) or a replay's, unless somebody else has
// it or nothing is new. What looks like EXISTS is spelled as the first row in
// the order of an index, so that a long backlog isn't gathered to look at it.
const sqlCursor = `
SELECT c.id, c.webhook_id, c.xid::text::bigint AS xid, c.event_id, c.from_at, c.to_at,
  EXISTS (SELECT 1 FROM webhooks WHERE enabled AND NOT implicit) AS endpoints,
  (SELECT left(status_callback, 1) FROM messages WHERE status_callback IS NOT NULL ORDER BY left(status_callback, 1) LIMIT 1) IS NOT NULL AS callbacks
FROM webhook_cursors c
WHERE (c.webhook_id <> 0) = $1 AND ($1 OR (SELECT e.id FROM events e WHERE (e.xid, e.id) > (c.xid, c.event_id) AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY e.xid, e.id LIMIT 1) IS NOT NULL)
ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED`

// sqlSkipLog moves the cursor to the end while nobody wants events. Endpoints
// and messages that this snapshot doesn't see yet have later events only.
const sqlSkipLog = `
UPDATE webhook_cursors c SET xid = e.xid, event_id = e.id
FROM (SELECT xid, id FROM events WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1) e
WHERE c.id = $1 AND NOT EXISTS (SELECT 1 FROM webhooks WHERE enabled AND NOT implicit)
  AND (SELECT left(status_callback, 1) FROM messages WHERE status_callback IS NOT NULL ORDER BY left(status_callback, 1) LIMIT 1) IS NULL`

// sqlLogPage reads one page of the log and gives only what somebody wants of
// it: what the endpoints of the event's account ask for, or, of a replay, what
// its endpoint ($3) asks for in its range; and what messages with a status
// callback of their own tell. The last row (webhook_id -1) says where the page
// ends and, in seq, how many events it has.
const sqlLogPage = `
WITH page AS MATERIALIZED (SELECT id, xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code, coalesce(detail, '') AS detail
  FROM events WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT `

const sqlLogMatch = `)
SELECT p.id, p.xid::text::bigint AS xid, p.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.code, p.detail, w.id AS webhook_id, w.format, '' AS callback, a.sid
FROM page p JOIN webhooks w ON w.account_id = p.account_id JOIN accounts a ON a.id = p.account_id
WHERE w.enabled AND NOT w.implicit AND p.kind < 105 AND (w.kinds = '{}' OR p.kind = ANY (w.kinds))
  AND CASE WHEN $3::bigint = 0 THEN p.xid > w.since ELSE w.id = $3 AND p.at >= $4::timestamptz AND p.at < $5::timestamptz END
UNION ALL
SELECT p.id, p.xid::text::bigint, p.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.code, p.detail, 0, 'twilio', m.status_callback, a.sid
FROM page p JOIN messages m ON m.id = p.message_id JOIN accounts a ON a.id = p.account_id
WHERE $6::boolean AND p.kind BETWEEN 30 AND 63 AND m.id = ANY(ARRAY(SELECT message_id FROM page WHERE kind BETWEEN 30 AND 63)) AND m.status_callback IS NOT NULL
UNION ALL
SELECT l.id, l.xid::text::bigint, l.message_id, 0, 0, l.at, 0::smallint, (SELECT count(*) FROM page)::integer, '', '', '', -1, '', '', ''
FROM (SELECT id, xid, message_id, at FROM page ORDER BY xid DESC, id DESC LIMIT 1) l`

// ExpandWebhooks turns one page of the log into deliveries, for all endpoints
// or for one replay. It says how many it made and whether another page may
// follow at once.
func (s *Store) ExpandWebhooks(ctx context.Context, replay bool, page int, render Render) (made int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		made, more = 0, false
		var cs []webhookCursor
		if err := tx.SelectPrepared(ctx, &cs, sqlCursor, replay); err != nil || len(cs) == 0 {
			return pg.Wrap("take webhook cursor", err)
		}
		c := cs[0]
		if !replay && !c.Endpoints && !c.Callbacks {
			_, err := tx.ExecContext(ctx, sqlSkipLog, c.ID)
			return pg.Wrap("skip events", err)
		}
		var rows []WebhookEvent
		if err := tx.SelectPrepared(ctx, &rows, sqlLogPage+strconv.Itoa(page)+sqlLogMatch, fmt.Sprint(c.XID), c.Event, c.Webhook, c.From, c.To, c.Callbacks && !replay); err != nil {
			return pg.Wrap("read events", err)
		}
		end := slices.IndexFunc(rows, func(e WebhookEvent) bool { return e.Webhook == -1 })
		if end < 0 { // nothing behind the cursor
			return endReplay(ctx, tx, &c)
		}
		last := rows[end]
		rows = slices.Delete(rows, end, end+1)
		more = last.Seq == page
		if made, err = s.expand(ctx, tx, rows, replay, render); err != nil {
			return err
		}
		if replay && (!more || last.At.After(c.To.Add(logSlack))) {
			more = true // there may be another replay
			return endReplay(ctx, tx, &c)
		}
		_, err := tx.ExecContext(ctx, `UPDATE webhook_cursors SET xid = $2::text::xid8, event_id = $3 WHERE id = $1`, c.ID, fmt.Sprint(last.XID), last.ID)
		return pg.Wrap("move webhook cursor", err)
	})
	return made, more && err == nil, err
}

func endReplay(ctx context.Context, tx *pg.DB, c *webhookCursor) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM webhook_cursors WHERE id = $1 AND webhook_id <> 0`, c.ID)
	return pg.Wrap("end replay", err)
}

// expand inserts the deliveries of one page and wakes their lanes.
func (s *Store) expand(ctx context.Context, tx *pg.DB, rows []WebhookEvent, replay bool, render Render) (int, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if err := s.fillEvents(ctx, tx, rows); err != nil {
		return 0, err
	}
	var ds deliveries
	for i := range rows {
		if payload, ok := render(&rows[i]); ok {
			ds.add(&rows[i], payload)
		}
	}
	if len(ds.rows) == 0 {
		return 0, nil
	}
	if err := ds.lanes(ctx, tx); err != nil {
		return 0, err
	}
	return len(ds.rows), ds.insert(ctx, tx, replay)
}

// fillEvents reads what the events of a page are about.
func (s *Store) fillEvents(ctx context.Context, tx *pg.DB, rows []WebhookEvent) error {
	var messages, inbound []dispatch.ID
	var channels []int64
	for i := range rows {
		e := &rows[i]
		channels = append(channels, e.Channel)
		switch {
		case e.Kind <= int16(dispatch.Unknown):
			messages = append(messages, e.Message)
		case e.Kind == InboundEvent:
			inbound = append(inbound, e.Message)
		}
	}
	views, err := s.readViews(ctx, tx, messages)
	if err != nil {
		return err
	}
	var ins []RawInbound
	if err := tx.SelectContext(ctx, &ins, `SELECT id, channel_id, from_phone, wa_id, name, type, text, provider_id, at, received_at, raw FROM inbound WHERE id = ANY($1::uuid[])`, pg.UUIDArray(inbound)); err != nil {
		return pg.Wrap("read inbound messages", err)
	}
	var chs []WebhookChannel
	if err := tx.SelectContext(ctx, &chs, `SELECT id, key, provider, kind, sender, coalesce(settings->>'phone_number_id', '') AS phone_number_id, coalesce(settings->>'waba_id', '') AS waba_id
		FROM channels WHERE id = ANY($1::bigint[])`, pg.IntArray(channels)); err != nil {
		return pg.Wrap("read channels", err)
	}
	for i := range rows {
		e := &rows[i]
		if j := slices.IndexFunc(chs, func(c WebhookChannel) bool { return c.ID == e.Channel }); j >= 0 {
			e.Sender = &chs[j]
		}
	}
	byID := make(map[dispatch.ID]*dispatch.View, len(views))
	for i := range views {
		byID[views[i].ID] = &views[i]
	}
	in := make(map[dispatch.ID]*RawInbound, len(ins))
	for i := range ins {
		in[ins[i].ID] = &ins[i]
	}
	for i := range rows {
		rows[i].View, rows[i].Inbound = byID[rows[i].Message], in[rows[i].Message]
	}
	return nil
}

// InboundEvent is the kind of an event that tells of an inbound message.
const InboundEvent = 101

// deliveryID names the delivery of an event: UUID version 8 of the event's
// millisecond, the message's version and the event's id. The same event has the
// same id at every endpoint and in every replay.
func deliveryID(e *Event) dispatch.ID {
	var id dispatch.ID
	binary.BigEndian.PutUint64(id[:8], uint64(e.At.UnixMilli())<<16|0x8000|uint64(e.Seq&0xfff))
	binary.BigEndian.PutUint64(id[8:], 1<<63|uint64(e.ID)&(1<<62-1))
	return id
}

// deliveries are the rows of one page.
type deliveries struct {
	rows     []*WebhookEvent
	payloads []string
}

func (d *deliveries) add(e *WebhookEvent, payload string) {
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

const sqlInsertDeliveries = `
INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, seq, format, url, payload)
SELECT t.webhook_id, t.id, t.message_id, t.kind, t.seq, t.format, nullif(t.url, ''), t.payload
FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::smallint[], $5::integer[], $6::text[], $7::text[], $8::text[]) AS t(webhook_id, id, message_id, kind, seq, format, url, payload)
ON CONFLICT (webhook_id, id) DO `

// sqlWakeLanes makes lanes look for what is due. It locks the rows first: a
// lane whose holder lets go of it at this moment must not be missed.
const sqlWakeLanes = `
WITH l AS MATERIALIZED (SELECT id, wake_at FROM webhooks WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE)
UPDATE webhooks w SET wake_at = now() FROM l WHERE w.id = l.id AND l.wake_at > now()`

// insert writes the rows. A replay sets back those that are there: the same id
// and the same bytes go out once more.
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
		query = sqlInsertDeliveries + `UPDATE SET state = 0, attempts = 0, wake_at = now(), done_at = NULL`
	}
	if _, err := tx.ExecContext(ctx, query, pq.Array(hooks), pq.Array(ids), pq.Array(messages), pq.Array(kinds), pq.Array(seqs), pq.Array(formats), pq.Array(urls), pq.Array(d.payloads)); err != nil {
		return pg.Wrap("insert webhook deliveries", err)
	}
	return wakeLanes(ctx, tx, hooks)
}

func wakeLanes(ctx context.Context, q *pg.DB, ids []int64) error {
	_, err := q.ExecContext(ctx, sqlWakeLanes, pg.IntArray(ids))
	return pg.Wrap("wake webhooks", err)
}

// logSlack is how far the time of an event may lie from its place in the log: a
// transaction takes its time at its beginning and is bounded to seconds.
const logSlack = time.Minute

// ReplayWebhook delivers the events of a time range once more, in the
// background. Only one replay of an endpoint can be on its way.
func (s *Store) ReplayWebhook(ctx context.Context, id int64, from, to time.Time) error {
	at, err := s.positionBefore(ctx, from.Add(-logSlack))
	if err != nil {
		return err
	}
	r, err := s.db.ExecContext(ctx, `INSERT INTO webhook_cursors (webhook_id, xid, event_id, from_at, to_at) VALUES ($1, $2::text::xid8, 0, $3, $4) ON CONFLICT (webhook_id) DO NOTHING`, id, fmt.Sprint(at), from, to)
	if err != nil {
		return pg.Wrap("start replay", err)
	}
	if pg.Found(r) != nil {
		return dispatch.Errorf(dispatch.Conflict, "a replay of this webhook is still on its way")
	}
	return nil
}

// positionBefore finds a transaction before which no event is as late as t, by
// halving: transaction ids grow with time, and the log is ordered by them.
func (s *Store) positionBefore(ctx context.Context, t time.Time) (int64, error) {
	var b struct {
		Low  int64 `db:"low"`
		High int64 `db:"high"`
	}
	if err := s.db.GetContext(ctx, &b, `SELECT coalesce((SELECT xid FROM events ORDER BY xid, id LIMIT 1)::text::bigint, 1) AS low, coalesce((SELECT xid FROM events ORDER BY xid DESC, id DESC LIMIT 1)::text::bigint, 1) AS high`); err != nil {
		return 0, pg.Wrap("find bounds of the log", err)
	}
	for b.High-b.Low > 1 {
		mid := b.Low + (b.High-b.Low)/2
		var early bool
		if err := s.db.GetContext(ctx, &early, `SELECT coalesce((SELECT at < $2 FROM events WHERE xid >= $1::text::xid8 ORDER BY xid, id LIMIT 1), false)`, fmt.Sprint(mid), t); err != nil {
			return 0, pg.Wrap("search the log", err)
		}
		if early {
			b.Low = mid
		} else {
			b.High = mid
		}
	}
	return max(b.Low-1, 1), nil
}

// TestDelivery queues a delivery that no event stands behind.
func (s *Store) TestDelivery(ctx context.Context, w *Webhook, payload string) (dispatch.ID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, pg.Wrap("make id", err)
	}
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload) VALUES ($1, $2, $3, 0, $4, $5)`,
			w.ID, id.String(), dispatch.NoID.String(), w.Format, payload); err != nil {
			return pg.Wrap("insert test delivery", err)
		}
		return wakeLanes(ctx, tx, []int64{w.ID})
	})
	return id, err
}
