package trace

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Message is what spans show of a message: nothing personal.
type Message struct {
	ID          dispatch.ID   `db:"id"`
	Account     int64         `db:"account_id"`
	Channel     int64         `db:"channel_id"`
	Lane        dispatch.Lane `db:"lane"`
	CreatedAt   time.Time     `db:"created_at"`
	SendAt      *time.Time    `db:"send_at"`
	Traceparent string        `db:"traceparent"` // of the client; "": none
	Calls       []Call
	Changes     []Change // in their order
}

// Call is a call to a provider.
type Call struct {
	Message   dispatch.ID `db:"message_id"`
	Claim     uuid.UUID   `db:"claim"`
	StartedAt *time.Time  `db:"started_at"` // nil: not known
	At        time.Time   `db:"at"`
	Latency   int         `db:"latency_ms"`
	Outcome   int16       `db:"outcome"`
	HTTP      int         `db:"http"`
	Code      string      `db:"code"`
}

// Change is an event of a message.
type Change struct {
	Message dispatch.ID `db:"message_id"`
	At      time.Time   `db:"at"`
	Kind    int16       `db:"kind"`
	Seq     int         `db:"seq"`
	Cause   string      `db:"cause"`
	Code    string      `db:"code"`
}

const (
	sqlMessages = `SELECT id, account_id, channel_id, lane, created_at, send_at, coalesce(traceparent, '') AS traceparent
FROM messages WHERE id = ANY($1::uuid[])`

	sqlCalls = `SELECT message_id, claim, started_at, at, latency_ms, outcome, http, coalesce(code, '') AS code
FROM attempts WHERE message_id = ANY($1::uuid[])`
)

var sqlChanges = `SELECT message_id, at, kind, seq, cause, coalesce(code, '') AS code
FROM ` + eventlog.OfMessages(`$1::uuid[]`) + ` e WHERE seq > 0`

// sqlParents leaves out messages of which there is nothing to say.
var sqlParents = numbers.SQL(`
SELECT * FROM (SELECT id, coalesce(traceparent, '') AS traceparent,
    lane <> {lane_bulk} AND coalesce(sent_at > coalesce(send_at, created_at) + interval '{slow_s} seconds', false) AS slow
  FROM messages WHERE id = ANY($1::uuid[])) m
WHERE traceparent <> '' OR slow`)

// Parent is what the spans of a message's webhooks hang on.
type Parent struct {
	Traceparent string `db:"traceparent"` // of the client; "": none
	Slow        bool   `db:"slow"`        // sent later than SlowAfter
}

// Messages returns messages with their calls and changes.
func (s *Store) Messages(ctx context.Context, ids []dispatch.ID) (map[dispatch.ID]*Message, error) {
	var rows []Message
	var calls []Call
	var changes []Change
	all := pg.UUIDArray(ids)
	err := cmp.Or(s.db.SelectPrepared(ctx, &rows, sqlMessages, all), s.db.SelectPrepared(ctx, &calls, sqlCalls, all),
		s.db.SelectPrepared(ctx, &changes, sqlChanges, all))
	if err != nil {
		return nil, pg.Wrap("read messages for traces", err)
	}
	out := make(map[dispatch.ID]*Message, len(rows))
	for i := range rows {
		out[rows[i].ID] = &rows[i]
	}
	for _, c := range calls {
		if m := out[c.Message]; m != nil {
			m.Calls = append(m.Calls, c)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, c := range changes {
		if m := out[c.Message]; m != nil {
			m.Changes = append(m.Changes, c)
		}
	}
	return out, nil
}

// Parents returns the trace contexts that clients sent, and which messages were sent
// late. It leaves out messages of which neither is so.
func (s *Store) Parents(ctx context.Context, ids []dispatch.ID) (map[dispatch.ID]Parent, error) {
	var rows []struct {
		ID dispatch.ID `db:"id"`
		Parent
	}
	if err := s.db.SelectContext(ctx, &rows, sqlParents, pg.UUIDArray(ids)); err != nil {
		return nil, pg.Wrap("read clients' trace contexts", err)
	}
	out := make(map[dispatch.ID]Parent, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Parent
	}
	return out, nil
}
