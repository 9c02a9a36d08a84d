package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlEvents reads in (transaction, id) order and only below the oldest running
// transaction: an event that is committed late is never skipped. (The planner must not know
// the position: statistics of the log end before it, so it would sort all that came after.)
var sqlEvents = `
SELECT id, xid::text::bigint AS xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code, coalesce(detail,
  '') AS detail
FROM ` + eventlog.After(`(SELECT $1::text::xid8)`, `(SELECT $2::bigint)`, `$3::bigint`) + ` e`

// EventsAfter returns what came after p, oldest first, of all accounts.
func (s *Store) EventsAfter(ctx context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error) {
	var out []dispatch.Event
	err := s.db.SelectPrepared(ctx, &out, sqlEvents, fmt.Sprint(p.XID), p.ID, limit)
	return out, pg.Wrap("read events", err)
}

// sqlEventCounts counts rows of the log by the events that they have between two places.
var sqlEventCounts = `
SELECT account_id, kind, sum(n)::bigint AS n FROM (
  (SELECT account_id, kind, 1 AS n FROM events
  WHERE (xid, id) > ((SELECT $1::text::xid8), (SELECT $2::bigint)) AND (xid, id) <= ((SELECT $3::text::xid8), (SELECT $4::bigint))
  ORDER BY xid, id LIMIT $5)
  UNION ALL
  (` + eventlog.Counts(`(SELECT $1::text::xid8)`, `(SELECT $2::bigint)`, `(SELECT $3::text::xid8)`, `(SELECT $4::bigint)`, `$5`) + `)) e
WHERE n > 0 GROUP BY account_id, kind`

// EventCounts counts what came after p up to end, by account and kind: the events of the
// first limit rows of each table of the log.
func (s *Store) EventCounts(ctx context.Context, p, end dispatch.Position, limit int) ([]dispatch.EventCount, error) {
	var out []dispatch.EventCount
	err := s.db.SelectPrepared(ctx, &out, sqlEventCounts, fmt.Sprint(p.XID), p.ID, fmt.Sprint(end.XID), end.ID, limit)
	return out, pg.Wrap("count events", err)
}

const sqlEndOfEvents = `SELECT xid::text::bigint AS xid, id FROM ` + eventlog.End + ` e`

// EndOfEvents is the position of the newest event that EventsAfter can give.
func (s *Store) EndOfEvents(ctx context.Context) (dispatch.Position, error) {
	var p struct {
		XID int64 `db:"xid"`
		ID  int64 `db:"id"`
	}
	err := s.db.GetContext(ctx, &p, sqlEndOfEvents)
	if pg.Wrap("", err) == dispatch.ErrNotFound {
		return dispatch.Position{}, nil
	}
	return dispatch.Position{XID: p.XID, ID: p.ID}, pg.Wrap("find end of events", err)
}

// sqlSplitEvents writes the events of the oldest pages as rows of their own, in the same places.
const sqlSplitEvents = `
WITH p AS (DELETE FROM event_pages WHERE ctid = ANY(ARRAY(SELECT ctid FROM event_pages ORDER BY xid, id LIMIT 64 FOR UPDATE)) RETURNING *),
  e AS (INSERT INTO events (id, xid, message_id, account_id, channel_id, at, kind, seq, cause, late)
    SELECT p.id + u.i - 1, p.xid, u.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.late
    FROM p CROSS JOIN LATERAL unnest(p.message_ids) WITH ORDINALITY u(message_id, i))
SELECT count(*) FROM p`

// SplitEvents writes a row for every event that is in a page: for a binary that knows no
// pages. It returns how many pages there were.
func (s *Store) SplitEvents(ctx context.Context) (n int, err error) {
	for {
		var pages int
		if err := s.db.GetContext(ctx, &pages, sqlSplitEvents); err != nil || pages == 0 {
			return n, pg.Wrap("split pages of events", err)
		}
		n += pages
	}
}

// TimelineEvent is one entry of a message's history.
type TimelineEvent struct {
	Seq        int       `json:"sequence"`
	At         time.Time `json:"at"`
	Type       string    `json:"type"` // a status, attempt or note
	Cause      string    `json:"cause"`
	Outcome    string    `json:"outcome,omitempty"` // of an attempt
	HTTP       int       `json:"http_status,omitempty"`
	Code       string    `json:"code,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	LatencyMS  int       `json:"latency_ms,omitempty"`
	ProviderID string    `json:"provider_message_id,omitempty"`
}

var sqlTimeline = numbers.SQL(`
SELECT seq, at, kind, cause, coalesce(code, '') AS code, coalesce(detail, '') AS detail, 0::smallint AS outcome, 0::smallint AS http,
  0 AS latency_ms, '' AS provider_id, xid::text::bigint AS x, id AS i
FROM ` + eventlog.OfMessages(`ARRAY[$1::uuid]`) + ` e
UNION ALL
SELECT 0, coalesce(started_at, at), {event_attempt}::smallint, 'worker', coalesce(code, ''), coalesce(detail, ''), outcome, http,
  latency_ms, coalesce(provider_message_id, ''), 0, 0
FROM attempts WHERE message_id = $1::uuid
ORDER BY at, x, i`)

// Timeline returns every event and provider call of a message, oldest first.
func (s *Store) Timeline(ctx context.Context, id dispatch.ID) ([]TimelineEvent, error) {
	var rows []struct {
		Seq        int       `db:"seq"`
		At         time.Time `db:"at"`
		Kind       int16     `db:"kind"`
		Cause      string    `db:"cause"`
		Code       string    `db:"code"`
		Detail     string    `db:"detail"`
		Outcome    int16     `db:"outcome"`
		HTTP       int       `db:"http"`
		Latency    int       `db:"latency_ms"`
		ProviderID string    `db:"provider_id"`
		X          int64     `db:"x"`
		I          int64     `db:"i"`
	}
	if err := s.db.SelectContext(ctx, &rows, sqlTimeline, id.String()); err != nil {
		return nil, pg.Wrap("read timeline", err)
	}
	out := make([]TimelineEvent, len(rows))
	for i, r := range rows {
		out[i] = TimelineEvent{
			Seq: r.Seq, At: r.At, Type: dispatch.EventName(r.Kind), Cause: r.Cause, Outcome: Result(r.Outcome).String(),
			HTTP: r.HTTP, Code: r.Code, Detail: r.Detail, LatencyMS: r.Latency, ProviderID: r.ProviderID,
		}
	}
	return out, nil
}
