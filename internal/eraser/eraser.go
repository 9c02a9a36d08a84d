// Package eraser removes persons on request.
package eraser

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/erasure"
)

// Store removes what is stored of persons.
type Store interface {
	Take(ctx context.Context) (e erasure.Erasure, found bool, err error)
	Messages(ctx context.Context, e *erasure.Erasure, each func([]uuid.UUID) error) error
	Blank(ctx context.Context, ids []uuid.UUID, removed map[string]int64) (left int, err error)
	Finish(ctx context.Context, e *erasure.Erasure, removed map[string]int64) error
	Postpone(ctx context.Context, e *erasure.Erasure, removed map[string]int64) error
}

// Eraser does the erasures of all accounts.
type Eraser struct {
	Store Store
	// Cancel ends messages before their next call.
	Cancel func(ctx context.Context, ids []uuid.UUID) error
	Log    *slog.Logger
}

const lookEvery = 500 * time.Millisecond

// Run erases until ctx ends.
func (e *Eraser) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := e.next(ctx); err != nil && ctx.Err() == nil {
			e.Log.Warn("erasure interrupted; it goes on later", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// next does one erasure. A message that is being sent is waited for: the rest is
// done in a moment.
func (e *Eraser) next(ctx context.Context) error {
	one, found, err := e.Store.Take(ctx)
	if err != nil || !found {
		return err
	}
	removed, left := one.Counts(), 0
	err = e.Store.Messages(ctx, &one, func(ids []uuid.UUID) error {
		if err := e.Cancel(ctx, ids); err != nil {
			return err
		}
		n, err := e.Store.Blank(ctx, ids, removed)
		left += n
		return err
	})
	if err != nil {
		return err
	}
	if left > 0 {
		return e.Store.Postpone(ctx, &one, removed)
	}
	return e.Store.Finish(ctx, &one, removed)
}
