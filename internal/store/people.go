package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// linkedTo returns the SQL of the array of all ids of the person who has the id
// value; it is empty for the many of whom one number is all that is known.
func linkedTo(account, value string) string {
	return `ARRAY(SELECT b.value FROM identities a JOIN identities b ON b.account_id = a.account_id AND b.person = a.person
      WHERE a.account_id = ` + account + ` AND a.value = ` + value + `)`
}

// heldBack returns the SQL of whether a suppression holds back a message to the
// recipient, one of whose ids is in the array ids.
func heldBack(account, recipient, ids, marketing string) string {
	of := func(match string) string {
		return `EXISTS (SELECT 1 FROM suppressions s WHERE s.account_id = ` + account + ` AND s.phone = ` + match + ` AND (s.scope = 'all' OR ` + marketing + `))`
	}
	return `(` + of(recipient) + ` OR ` + of(`ANY(`+ids+`)`) + `)`
}

// openWindow returns the SQL of whether the person has written to the channel in
// the last 24 hours.
func openWindow(channel, recipient, ids string) string {
	of := func(match string) string {
		return `EXISTS (SELECT 1 FROM windows w WHERE w.channel_id = ` + channel + ` AND w.phone = ` + match + ` AND w.opened_at > now() - interval '24 hours')`
	}
	return `(` + of(recipient) + ` OR ` + of(`ANY(`+ids+`)`) + `)`
}

// IDsOf returns all ids of the person who has one of them, that one included.
func (s *Store) IDsOf(ctx context.Context, account int64, id string) ([]string, error) {
	return idsOf(ctx, s.db, account, id)
}

func idsOf(ctx context.Context, q *pg.DB, account int64, id string) ([]string, error) {
	var ids []string
	err := q.SelectContext(ctx, &ids, `SELECT unnest(`+linkedTo("$1", "$2")+`)`, account, id)
	if !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return ids, pg.Wrap("read a person's ids", err)
}

// KnownID reports whether a provider has named a person of the account by the id.
func (s *Store) KnownID(ctx context.Context, account int64, id string) (bool, error) {
	var known bool
	err := s.db.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM identities WHERE account_id = $1 AND value = $2)`, account, id)
	return known, pg.Wrap("look for a person's id", err)
}

// Link notes that the ids, as dispatch.PersonID returns them, are one person's.
// Persons that were two until then become one.
func (s *Store) Link(ctx context.Context, account int64, ids ...string) error {
	return link(ctx, s.db, account, ids)
}

const sqlLink = `
WITH old AS (SELECT DISTINCT person FROM identities WHERE account_id = $1 AND value = ANY($2)),
  one AS MATERIALIZED (SELECT coalesce((SELECT min(person) FROM old), nextval('people_id')) AS person),
  u AS (UPDATE identities i SET person = one.person FROM one
    WHERE i.account_id = $1 AND i.person IN (SELECT person FROM old) AND i.person <> one.person)
INSERT INTO identities (account_id, value, person) SELECT $1, v, one.person FROM one, unnest($2::text[]) AS v
ON CONFLICT (account_id, value) DO NOTHING`

// link writes nothing about a person of whom only a number is known, or whose
// ids are linked already.
func link(ctx context.Context, q *pg.DB, account int64, ids []string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 || (len(ids) == 1 && dispatch.IsPhone(ids[0])) {
		return nil
	}
	var known struct{ Values, Persons int }
	err := q.GetContext(ctx, &known, `SELECT count(*) AS values, count(DISTINCT person) AS persons FROM identities
		WHERE account_id = $1 AND value = ANY($2)`, account, pq.Array(ids))
	if err != nil || (known.Values == len(ids) && known.Persons == 1) {
		return pg.Wrap("read a person's ids", err)
	}
	return q.Tx(ctx, func(tx *pg.DB) error {
		// Links of one account are made one after the other: two that share an id
		// must not make two persons of it.
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('people', $1))`, account); err != nil {
			return pg.Wrap("lock the account's people", err)
		}
		_, err := tx.ExecContext(ctx, sqlLink, account, pq.Array(ids))
		return pg.Wrap("link a person's ids", err)
	})
}

// Choice is what a person, or a provider for them, asks for.
type Choice struct {
	ID     string // one of the person's ids
	Stop   bool   // no more messages; else: messages again
	Scope  string // all, or marketing alone
	Reason string // stop or provider
	Detail string
	At     time.Time // by the person's own clock; never later than now
}

// Choose follows a person's choice, unless they have chosen otherwise since.
func (s *Store) Choose(ctx context.Context, account int64, c *Choice) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error { return choose(ctx, tx, account, c) })
}

func choose(ctx context.Context, tx *pg.DB, account int64, c *Choice) error {
	ids, err := idsOf(ctx, tx, account, c.ID)
	if err != nil {
		return err
	}
	at := c.At
	if at.IsZero() || at.After(time.Now()) {
		at = time.Now()
	}
	at = time.UnixMicro(at.UnixMicro())
	scope := cmp.Or(c.Scope, dispatch.ScopeAll)
	if c.Stop {
		_, err := tx.ExecContext(ctx, sqlStop, account, c.ID, pq.Array(ids), scope, c.Reason, pg.Storable(c.Detail), at)
		return pg.Wrap("suppress a person", err)
	}
	for _, query := range []string{sqlOptIn, sqlLift, sqlDropLifted, sqlShowLifted} {
		args := []any{account, pq.Array(ids)}
		switch query {
		case sqlOptIn:
			args = []any{account, c.ID, scope, at}
		case sqlLift:
			args = append(args, scope, at)
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return pg.Wrap("lift a person's suppression", err)
		}
	}
	return nil
}

// sqlStop adds a layer of a suppression, unless the person opted in later.
const sqlStop = `
INSERT INTO suppressions AS s (account_id, phone, reason, detail, scope, stopped_at, marketing_at)
SELECT $1, $2, $5, $6, $4::text, CASE WHEN $4::text = 'all' THEN $7::timestamptz END, CASE WHEN $4::text = 'marketing' THEN $7::timestamptz END
WHERE NOT EXISTS (SELECT 1 FROM opt_ins o WHERE o.account_id = $1 AND o.value = ANY($3) AND o.at > $7::timestamptz AND (o.scope = 'all' OR $4::text = 'marketing'))
ON CONFLICT (account_id, phone) DO UPDATE SET scope = CASE WHEN excluded.scope = 'all' THEN 'all' ELSE s.scope END,
  reason = CASE WHEN s.reason <> 'manual' AND s.scope = 'marketing' AND excluded.scope = 'all' THEN excluded.reason ELSE s.reason END,
  detail = CASE WHEN s.reason <> 'manual' AND s.scope = 'marketing' AND excluded.scope = 'all' THEN excluded.detail ELSE s.detail END,
  manual = coalesce(s.manual, CASE WHEN s.reason = 'manual' THEN s.scope END),
  stopped_at = greatest(s.stopped_at, excluded.stopped_at), marketing_at = greatest(s.marketing_at, excluded.marketing_at)`

const sqlOptIn = `
INSERT INTO opt_ins AS o (account_id, value, scope, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, value, scope) DO UPDATE SET at = greatest(o.at, excluded.at)`

// sqlLift takes away the layers that are older than the START. Rows that an
// older version of the server wrote have no layers: reason and created_at stand
// for them.
const sqlLift = `
UPDATE suppressions s SET manual = coalesce(s.manual, CASE WHEN s.reason = 'manual' THEN s.scope END),
  stopped_at = CASE WHEN $3 = 'all' AND x.stopped_at <= $4 THEN NULL ELSE x.stopped_at END,
  marketing_at = CASE WHEN s.marketing_at <= $4 THEN NULL ELSE s.marketing_at END
FROM (SELECT phone, coalesce(stopped_at, CASE WHEN reason <> 'manual' AND scope = 'all' THEN created_at END) AS stopped_at
  FROM suppressions WHERE account_id = $1 AND phone = ANY($2) FOR UPDATE) x
WHERE s.account_id = $1 AND s.phone = x.phone`

const sqlDropLifted = `
DELETE FROM suppressions WHERE account_id = $1 AND phone = ANY($2) AND manual IS NULL AND stopped_at IS NULL AND marketing_at IS NULL`

const sqlShowLifted = `
UPDATE suppressions SET scope = CASE WHEN manual = 'all' OR stopped_at IS NOT NULL THEN 'all' ELSE 'marketing' END
WHERE account_id = $1 AND phone = ANY($2)`

// copyChoices suppresses a person's new number as far as the old one is.
func copyChoices(ctx context.Context, tx *pg.DB, account int64, from, to string) error {
	ids, err := idsOf(ctx, tx, account, from)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO suppressions (account_id, phone, reason, detail, scope, manual, stopped_at, marketing_at)
		SELECT account_id, $3, reason, detail, scope, manual, stopped_at, marketing_at FROM suppressions WHERE account_id = $1 AND phone = ANY($2)
		ORDER BY scope, created_at LIMIT 1 ON CONFLICT DO NOTHING`, account, pq.Array(ids), to)
	return pg.Wrap("copy a suppression to the new number", err)
}

// OptOutLanguages returns the languages whose words opt out of the account's
// messages; none: the default.
func (s *Store) OptOutLanguages(ctx context.Context, account int64) ([]string, error) {
	var langs pq.StringArray
	err := s.db.GetContext(ctx, &langs, `SELECT opt_out_languages FROM accounts WHERE id = $1`, account)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return langs, pg.Wrap("read opt-out languages", err)
}
