// Package ledger keeps the ledger of campaigns, campaign_recipients, in step
// with their messages, and the counts in step with the ledger: every statement
// that changes a row's status notes the same difference in campaign_changes, and
// whoever adds rows notes them in the same transaction.
//
// Every transaction takes its locks in one order: dispatch and messages by id,
// the balances of accounts, campaign_recipients by campaign and message (rows that
// have none by seq; only the holder of a campaign's step moves these), the
// campaign's row, campaign_counts. Only who holds the campaign's row writes
// campaign_counts (Fold). campaign_changes is inserted into without waiting.
package ledger

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Ref is a message of a campaign.
type Ref struct {
	Campaign int64
	Message  dispatch.ID
}

// Indexed is the indexed_status of a row in a statement. A trigger sets it where a statement does not, row by row.
func Indexed(status, message string) string {
	return numbers.SQL(`CASE WHEN ` + status + ` >= {failed} THEN ` + status + `
    WHEN ` + status + ` = {row_held} AND ` + message + ` IS NOT NULL THEN {row_held_message}::smallint END`)
}

// heldMessage is the indexed_status of a held row that has a message.
const heldMessage = 3

// Numbers are the numbers of a ledger row's statuses and reasons, beside those
// of pg.Domain that are the same.
var Numbers = pg.Numbers{
	"row_waiting": int(campaign.Waiting), "row_held": int(campaign.Held), "row_held_message": heldMessage,
	"row_for_quality": int(campaign.HeldForQuality), "row_skipped": int(campaign.Skipped),
	"skip_suppressed": int(campaign.Suppressed), "skip_duplicate": int(campaign.Duplicate),
	"skip_capped": int(campaign.Capped), "skip_late": int(campaign.TooLate), "skip_window": int(campaign.OutsideWindow),
	"skip_delivered": int(campaign.DeliveredMeanwhile),
}

var numbers = pg.Domain.Merge(Numbers)

// Count is the end of a statement whose CTE c has the rows that change, with
// campaign_id, was, was_reason, status and reason. A was that is null is a new
// row.
var Count = `
INSERT INTO campaign_changes (campaign_id, status, reason, n)
SELECT campaign_id, status, reason, sum(n) FROM (
  SELECT campaign_id, was AS status, was_reason AS reason, -1 AS n FROM c WHERE was IS NOT NULL
  UNION ALL SELECT campaign_id, status, reason, 1 FROM c) x
GROUP BY 1, 2, 3 HAVING sum(n) <> 0`

// Key is what rows are counted by.
type Key struct {
	Status campaign.Status `db:"status"`
	Reason campaign.Reason `db:"reason"`
}

const sqlAdd = `
INSERT INTO campaign_changes (campaign_id, status, reason, n)
SELECT $1, status, reason, n FROM unnest($2::smallint[], $3::smallint[], $4::bigint[]) t (status, reason, n)`

// Add adds rows that this transaction has added to a campaign's ledger to its
// counts.
func Add(ctx context.Context, tx *pg.DB, campaign int64, counts map[Key]int64) error {
	var statuses, reasons, ns []int64
	for k, n := range counts {
		statuses, reasons, ns = append(statuses, int64(k.Status)), append(reasons, int64(k.Reason)), append(ns, n)
	}
	_, err := tx.ExecPrepared(ctx, sqlAdd, campaign, pq.Array(statuses), pq.Array(reasons), pq.Array(ns))
	return pg.Wrap("count recipients", err)
}

const sqlLock = `
SELECT 1 FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) AS i(campaign_id, message_id, seq)
CROSS JOIN LATERAL (SELECT r.seq FROM campaign_recipients r WHERE r.campaign_id = i.campaign_id AND r.seq = i.seq
  AND r.message_id = i.message_id FOR UPDATE) r`

// sqlSync reads what became of each message and moves its row. OFFSET 0 keeps the look for
// each row one, whatever Postgres knows of the ledger, as the array of places does for the
// change: a join with them reads the whole ledger. What was not sent
// because of a rule of the campaign is skipped, not failed. A row that is held
// for quality stays so until the provider reports more than sent.
var sqlSync = numbers.SQL(`
WITH x AS MATERIALIZED (
  SELECT i.campaign_id, i.message_id, i.seq, r.place, r.status AS was, r.reason AS was_reason,
    CASE WHEN m.status = {queued} THEN CASE WHEN r.status = {row_held} AND d.due_at > now() THEN {row_held} ELSE {queued} END
      WHEN m.status = {failed} AND s.reason IS NOT NULL AND m.final_by = {by_us} THEN {row_skipped}
      WHEN m.status = {sent} AND r.status = {row_for_quality} THEN {row_for_quality}
      ELSE m.status END::smallint AS status,
    CASE WHEN m.status = {failed} AND m.final_by = {by_us} THEN coalesce(s.reason, 0) ELSE 0 END::smallint AS reason
  FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) AS i(campaign_id, message_id, seq)
  CROSS JOIN LATERAL (SELECT r.ctid AS place, r.status, r.reason FROM campaign_recipients r
    WHERE r.campaign_id = i.campaign_id AND r.seq = i.seq AND r.message_id = i.message_id OFFSET 0) r
  CROSS JOIN LATERAL (SELECT m.status, m.error_code, m.final_by FROM messages m WHERE m.id = i.message_id) m
  LEFT JOIN LATERAL (SELECT d.due_at FROM dispatch d WHERE d.message_id = i.message_id) d ON true
  LEFT JOIN (VALUES ('suppressed', {skip_suppressed}), ('capped', {skip_capped}), ('late', {skip_late}),
    ('delivered_meanwhile', {skip_delivered})) AS s(code, reason) ON s.code = m.error_code
), c AS (
  SELECT * FROM x WHERE status <> was OR reason <> was_reason
), u AS (
  UPDATE campaign_recipients r SET status = c.status, reason = c.reason, indexed_status = ` + Indexed("c.status", "c.message_id") + `
  FROM c WHERE r.ctid = ANY(ARRAY(SELECT place FROM c)) AND r.campaign_id = c.campaign_id AND r.seq = c.seq
)` + Count)

// Sync moves the rows of messages to what became of these. It may be called at
// any time and any number of times: the last of two calls at once reads what is
// newer, since rows are locked in a statement before the one that reads.
func Sync(ctx context.Context, db *pg.DB, refs []Ref) error {
	return Locked(ctx, db, refs, func(tx *pg.DB, n *Named) error {
		_, err := tx.ExecPrepared(ctx, sqlSync, n.Args()...)
		return pg.Wrap("move recipients", err)
	})
}

// Locked runs f in a transaction that has locked the rows of messages in their
// order. Without messages it does nothing.
func Locked(ctx context.Context, db *pg.DB, refs []Ref, f func(tx *pg.DB, n *Named) error) error {
	if len(refs) == 0 {
		return nil
	}
	n := Name(refs)
	return db.Tx(ctx, func(tx *pg.DB) error {
		err := n.Find(ctx, tx, func() (int, error) {
			res, err := tx.ExecPrepared(ctx, sqlLock, n.Args()...)
			if err != nil {
				return 0, pg.Wrap("lock recipients", err)
			}
			rows, err := res.RowsAffected()
			return int(rows), err
		})
		if err != nil {
			return err
		}
		return f(tx, n)
	})
}
