package worker

import (
	"context"
	"sync"
	"time"
)

// Webhooks brings events to customers' endpoints.
type Webhooks interface {
	Expand(ctx context.Context) error  // events into deliveries
	Deliver(ctx context.Context) error // starts what is due
	Tidy(ctx context.Context) error    // drops what is old
	Wait()                             // for what was started
}

// webhooks runs on every worker, without a leader, until ctx ends and every
// call that it started has ended.
func (w *Worker) webhooks(ctx context.Context) {
	if w.Webhooks == nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { w.every(ctx, 200*time.Millisecond, "webhook events", w.Webhooks.Expand) })
	wg.Go(func() { w.every(ctx, 200*time.Millisecond, "webhooks", w.Webhooks.Deliver) })
	wg.Go(func() { w.every(ctx, time.Hour, "old webhook deliveries", w.Webhooks.Tidy) })
	wg.Wait()
	w.Webhooks.Wait()
}
