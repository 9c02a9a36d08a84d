package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Result is what became of one provider call, as the attempts table keeps it.
type Result int16

// The results.
const (
	ResultAccepted  Result = 1
	ResultNotSent   Result = 2
	ResultThrottled Result = 4
	ResultPermanent Result = 5
	ResultTemporary Result = 6 // explicit 5xx, not processed
	ResultDoubtful  Result = 8 // explicit 5xx, maybe processed
	ResultUnknown   Result = 9
)

var resultNames = map[Result]string{
	ResultAccepted: "accepted", ResultNotSent: "not_sent", ResultThrottled: "throttled", ResultPermanent: "permanent",
	ResultTemporary: "temporary", ResultDoubtful: "doubtful", ResultUnknown: "unknown",
}

// String is the name the API shows.
func (r Result) String() string { return resultNames[r] }

// Action is what happens to the message after the call.
type Action int

// The actions.
const (
	Settle  Action = iota // accepted: a fact, whoever holds the claim
	Retry                 // ready again after Delay
	Resolve               // outcome not known: wait Delay for evidence
	Fail                  // final: failed, or unknown when an earlier call may have succeeded
	Release               // no call was made: ready again after Delay, not counted
)

// Outcome is one finished call on its way into the database.
type Outcome struct {
	ID         dispatch.ID
	Claim      uuid.UUID
	Action     Action
	Result     Result
	Delay      time.Duration // of Retry, Resolve and Release
	HTTP       int
	Code       string // ours
	ProvCode   string
	Detail     string
	ProviderID string
	StartedAt  time.Time
	Latency    time.Duration
	Suppress   bool  // the recipient refuses messages
	Channel    int64 // with Ref: keep the provider's id for later callbacks
	KeepRef    bool
	Paged      bool   // it was claimed in a page: see Claimed
	TID        pg.TID // as in Claimed
	Campaign   int64  // of the message; 0: none
	Limited    bool   // the channel has a messaging limit
	// Seen is set when the provider named the recipient of Account otherwise.
	Account int64
	Seen    people.Seen
}

// FollowUp reports whether o means something besides its own message: for its
// campaign, a messaging limit, its template or what is known of its recipient.
func (o *Outcome) FollowUp() bool {
	return o.Campaign != 0 || o.Limited || o.Code == dispatch.FailTemplate || o.Code == dispatch.FailPaused || o.Seen != people.Seen{}
}

// lockRows is how every statement that settles messages begins: it locks each
// message's dispatch row, if there is one, then its messages row, in id order,
// so that completions and callbacks of the same messages never deadlock. One
// index lookup a row: joins over a page would be quadratic, since the planner
// believes that a page is one row.
const lockRows = `
WITH o AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::double precision[], $5::integer[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::bigint[], $11::integer[])
    AS t(id, claim, result, delay_s, http, code, provider_code, detail, provider_id, started_us, latency_ms)),
  x AS MATERIALIZED (SELECT o.*, d.claim AS d_claim, d.state AS d_state, d.maybe_sent AS d_maybe, m.status AS was, m.maybe_sent AS was_maybe
    FROM o
    LEFT JOIN LATERAL (SELECT d.claim, d.state, d.maybe_sent FROM dispatch d WHERE d.message_id = o.id FOR UPDATE) d ON true
    CROSS JOIN LATERAL (SELECT m.status, m.maybe_sent FROM messages m WHERE m.id = o.id FOR UPDATE) m)`

const attempt = `
  INSERT INTO attempts (message_id, claim, outcome, http, code, detail, provider_message_id, started_at, latency_ms)
  SELECT id, claim, result, http, nullif(coalesce(provider_code, code), ''), detail, provider_id, to_timestamp(started_us / 1e6),
    latency_ms`

// late is true of a message m that is sent later than dispatch.SlowAfter after its time, unless
// it is bulk, else NULL.
const late = `nullif(m.lane <> {lane_bulk} AND now() > coalesce(m.send_at, m.created_at) + interval '{slow_s} seconds', false)`

const insertAttempts = attempt + ` FROM o`

// sqlSettle: the provider accepted. A fact needs no fence: whoever reports it, the
// dispatch row goes and the message is at least sent. When another claim is in
// flight at that moment (we had been given up), its call is noted as cut off:
// a tombstone, so that a possible second copy stays visible; and a message of
// which the provider took two copies keeps its mark.
var sqlSettle = numbers.SQL(lockRows + `,
 q AS MATERIALIZED (SELECT x.id, bool_or(p.claim <> x.claim
 AND p.outcome IN ({result_accepted}, {result_doubtful}, {result_unknown})) AS other,
     bool_or(p.claim = x.claim AND p.outcome = {result_accepted}) AS settled
   FROM x JOIN attempts p ON p.message_id = x.id WHERE x.was_maybe GROUP BY x.id),
 y AS MATERIALIZED (SELECT x.*, x.was_maybe AND coalesce(q.other, false) AS other_call, x.was_maybe
 AND NOT coalesce(q.settled, false) AS not_settled
   FROM x LEFT JOIN q ON q.id = x.id),
 d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT id FROM x WHERE d_state IS NOT NULL))),
 t AS (INSERT INTO attempts (message_id, claim, outcome, detail)
   SELECT id, d_claim, {result_unknown}, 'cut off: an earlier call was accepted' FROM x WHERE d_state = {claimed} AND d_claim <> claim
     ON CONFLICT DO NOTHING),
 a AS (` + attempt + ` FROM x WHERE (d_state = {claimed} AND d_claim = claim) IS TRUE),
 k AS (` + attempt + ` FROM x WHERE (d_state = {claimed} AND d_claim = claim) IS NOT TRUE
   ON CONFLICT (message_id, claim) DO UPDATE SET outcome = {result_accepted}, provider_message_id = excluded.provider_message_id,
     http = excluded.http,
   code = NULL, detail = excluded.detail, latency_ms = excluded.latency_ms, started_at = excluded.started_at),
 u AS (UPDATE messages m SET provider_message_id = coalesce(m.provider_message_id, y.provider_id), updated_at = now(),
   version = m.version + 1,
   sent_at = coalesce(m.sent_at, now()),
   status = CASE WHEN m.status < {sent} OR m.status > {failed} OR (m.status = {failed} AND m.final_by = {by_us}) THEN {sent}
     ELSE m.status END,
   final_by = CASE WHEN m.status < {sent} OR m.status > {failed} OR (m.status = {failed} AND m.final_by = {by_us}) THEN {by_us}
     ELSE m.final_by END,
   error_code = CASE WHEN m.status >= {failed} AND NOT (m.status = {failed} AND m.final_by = {by_provider}) THEN NULL ELSE m.error_code END,
   maybe_sent = coalesce(y.d_maybe OR (y.d_state = {claimed} AND y.d_claim <> y.claim), false) OR y.other_call
   FROM y WHERE m.id = y.id AND (m.provider_message_id IS NULL OR m.status < {sent} OR m.status > {failed} OR (m.status = {failed}
     AND m.final_by = {by_us}) OR y.not_settled)
   RETURNING m.id, m.account_id, m.channel_id, m.version, m.status, y.was, ` + late + ` AS late)
INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, late)
SELECT id, account_id, channel_id, {sent}, version, 'worker', late FROM u WHERE status = {sent} AND was <> {sent}`)

// sqlSettlePlain is sqlSettle for calls whose claim holds and whose messages
// were never in doubt, which is nearly every one. Its locks come in the order of
// lockRows: each row that is deleted goes to the update before the next one. It
// returns the messages that it has not settled; sqlSettle finds out what they
// are. $9 and $10, the first and the last id, leave out the partitions that
// hold none of them. (o.result holds of all rows; the planner takes it for one row, and
// looks dispatch up by id; + 0 keeps it from reading the index of all claimed rows.)
var sqlSettlePlain = numbers.SQL(`
WITH o AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::integer[], $5::text[], $6::text[], $7::bigint[],
  $8::integer[]) AS t(id, claim, result, http, detail, provider_id, started_us, latency_ms)),
 d AS (DELETE FROM dispatch d USING o
   WHERE d.message_id = o.id AND d.claim = o.claim AND d.state + 0 = {claimed} AND NOT d.maybe_sent AND o.result = {result_accepted}
   RETURNING o.*),
 u AS (UPDATE messages m SET provider_message_id = coalesce(m.provider_message_id, d.provider_id), updated_at = now(),
   version = m.version + 1, sent_at = coalesce(m.sent_at, now()), status = {sent}, final_by = {by_us}
   FROM d WHERE m.id = d.id AND m.id BETWEEN $9::uuid AND $10::uuid AND m.status = {queued}
   RETURNING m.account_id, m.channel_id, m.version, ` + late + ` AS late, d.*),
 a AS (INSERT INTO attempts (message_id, claim, outcome, http, detail, provider_message_id, started_at, latency_ms)
   SELECT id, claim, result, http, detail, provider_id, to_timestamp(started_us / 1e6), latency_ms FROM u),
 e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, late)
   SELECT id, account_id, channel_id, {sent}, version, 'worker', late FROM u)
SELECT o.id FROM o LEFT JOIN u ON u.id = o.id WHERE u.id IS NULL`)

// sqlRetry: the call is known not to have succeeded (or, doubtful, counts as
// maybe sent). Only the holder of the claim may reopen the row. A throttled
// call is not counted. ("+ 0" is as in sqlSettlePlain.)
var sqlRetry = numbers.SQL(lockRows + `,
 a AS (` + insertAttempts + ` WHERE result <> 0 ON CONFLICT (message_id, claim) DO UPDATE
   SET outcome = excluded.outcome, http = excluded.http, code = excluded.code,
   detail = excluded.detail, latency_ms = excluded.latency_ms, started_at = excluded.started_at WHERE attempts.outcome = {result_unknown})
UPDATE dispatch d SET unknowns = d.unknowns - (d.state = {resolving})::int, state = {ready},
  due_at = now() + make_interval(secs => x.delay_s), wake_at = least(now() + make_interval(secs => x.delay_s), greatest(d.expires_at,
    now())),
  attempts = d.attempts - (x.result IN (0, 4))::int, rl_hits = d.rl_hits + (x.result = 4)::int, maybe_sent = d.maybe_sent OR x.result = 8
FROM x WHERE d.message_id = x.id AND d.claim = x.claim AND d.state + 0 BETWEEN {claimed} AND {resolving}`)

// sqlResolve: the outcome is unknown. The row waits for evidence and wakes by itself.
var sqlResolve = numbers.SQL(lockRows + `,
 a AS (` + insertAttempts + ` ON CONFLICT DO NOTHING),
 u AS (UPDATE messages m SET maybe_sent = true, version = m.version + 1, updated_at = now() FROM x WHERE m.id = x.id AND NOT m.maybe_sent)
UPDATE dispatch d SET state = {resolving}, unknowns = d.unknowns + 1, maybe_sent = true, wake_at = now() + make_interval(secs => x.delay_s)
FROM x WHERE d.message_id = x.id AND d.claim = x.claim AND d.state + 0 = {claimed}`)

// sqlFail: the end. With a call that may have succeeded the end is called
// unknown, never failed.
var sqlFail = numbers.SQL(lockRows + `,
 a AS (` + insertAttempts + ` WHERE result <> 0 ON CONFLICT (message_id, claim) DO UPDATE
   SET outcome = excluded.outcome, http = excluded.http, code = excluded.code,
   detail = excluded.detail, latency_ms = excluded.latency_ms, started_at = excluded.started_at WHERE attempts.outcome = {result_unknown}),
 d AS (DELETE FROM dispatch d USING x WHERE d.message_id = x.id AND d.claim = x.claim AND d.state + 0 BETWEEN {claimed} AND {resolving}
   RETURNING d.message_id, d.maybe_sent OR x.result = 8 OR x.was_maybe AS maybe_sent, x.code, x.provider_code, x.detail),
 u AS (UPDATE messages m SET status = CASE WHEN d.maybe_sent THEN {unknown}
   ELSE {failed} END, maybe_sent = d.maybe_sent, final_by = {by_us}, failed_at = now(), updated_at = now(), version = m.version + 1,
   error_code = d.code, error_provider_code = d.provider_code, error_message = d.detail
   FROM d WHERE m.id = d.message_id AND m.status < {sent}
   RETURNING m.id, m.account_id, m.channel_id, m.version, m.status, m.charged, m.fallback, d.code, d.provider_code, d.detail),
 f AS (INSERT INTO fallbacks (message_id, wake_at, cause) SELECT id, now(), 'failed' FROM u WHERE status = {failed} AND fallback IS NOT NULL
   ON CONFLICT (message_id) DO UPDATE SET wake_at = now(), cause = 'failed'),
 e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, code, detail)
   SELECT id, account_id, channel_id, status, version, 'worker', coalesce(provider_code, code), detail FROM u)
SELECT id, channel_id, status, charged, coalesce(code, '') AS code FROM u WHERE status = {failed}`)

// Complete writes the outcomes of finished calls. Those accepted go first and
// in one statement; each group is idempotent, so that the caller repeats the
// whole page until Postgres has it. It returns the messages that failed.
func (s *Store) Complete(ctx context.Context, outs []Outcome) ([]Failure, error) {
	groups := map[Action][]Outcome{}
	if !slices.ContainsFunc(outs, func(o Outcome) bool { return o.Action != Settle }) {
		groups[Settle] = slices.Clone(outs)
	} else {
		for _, o := range outs {
			a := o.Action
			if a == Release {
				a, o.Result = Retry, 0
			}
			groups[a] = append(groups[a], o)
		}
	}
	// Before the rows settle: a callback must find the id or the open call.
	if err := s.keepRefs(ctx, groups[Settle]); err != nil {
		return nil, err
	}
	if err := s.settle(ctx, groups[Settle]); err != nil {
		return nil, err
	}
	if err := s.eject(ctx, slices.Concat(groups[Retry], groups[Resolve], groups[Fail])); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		action Action
		sql    string
		doing  string
	}{{Retry, sqlRetry, "retry"}, {Resolve, sqlResolve, "resolve"}} {
		if g := groups[step.action]; len(g) > 0 {
			if _, err := s.db.ExecPrepared(ctx, step.sql, outcomeArgs(g)...); err != nil {
				return nil, pg.Wrap(step.doing, err)
			}
		}
	}
	if err := s.wakeParked(ctx, groups[Resolve]); err != nil {
		return nil, err
	}
	return s.fail(ctx, groups[Fail])
}

// settle writes accepted calls: as of pages or of rows, and then those that are not as
// expected.
func (s *Store) settle(ctx context.Context, outs []Outcome) error {
	rows, paged := outs, []Outcome(nil)
	if isPaged := func(o Outcome) bool { return o.Paged }; slices.ContainsFunc(outs, isPaged) {
		paged = slices.DeleteFunc(slices.Clone(outs), func(o Outcome) bool { return !o.Paged })
		rows = slices.DeleteFunc(outs, isPaged)
	}
	return cmp.Or(s.settleBy(ctx, s.ofPages(ctx), paged), s.settleBy(ctx, sqlSettlePlain, rows))
}

// ofPages returns the statement that settles messages of pages.
func (s *Store) ofPages(ctx context.Context) string {
	if s.db.PicksPartitions(ctx) {
		return sqlSettlePaged
	}
	return sqlSettlePagedByID
}

// settleBy writes accepted calls with a statement that returns those for which it is not
// made, and these with settleOdd.
func (s *Store) settleBy(ctx context.Context, query string, outs []Outcome) error {
	if len(outs) == 0 {
		return nil
	}
	var rest []dispatch.ID
	err := s.db.SelectPrepared(ctx, &rest, query, settleArgs(outs)...)
	if err == nil && len(rest) > 0 {
		odd := slices.DeleteFunc(slices.Clone(outs), func(o Outcome) bool { return !slices.Contains(rest, o.ID) })
		err = s.settleOdd(ctx, odd)
	}
	return pg.Wrap("settle", err)
}

// settleOdd writes accepted calls one of which may be anything, also a message that only moved
// since its claim: it is still held there, and the claim may be opened at any time.
func (s *Store) settleOdd(ctx context.Context, outs []Outcome) error {
	if err := s.eject(ctx, outs); err != nil {
		return err
	}
	_, err := s.db.ExecPrepared(ctx, sqlSettle, outcomeArgs(outs)...)
	return err
}

// settleArgs are the arguments of sqlSettlePlain or, of outcomes of pages, those of sqlSettlePaged.
func settleArgs(outs []Outcome) []any {
	a := outcomeArgs(outs) // sorts them
	args := []any{a[0], a[1], a[2], a[4], a[7], a[8], a[9], a[10], outs[0].ID.String(), outs[len(outs)-1].ID.String()}
	if !outs[0].Paged {
		return args
	}
	tids := make(pg.TIDColumn, len(outs))
	for i := range outs {
		tids[i] = outs[i].TID
	}
	return append(args, tids)
}

func (s *Store) fail(ctx context.Context, outs []Outcome) (failed []Failure, err error) {
	if len(outs) == 0 {
		return nil, nil
	}
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		var rows []applied
		if err := tx.SelectPrepared(ctx, &rows, sqlFail, outcomeArgs(outs)...); err != nil {
			return pg.Wrap("fail", err)
		}
		var paid []string
		failed = make([]Failure, len(rows))
		for i, r := range rows {
			failed[i] = Failure{ID: r.ID, Channel: r.Channel, Code: r.Code}
			if r.Charged == chargePaid {
				paid = append(paid, r.ID.String())
			}
		}
		if err := refund(ctx, tx, paid); err != nil {
			return err
		}
		var refusals []people.Refusal
		for _, o := range outs {
			if o.Suppress {
				refusals = append(refusals, people.Refusal{Message: o.ID, Scope: dispatch.ScopeOfRefusal(o.ProvCode)})
			}
		}
		return people.Refuse(ctx, tx, refusals)
	})
	if err != nil {
		return nil, err
	}
	return failed, nil
}

func refund(ctx context.Context, tx *pg.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := lockBalances(ctx, tx, ids); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, sqlRefund, pq.Array(ids))
	return pg.Wrap("refund", err)
}

func outcomeArgs(outs []Outcome) []any {
	slices.SortFunc(outs, func(a, b Outcome) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	n := len(outs)
	ids, claims := make([]uuid.UUID, n), make([]uuid.UUID, n)
	results, https, lat := make([]int64, n), make([]int64, n), make([]int64, n)
	delays := make([]float64, n)
	codes, prov, details, pids := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	started := make([]*int64, n)
	for i, o := range outs {
		ids[i], claims[i], results[i], https[i], lat[i] = o.ID, o.Claim, int64(o.Result), int64(o.HTTP), o.Latency.Milliseconds()
		delays[i] = o.Delay.Seconds()
		codes[i], prov[i], details[i], pids[i], started[i] = pg.Nullable(o.Code), pg.Nullable(o.ProvCode), pg.Nullable(o.Detail),
			pg.Nullable(o.ProviderID), pg.Micros(o.StartedAt)
	}
	return []any{
		pg.IDColumn(ids), pg.IDColumn(claims), pg.Int2Column(results), pg.FloatColumn(delays), pg.Int4Column(https), pg.NullTextColumn(codes),
		pg.NullTextColumn(prov), pg.NullTextColumn(details), pg.NullTextColumn(pids), pg.NullInt8Column(started), pg.Int4Column(lat),
	}
}
