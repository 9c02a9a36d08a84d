package pruner

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/retention"
)

// What a step does with its rows.
const (
	Delete = retention.Delete // an account's rows
	Blank  = retention.Blank  // content and numbers of an account's rows
	Drop   = "drop"           // a partition
	Keep   = "keep"           // a partition that is old enough, for the reason given
)

// Step is a part of what is done.
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

// Plan returns what Prune would do now, with the size of each step. It counts rows,
// which takes its time.
func Plan(ctx context.Context, s Store) ([]Step, error) {
	out, err := jobs(ctx, s, func(j *retention.Job, st *Step) (err error) {
		st.Rows, st.Bytes, err = s.Measure(ctx, j)
		return err
	})
	if err != nil {
		return out, err
	}
	weeks, err := weeks(ctx, s, func(*retention.Week) (string, error) { return "", nil })
	return append(out, weeks...), err
}

// Prune removes and blanks what is too old, and returns what it did, also before an
// error. It may run again, or be interrupted, at any point.
func Prune(ctx context.Context, s Store) ([]Step, error) {
	out, err := jobs(ctx, s, func(j *retention.Job, st *Step) (err error) {
		st.Rows, err = pages(ctx, s, j)
		return err
	})
	if err != nil {
		return out, err
	}
	weeks, err := weeks(ctx, s, func(w *retention.Week) (string, error) { return drop(ctx, s, w) })
	return append(out, weeks...), err
}

// jobs returns what do has done of the rows of accounts.
func jobs(ctx context.Context, s Store, do func(*retention.Job, *Step) error) (out []Step, err error) {
	all, err := s.Jobs(ctx)
	for i := range all {
		j := &all[i]
		step := Step{Action: j.Action, Table: j.Table, Account: j.Account, Before: j.Before}
		err = do(j, &step)
		if step.Rows > 0 {
			out = append(out, step)
		}
		if err != nil {
			break
		}
	}
	return out, err
}

// weeks returns what becomes of the partitions that are too old; drop returns why one
// stays after all.
func weeks(ctx context.Context, s Store, drop func(*retention.Week) (string, error)) (out []Step, err error) {
	all, err := s.Weeks(ctx)
	for i := range all {
		w := &all[i]
		step := Step{Action: Drop, Table: w.Table, Partition: w.Name, Before: w.To.UTC(), Rows: w.Rows, Bytes: w.Bytes}
		if step.Reason, err = s.Needed(ctx, w); err == nil && step.Reason == "" {
			step.Reason, err = drop(w)
		}
		if err != nil {
			break
		}
		if step.Reason != "" {
			step.Action = Keep
		}
		out = append(out, step)
	}
	return out, err
}

// pages does a job page by page, and pauses after each page for as long as the page
// took. It returns how many rows were removed or blanked.
func pages(ctx context.Context, s Store, j *retention.Job) (rows int64, err error) {
	for {
		began := time.Now()
		n, more, err := s.Page(ctx, j)
		if rows += n; err != nil || !more {
			return rows, err
		}
		if err := pause(ctx, time.Since(began)); err != nil {
			return rows, err
		}
	}
}

// A partition whose table is busy is tried again so often.
const (
	dropTries = 40
	dropPause = 500 * time.Millisecond
)

// drop drops a partition. It returns why not if the table is too busy.
func drop(ctx context.Context, s Store, w *retention.Week) (string, error) {
	for range dropTries {
		busy, err := s.Drop(ctx, w)
		if err != nil || !busy {
			return "", err
		}
		if err := pause(ctx, dropPause); err != nil {
			return "", err
		}
	}
	return "the table is locked by others; the next run tries again", nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
