package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The event log is the outbox: an event is written in the transaction of the
// change that it describes. One cursor for all endpoints goes through it in the
// order of (transaction, id) and only below the oldest running transaction, and
// whoever holds the cursor's row turns a page of events into deliveries and
// moves the cursor in one transaction: each event becomes exactly one delivery
// of each subscribed endpoint, late commits included.
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

type cursor struct {
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
var sqlCursor = `
SELECT c.id, c.webhook_id, c.xid::text::bigint AS xid, c.event_id, c.from_at, c.to_at,
  EXISTS (SELECT 1 FROM webhooks WHERE enabled AND NOT implicit) AS endpoints,
  (SELECT left(status_callback, 1) FROM messages WHERE status_callback IS NOT NULL
    ORDER BY left(status_callback, 1) LIMIT 1) IS NOT NULL AS callbacks
FROM webhook_cursors c
WHERE (c.webhook_id <> 0) = $1 AND ($1 OR ` + eventlog.Any(`c.xid`, `c.event_id`) + `)
ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED`

// sqlSkipLog moves the cursor to the end while no endpoint is subscribed. Endpoints
// and messages that this snapshot doesn't see yet have later events only.
const sqlSkipLog = `
UPDATE webhook_cursors c SET xid = e.xid, event_id = e.id
FROM ` + eventlog.End + ` e
WHERE c.id = $1 AND NOT EXISTS (SELECT 1 FROM webhooks WHERE enabled AND NOT implicit)
  AND (SELECT left(status_callback, 1) FROM messages WHERE status_callback IS NOT NULL ORDER BY left(status_callback, 1) LIMIT 1) IS NULL`

// sqlLogPage reads one page of the log and returns only what has a subscriber of
// it: what the endpoints of the event's account ask for, or, of a replay, what
// its endpoint ($3) subscribes to in its range; and what messages with a status
// callback of their own report. The last row (webhook_id -1) holds where the page
// ends and, in seq, how many events it has. The planner must not know the cursor:
// statistics of the log end before it, so it would take what is behind it for one row
// and sort all of that, a backlog, for each page.
var sqlLogPage = `
WITH page AS MATERIALIZED (SELECT id, xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code,
  coalesce(detail, '') AS detail, coalesce(extra, '') AS extra
  FROM ` + eventlog.After(`(SELECT $1::text::xid8)`, `(SELECT $2::bigint)`, `$7::bigint`) + ` e)` + sqlLogMatch

var sqlLogMatch = numbers.SQL(`
SELECT p.id, p.xid::text::bigint AS xid, p.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.code, p.detail, p.extra,
  w.id AS webhook_id, w.format, '' AS callback, a.sid
FROM page p JOIN webhooks w ON w.account_id = p.account_id JOIN accounts a ON a.id = p.account_id
WHERE w.enabled AND NOT w.implicit AND p.kind < {event_note} AND (w.kinds = '{}' OR p.kind = ANY (w.kinds))
  AND CASE WHEN $3::bigint = 0 THEN p.xid > w.since ELSE w.id = $3 AND p.at >= $4::timestamptz AND p.at < $5::timestamptz END
UNION ALL
SELECT p.id, p.xid::text::bigint, p.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.code, p.detail, p.extra, 0,
  'twilio',
  m.status_callback, a.sid
FROM page p JOIN messages m ON m.id = p.message_id JOIN accounts a ON a.id = p.account_id
WHERE $6::boolean AND p.kind BETWEEN {sent} AND {unknown} AND m.id = ANY(ARRAY(SELECT message_id FROM page
  WHERE kind BETWEEN {sent} AND {unknown})) AND m.status_callback IS NOT NULL
UNION ALL
SELECT l.id, l.xid::text::bigint, l.message_id, 0, 0, l.at, 0::smallint, (SELECT count(*)
FROM page)::integer, '', '', '', '', -1, '', '', ''
FROM (SELECT id, xid, message_id, at FROM page ORDER BY xid DESC, id DESC LIMIT 1) l`)

// ExpandWebhooks turns one page of the log into deliveries, for all endpoints
// or for one replay. It returns how many it inserted and whether another page may
// follow at once.
func (s *Store) ExpandWebhooks(ctx context.Context, replay bool, page int, render Render) (made int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		made, more = 0, false
		var cs []cursor
		if err := tx.SelectPrepared(ctx, &cs, sqlCursor, replay); err != nil || len(cs) == 0 {
			return pg.Wrap("take webhook cursor", err)
		}
		c := cs[0]
		if !replay && !c.Endpoints && !c.Callbacks {
			_, err := tx.ExecContext(ctx, sqlSkipLog, c.ID)
			return pg.Wrap("skip events", err)
		}
		var rows []Event
		if err := tx.SelectPrepared(ctx, &rows, sqlLogPage, fmt.Sprint(c.XID), c.Event, c.Webhook, c.From, c.To,
			c.Callbacks && !replay, page); err != nil {
			return pg.Wrap("read events", err)
		}
		end := slices.IndexFunc(rows, func(e Event) bool { return e.Webhook == -1 })
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
		_, err := tx.ExecContext(ctx, `UPDATE webhook_cursors SET xid = $2::text::xid8, event_id = $3
		  WHERE id = $1`, c.ID, fmt.Sprint(last.XID), last.ID)
		return pg.Wrap("move webhook cursor", err)
	})
	return made, more && err == nil, err
}

func endReplay(ctx context.Context, tx *pg.DB, c *cursor) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM webhook_cursors WHERE id = $1 AND webhook_id <> 0`, c.ID)
	return pg.Wrap("end replay", err)
}

// expand inserts the deliveries of one page and wakes their lanes.
func (s *Store) expand(ctx context.Context, tx *pg.DB, rows []Event, replay bool, render Render) (int, error) {
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
