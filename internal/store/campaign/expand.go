package campaign

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// turnColumns leave out what rows whose turn it is don't have, and what nobody needs to send to them.
const turnColumns = `r.seq, r.status, r.reason, r.wake_at, r.recipient, r.zones, r.fields, r.ctid::text AS place`

// sqlTurn looks into waiting and held rows one after the other: one status at a
// time is a range of the index.
var sqlTurn = numbers.SQL(`
SELECT * FROM (
  (SELECT ` + turnColumns + ` FROM campaign_recipients r WHERE r.campaign_id = $1 AND r.indexed_status = {row_waiting}
    AND r.wake_at <= now() ORDER BY r.wake_at, r.seq LIMIT $2)
  UNION ALL
  (SELECT ` + turnColumns + ` FROM campaign_recipients r WHERE r.campaign_id = $1 AND r.indexed_status = {row_held}
    AND r.wake_at <= now() ORDER BY r.wake_at, r.seq LIMIT $2)) x
ORDER BY wake_at, seq LIMIT $2`)

// Turn reads the recipients whose turn it is, at most n, in order, without their person.
// This transaction must have the campaign's step.
func (s *Store) Turn(ctx context.Context, id int64, n int) ([]Recipient, error) {
	var out []Recipient
	err := s.db.SelectPrepared(ctx, &out, sqlTurn, id, n)
	for i := range out {
		r := &out[i]
		r.Campaign, r.was, r.wasReason = id, r.Status, r.Reason
	}
	return out, pg.Wrap("read recipients", err)
}

// Insert stores messages as an accept does, in this transaction. Each receipt
// carries the refusal of its message.
func (s *Store) Insert(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error) {
	return s.messages().InsertWithin(ctx, page)
}

// sqlMove leaves out rows that somebody has changed since they were read: a changed row has
// another place, ctid, and what is at its place is another row. So no index is looked at
// and no row locked before it is written.
var sqlMove = numbers.SQL(`
WITH i AS MATERIALIZED (SELECT * FROM unnest($2::tid[], $3::integer[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
  $8::bigint[], $9::uuid[], $10::text[], $11::text[])
    AS t(place, seq, was, was_reason, status, reason, wake_us, message_id, field, detail)),
c AS (UPDATE campaign_recipients r SET status = i.status, reason = i.reason, wake_at = to_timestamp(i.wake_us / 1e6),
    message_id = i.message_id, field = i.field, detail = i.detail,
    indexed_status = indexed_status(i.status, i.message_id) -- the trigger would, one row at a time
  FROM i WHERE r.ctid = i.place AND r.campaign_id = $1 AND r.seq = i.seq AND r.status = i.was AND r.reason = i.was_reason
    AND r.status IN ({row_waiting}, {row_held}) AND r.message_id IS NULL
  RETURNING r.campaign_id, i.was, i.was_reason, r.status, r.reason),
n AS (` + ledger.Count + `)
SELECT count(*) FROM c`)

// Move writes what became of rows that Turn has read: status, reason, wake_at,
// message, field and detail. It returns ErrOvertaken if somebody else has changed one
// meanwhile.
func (s *Store) Move(ctx context.Context, id int64, rows []Recipient) error {
	if len(rows) == 0 {
		return nil
	}
	rows = slices.SortedFunc(slices.Values(rows), func(a, b Recipient) int { return a.Seq - b.Seq }) // the order of their locks
	n := len(rows)
	places, was, wasReasons := make([]string, n), make([]int64, n), make([]int64, n)
	seqs, statuses, reasons, wakes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	messages, fields, details := make([]*string, n), make([]string, n), make([]string, n)
	for i, r := range rows {
		seqs[i], statuses[i], reasons[i], wakes[i] = int64(r.Seq), int64(r.Status), int64(r.Reason), *pg.Micros(r.WakeAt)
		places[i], was[i], wasReasons[i] = r.Place, int64(r.was), int64(r.wasReason)
		messages[i], fields[i], details[i] = r.Message, storable.Clean(r.Field), storable.Clean(r.Detail)
	}
	var moved []int
	err := s.db.SelectPrepared(ctx, &moved, sqlMove, id, pq.Array(places), pq.Array(seqs), pq.Array(was), pq.Array(wasReasons),
		pq.Array(statuses), pq.Array(reasons), pq.Array(wakes), pg.TextArray(messages), pq.Array(fields), pq.Array(details))
	if err == nil && moved[0] != n {
		return ErrOvertaken
	}
	return pg.Wrap("move recipients", err)
}

// NextTurn returns when the next recipient's turn is, or nil.
func (s *Store) NextTurn(ctx context.Context, id int64) (*time.Time, error) {
	var t sql.NullTime
	err := s.db.GetContext(ctx, &t, numbers.SQL(`SELECT least(
		(SELECT wake_at FROM campaign_recipients WHERE campaign_id = $1 AND indexed_status = {row_waiting} ORDER BY wake_at LIMIT 1),
		(SELECT wake_at FROM campaign_recipients WHERE campaign_id = $1 AND indexed_status = {row_held} ORDER BY wake_at LIMIT 1))`), id)
	if err != nil || !t.Valid {
		return nil, pg.Wrap("read next turn", err)
	}
	return &t.Time, nil
}

// How many rows one sweep reads: as insurance, when fewer messages are in the queue than
// rows wait for one, and when none is there any more.
const (
	sweepAll   = 5_000
	sweepLost  = 20_000
	sweepAlone = 200_000
)

// sqlLost counts, of one moment, the rows whose messages are unfinished and the messages
// in the queue.
var sqlLost = numbers.SQL(`
SELECT (SELECT coalesce(sum(n), 0) FROM (SELECT n FROM campaign_counts WHERE campaign_id = $1 AND status = {queued}
    UNION ALL SELECT n FROM campaign_changes WHERE campaign_id = $1 AND status = {queued}) x)
  + (SELECT count(*) FROM campaign_recipients WHERE campaign_id = $1 AND indexed_status = {row_held_message}) AS rows,
  (SELECT count(*) FROM dispatch WHERE campaign_id = $1 AND campaign_id <> 0) AS messages`)

// sqlSettled reads a piece of the ledger, the newest messages first: no index has which of
// them are unfinished, so that sending one changes none. It compares two sets: a look for
// each message would cost several times as much, once a second.
var sqlSettled = numbers.SQL(`
WITH p AS MATERIALIZED (SELECT r.message_id, r.status, row_number() OVER (ORDER BY r.message_id DESC) AS n FROM campaign_recipients r
  WHERE r.campaign_id = $1 AND r.message_id < $2 ORDER BY r.message_id DESC LIMIT $3)
SELECT (SELECT p.message_id FROM p WHERE p.n = $3) AS next,
  ARRAY(SELECT p.message_id FROM p WHERE p.status IN ({row_held}, {queued})
    EXCEPT SELECT d.message_id FROM dispatch d WHERE d.campaign_id = $1 AND d.campaign_id <> 0 LIMIT $4)::text[] AS settled`)

// Sweep moves the rows of messages to what became of these that were settled without
// anybody moving them: their worker was killed, or they expired. It looks at a bounded
// piece of the ledger, the rows before a message, and returns the message before which
// the next call goes on; NoID is the end, and the beginning again.
func (s *Store) Sweep(ctx context.Context, id int64, before dispatch.ID) (next dispatch.ID, err error) {
	const most = 1000
	var lost struct {
		Rows     int64 `db:"rows"`
		Messages int64 `db:"messages"`
	}
	if err := s.db.GetContext(ctx, &lost, sqlLost, id); err != nil {
		return before, pg.Wrap("count unfinished messages", err)
	}
	size := sweepAll
	switch {
	case lost.Rows == 0:
		return dispatch.NoID, nil
	case lost.Messages == 0:
		size = sweepAlone
	case lost.Messages < lost.Rows:
		size = sweepLost
	}
	from := before
	if from == dispatch.NoID {
		from = uuid.Max
	}
	var page []struct {
		Next    *uuid.UUID     `db:"next"`
		Settled pq.StringArray `db:"settled"`
	}
	if err := s.db.SelectContext(ctx, &page, sqlSettled, id, from.String(), size, most); err != nil {
		return before, pg.Wrap("look for settled messages", err)
	}
	ids := make([]uuid.UUID, len(page[0].Settled))
	for i, text := range page[0].Settled {
		if ids[i], err = uuid.Parse(text); err != nil {
			return before, pg.Wrap("read settled message", err)
		}
	}
	switch {
	case len(ids) == most: // there may be more in this piece
		next = before
	case page[0].Next != nil:
		next = *page[0].Next
	}
	return next, s.Settled(ctx, id, ids)
}

// Settled moves the rows of messages to what became of these.
func (s *Store) Settled(ctx context.Context, id int64, messages []dispatch.ID) error {
	refs := make([]ledger.Ref, len(messages))
	for i, m := range messages {
		refs[i] = ledger.Ref{Campaign: id, Message: m}
	}
	return ledger.Sync(ctx, s.db, refs)
}

var sqlLast = numbers.SQL(`
SELECT status FROM (SELECT status, message_id FROM campaign_recipients r WHERE r.campaign_id = $1
  AND r.message_id >= uuid_floor(coalesce($2, '1970-01-01'::timestamptz)) ORDER BY r.message_id DESC LIMIT 20000) x
WHERE status BETWEEN {sent} AND {failed} ORDER BY message_id DESC LIMIT 200`)

// LastResults returns the statuses of the last 200 messages that the provider
// took or refused, newest first, of those made since then (nil: all).
func (s *Store) LastResults(ctx context.Context, id int64, since *time.Time) ([]campaign.Status, error) {
	var out []campaign.Status
	err := s.db.SelectContext(ctx, &out, sqlLast, id, since)
	return out, pg.Wrap("read last results", err)
}
