package ledger

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Standing is how many rows of a campaign's ledger have a key.
type Standing struct {
	Key

	Campaign  int64     `db:"campaign_id"`
	N         int64     `db:"n"`
	ChangedAt time.Time `db:"changed_at"`
}

// sqlCounts reads in one statement, so that a change that is added up at that
// moment counts once.
const sqlCounts = `
SELECT campaign_id, status, reason, sum(n)::bigint AS n, max(at) AS changed_at FROM (
  SELECT campaign_id, status, reason, n, changed_at AS at FROM campaign_counts WHERE campaign_id = ANY($1)
  UNION ALL SELECT campaign_id, status, reason, n, at FROM campaign_changes WHERE campaign_id = ANY($1)) x
GROUP BY 1, 2, 3`

// Counts reads the counts of campaigns.
func Counts(ctx context.Context, db *pg.DB, campaigns []int64) ([]Standing, error) {
	var out []Standing
	err := db.SelectPrepared(ctx, &out, sqlCounts, pq.Array(campaigns))
	return out, pg.Wrap("read counts", err)
}

// Wrong returns how many counts of a campaign's ledger differ from its rows. It reads the whole ledger.
func Wrong(ctx context.Context, db *pg.DB, id int64) (n int, err error) {
	err = db.GetContext(ctx, &n, `
		SELECT count(*) FROM (SELECT status, reason, count(*) AS n FROM campaign_recipients WHERE campaign_id = $2 GROUP BY 1, 2) r
		FULL JOIN (SELECT * FROM (`+sqlCounts+`) x WHERE n <> 0) c USING (status, reason)
		WHERE r.n IS DISTINCT FROM c.n`, pq.Array([]int64{id}), id)
	return n, pg.Wrap("check counts", err)
}

// fold is the end of a statement whose CTE d has the changes that it deletes.
const fold = `
INSERT INTO campaign_counts AS n (campaign_id, status, reason, n, changed_at)
SELECT campaign_id, status, reason, sum(n), max(at) FROM d GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (campaign_id, status, reason) DO UPDATE SET n = n.n + excluded.n, changed_at = greatest(n.changed_at, excluded.changed_at)`

const sqlFold = `WITH d AS (DELETE FROM campaign_changes WHERE campaign_id = $1 RETURNING *)` + fold

// Fold adds the changes of a campaign, whose row this transaction holds, to its
// counts.
func Fold(ctx context.Context, tx *pg.DB, id int64) error {
	_, err := tx.ExecPrepared(ctx, sqlFold, id)
	return pg.Wrap("add up counts", err)
}

// sqlFoldAll looks at a bounded number of changes. Campaigns that somebody holds add
// up their own.
const sqlFoldAll = `
WITH c AS MATERIALIZED (SELECT id FROM campaigns
  WHERE id = ANY(ARRAY(SELECT DISTINCT campaign_id FROM (SELECT campaign_id FROM campaign_changes LIMIT 10000) x))
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED),
d AS (DELETE FROM campaign_changes WHERE campaign_id = ANY(ARRAY(SELECT id FROM c)) RETURNING *)` + fold

// FoldAll adds changes of all campaigns to their counts, also of those that ended
// long ago and get receipts.
func FoldAll(ctx context.Context, db *pg.DB) error {
	_, err := db.ExecContext(ctx, sqlFoldAll)
	return pg.Wrap("add up counts", err)
}

// Forget deletes the counts of a campaign whose ledger this transaction has emptied.
func Forget(ctx context.Context, tx *pg.DB, id int64) error {
	for _, sql := range []string{
		`DELETE FROM campaign_changes WHERE campaign_id = $1`, `DELETE FROM campaign_counts WHERE campaign_id = $1`,
	} {
		if _, err := tx.ExecContext(ctx, sql, id); err != nil {
			return pg.Wrap("empty counts", err)
		}
	}
	return nil
}
