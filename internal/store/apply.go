package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// afterWriter returns the SQL of the transaction under which an event stands in the
// log: ours, or the one after wrote, the writer of the message's row before us, if it
// began after us. Readers take the log in the order of transactions, and what both tell
// of the message must come in its sequence. They read below the oldest transaction that
// runs, so that none has read as far yet. (Rows hold 32 bits of a transaction's number;
// a writer is never a million ahead.)
func afterWriter(wrote string) string {
	ahead := `((` + wrote + ` - pg_current_xact_id()::text::bigint) & 4294967295)`
	return `(pg_current_xact_id()::text::bigint + CASE WHEN ` + ahead + ` BETWEEN 1 AND 1000000 THEN ` + ahead + ` + 1 ELSE 0 END)::text::xid8`
}

// sqlApply merges evidence from the provider. Each message comes once, with the
// best evidence of it in the batch (pos: 0, 30, 40 or 50; neg: failed), and
// what the batch holds in kinds, for the timeline. What was erased of a message, whose
// recipient is empty, does not come back. dispatch.Status.Beats is the same rule in Go,
// and a test holds the two together.
var sqlApply = numbers.SQL(`
WITH o AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::boolean[], $5::bigint[], $6::bigint[],
  $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::integer[], $14::text[], $15::text[])
    AS t(id, channel_id, pos, neg, sent_us, delivered_us, read_us, failed_us, ref, code, provider_code, detail, n, kinds, extras)),
  x AS MATERIALIZED (SELECT o.*, coalesce(d.claim, p.claim) AS d_claim, coalesce(d.state, p.state) AS d_state,
    d.maybe_sent AS d_maybe,
    m.status AS was, m.final_by AS was_by, m.version AS was_version, m.wrote,
    m.page IS NOT NULL AND m.status = {queued} AND d.state IS NULL AS in_page FROM o
    LEFT JOIN LATERAL (SELECT d.claim, d.state, d.maybe_sent FROM dispatch d
      WHERE d.message_id = o.id AND d.channel_id = o.channel_id FOR UPDATE) d ON true
    CROSS JOIN LATERAL (SELECT m.status, m.final_by, m.version, m.page, m.xmin::text::bigint AS wrote FROM messages m
      WHERE m.id = o.id AND m.channel_id = o.channel_id FOR UPDATE) m
    LEFT JOIN LATERAL (SELECT c.claim, {claimed}::smallint AS state FROM claims c
      WHERE m.status = {queued} AND d.state IS NULL AND m.page = ANY(c.pages) AND o.id = ANY(c.ids) LIMIT 1) p ON true),
  n AS MATERIALIZED (SELECT x.*, CASE
      WHEN pos >= {delivered} THEN CASE WHEN was IN ({delivered}, {read}) THEN greatest(was, pos) ELSE pos END
      WHEN was IN ({delivered}, {read}) THEN was
      WHEN neg THEN {failed}
      WHEN pos = {sent} AND (was < {sent} OR was > {failed} OR (was = {failed} AND was_by = {by_us})) THEN {sent}
      ELSE was END AS now_status FROM x),
  d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT id FROM n WHERE d_state IS NOT NULL))),
  t AS (INSERT INTO attempts (message_id, claim, outcome, detail)
    SELECT id, d_claim, {result_unknown}, 'settled by a callback before its answer' FROM n WHERE d_state = {claimed}
      ON CONFLICT DO NOTHING),
  u AS (UPDATE messages m SET status = n.now_status, version = m.version + n.n, updated_at = now(),
      final_by = CASE WHEN n.now_status = {failed} AND (n.was <> {failed} OR n.was_by = {by_us}) AND n.neg THEN {by_provider}
        WHEN n.now_status < {failed} THEN {by_us} ELSE m.final_by END,
      anomaly = m.anomaly OR (n.now_status IN ({delivered}, {read}) AND n.was >= {failed}),
      maybe_sent = m.maybe_sent OR coalesce(n.d_maybe OR n.d_state = {claimed}, false),
      provider_message_id = CASE WHEN m.recipient <> '' THEN coalesce(m.provider_message_id, n.ref) ELSE m.provider_message_id END,
      sent_at = CASE WHEN n.pos >= {sent} OR n.neg THEN coalesce(m.sent_at, greatest(m.created_at, least(now(),
        to_timestamp(coalesce(n.sent_us, n.delivered_us, n.read_us, n.failed_us) / 1e6)))) ELSE m.sent_at END,
      delivered_at = CASE WHEN n.pos >= {delivered} THEN coalesce(m.delivered_at, greatest(m.created_at, m.sent_at, least(now(),
        to_timestamp(coalesce(n.delivered_us, n.read_us) / 1e6)))) ELSE m.delivered_at END,
      read_at = CASE WHEN n.pos >= {read} THEN coalesce(m.read_at, greatest(m.created_at, m.sent_at, m.delivered_at, least(now(),
        to_timestamp(n.read_us / 1e6)))) ELSE m.read_at END,
      failed_at = CASE WHEN n.now_status = {failed} THEN coalesce(m.failed_at, now()) WHEN n.now_status < {failed} THEN NULL
        ELSE m.failed_at END,
      error_code = CASE WHEN n.now_status = {failed} AND n.neg THEN coalesce(n.code, m.error_code) WHEN n.now_status < {failed} THEN NULL
        ELSE m.error_code END,
      error_provider_code = CASE WHEN n.now_status = {failed} AND n.neg THEN coalesce(n.provider_code, m.error_provider_code)
        WHEN n.now_status < {failed} THEN NULL ELSE m.error_provider_code END,
      error_message = CASE WHEN n.now_status < {failed} OR m.recipient = '' THEN NULL
        WHEN n.now_status = {failed} AND n.neg THEN coalesce(n.detail, m.error_message) ELSE m.error_message END
    FROM n WHERE m.id = n.id
    RETURNING m.id, m.account_id, m.channel_id, m.recipient, m.status, n.was, n.was_by, n.was_version, n.wrote, n.in_page, n.pos, n.kinds,
      n.extras, n.code, n.provider_code, n.detail, m.charged, m.fallback, m.campaign_id),
  f AS (INSERT INTO fallbacks (message_id, wake_at, cause) SELECT id, now(), 'undelivered' FROM u
    WHERE status = {failed} AND was <> {failed} AND fallback IS NOT NULL
    ON CONFLICT (message_id) DO UPDATE SET wake_at = now(), cause = 'undelivered'),
  g AS (DELETE FROM fallbacks WHERE message_id = ANY(ARRAY(SELECT id FROM u
    WHERE status IN ({delivered}, {read}) AND fallback IS NOT NULL))),
  e AS (INSERT INTO events (xid, message_id, account_id, channel_id, kind, seq, cause, code, detail, extra)
    SELECT ` + afterWriter("u.wrote") + `, u.id, u.account_id, u.channel_id, CASE
        WHEN ev.kind = {sent} AND (u.was < {sent} OR u.was > {failed} OR (u.was = {failed} AND u.was_by = {by_us})) THEN {sent}
        WHEN ev.kind IN ({delivered}, {read}) AND (u.was < ev.kind OR u.was >= {failed}) THEN ev.kind
        WHEN ev.kind = {failed} AND u.pos < {delivered} AND (u.was < {delivered} OR u.was > {failed} OR (u.was = {failed}
          AND u.was_by = {by_us})) THEN {failed}
        ELSE {event_note} END, u.was_version + ev.ord, 'callback', CASE WHEN ev.kind = {failed} THEN u.provider_code END,
        CASE ev.kind WHEN {sent} THEN 'sent' WHEN {delivered} THEN 'delivered' WHEN {read} THEN 'read'
        ELSE CASE WHEN u.recipient <> '' THEN coalesce(u.detail, 'failed') ELSE 'failed' END END,
        CASE WHEN w.account_id IS NOT NULL THEN ev.extra END
    FROM u LEFT JOIN (SELECT DISTINCT account_id FROM webhooks WHERE enabled AND format <> 'standard') w ON w.account_id = u.account_id
    CROSS JOIN LATERAL unnest(u.kinds::smallint[], u.extras::text[]) WITH ORDINALITY AS ev(kind, extra, ord))
SELECT id, account_id, channel_id, recipient, status, was, was_by, charged, coalesce(code, '') AS code, campaign_id, in_page FROM u`)

// sqlOpened finds messages that got rows when their pages were opened while sqlApply waited
// for them: it did not see these rows.
const sqlOpened = `SELECT EXISTS (SELECT 1 FROM dispatch WHERE message_id = ANY($1::uuid[]))`

// errOpened has evidence merged again, after pages were opened meanwhile.
var errOpened = errors.New("pages were opened meanwhile")

type applied struct {
	ID      dispatch.ID `db:"id"`
	Account int64       `db:"account_id"`
	Channel int64       `db:"channel_id"`
	To      string      `db:"recipient"`
	Status  int16       `db:"status"`
	Was     int16       `db:"was"`
	WasBy   int16       `db:"was_by"`
	Charged int16       `db:"charged"`
	Code    string      `db:"code"`

	Campaign int64 `db:"campaign_id"` // 0: none
	InPage   bool  `db:"in_page"`     // as far as the statement saw, which may have waited for who opened it
}

// Failure is a message that has become failed. A second report about a
// message that has failed already makes no other one.
type Failure struct {
	ID      dispatch.ID
	Channel int64
	Code    string // ours
}

// Applied is what a batch of evidence did.
type Applied struct {
	Unmatched []int // the pieces, by their place, that named no message that we know
	Refused   []int // the pieces that Postgres refuses to store, each by itself
	Failed    []Failure
	// LinkErr is why ids of recipients were not linked: the next status tries again.
	LinkErr error
}

// ApplyStatuses is Apply for callers that count no failures.
func (s *Store) ApplyStatuses(ctx context.Context, us []dispatch.StatusUpdate) (unmatched []int, err error) {
	a, err := s.Apply(ctx, us)
	return a.Unmatched, err
}

// fit limits the ids and the time of u to what is stored of them.
func fit(u *dispatch.StatusUpdate) {
	for _, s := range []*string{&u.ProviderID, &u.ProviderRef2, &u.Recipient, &u.ProviderCode} {
		*s = pg.FitRef(storable.Clean(*s))
	}
	if us := pg.Micros(u.At); us != nil {
		u.At = time.UnixMicro(*us).UTC()
	}
}

// Apply merges a batch of evidence. A piece that Postgres refuses costs none of the
// others.
func (s *Store) Apply(ctx context.Context, us []dispatch.StatusUpdate) (a Applied, err error) {
	us = slices.Clone(us)
	at := make([]int, len(us))
	for i := range us {
		fit(&us[i])
		at[i] = i
	}
	a.Refused, err = pg.EachStorable(at, func(at []int) error { return s.applyAt(ctx, us, at, &a) })
	if err != nil {
		return Applied{}, err
	}
	return a, nil
}

// applyAt merges the pieces of us at the places at, and adds what that did to a.
func (s *Store) applyAt(ctx context.Context, us []dispatch.StatusUpdate, at []int, a *Applied) error {
	some := make([]dispatch.StatusUpdate, len(at))
	for i, k := range at {
		some[i] = us[k]
	}
	if err := s.findMessages(ctx, some); err != nil {
		return err
	}
	var known []dispatch.StatusUpdate
	for _, u := range some {
		if u.ID != dispatch.NoID {
			known = append(known, u)
		}
	}
	rows, err := s.applyKnown(ctx, known)
	if err != nil {
		return err
	}
	a.LinkErr = errors.Join(a.LinkErr, s.noteRecipients(ctx, known, rows)) // what is applied is applied
	hit := make(map[dispatch.ID]bool, len(rows))
	for _, r := range rows {
		hit[r.ID] = true
		if failed := int16(dispatch.Failed); r.Status == failed && r.Was != failed {
			a.Failed = append(a.Failed, Failure{ID: r.ID, Channel: r.Channel, Code: r.Code})
		}
	}
	for i, u := range some {
		if !hit[u.ID] {
			a.Unmatched = append(a.Unmatched, at[i])
		}
	}
	return nil
}

// applyKnown merges evidence of messages whose ids are known, in one transaction.
func (s *Store) applyKnown(ctx context.Context, known []dispatch.StatusUpdate) (rows []applied, err error) {
	if len(known) == 0 {
		return nil, nil
	}
	for err = errOpened; errors.Is(err, errOpened); {
		err = s.db.Tx(ctx, func(tx *pg.DB) error {
			rows = rows[:0]
			if err := tx.SelectPrepared(ctx, &rows, sqlApply, fold(known).args()...); err != nil {
				return pg.Wrap("apply statuses", err)
			}
			if err := opened(ctx, tx, rows); err != nil {
				return err
			}
			return afterApply(ctx, tx, known, rows)
		})
	}
	return rows, err
}

// opened returns errOpened if a message that sqlApply believed in a page has a row now. It
// has none later either: who opens a page waits for its messages.
func opened(ctx context.Context, tx *pg.DB, rows []applied) error {
	var ids []dispatch.ID
	for i := range rows {
		if rows[i].InPage {
			ids = append(ids, rows[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var any bool
	if err := tx.GetContext(ctx, &any, sqlOpened, pg.UUIDArray(ids)); err != nil {
		return pg.Wrap("look for opened pages", err)
	}
	if any {
		return errOpened
	}
	return nil
}

// noteRecipients keeps the ids by which statuses name recipients.
func (s *Store) noteRecipients(ctx context.Context, us []dispatch.StatusUpdate, rows []applied) error {
	sent := make(map[dispatch.ID]*applied, len(rows))
	for i := range rows {
		sent[rows[i].ID] = &rows[i]
	}
	seen := map[int64][]people.Seen{}
	for _, u := range us {
		r := sent[u.ID]
		if r == nil {
			continue
		}
		if p := (people.Seen{Recipient: r.To, WaID: u.WaID, UserID: u.UserID}); p.Adds() {
			seen[r.Account] = append(seen[r.Account], p)
		}
	}
	for account, all := range seen {
		if err := s.NoteAll(ctx, account, all); err != nil {
			return err
		}
	}
	return nil
}

// afterApply moves money and notes recipients who refuse messages.
func afterApply(ctx context.Context, tx *pg.DB, us []dispatch.StatusUpdate, rows []applied) error {
	var back, again []string
	repeated := map[dispatch.ID]bool{} // the provider has refused it before
	for _, r := range rows {
		if r.Charged == chargePaid && dispatch.Status(r.Status) == dispatch.Failed {
			back = append(back, r.ID.String())
		}
		if r.Charged == chargeRefunded && dispatch.Status(r.Status) < dispatch.Failed {
			again = append(again, r.ID.String())
		}
		repeated[r.ID] = dispatch.Status(r.Was) == dispatch.Failed && dispatch.By(r.WasBy) == dispatch.ByProvider
	}
	var refusals []people.Refusal
	for _, u := range us {
		if u.Suppress && !repeated[u.ID] {
			refusals = append(refusals, people.Refusal{Message: u.ID, Scope: dispatch.ScopeOfRefusal(u.ProviderCode), At: u.At})
		}
	}
	if len(again) > 0 {
		if err := lockBalances(ctx, tx, append(slices.Clone(back), again...)); err != nil {
			return err
		}
	}
	if err := refund(ctx, tx, back); err != nil {
		return err
	}
	if len(again) > 0 {
		if _, err := tx.ExecContext(ctx, sqlUnrefund, pq.Array(again)); err != nil {
			return pg.Wrap("take refund back", err)
		}
	}
	if err := people.Refuse(ctx, tx, refusals); err != nil {
		return err
	}
	return ledger.Sync(ctx, tx, campaignsOf(rows))
}

// campaignsOf returns the messages that belong to campaigns.
func campaignsOf(rows []applied) []ledger.Ref {
	var refs []ledger.Ref
	for _, r := range rows {
		if r.Campaign != 0 {
			refs = append(refs, ledger.Ref{Campaign: r.Campaign, Message: r.ID})
		}
	}
	return refs
}

// evidence is what a batch holds about one message.
type evidence struct {
	id                            dispatch.ID
	channel                       int64
	pos                           dispatch.Status
	neg                           bool
	sent, delivered, read, failed time.Time
	ref, code, provCode, detail   string
	all                           []dispatch.StatusUpdate
}

type folded []*evidence

// fold gathers a batch by message, in id order. The order of the evidence does
// not matter.
func fold(us []dispatch.StatusUpdate) folded {
	by := map[dispatch.ID]*evidence{}
	for _, u := range us {
		e := by[u.ID]
		if e == nil {
			e = &evidence{id: u.ID, channel: u.Channel}
			by[u.ID] = e
		}
		e.add(u)
	}
	out := make(folded, 0, len(by))
	for _, e := range by {
		slices.SortStableFunc(e.all, func(a, b dispatch.StatusUpdate) int { return int(a.Status) - int(b.Status) })
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *evidence) int { return slices.Compare(a.id[:], b.id[:]) })
	return out
}

func (e *evidence) add(u dispatch.StatusUpdate) {
	earliest := func(t *time.Time) {
		if t.IsZero() || (!u.At.IsZero() && u.At.Before(*t)) {
			*t = u.At
		}
	}
	switch u.Status {
	case dispatch.Sent:
		earliest(&e.sent)
	case dispatch.Delivered:
		earliest(&e.delivered)
	case dispatch.Read:
		earliest(&e.read)
	case dispatch.Failed:
		earliest(&e.failed)
		e.neg, e.code, e.provCode, e.detail = true, u.Code, u.ProviderCode, u.Detail
	}
	if u.Status < dispatch.Failed {
		e.pos = max(e.pos, u.Status)
	}
	if u.ProviderID != "" {
		e.ref = u.ProviderID
	}
	e.all = append(e.all, u)
}

// kinds returns the statuses of the evidence in their order, each once: a
// provider that repeats a callback within a batch causes one event.
func (e *evidence) kinds() []int64 {
	kinds := make([]int64, len(e.all))
	for i, u := range e.all {
		kinds[i] = int64(u.Status)
	}
	return slices.Compact(kinds)
}

// extras returns the text[] of what the provider reported with each of the kinds,
// or nil if that is nothing.
func (e *evidence) extras() *string {
	var out []*string
	found := false
	for i, u := range e.all {
		if i == 0 || u.Status != e.all[i-1].Status {
			out = append(out, nil)
		}
		if last := len(out) - 1; out[last] == nil && u.Extra != "" {
			out[last], found = new(storable.Clean(u.Extra)), true
		}
	}
	if !found {
		return nil
	}
	return new(pg.TextArray(out))
}

func (f folded) args() []any {
	n := len(f)
	ids, channels, pos, ns := make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n)
	neg := make([]bool, n)
	sent, delivered, read, failed := make([]*int64, n), make([]*int64, n), make([]*int64, n), make([]*int64, n)
	refs, codes, provs, details := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	kinds, extras := make([]string, n), make([]*string, n)
	for i, e := range f {
		ids[i], channels[i], pos[i], neg[i], ns[i] = e.id.String(), e.channel, int64(e.pos), e.neg, int64(len(e.kinds()))
		sent[i], delivered[i], read[i], failed[i] = pg.Micros(e.sent), pg.Micros(e.delivered), pg.Micros(e.read), pg.Micros(e.failed)
		refs[i], codes[i], provs[i], details[i] = pg.Nullable(e.ref), pg.Nullable(e.code), pg.Nullable(e.provCode), pg.Nullable(e.detail)
		kinds[i], extras[i] = pg.IntArray(e.kinds()), e.extras()
	}
	return []any{
		pq.Array(ids), pq.Array(channels), pq.Array(pos), pq.Array(neg), pg.NullableArray(sent), pg.NullableArray(delivered),
		pg.NullableArray(read), pg.NullableArray(failed),
		pg.TextArray(refs), pg.TextArray(codes), pg.TextArray(provs), pg.TextArray(details), pq.Array(ns), pq.Array(kinds), pg.TextArray(extras),
	}
}
