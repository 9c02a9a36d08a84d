package feeder

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// fallbackStore holds the fallbacks of messages.
type fallbackStore interface {
	DueFallbacks(ctx context.Context) ([]store.Fallback, error)
	DropFallback(ctx context.Context, id dispatch.ID) error
	ReturnFallbacks(ctx context.Context, fs []store.Fallback) error
}

// fallbacks sends the next entry of messages that failed or expired. When ctx
// ends it makes those it has not sent due again, for another worker.
func (f *Feeder) fallbacks(ctx context.Context) error {
	fs, err := f.Store.DueFallbacks(ctx)
	if err != nil {
		return err
	}
	for i, fb := range fs {
		err := f.sendFallback(ctx, fb)
		if err == nil {
			err = f.Store.DropFallback(ctx, fb.ID)
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return f.returnFallbacks(ctx, fs[i:])
		}
		if err != nil {
			f.Log.Warn("fallback not sent yet", "message_id", fb.ID, "error", err)
		}
	}
	return nil
}

// sendFallback accepts one fallback. It does not wait longer than ctx: a commit
// that is under way then ends without us.
func (f *Feeder) sendFallback(ctx context.Context, fb store.Fallback) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	sent := make(chan error, 1)
	go func() { sent <- f.SendFallback(ctx, fb) }()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// returnFallbacks makes fallbacks due again. One that was sent after all is
// taken once more and dropped: its message has a child and gets no second one.
func (f *Feeder) returnFallbacks(ctx context.Context, fs []store.Fallback) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return f.Store.ReturnFallbacks(ctx, fs)
}
