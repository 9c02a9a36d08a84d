package feeder

import (
	"context"
	"sync"
	"time"
)

// Webhooks delivers events to customers' endpoints.
type Webhooks interface {
	Expand(ctx context.Context) error  // turns events into deliveries
	Deliver(ctx context.Context) error // starts the deliveries that are due
	Tidy(ctx context.Context) error    // deletes what belonged to deleted endpoints
	Wait()                             // until the deliveries that were started have ended
}

// webhooks runs until ctx ends and every delivery that it started has ended.
func (f *Feeder) webhooks(ctx context.Context) {
	if f.Webhooks == nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { f.every(ctx, 200*time.Millisecond, "webhook events", f.Webhooks.Expand) })
	wg.Go(func() { f.every(ctx, 200*time.Millisecond, "webhooks", f.Webhooks.Deliver) })
	wg.Go(func() { f.every(ctx, time.Hour, "deleted webhooks", f.Webhooks.Tidy) })
	wg.Wait()
	f.Webhooks.Wait()
}
