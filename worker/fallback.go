package worker

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store"
)

// fallbacks sends the next entry of messages that failed or expired. When ctx
// ends it gives back at once what it has not sent, for a worker that goes on.
func (w *Worker) fallbacks(ctx context.Context) error {
	fs, err := w.Store.DueFallbacks(ctx)
	if err != nil {
		return err
	}
	for i, f := range fs {
		err := w.sendFallback(ctx, f)
		if err == nil {
			err = w.Store.DropFallback(ctx, f.ID)
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return w.giveBack(ctx, fs[i:])
		}
		if err != nil {
			w.Log.Warn("fallback not sent yet", "message_id", f.ID, "error", err)
		}
	}
	return nil
}

// sendFallback accepts one fallback, but does not wait for it any longer than
// ctx: what is being committed then is committed, or not, without us.
func (w *Worker) sendFallback(ctx context.Context, f store.Fallback) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	sent := make(chan error, 1)
	go func() { sent <- w.SendFallback(ctx, f) }()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveBack makes fallbacks due again. One that was sent after all is taken once
// more and dropped: its message has a child and gets no second one.
func (w *Worker) giveBack(ctx context.Context, fs []store.Fallback) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return w.Store.ReturnFallbacks(ctx, fs)
}
