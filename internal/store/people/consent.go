package people

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// What a person asks for.
const (
	askedNothing = 0
	askedStop    = 1
	askedStart   = 2
)

// follow are the parts of a statement that do what k asks for, whose rows are
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

var sqlConsent = numbers.SQL(`
WITH k AS MATERIALIZED (SELECT $1::bigint AS account_id, $2::text AS phone, $3::integer AS asked, $4::text AS scope, $5::text AS reason,
    $6::text AS detail,
    $7::text AS source, least(now(), to_timestamp($8::bigint / 1e6)) AS at),` + follow + `
SELECT`)

// Consent follows what a provider reports of a person's wish. It is safe to
// repeat and to come late.
func (p *People) Consent(ctx context.Context, account int64, c dispatch.Consent) error {
	asked, reason, source := askedStop, "stop", "event"
	if c.Start {
		asked = askedStart
	}
	if c.Refused {
		reason, source = "provider", "refusal"
	}
	if c.At.IsZero() {
		c.At = time.Now()
	}
	_, err := p.db.ExecContext(ctx, sqlConsent, account, pg.FitRef(c.Person), asked, c.Scope, reason, storable.Clean(c.Detail), source, *pg.Micros(c.At))
	return pg.Wrap("follow consent", err)
}

// OptOutLanguages returns the languages whose opt-out words count in the account;
// none: it has chosen none.
func (p *People) OptOutLanguages(ctx context.Context, account int64) ([]string, error) {
	var languages pq.StringArray
	err := p.db.GetContext(ctx, &languages, `SELECT coalesce(opt_out_languages, '{}') FROM accounts WHERE id = $1`, account)
	return languages, pg.Wrap("read opt-out languages", err)
}
