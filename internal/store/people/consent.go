package people

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The kinds of consent.
const (
	askedNothing = 0
	askedStop    = 1
	askedStart   = 2
)

// follow are the parts of a statement that carry out k, whose rows are
// account_id, phone (any id of a person), asked, scope, reason, detail, source
// and at. What counts is the time at which the person asked: an older START does
// not lift a newer STOP, nor the other way round. START lifts what persons and
// providers set, resume (scope marketing) a stop of marketing, and neither lifts
// what an operator set, also above a STOP.
var follow = `
  s AS (INSERT INTO suppressions AS p (account_id, phone, reason, detail, source, scope, stopped_at, marketing_at)
    SELECT account_id, phone, reason, detail, source, scope, CASE scope WHEN 'all' THEN at END, CASE scope WHEN 'marketing' THEN at END
    FROM k WHERE asked = {asked_stop} AND NOT EXISTS (SELECT 1 FROM opt_ins y WHERE y.account_id = k.account_id AND y.at > k.at
      AND y.scope IN ('all', k.scope) AND (y.value = k.phone OR y.value = ANY(` + LinkedTo("k.account_id", "k.phone") + `)))
    ORDER BY phone ON CONFLICT (account_id, phone) DO UPDATE SET
      scope = CASE WHEN 'all' IN (p.scope, excluded.scope) THEN 'all' ELSE 'marketing' END,
      stopped_at = greatest(p.stopped_at, excluded.stopped_at), marketing_at = greatest(p.marketing_at, excluded.marketing_at)),
  y AS (INSERT INTO opt_ins (account_id, value, scope, at)
    SELECT account_id, phone, scope, at FROM k WHERE asked = {asked_start} ORDER BY phone
    ON CONFLICT (account_id, value, scope) DO UPDATE SET at = greatest(opt_ins.at, excluded.at)),
  l AS MATERIALIZED (SELECT p.account_id, p.phone, p.manual,
      CASE WHEN k.scope = 'all' AND p.stopped_at <= k.at THEN NULL ELSE p.stopped_at END AS stopped_at,
      CASE WHEN p.marketing_at <= k.at THEN NULL ELSE p.marketing_at END AS marketing_at
    FROM k JOIN suppressions p ON p.account_id = k.account_id AND (p.phone = k.phone
      OR p.phone = ANY(` + LinkedTo("k.account_id", "k.phone") + `))
    WHERE k.asked = {asked_start}),
  d AS (DELETE FROM suppressions p USING l WHERE p.account_id = l.account_id AND p.phone = l.phone
    AND l.manual IS NULL AND l.stopped_at IS NULL AND l.marketing_at IS NULL),
  u AS (UPDATE suppressions p SET stopped_at = l.stopped_at, marketing_at = l.marketing_at,
      scope = CASE WHEN l.manual = 'all' OR l.stopped_at IS NOT NULL THEN 'all' ELSE 'marketing' END FROM l
    WHERE p.account_id = l.account_id AND p.phone = l.phone
      AND (l.manual IS NOT NULL OR l.stopped_at IS NOT NULL OR l.marketing_at IS NOT NULL))`

// newest are the columns of k from rows n, of which it takes the last wish of each
// person: one statement must not follow two.
const newest = `SELECT DISTINCT ON (who) account_id, phone, asked, scope, reason, detail, source, at
    FROM (SELECT n.*, coalesce((SELECT person::text FROM identities a WHERE a.account_id = n.account_id
    AND a.value = n.phone), phone) AS who
      FROM n WHERE asked <> {asked_nothing} AND phone <> '') n ORDER BY who, at DESC, ord DESC`

var sqlConsents = numbers.SQL(`
WITH n AS MATERIALIZED (SELECT $1::bigint AS account_id, t.phone, $2::integer AS asked, $3::text AS scope, t.reason, t.detail, t.source,
    least(now(), to_timestamp(t.at_us / 1e6)) AS at, t.ord
  FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]) WITH ORDINALITY AS t(phone, reason, detail, source, at_us,
    ord)),
  k AS MATERIALIZED (` + newest + `),` + follow + `
SELECT`)

// wish is what several persons ask for alike.
type wish struct {
	start bool
	scope string
}

// Consents follows what a provider reports of persons' wishes, those that ask for
// the same in one statement: which comes first does not matter, since the persons'
// own times decide. It is safe to repeat and to come late.
func (p *People) Consents(ctx context.Context, account int64, cs []dispatch.Consent) error {
	by := map[wish][]dispatch.Consent{}
	for _, c := range cs {
		w := wish{c.Start, c.Scope}
		by[w] = append(by[w], c)
	}
	for _, w := range slices.SortedFunc(maps.Keys(by), wish.compare) {
		_, err := pg.EachStorable(by[w], func(some []dispatch.Consent) error { return p.follow(ctx, account, w, some) })
		if err != nil {
			return err
		}
	}
	return nil
}

// compare returns the order in which wishes are followed: that of two processes
// must be one.
func (w wish) compare(o wish) int {
	if w.start != o.start {
		return map[bool]int{false: -1, true: 1}[w.start]
	}
	return cmp.Compare(w.scope, o.scope)
}

func (p *People) follow(ctx context.Context, account int64, w wish, cs []dispatch.Consent) error {
	asked, at := askedStop, make([]int64, len(cs))
	if w.start {
		asked = askedStart
	}
	var persons, reasons, details, sources []string
	for i, c := range cs {
		reason, source := "stop", "event"
		if c.Refused {
			reason, source = "provider", "refusal"
		}
		if c.At.IsZero() {
			c.At = time.Now()
		}
		at[i] = *pg.Micros(c.At)
		persons, details = append(persons, pg.FitRef(storable.Clean(c.Person))), append(details, storable.Clean(c.Detail))
		reasons, sources = append(reasons, reason), append(sources, source)
	}
	_, err := p.db.ExecContext(ctx, sqlConsents, account, asked, w.scope, pq.Array(persons), pq.Array(reasons), pq.Array(details),
		pq.Array(sources), pq.Array(at))
	if err != nil || !w.start {
		return pg.Wrap("follow consents", err)
	}
	wishes := make([]erasure.OptIn, len(cs))
	for i := range cs {
		wishes[i] = erasure.OptIn{ID: persons[i], At: time.UnixMicro(at[i])}
	}
	return erasure.FollowOptIns(ctx, p.db, account, w.scope, wishes)
}

// Refusal is a provider's refusal of a message to a person who wants none.
type Refusal struct {
	Message dispatch.ID
	Scope   string    // dispatch.ScopeAll or ScopeMarketing
	At      time.Time // zero: now
}

var sqlRefused = numbers.SQL(`
WITH k AS MATERIALIZED (SELECT m.account_id, m.recipient AS phone, {asked_stop} AS asked, min(t.scope) AS scope, 'provider' AS reason,
    '' AS detail, 'refusal' AS source, max(least(now(), coalesce(to_timestamp(t.at_us / 1e6), now()))) AS at
  FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t(id, scope, at_us) JOIN messages m ON m.id = t.id
  WHERE m.recipient <> '' GROUP BY 1, 2),` + follow + `
SELECT`)

// Refuse suppresses the recipients of refused messages, unless they have opted in
// since.
func Refuse(ctx context.Context, q *pg.DB, refusals []Refusal) error {
	if len(refusals) == 0 {
		return nil
	}
	ids, scopes, at := make([]dispatch.ID, len(refusals)), make([]string, len(refusals)), make([]*int64, len(refusals))
	for i, r := range refusals {
		ids[i], scopes[i], at[i] = r.Message, r.Scope, pg.Micros(r.At)
	}
	_, err := q.ExecContext(ctx, sqlRefused, pg.UUIDArray(ids), pq.Array(scopes), pg.NullableArray(at))
	return pg.Wrap("suppress recipients", err)
}

// OptOutLanguages returns the languages whose opt-out words count in the account;
// none: it has chosen none.
func (p *People) OptOutLanguages(ctx context.Context, account int64) ([]string, error) {
	var languages pq.StringArray
	err := p.db.GetContext(ctx, &languages, `SELECT coalesce(opt_out_languages, '{}') FROM accounts WHERE id = $1`, account)
	return languages, pg.Wrap("read opt-out languages", err)
}
