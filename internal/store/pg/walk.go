package pg

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/lib/pq"
)

// WalkMax bounds the rows of an index that one request for a page of a list looks
// at: a page of what is rare may be short or empty, and still have a next one.
const WalkMax = 20_000

// Walk selects a page of a list that is in the order of an index.
type Walk struct {
	From  string // the table of the index
	Key   string // the column of From that names a row, the last one of the index
	Range *Where // what the index finds
	Order string // that of the index, as Where.After returns it
	Fits  *Where // looked at row by row; its arguments follow those of Range. nil: every row fits
	Limit int
	Max   int // instead of WalkMax, where a row costs much
}

// sqlWalk reads w no further than the page needs: nothing sorts it, and its last row
// is looked for only if the page is short. The conditions stand in the columns of w: by
// its own guess of how rare they are, the planner would leave the index.
const sqlWalk = `
WITH w AS MATERIALIZED (SELECT %[1]s AS key, (%[2]s) AS fits FROM %[3]s WHERE %[4]s ORDER BY %[5]s LIMIT %[6]d),
  hit AS MATERIALIZED (SELECT key FROM w WHERE fits LIMIT %[7]d)
SELECT coalesce((SELECT array_agg(key) FROM hit), '{}')::text[] AS keys,
  coalesce(CASE WHEN (SELECT count(*) FROM hit) < %[7]d THEN (SELECT key FROM w OFFSET %[6]d - 1) END::text, '') AS last`

// sqlInOrder has rows taken from the index of their order: by the statistics of a table
// that has just grown, the planner would take them from any other, and sort.
const sqlInOrder = `SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off`

// InOrder runs f in a transaction whose statements take rows by the index of their order.
func (d *DB) InOrder(ctx context.Context, f func(tx *DB) error) error {
	return d.of(ctx).Tx(ctx, func(tx *DB) error {
		if _, err := tx.ExecContext(ctx, sqlInOrder); err != nil {
			return err
		}
		return f(tx)
	})
}

// Keys returns the keys of the page, in its order, and the one after which the next
// page begins, or "" if none follows.
func (w *Walk) Keys(ctx context.Context, db *DB) (page []string, next string, err error) {
	fits, args, bound := "true", w.Range.Args(), w.Limit+1
	if w.Fits != nil && !w.Fits.Empty() {
		fits, args, bound = w.Fits.SQL(), slices.Concat(args, w.Fits.Args()), max(bound, cmp.Or(w.Max, WalkMax))
	}
	var row struct {
		Keys pq.StringArray `db:"keys"`
		Last string         `db:"last"`
	}
	query := fmt.Sprintf(sqlWalk, w.Key, fits, w.From, w.Range.SQL(), w.Order, bound, w.Limit+1)
	err = db.InOrder(ctx, func(tx *DB) error { return tx.GetContext(ctx, &row, query, args...) })
	if err != nil {
		return nil, "", err
	}
	if len(row.Keys) > w.Limit {
		return row.Keys[:w.Limit], row.Keys[w.Limit-1], nil
	}
	return row.Keys, row.Last, nil
}

// IDs is Keys of a list by number; next is 0 if no page follows.
func (w *Walk) IDs(ctx context.Context, db *DB) (page pq.Int64Array, next int64, err error) {
	keys, last, err := w.Keys(ctx, db)
	if err != nil {
		return nil, 0, err
	}
	page = make(pq.Int64Array, len(keys))
	for i, key := range append(keys, last) {
		if key == "" {
			continue
		}
		id, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("read id: %w", err)
		}
		if i == len(keys) {
			next = id
		} else {
			page[i] = id
		}
	}
	return page, next, nil
}
