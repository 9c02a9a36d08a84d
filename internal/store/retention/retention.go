// Package retention removes what accounts do not want to keep any longer, and blanks
// the content of old messages. Weeks that are too old for every account are dropped
// as partitions; the rows of accounts that keep less go page by page. What is
// unfinished is kept. Package pruner decides when.
package retention

import (
	"cmp"
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch/keep"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store removes old records.
type Store struct {
	db    *pg.DB
	blank *erasure.Store
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db, blank: erasure.New(db)} }

// settings are those of an account.
type settings struct {
	ID         int64     `db:"id"`
	Days       keep.Days `db:"retention"`
	RedactDays *int      `db:"redact_days"`
}

// accounts are the settings of all accounts.
type accounts struct {
	all     []settings
	now     time.Time
	longest map[string]int // days, by table
}

func (s *Store) accounts(ctx context.Context) (a accounts, err error) {
	if a.now, err = s.db.Now(ctx); err != nil {
		return a, pg.Wrap("read the time", err)
	}
	err = s.db.SelectContext(ctx, &a.all, `SELECT id, retention, redact_days FROM accounts ORDER BY id`)
	a.longest = longest(a.all)
	return a, pg.Wrap("read retention of accounts", err)
}

// weeklies are the tables with a partition for each week.
var weeklies = []string{"messages", "attempts", "events"}

// longest returns, by table, how many days the account keeps it that keeps it longest.
func longest(all []settings) map[string]int {
	out := make(map[string]int, len(weeklies))
	for _, table := range weeklies {
		for i := range all {
			out[table] = max(out[table], all[i].Days.Of(table))
		}
		out[table] = cmp.Or(out[table], keep.Default.Of(table))
	}
	return out
}

// patient lets a statement read whole tables.
func patient(ctx context.Context, tx *pg.DB) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = '5min'`)
	return pg.Wrap("set timeout", err)
}
