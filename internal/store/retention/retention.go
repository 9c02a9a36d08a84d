// Package retention removes what accounts do not want to keep any longer, and blanks
// the content of old messages. Weeks that are too old for every account are dropped
// as partitions; the rows of accounts that keep less go page by page. What is
// unfinished is kept.
package retention

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch/keep"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// What a step does with its rows.
const (
	Drop   = "drop"   // a partition
	Delete = "delete" // an account's rows
	Blank  = "blank"  // content and numbers of an account's rows
	Keep   = "keep"   // a partition that is old enough, for the reason given
)

// Step is a part of what retention does.
type Step struct {
	Action    string    `json:"action"`
	Table     string    `json:"table"`
	Partition string    `json:"partition,omitempty"`
	Account   int64     `json:"account_id,omitempty"`
	Before    time.Time `json:"before"` // what is older goes
	Rows      int64     `json:"rows"`   // of partitions as Postgres estimates them
	Bytes     int64     `json:"bytes"`
	Reason    string    `json:"reason,omitempty"`
}

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

func (s *Store) accounts(ctx context.Context) (all []settings, now time.Time, err error) {
	if now, err = s.db.Now(ctx); err != nil {
		return nil, now, pg.Wrap("read the time", err)
	}
	err = s.db.SelectContext(ctx, &all, `SELECT id, retention, redact_days FROM accounts ORDER BY id`)
	return all, now, pg.Wrap("read retention of accounts", err)
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

// Plan returns what Run would do now, with the size of each step. It counts rows,
// which takes its time.
func (s *Store) Plan(ctx context.Context) ([]Step, error) { return s.run(ctx, true) }

// Run removes and blanks what is too old, and returns what it did. It may run
// again, or be interrupted, at any point.
func (s *Store) Run(ctx context.Context) ([]Step, error) { return s.run(ctx, false) }

func (s *Store) run(ctx context.Context, dry bool) ([]Step, error) {
	all, now, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []Step
	p := planner{now: now, longest: longest(all)}
	for i := range all {
		for _, j := range p.jobs(&all[i]) {
			step := Step{Action: j.action, Table: j.table, Account: all[i].ID, Before: j.before}
			if dry {
				err = s.measure(ctx, &j, &step)
			} else {
				step.Rows, err = s.walk(ctx, &j)
			}
			if step.Rows > 0 {
				out = append(out, step)
			}
			if err != nil {
				return out, err
			}
		}
	}
	weeks, err := s.weeks(ctx, &p, dry)
	return append(out, weeks...), err
}

// never is before every id.
var never uuid.UUID
