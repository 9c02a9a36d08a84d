package webhook

import (
	"context"
	"time"
)

// Observer counts what happens; metrics implement it.
type Observer interface {
	WebhookTried(result string) // delivered, retried, failed
	WebhookDepth(waiting int64, oldest time.Duration)
	WebhooksDisabled(byHand, forFailures int64)
}

// noopObserver discards all metrics.
type noopObserver struct{}

func (noopObserver) WebhookTried(string)               {}
func (noopObserver) WebhookDepth(int64, time.Duration) {}
func (noopObserver) WebhooksDisabled(int64, int64)     {}

// measureEvery is how often the queue is looked at.
const measureEvery = 5 * time.Second

// Watch measures the queue until ctx ends.
func (d *Deliverer) Watch(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		if err := d.measure(ctx); err != nil && ctx.Err() == nil {
			d.Log.Debug("webhooks not measured", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *Deliverer) measure(ctx context.Context) error {
	f, err := d.Store.WebhookFigures(ctx)
	if err != nil {
		return err
	}
	d.Observer.WebhookDepth(f.Waiting, time.Duration(f.OldestSeconds*float64(time.Second)))
	d.Observer.WebhooksDisabled(f.ByHand, f.ForFailures)
	return nil
}
