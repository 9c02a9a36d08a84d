package people

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// InboundFilter narrows a list of inbound messages, newest first.
type InboundFilter struct {
	Channel int64        // 0: all
	From    string       // an id of a person; empty: all
	Type    string       // empty: all
	Since   time.Time    // received at or after it; zero: all
	Until   time.Time    // received before it; zero: all
	Before  *dispatch.ID // the last id of the page before
	Limit   int
}

// Inbounds returns a page of the account's inbound messages, shorter than its limit
// if it had more than pg.PageBytes of content, or looked at pg.WalkMax rows, and the
// id before which the next page begins; nil if there is none.
func (p *People) Inbounds(ctx context.Context, account int64, f InboundFilter) (page []dispatch.Received, next *dispatch.ID, err error) {
	w, err := p.walk(ctx, account, &f)
	if err != nil {
		return nil, nil, err
	}
	keys, last, err := w.Keys(ctx, p.db)
	if err != nil {
		return nil, nil, pg.Wrap("look for inbound messages", err)
	}
	var sizes []int
	err = p.db.SelectContext(ctx, &sizes, `SELECT octet_length(text) + octet_length(content)`+inboundOf, pq.Array(keys))
	if err != nil {
		return nil, nil, pg.Wrap("measure inbound messages", err)
	}
	if n := pg.Fitting(sizes); n < len(keys) {
		keys, last = keys[:n], keys[n-1]
	}
	page = []dispatch.Received{}
	if err := p.db.SelectContext(ctx, &page, `SELECT `+pg.Inbound+inboundOf, pq.Array(keys)); err != nil {
		return nil, nil, pg.Wrap("list inbound messages", err)
	}
	if last != "" {
		next = new(uuid.MustParse(last))
	}
	return page, next, openAll(page)
}

const inboundOf = ` FROM inbound WHERE id = ANY($1::text[]::uuid[]) ORDER BY id DESC`

// walk returns where inbound messages are looked for.
func (p *People) walk(ctx context.Context, account int64, f *InboundFilter) (*pg.Walk, error) {
	before := uuid.Max
	if f.Before != nil {
		before = *f.Before
	}
	w := &pg.Walk{From: `inbound`, Key: `id`, Range: pg.NewWhere(0), Limit: f.Limit}
	w.Order = w.Range.Before(`account_id`, `id`, account, before.String())
	if !f.Since.IsZero() {
		w.Range.Add(`id >= uuid_floor(?)`, pg.Since1970(f.Since.Add(-skew)))
	}
	if !f.Until.IsZero() {
		w.Range.Add(`id < uuid_floor(?)`, pg.Since1970(f.Until.Add(skew)))
	}
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	if f.Channel != 0 {
		w.Fits.Add(`channel_id = ?`, f.Channel)
	}
	if f.From != "" {
		ids, err := p.IDsOf(ctx, account, f.From)
		if err != nil {
			return nil, err
		}
		w.Fits.Add(`(from_phone = ANY(?) OR user_id = ANY(?))`, pq.Array(ids), pq.Array(ids))
	}
	if f.Type != "" {
		w.Fits.Add(`type = ?`, f.Type)
	}
	f.received(w.Fits)
	return w, nil
}

// received adds the bounds of time. The ids, which begin with the time of the process
// that stored them, bound what is read of the index.
func (f *InboundFilter) received(where *pg.Where) {
	if !f.Since.IsZero() {
		where.Add(`received_at >= ?`, pg.Since1970(f.Since))
	}
	if !f.Until.IsZero() {
		where.Add(`received_at < ?`, pg.Since1970(f.Until))
	}
}

// skew is more than the clocks of a process and of Postgres differ.
const skew = time.Hour

// sqlInbound stores messages that contacts sent, opens their windows and follows
// the newest STOP or START of each person. It is safe to repeat: the provider's
// id is unique in its channel. Rows are written in the order of their keys, so
// that two callbacks with the same messages do not deadlock. A message in a group
// and a notice that somebody has another number open no window; the notice copies
// what holds messages back to the new number. Of a sender who is nobody that we
// could write to (a short code) only the message is kept.
var sqlInbound = numbers.SQL(`
WITH o AS MATERIALIZED (SELECT c.account_id, c.id AS channel_id, t.* FROM channels c CROSS JOIN
    unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
      $12::text[], $13::text[],
      $14::text[], $15::bigint[], $16::smallint[]) WITH ORDINALITY
    AS t(id, phone, wa_id, user_id, username, name, group_id, moved_to, type, text, provider_id, raw, content, at_us, asked, ord)
      WHERE c.id = $1),
  i AS (INSERT INTO inbound (id, account_id, channel_id, from_phone, wa_id, user_id, username, name, group_id, moved_to, type, text,
    provider_id, raw, content, at)
    SELECT id, account_id, channel_id, phone, wa_id, user_id, username, name, group_id, moved_to, type, text, provider_id, raw, content,
      to_timestamp(at_us / 1e6) FROM o ORDER BY provider_id, ord
    ON CONFLICT (channel_id, provider_id) DO NOTHING RETURNING id),
  n AS MATERIALIZED (SELECT o.*, least(now(), to_timestamp(o.at_us / 1e6)) AS at, 'all' AS scope, 'stop' AS reason,
      'the contact wrote a stop word' AS detail, 'message' AS source FROM o JOIN i USING (id)),
  w AS (INSERT INTO windows (channel_id, phone, wa_id, opened_at) SELECT channel_id, phone, max(wa_id), max(at) FROM n
      WHERE group_id = '' AND moved_to = '' AND phone <> '' GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (channel_id, phone) DO UPDATE SET opened_at = greatest(windows.opened_at, excluded.opened_at),
      wa_id = CASE WHEN excluded.wa_id <> '' THEN excluded.wa_id ELSE windows.wa_id END),
  k AS MATERIALIZED (` + newest + `),
  m AS (INSERT INTO suppressions (account_id, phone, reason, detail, source, scope, manual, stopped_at, marketing_at)
    SELECT DISTINCT ON (n.account_id, n.moved_to) n.account_id, n.moved_to, p.reason, p.detail, 'number_change', p.scope,
      p.manual, p.stopped_at, p.marketing_at
    FROM n JOIN suppressions p ON p.account_id = n.account_id AND (p.phone = n.phone
      OR p.phone = ANY(` + LinkedTo("n.account_id", "n.phone") + `))
    WHERE n.moved_to <> '' AND n.phone <> '' ORDER BY n.account_id, n.moved_to, p.scope ON CONFLICT DO NOTHING),` + follow + `
INSERT INTO events (message_id, account_id, channel_id, kind, cause) SELECT id, account_id, channel_id, {event_inbound}, 'callback' FROM n
  ORDER BY ord`)

// InsertInbound stores the messages of one callback of the channel in one
// statement. It returns those that Postgres refuses to store, by their place;
// the others are stored.
func (p *People) InsertInbound(ctx context.Context, channel int64, ins []dispatch.Inbound) (refused []int, err error) {
	return pg.EachStorable(ins, func(some []dispatch.Inbound) error {
		if _, err := p.db.ExecContext(ctx, sqlInbound, inboundArgs(channel, some)...); err != nil {
			return pg.Wrap("store inbound messages", err)
		}
		return p.optIn(ctx, channel, some)
	})
}

func inboundArgs(channel int64, ins []dispatch.Inbound) []any {
	ids, at, asked := make([]dispatch.ID, len(ins)), make([]int64, len(ins)), make([]int64, len(ins))
	var texts [12][]string
	for i := range ins {
		in := &ins[i]
		ids[i], at[i], asked[i] = dispatch.NewID(), *pg.Micros(in.At), askedFor(in)
		ref := pg.FitRef(in.ProviderID)
		if ref == "" {
			ref = pg.NoProviderID + ids[i].String()
		}
		for k, s := range []string{
			pg.FitRef(in.From), pg.FitRef(in.WaID), pg.FitRef(in.UserID), in.Username, in.Name, pg.FitRef(in.GroupID), pg.FitRef(in.MovedTo),
			pg.FitRef(in.Type), in.Text, ref, in.Raw, pg.JSON(in.Content),
		} {
			texts[k] = append(texts[k], storable.Clean(s))
		}
	}
	args := []any{channel, pg.UUIDArray(ids)}
	for _, t := range texts {
		args = append(args, pq.Array(t))
	}
	return append(args, pq.Array(at), pq.Array(asked))
}

func askedFor(in *dispatch.Inbound) int64 {
	switch {
	case !in.Private():
		return askedNothing
	case in.Stop:
		return askedStop
	case in.Start:
		return askedStart
	}
	return askedNothing
}
