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

// turnColumns leave out what rows whose turn it is don't have, and what nobody needs to send to them. Turn scans
// them by their place.
const turnColumns = `r.seq, r.status, r.reason, r.wake_at, r.recipient, r.zones, r.fields, r.ctid::text AS place`

// Mark is a place in the order of turns, that of wake_at and seq.
type Mark struct {
	At  *time.Time `db:"at"` // nil: behind every row
	Seq int        `db:"seq"`
}

// sqlWaiting are the rows that wait for their turn: those behind the row that had its turn last ($2 and $3), and of these not
// those that somebody has moved. No index has whether a row waits, so that it moves in none when it gets its message.
// The conditions are in a CASE and the limits are SELECTs since the planner then takes them for less strict: of a ledger
// that is not analyzed yet it expects so few rows that it would sort them all.
var sqlWaiting = numbers.SQL(`
FROM campaign_recipients r WHERE r.campaign_id = $1 AND (r.wake_at, r.seq) > (coalesce($2::timestamptz, '-infinity'), $3::integer)
  AND CASE WHEN r.message_id IS NULL THEN r.status IN ({row_waiting}, {row_held}) ELSE false END`)

var sqlTurn = `SELECT ` + turnColumns + sqlWaiting + ` AND r.wake_at <= now() ORDER BY r.wake_at, r.seq LIMIT (SELECT $4::integer)`

// Turn reads the recipients whose turn it is, at most n, in order, without their person.
// This transaction must have the campaign's step.
func (s *Store) Turn(ctx context.Context, c *Campaign, n int) ([]Recipient, error) {
	out := make([]Recipient, 0, n)
	err := s.db.EachPrepared(ctx, func(rows *sql.Rows) error {
		r := Recipient{Campaign: c.ID}
		err := rows.Scan(&r.Seq, &r.Status, &r.Reason, &r.WakeAt, &r.To, &r.Zones, &r.Fields, &r.Place)
		r.was, r.wasReason, r.turn = r.Status, r.Reason, r.WakeAt
		out = append(out, r)
		return err
	}, sqlTurn, c.ID, c.TurnAt, c.TurnSeq, n)
	return out, pg.Wrap("read recipients", err)
}

// Had notes that rows which Turn has read had their turn, up to the first of those that stay as they were, whose
// campaign is 0. What Move makes of a row has a later turn, or none.
func (c *Campaign) Had(rows []Recipient) {
	for i := range rows {
		if rows[i].Campaign == 0 {
			return
		}
		c.TurnAt, c.TurnSeq = &rows[i].turn, rows[i].Seq
	}
}

// Waits notes that a row that waits was added: its turn is to come, also if later ones were had.
func (c *Campaign) Waits(r *Recipient) {
	if c.TurnAt == nil || r.WakeAt.After(*c.TurnAt) || r.WakeAt.Equal(*c.TurnAt) && r.Seq > c.TurnSeq {
		return
	}
	c.TurnAt, c.TurnSeq = new(r.WakeAt), r.Seq-1
}

// again lets all rows that wait have their turn, whatever was had before.
func (c *Campaign) again() { c.TurnAt, c.TurnSeq = nil, 0 }

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
    indexed_status = ` + ledger.Indexed("i.status", "i.message_id") + `
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
	if bySeq := func(a, b Recipient) int { return a.Seq - b.Seq }; !slices.IsSortedFunc(rows, bySeq) { // the order of their locks
		rows = slices.SortedFunc(slices.Values(rows), bySeq)
	}
	if !slices.ContainsFunc(rows, func(r Recipient) bool { return !r.queued() }) {
		return s.queue(ctx, id, rows)
	}
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

var sqlNext = `SELECT min(x.wake_at) AS at, coalesce(min(x.seq), 0) AS seq, now() AS now
FROM (SELECT r.wake_at, r.seq` + sqlWaiting + ` ORDER BY r.wake_at, r.seq LIMIT (SELECT 1)) x`

// queued reports whether sqlQueue can move the row: it waited and has its message, as nearly all have.
func (r *Recipient) queued() bool {
	return r.was == campaign.Waiting && r.wasReason == 0 && r.Status == campaign.Queued && r.Reason == 0 && r.Message != nil &&
		r.WakeAt.Equal(r.turn) && r.Field == "" && r.Detail == ""
}

// sqlQueue is sqlMove for rows that waited and have their messages: it writes what changes.
var sqlQueue = numbers.SQL(`
WITH c AS (UPDATE campaign_recipients r SET status = {queued}, message_id = i.message_id, indexed_status = NULL
  FROM unnest($2::tid[], $3::integer[], $4::uuid[]) AS i(place, seq, message_id)
  WHERE r.ctid = i.place AND r.campaign_id = $1 AND r.seq = i.seq AND r.status = {row_waiting} AND r.reason = 0 AND r.message_id IS NULL
  RETURNING 1),
k AS MATERIALIZED (SELECT count(*) AS moved FROM c),
n AS (INSERT INTO campaign_changes (campaign_id, status, reason, n)
  SELECT $1, x.status, 0, x.n FROM k, LATERAL (VALUES ({row_waiting}, -moved), ({queued}, moved)) x (status, n) WHERE moved > 0)
SELECT moved FROM k`)

func (s *Store) queue(ctx context.Context, id int64, rows []Recipient) error {
	n := len(rows)
	places, messages, seqs := make([]string, n), make([]string, n), make([]int64, n)
	for i := range rows {
		places[i], messages[i], seqs[i] = rows[i].Place, *rows[i].Message, int64(rows[i].Seq)
	}
	var moved []int
	err := s.db.SelectPrepared(ctx, &moved, sqlQueue, id, pg.Texts(places), pg.IntArray(seqs), pg.Texts(messages))
	if err == nil && moved[0] != n {
		return ErrOvertaken
	}
	return pg.Wrap("move recipients", err)
}

// NextTurn returns when the next recipient's turn is, or nil. It notes that all before it had theirs, so that the next call does
// not read them again; before now only, since rows may be held until any time to come.
func (s *Store) NextTurn(ctx context.Context, c *Campaign) (*time.Time, error) {
	var next []struct {
		Mark

		Now time.Time `db:"now"`
	}
	if err := s.db.SelectPrepared(ctx, &next, sqlNext, c.ID, c.TurnAt, c.TurnSeq); err != nil {
		return nil, pg.Wrap("read next turn", err)
	}
	n := &next[0]
	switch {
	case n.At != nil && !n.At.After(n.Now):
		c.TurnAt, c.TurnSeq = n.At, n.Seq-1
	case c.TurnAt == nil || c.TurnAt.Before(n.Now):
		c.TurnAt, c.TurnSeq = &n.Now, 0
	}
	return n.At, nil
}

// sqlOpen counts the rows that wait for their turn.
var sqlOpen = numbers.SQL(`SELECT coalesce(sum(n), 0) - (SELECT count(*) FROM campaign_recipients WHERE campaign_id = $1
    AND indexed_status = {row_held_message})
  FROM (SELECT n FROM campaign_counts WHERE campaign_id = $1 AND status IN ({row_waiting}, {row_held})
    UNION ALL SELECT n FROM campaign_changes WHERE campaign_id = $1 AND status IN ({row_waiting}, {row_held})) x`)

// Missed lets all rows have their turn again if some wait though none is behind the one that had its turn last: a worker of
// the binary before has added them, or the clock was put back. It reports whether there are.
func (s *Store) Missed(ctx context.Context, c *Campaign) (bool, error) {
	var open int64
	if c.TurnAt == nil {
		return false, nil
	}
	if err := s.db.GetContext(ctx, &open, sqlOpen, c.ID); err != nil || open <= 0 {
		return false, pg.Wrap("count rows that wait", err)
	}
	c.again()
	return true, nil
}

// How many rows one sweep reads: as insurance, when fewer messages are in the queue than
// rows wait for one, and when none is there any more.
const (
	sweepAll   = 5_000
	sweepLost  = 20_000
	sweepAlone = 200_000
)

// sqlLost counts, of one moment, the rows whose messages are unfinished, the messages in the queue, and the rows without
// a message that have a turn to come.
var sqlLost = numbers.SQL(`
WITH held AS MATERIALIZED (SELECT count(*) AS n FROM campaign_recipients WHERE campaign_id = $1 AND indexed_status = {row_held_message}),
n AS MATERIALIZED (SELECT status, n FROM campaign_counts WHERE campaign_id = $1 AND status IN ({row_waiting}, {row_held}, {queued})
  UNION ALL SELECT status, n FROM campaign_changes WHERE campaign_id = $1 AND status IN ({row_waiting}, {row_held}, {queued}))
SELECT coalesce((SELECT sum(n) FROM n WHERE status = {queued}), 0) + held.n AS rows,
  coalesce((SELECT sum(n) FROM n WHERE status <> {queued}), 0) - held.n AS waiting,
  (SELECT count(*) FROM dispatch WHERE campaign_id = $1 AND campaign_id <> 0) AS messages
FROM held`)

// sqlSettled reads a piece of the ledger before a place ($2 and $3), the newest messages first, and the rows that are held
// with a message, whose place is that of the time at which they are due: no index has which messages are
// unfinished, so that sending one changes none. It compares two sets: a look for each message would cost several times as
// much, once a second.
var sqlSettled = numbers.SQL(`
WITH p AS MATERIALIZED (SELECT r.message_id, r.status, r.wake_at, r.seq, row_number() OVER (ORDER BY r.wake_at DESC, r.seq DESC) AS n
  FROM campaign_recipients r WHERE r.campaign_id = $1 AND (r.wake_at, r.seq) < (coalesce($2::timestamptz, 'infinity'), $3::integer)
  ORDER BY r.wake_at DESC, r.seq DESC LIMIT (SELECT $4::integer))
SELECT (SELECT p.wake_at FROM p WHERE p.n = $4) AS at, coalesce((SELECT p.seq FROM p WHERE p.n = $4), 0) AS seq,
  ARRAY((SELECT p.message_id FROM p WHERE p.status IN ({row_held}, {queued}) AND p.message_id IS NOT NULL
      UNION SELECT r.message_id FROM campaign_recipients r WHERE r.campaign_id = $1 AND r.indexed_status = {row_held_message})
    EXCEPT SELECT d.message_id FROM dispatch d WHERE d.campaign_id = $1 AND d.campaign_id <> 0 LIMIT $5)::text[] AS settled`)

// Sweep moves the rows of messages to what became of these that were settled without
// anybody moving them: their worker was killed, or they expired. It looks at a bounded
// piece of the ledger, the rows before a place, and returns the place before which
// the next call goes on; one without a time is the end, and the beginning again. Unless it is
// thorough, it looks only if fewer messages are in the queue than rows wait for one.
func (s *Store) Sweep(ctx context.Context, c *Campaign, before Mark, thorough bool) (next Mark, err error) {
	const most = 1000
	var lost struct {
		Rows     int64 `db:"rows"`
		Waiting  int64 `db:"waiting"`
		Messages int64 `db:"messages"`
	}
	if err := s.db.GetContext(ctx, &lost, sqlLost, c.ID); err != nil {
		return before, pg.Wrap("count unfinished messages", err)
	}
	size := sweepAll
	switch {
	case lost.Rows == 0:
		return Mark{}, nil
	case lost.Messages == 0:
		size = sweepAlone
	case lost.Messages < lost.Rows:
		size = sweepLost
	case !thorough:
		return before, nil
	}
	from := before
	if from.At == nil && lost.Waiting > 0 && c.TurnAt != nil { // what is behind has no message yet
		from = Mark{c.TurnAt, c.TurnSeq + 1}
	}
	var page []struct {
		Mark

		Settled pq.StringArray `db:"settled"`
	}
	if err := s.db.SelectContext(ctx, &page, sqlSettled, c.ID, from.At, from.Seq, size, most); err != nil {
		return before, pg.Wrap("look for settled messages", err)
	}
	ids := make([]uuid.UUID, len(page[0].Settled))
	for i, text := range page[0].Settled {
		if ids[i], err = uuid.Parse(text); err != nil {
			return before, pg.Wrap("read settled message", err)
		}
	}
	next = page[0].Mark
	if len(ids) == most { // there may be more in this piece
		next = before
	}
	return next, s.Settled(ctx, c.ID, ids)
}

// Settled moves the rows of messages to what became of these.
func (s *Store) Settled(ctx context.Context, id int64, messages []dispatch.ID) error {
	refs := make([]ledger.Ref, len(messages))
	for i, m := range messages {
		refs[i] = ledger.Ref{Campaign: id, Message: m}
	}
	return ledger.Sync(ctx, s.db, refs)
}

// sqlLast reads the rows that had their turn last: their order is that of their messages, except of those that were held.
var sqlLast = numbers.SQL(`
SELECT status FROM (SELECT status, message_id FROM campaign_recipients r WHERE r.campaign_id = $1
  AND (r.wake_at, r.seq) <= (coalesce($3::timestamptz, 'infinity'), $4::integer) ORDER BY r.wake_at DESC, r.seq DESC LIMIT (SELECT 20000)) x
WHERE status BETWEEN {sent} AND {failed} AND message_id >= uuid_floor(coalesce($2, '1970-01-01'::timestamptz))
ORDER BY message_id DESC LIMIT 200`)

// LastResults returns the statuses of the last 200 messages that the provider
// took or refused, newest first, of those made since then (nil: all).
func (s *Store) LastResults(ctx context.Context, c *Campaign, since *time.Time) ([]campaign.Status, error) {
	var out []campaign.Status
	err := s.db.SelectContext(ctx, &out, sqlLast, c.ID, since, c.TurnAt, c.TurnSeq)
	return out, pg.Wrap("read last results", err)
}
