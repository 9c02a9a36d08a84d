package feeder

import (
	"context"
	"errors"
	"time"
)

// wipeDetector finds out whether Redis lost its memory. A wipe is reported to
// one caller only: one that cannot act on it calls Undo, and it is reported
// again. Register ends a wipe.
type wipeDetector interface {
	Wiped(ctx context.Context) (bool, error)
	Undo(ctx context.Context) error
	Register(ctx context.Context) error
}

// wipe returns a job that wakes the messages that had been offered when Redis
// lost its memory. If Postgres is away the wipe is left to another worker or,
// with Redis away too, remembered.
func (f *Feeder) wipe() func(context.Context) error {
	owed := false
	return func(ctx context.Context) error {
		if !owed {
			wiped, err := f.Queue.Wiped(ctx)
			if err != nil || !wiped {
				return err
			}
		}
		n, err := f.Store.WakeOffered(ctx)
		if n > 0 {
			f.Log.Warn("redis was wiped; messages are offered again", "messages", n)
		}
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			undo := f.Queue.Undo(ctx)
			owed = undo != nil
			return errors.Join(err, undo)
		}
		owed = false
		return f.Queue.Register(ctx)
	}
}
