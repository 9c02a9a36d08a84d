// Package portfolio counts the unique users to whom the channels of a group sent
// outside conversation windows in the last 24 hours: a provider's messaging limit
// is on these (Meta, per business portfolio, since October 2025).
package portfolio

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// nameOf returns the name of the group that shares ch's limit: the portfolio that
// it names, else all channels of its provider that name none.
func nameOf(ch *dispatch.Channel) string { return ch.Provider + "/" + ch.Policy.Portfolio }

// person is the SQL of what stands for the person with the id: the name under
// which the person counts already, else person:N or the id.
func person(account, id string) string {
	return `coalesce((SELECT pu.person FROM portfolio_users pu WHERE pu.account_id = ` + account + ` AND pu.portfolio = $2
        AND pu.person = ANY(` + people.Names(account, id) + `) ORDER BY pu.at DESC LIMIT 1),
      ` + people.Name(account, id) + `, ` + id + `)`
}

func inWindow(account, channel, recipient string) string {
	return people.OpenWindow(channel, recipient, people.LinkedTo(account, recipient))
}

const (
	// sqlLock lets one transaction at a time spend of a group's limit.
	sqlLock   = `SELECT pg_advisory_xact_lock(hashtextextended('portfolio ' || $2, $1))`
	sqlForget = `DELETE FROM portfolio_users WHERE account_id = $1 AND portfolio = $2 AND at <= now() - interval '24 hours'`
	sqlUsed   = `SELECT count(*) FROM portfolio_users WHERE account_id = $1 AND portfolio = $2 AND at > now() - interval '24 hours'`
)

// sqlReserve returns which of the recipients $4 fit. Whoever counts already, or has
// an open window, is free; of the others as many fit as the limit $5 leaves, in
// their order.
var sqlReserve = `
WITH r AS MATERIALIZED (SELECT u.recipient, u.n, ` + person("$1::bigint", "u.recipient") + ` AS person
  FROM unnest($4::text[]) WITH ORDINALITY AS u(recipient, n)),
p AS MATERIALIZED (SELECT person, min(n) AS n,
  bool_or(` + inWindow("$1::bigint", "$3::bigint", "r.recipient") + `) AS win FROM r GROUP BY person),
x AS MATERIALIZED (SELECT p.*, EXISTS (SELECT 1 FROM portfolio_users u WHERE u.account_id = $1 AND u.portfolio = $2
  AND u.person = p.person) AS counted FROM p),
fresh AS MATERIALIZED (SELECT person FROM x WHERE NOT win AND NOT counted ORDER BY n
  LIMIT greatest($5::bigint - (SELECT count(*) FROM portfolio_users WHERE account_id = $1 AND portfolio = $2), 0)),
i AS (INSERT INTO portfolio_users (account_id, portfolio, person) SELECT $1, $2, person FROM fresh ORDER BY person
  ON CONFLICT (account_id, portfolio, person) DO NOTHING) -- Note may have counted one meanwhile
SELECT r.recipient FROM r JOIN x USING (person) WHERE x.win OR x.counted OR x.person IN (SELECT person FROM fresh)`

// Reserve takes room for messages of a campaign through ch to the recipients and
// returns who fits. most is how many users may count. free is when there is room
// again, nil if everybody fits. It belongs into the transaction that stores the
// messages.
func Reserve(
	ctx context.Context, tx *pg.DB, ch *dispatch.Channel, most int, recipients []string,
) (fit map[string]bool, free *time.Time, err error) {
	for _, sql := range []string{sqlLock, sqlForget} {
		if _, err := tx.ExecContext(ctx, sql, ch.Account, nameOf(ch)); err != nil {
			return nil, nil, pg.Wrap("lock portfolio", err)
		}
	}
	var fitting []string
	if err := tx.SelectContext(ctx, &fitting, sqlReserve, ch.Account, nameOf(ch), ch.ID, pq.Array(recipients), most); err != nil {
		return nil, nil, pg.Wrap("reserve messages of a portfolio", err)
	}
	fit = make(map[string]bool, len(fitting))
	for _, r := range fitting {
		fit[r] = true
	}
	if len(fitting) == len(recipients) {
		return fit, nil, nil
	}
	err = tx.GetContext(ctx, &free, `SELECT min(at) + interval '24 hours' FROM portfolio_users WHERE account_id = $1 AND portfolio = $2`,
		ch.Account, nameOf(ch))
	return fit, free, pg.Wrap("read portfolio", err)
}

var sqlNote = `
INSERT INTO portfolio_users (account_id, portfolio, person)
SELECT DISTINCT $1::bigint, $2, ` + person("$1::bigint", "m.recipient") + ` AS person FROM messages m
WHERE m.id = ANY($4) AND NOT m.test AND NOT ` + inWindow("$1::bigint", "$3::bigint", "m.recipient") + ` ORDER BY person
ON CONFLICT (account_id, portfolio, person) DO UPDATE SET at = now()`

// Note counts the recipients of messages that the provider took through ch.
func Note(ctx context.Context, db *pg.DB, ch *dispatch.Channel, messages []dispatch.ID) error {
	_, err := db.ExecContext(ctx, sqlNote, ch.Account, nameOf(ch), ch.ID, pg.UUIDArray(messages))
	return pg.Wrap("count users of a portfolio", err)
}

// Used returns how many users count.
func Used(ctx context.Context, db *pg.DB, ch *dispatch.Channel) (n int, err error) {
	err = db.GetContext(ctx, &n, sqlUsed, ch.Account, nameOf(ch))
	return n, pg.Wrap("count users of a portfolio", err)
}

// SetLimit sets the messaging limit of the group of ch, as a provider reports it.
func SetLimit(ctx context.Context, db *pg.DB, ch *dispatch.Channel, limit int) error {
	_, err := db.ExecContext(ctx, `UPDATE channels SET policy = policy || jsonb_build_object('messaging_limit', $4::bigint)
		WHERE account_id = $1 AND provider = $2 AND coalesce(policy->>'portfolio', '') = $3
		AND policy->>'messaging_limit' IS DISTINCT FROM $4::bigint::text`, ch.Account, ch.Provider, ch.Policy.Portfolio, limit)
	return pg.Wrap("set messaging limit", err)
}
