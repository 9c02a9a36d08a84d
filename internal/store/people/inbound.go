package people

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// InboundFilter narrows a list of inbound messages, newest first.
type InboundFilter struct {
	Channel int64        // 0: all
	From    string       // E.164; empty: all
	Before  *dispatch.ID // the last id of the page before
	Limit   int
}

// Inbounds lists inbound messages of the account.
func (p *People) Inbounds(ctx context.Context, account int64, f InboundFilter) ([]dispatch.Received, error) {
	where := pg.NewWhere(1)
	where.Add(`account_id = ?`, account)
	if f.Channel != 0 {
		where.Add(`channel_id = ?`, f.Channel)
	}
	if f.From != "" {
		where.Add(`from_phone = ?`, f.From)
	}
	if f.Before != nil {
		where.Add(`id < ?::uuid`, f.Before.String())
	}
	out := []dispatch.Received{}
	err := p.db.SelectContext(ctx, &out, `SELECT id, channel_id, from_phone, wa_id, name, type, text, `+pg.InboundProviderID+`, at, received_at FROM inbound
		WHERE `+where.SQL()+` ORDER BY id DESC LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("list inbound messages", err)
}

// sqlInbound stores messages that contacts sent, opens their windows and follows
// the newest STOP or START of each. It is safe to repeat: the provider's id is
// unique in its channel. Rows are written in the order of their keys, so that two
// callbacks with the same messages do not deadlock. What counts is the time at
// which the contact wrote: an older START does not lift a newer STOP, nor the
// other way round. START never lifts an operator's entry.
var sqlInbound = numbers.SQL(`
WITH o AS MATERIALIZED (SELECT c.account_id, c.id AS channel_id, t.* FROM channels c CROSS JOIN
    unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::smallint[])
    WITH ORDINALITY AS t(id, phone, wa_id, name, type, text, provider_id, raw, at_us, asked, ord) WHERE c.id = $1),
  i AS (INSERT INTO inbound (id, account_id, channel_id, from_phone, wa_id, name, type, text, provider_id, raw, at)
    SELECT id, account_id, channel_id, phone, wa_id, name, type, text, provider_id, raw, to_timestamp(at_us / 1e6) FROM o ORDER BY provider_id, ord
    ON CONFLICT (channel_id, provider_id) DO NOTHING RETURNING id),
  n AS MATERIALIZED (SELECT o.*, least(now(), to_timestamp(o.at_us / 1e6)) AS at FROM o JOIN i USING (id)),
  w AS (INSERT INTO windows (channel_id, phone, wa_id, opened_at) SELECT channel_id, phone, max(wa_id), max(at) FROM n GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (channel_id, phone) DO UPDATE SET opened_at = greatest(windows.opened_at, excluded.opened_at),
      wa_id = CASE WHEN excluded.wa_id <> '' THEN excluded.wa_id ELSE windows.wa_id END),
  k AS MATERIALIZED (SELECT DISTINCT ON (phone) account_id, phone, asked, at FROM n WHERE asked <> {asked_nothing} ORDER BY phone, at DESC, ord DESC),
  s AS (INSERT INTO suppressions AS p (account_id, phone, reason, detail, stopped_at) SELECT account_id, phone, 'stop', 'the contact wrote a stop word', at
    FROM k WHERE asked = {asked_stop} AND NOT EXISTS (SELECT 1 FROM opt_ins y WHERE y.account_id = k.account_id AND y.at > k.at
      AND (y.value = k.phone OR y.value = ANY(` + LinkedTo("k.account_id", "k.phone") + `)))
    ORDER BY phone ON CONFLICT (account_id, phone) DO UPDATE SET scope = 'all', stopped_at = greatest(p.stopped_at, excluded.stopped_at)),
  y AS (INSERT INTO opt_ins (account_id, value, scope, at) SELECT account_id, phone, 'all', at FROM k WHERE asked = {asked_start} ORDER BY phone
    ON CONFLICT (account_id, value, scope) DO UPDATE SET at = greatest(opt_ins.at, excluded.at)),
  d AS (DELETE FROM suppressions p USING k WHERE k.asked = {asked_start} AND p.account_id = k.account_id
    AND (p.phone = k.phone OR p.phone = ANY(` + LinkedTo("k.account_id", "k.phone") + `))
    AND p.reason IN ('stop', 'provider') AND coalesce(p.stopped_at, '-infinity') <= k.at)
INSERT INTO events (message_id, account_id, channel_id, kind, cause) SELECT id, account_id, channel_id, {event_inbound}, 'callback' FROM n ORDER BY ord`)

// What a contact's message asks for.
const (
	askedNothing = 0
	askedStop    = 1
	askedStart   = 2
)

// InsertInbound stores the messages of one callback of the channel in one
// statement. It returns those that Postgres refuses to store, by their place;
// the others are stored.
func (p *People) InsertInbound(ctx context.Context, channel int64, ins []dispatch.Inbound) (refused []int, err error) {
	return pg.EachStorable(ins, func(some []dispatch.Inbound) error {
		_, err := p.db.ExecContext(ctx, sqlInbound, inboundArgs(channel, some)...)
		return pg.Wrap("store inbound messages", err)
	})
}

func inboundArgs(channel int64, ins []dispatch.Inbound) []any {
	ids, at, asked := make([]dispatch.ID, len(ins)), make([]int64, len(ins)), make([]int64, len(ins))
	var texts [7][]string
	for i := range ins {
		in := &ins[i]
		ids[i], at[i], asked[i] = dispatch.NewID(), *pg.Micros(in.At), askedFor(in)
		ref := pg.FitRef(in.ProviderID)
		if ref == "" {
			ref = pg.NoProviderID + ids[i].String()
		}
		for k, s := range []string{pg.FitRef(in.From), pg.FitRef(in.WaID), in.Name, pg.FitRef(in.Type), in.Text, ref, in.Raw} {
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
	case in.Stop:
		return askedStop
	case in.Start:
		return askedStart
	}
	return askedNothing
}
