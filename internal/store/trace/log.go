// Package trace reads what the spans of messages are made of: the event log, by a
// cursor of its own, and the rows of single messages.
package trace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads for traces.
type Store struct{ db *pg.DB }

// New returns a Store.
func New(db *pg.DB) *Store { return &Store{db} }

const (
	// pageSize is the number of events that are read at once.
	pageSize = 5000
	// settleTime is how old an event must be to be read: by then the other rows of
	// its message are written too, as the call whose callback came first.
	settleTime = "1 second"
	// forget is the age from which events make no spans any more: traces were off,
	// or nobody kept up.
	forget = 5 * time.Minute
	// Mark is how the ids of traced messages end; see Store.Next.
	Mark = "5e0d"
)

// Event is one that makes spans: of a message that is marked, or that has failed,
// expired, become unknown or been sent late.
type Event struct {
	ID      int64       `db:"id"`
	XID     int64       `db:"xid"`
	Message dispatch.ID `db:"message_id"`
	At      time.Time   `db:"at"`
	Kind    int16       `db:"kind"`
	Seq     int         `db:"seq"` // in the rows of sqlPage without a message: young, or how many events the page has
}

var numbers = pg.Domain.Merge(pg.Numbers{"page_size": pageSize, "young": young, "most_late": MostLate})

// holds reports whether e is not behind last in the log.
func (last Event) holds(e Event) bool {
	return e.XID < last.XID || e.XID == last.XID && e.ID <= last.ID
}

const sqlTake = `SELECT xid::text::bigint AS xid, event_id FROM trace_cursor FOR UPDATE SKIP LOCKED`

// sqlPage reads a page of the log. It returns the events that make spans and two rows
// without a message: which event is the first that is too young, if one is, and which is
// the page's last. A worker's event says whether the message was sent late; of a
// callback's the message does. (Its id begins with the time of its accept: who was sent
// soon after it is not slow.) The planner must not know the cursor: statistics of the log
// end before it, so it would take what is behind it for one row and sort all of it.
var sqlPage = numbers.SQL(`
WITH next AS MATERIALIZED (SELECT id, xid, message_id, at, kind, seq, late, cause FROM
  ` + eventlog.After(`(SELECT $1::text::xid8)`, `(SELECT $2::bigint)`, `{page_size}`) + ` e)
SELECT id, xid::text::bigint AS xid, message_id, at, kind, seq FROM next n
WHERE seq > 0 AND (kind IN ({failed}, {expired}, {unknown}) OR substr(uuid_send(message_id), 15) = '\x` + Mark + `'
  OR (kind = {sent} AND cause <> 'worker' AND message_id < uuid_floor(at - interval '{slow_s} seconds')
    AND EXISTS (SELECT 1 FROM messages m WHERE m.id = n.message_id AND m.lane <> {lane_bulk}
      AND n.at > coalesce(m.send_at, m.created_at) + interval '{slow_s} seconds')))
UNION ALL
(SELECT id, xid::text::bigint, message_id, at, kind, seq FROM next WHERE late AND substr(uuid_send(message_id), 15) <> '\x` + Mark + `'
  LIMIT {most_late})
UNION ALL
SELECT y.id, y.xid::text::bigint, '00000000-0000-0000-0000-000000000000'::uuid, y.at, 0::smallint, {young}
FROM (SELECT id, xid, at FROM next WHERE at > now() - interval '` + settleTime + `' ORDER BY xid, id LIMIT 1) y
UNION ALL
SELECT l.id, l.xid::text::bigint, '00000000-0000-0000-0000-000000000000'::uuid, l.at, 0::smallint, (SELECT count(*) FROM next)::integer
FROM (SELECT id, xid, at FROM next ORDER BY xid DESC, id DESC LIMIT 1) l`)

// MostLate bounds what a page has of messages that are traced for nothing but being sent
// late: after an outage that is the whole backlog, and each has the same story. The
// statement bounds the workers' events, who reads the page all of them.
const MostLate = 50

// young is Event.Seq of the row for the first event that is too young.
const young = -1

// inOrder has the planner read an index in its order: before the first ANALYZE it would
// take that for dear, and gather and sort all that lies behind the cursor for each page.
const inOrder = `SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off`

const sqlMove = `UPDATE trace_cursor SET xid = $1::text::xid8, event_id = $2`

const sqlSkip = `UPDATE trace_cursor c SET xid = e.xid, event_id = e.id
FROM ` + eventlog.End + ` e`

// Next returns the events of the next page of the log that make spans, and whether
// another page may follow at once. The cursor moves with it: after a kill these
// events make none. While another process reads it returns nothing.
func (s *Store) Next(ctx context.Context) (events []Event, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		events, more = nil, false
		var at []struct {
			XID   int64 `db:"xid"`
			Event int64 `db:"event_id"`
		}
		if err := tx.SelectPrepared(ctx, &at, sqlTake); err != nil || len(at) == 0 {
			return pg.Wrap("take trace cursor", err)
		}
		if _, err := tx.ExecContext(ctx, inOrder); err != nil {
			return pg.Wrap("read events for traces", err)
		}
		var rows []Event
		if err := tx.SelectPrepared(ctx, &rows, sqlPage, fmt.Sprint(at[0].XID), at[0].Event); err != nil || len(rows) == 0 {
			return pg.Wrap("read events for traces", err)
		}
		last := rows[len(rows)-1]
		if time.Since(last.At) > forget {
			_, err := tx.ExecContext(ctx, sqlSkip)
			return pg.Wrap("skip events", err)
		}
		events, more = rows[:len(rows)-1], last.Seq == pageSize
		if at := slices.IndexFunc(events, func(e Event) bool { return e.Seq == young }); at >= 0 {
			last, more = events[at], false
			last.ID-- // the cursor comes to stand right before it
			events = slices.DeleteFunc(events, func(e Event) bool { return !last.holds(e) })
		}
		slices.SortFunc(events, func(a, b Event) int { return cmp.Or(cmp.Compare(a.XID, b.XID), cmp.Compare(a.ID, b.ID)) })
		_, err := tx.ExecPrepared(ctx, sqlMove, fmt.Sprint(last.XID), last.ID)
		return pg.Wrap("move trace cursor", err)
	})
	return events, more && err == nil, err
}
