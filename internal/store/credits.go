package store

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// reserveCredits locks the paying accounts of the page, in id order, and drops
// the messages that their balance doesn't cover: concurrent sends never
// overdraw.
func (s *Store) reserveCredits(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) ([]*NewMessage,
	error,
) {
	var accounts []int64
	for _, a := range page {
		if a.Charge {
			accounts = append(accounts, a.Account)
		}
	}
	if len(accounts) == 0 {
		return page, nil
	}
	var rows []struct {
		ID      int64 `db:"id"`
		Balance int64 `db:"balance"`
	}
	if err := tx.SelectContext(ctx, &rows, `SELECT id, balance FROM accounts WHERE id = ANY($1)
	  ORDER BY id FOR NO KEY UPDATE`, pq.Array(accounts)); err != nil {
		return nil, pg.Wrap("lock balances", err)
	}
	left := map[int64]int64{}
	for _, r := range rows {
		left[r.ID] = r.Balance
	}
	var poor []*NewMessage
	rich := slices.DeleteFunc(slices.Clone(page), func(a *NewMessage) bool {
		if !a.Charge {
			return false
		}
		if left[a.Account] < a.Price || left[a.Account] <= 0 {
			poor = append(poor, a)
			return true
		}
		left[a.Account] -= a.Price
		return false
	})
	return rich, s.refusePoor(ctx, tx, poor, out)
}

// refusePoor answers those whose balance is used up; a repeat of an accepted
// request still gets its first answer.
func (s *Store) refusePoor(ctx context.Context, tx *pg.DB, poor []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	if len(poor) == 0 {
		return nil
	}
	if err := s.resolveMissing(ctx, tx, poor, map[dispatch.ID]*acceptRow{}, out); err != nil {
		return err
	}
	for _, a := range poor {
		if r := out[a.ID]; r.Err != nil && dispatch.CodeOf(r.Err) == dispatch.Internal {
			out[a.ID] = dispatch.Receipt{Err: lowBalance()}
		}
	}
	return nil
}

func lowBalance() error {
	return dispatch.Errorf(dispatch.LowBalance, "the account's balance does not cover this message")
}

// sqlAcceptPaid is sqlAcceptOnce for messages that one account pays: it debits what
// was inserted, and divides by zero when the balance doesn't cover all of it;
// the page then goes the long way, which finds out who is refused. The account
// is locked only from here to the end of the statement.
var sqlAcceptPaid = strings.ReplaceAll(sqlAcceptWrites+`, paid AS (
  SELECT account_id, id, price FROM done WHERE charge
), l AS (
  INSERT INTO ledger (account_id, message_id, amount, kind) SELECT account_id, id, -price, 'debit' FROM paid
), b AS (
  UPDATE accounts a SET balance = a.balance - s.total / (a.balance >= s.total)::int
  FROM (SELECT account_id, sum(price)::bigint AS total FROM paid GROUP BY account_id) s WHERE a.id = s.account_id
)`+sqlAcceptAnswer, repeated, "")

func charged(page []*NewMessage) bool {
	return slices.ContainsFunc(page, func(a *NewMessage) bool { return a.Charge })
}

const sqlDebit = `
WITH d AS (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS t(account_id, message_id, price)),
  l AS (INSERT INTO ledger (account_id, message_id, amount, kind) SELECT account_id, message_id, -price, 'debit' FROM d)
UPDATE accounts a SET balance = balance - s.total
FROM (SELECT account_id, sum(price) AS total FROM d GROUP BY account_id) s WHERE a.id = s.account_id`

// debit takes the price of what was really inserted.
func debit(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	var accounts, prices []int64
	var ids []string
	for _, a := range page {
		if r := out[a.ID]; a.Charge && r.Err == nil && r.ID == a.ID {
			accounts, ids, prices = append(accounts, a.Account), append(ids, a.ID.String()), append(prices, a.Price)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, sqlDebit, pq.Array(accounts), pq.Array(ids), pq.Array(prices))
	return pg.Wrap("debit", err)
}

// balanceBounds are those of the column. A refund stops there, rather than fail
// for every message that ends in the same statement.
var balanceBounds = pg.Numbers{"most": math.MaxInt64, "least": math.MinInt64}

// sqlDebitMore books what a changed message costs more, or less, than before.
var sqlDebitMore = balanceBounds.SQL(`
WITH b AS (UPDATE accounts SET balance = LEAST(balance::numeric - $3::bigint, {most})
  WHERE id = $1 AND ($3 < 0 OR (balance >= $3 AND balance > 0)) RETURNING id)
INSERT INTO ledger (account_id, message_id, amount, kind) SELECT id, $2::uuid, -$3, CASE WHEN $3 < 0 THEN 'refund' ELSE 'debit' END FROM b`)

func debitMore(ctx context.Context, tx *pg.DB, account int64, id dispatch.ID, more int64) error {
	if more == 0 {
		return nil
	}
	r, err := tx.ExecContext(ctx, sqlDebitMore, account, id.String(), more)
	if err != nil {
		return pg.Wrap("debit a change", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return pg.Wrap("debit a change", err)
	}
	return lowBalance()
}

// sqlRefund refunds the price of messages that failed, expired or were
// cancelled, once.
var sqlRefund = numbers.Merge(balanceBounds).SQL(`
WITH r AS (UPDATE messages SET charged = {refunded} WHERE id = ANY($1::uuid[]) AND charged = {paid}
  AND status IN ({failed}, {expired}, {cancelled}) RETURNING id, account_id, price),
  l AS (INSERT INTO ledger (account_id, message_id, amount, kind) SELECT account_id, id, price, 'refund' FROM r)
UPDATE accounts a SET balance = LEAST(balance + s.total, {most})
FROM (SELECT account_id, sum(price) AS total FROM r GROUP BY account_id) s WHERE a.id = s.account_id`)

// sqlUnrefund takes a refund back when the message was delivered after all; the
// balance may go below zero.
var sqlUnrefund = numbers.Merge(balanceBounds).SQL(`
WITH r AS (UPDATE messages SET charged = {paid} WHERE id = ANY($1::uuid[]) AND charged = {refunded}
  AND status IN ({sent}, {delivered}, {read}) RETURNING id, account_id, price),
  l AS (INSERT INTO ledger (account_id, message_id, amount, kind) SELECT account_id, id, -price, 'refund_reversed' FROM r)
UPDATE accounts a SET balance = GREATEST(balance - s.total, {least})
FROM (SELECT account_id, sum(price) AS total FROM r GROUP BY account_id) s WHERE a.id = s.account_id`)

// lockBalances locks the accounts of messages in id order, as reserveCredits
// does: pages that move money of several accounts must not deadlock. (NO KEY: what
// refers to an account, such as a suppression, may come in meanwhile.)
func lockBalances(ctx context.Context, tx *pg.DB, ids []string) error {
	_, err := tx.ExecContext(ctx, `SELECT 1 FROM accounts WHERE id = ANY(ARRAY(SELECT account_id FROM messages WHERE id = ANY($1::uuid[])))
	  ORDER BY id FOR NO KEY UPDATE`, pq.Array(ids))
	return pg.Wrap("lock balances", err)
}
