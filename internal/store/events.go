package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlEvents reads in (transaction, id) order and only below the oldest running
// transaction: an event that is committed late is never skipped. (ORDER BY xid would
// be the column of the answer, which no index has; and the planner must not know the
// position: statistics of the log end before it, so it would sort all that came after.)
const sqlEvents = `
SELECT id, xid::text::bigint AS xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code, coalesce(detail,
  '') AS detail
FROM events WHERE (xid, id) > ((SELECT $1::text::xid8), (SELECT $2::bigint)) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.xid, events.id LIMIT $3`

// EventsAfter returns what came after p, oldest first, of all accounts.
func (s *Store) EventsAfter(ctx context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error) {
	var out []dispatch.Event
	err := s.db.SelectPrepared(ctx, &out, sqlEvents, fmt.Sprint(p.XID), p.ID, limit)
	return out, pg.Wrap("read events", err)
}

const sqlEventCounts = `
SELECT account_id, kind, count(*) AS n FROM (SELECT account_id, kind FROM events
  WHERE (xid, id) > ((SELECT $1::text::xid8), (SELECT $2::bigint)) AND (xid, id) <= ((SELECT $3::text::xid8), (SELECT $4::bigint))
  ORDER BY xid, id LIMIT $5) e
GROUP BY account_id, kind`

// EventCounts counts what came after p up to end, by account and kind: the first
// limit events.
func (s *Store) EventCounts(ctx context.Context, p, end dispatch.Position, limit int) ([]dispatch.EventCount, error) {
	var out []dispatch.EventCount
	err := s.db.SelectPrepared(ctx, &out, sqlEventCounts, fmt.Sprint(p.XID), p.ID, fmt.Sprint(end.XID), end.ID, limit)
	return out, pg.Wrap("count events", err)
}

const sqlEndOfEvents = `
SELECT xid::text::bigint AS xid, id FROM events WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.xid DESC, events.id DESC LIMIT 1`

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
FROM events WHERE message_id = $1::uuid
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
