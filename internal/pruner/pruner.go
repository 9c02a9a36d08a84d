// Package pruner removes old records, as accounts want it.
package pruner

import (
	"context"
	"log/slog"
	"time"

	"github.com/sendoff/sendoff/internal/store/retention"
)

// Store removes old records.
type Store interface {
	Jobs(ctx context.Context) ([]retention.Job, error)
	Measure(ctx context.Context, j *retention.Job) (rows, bytes int64, err error)
	Page(ctx context.Context, j *retention.Job) (rows int64, more bool, err error)
	Weeks(ctx context.Context) ([]retention.Week, error)
	Needed(ctx context.Context, w *retention.Week) (reason string, err error)
	Drop(ctx context.Context, w *retention.Week) (busy bool, err error)
}

// Pruner removes the old records of all accounts.
type Pruner struct {
	Store Store
	// Take reports whether this process is the one that does a job now.
	Take func(ctx context.Context, job string, every time.Duration) (bool, error)
	Log  *slog.Logger
}

// Every hour one of all workers prunes; each looks once a minute whether it is the one.
const (
	every     = time.Hour
	lookEvery = time.Minute
)

// Run prunes until ctx ends.
func (p *Pruner) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := p.turn(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn("retention interrupted; it goes on in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// turn prunes if it is this process' turn, and logs what was done.
func (p *Pruner) turn(ctx context.Context) error {
	mine, err := p.Take(ctx, "retention", every)
	if err != nil || !mine {
		return err
	}
	steps, err := Prune(ctx, p.Store)
	for i := range steps {
		s := &steps[i]
		log := p.Log.Info
		if s.Action == Keep {
			log = p.Log.Warn
		}
		log("old records", "action", s.Action, "table", s.Table, "partition", s.Partition, "account", s.Account, "before", s.Before,
			"rows", s.Rows, "reason", s.Reason)
	}
	return err
}
