package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// countInterval is how often counts of callbacks are written.
const countInterval = 2 * time.Second

// callbackCounts counts the callbacks of channels until they are written: taken ones
// and, by reason, rejected ones. Both kinds of keys are few.
type callbackCounts struct {
	write func(context.Context, []dispatch.CallbackCount) error
	log   *slog.Logger

	mu  sync.Mutex
	now map[callbackKind]int64
}

type callbackKind struct {
	channel int64
	reason  string
}

// add counts a callback of the channel; an empty reason means that it was taken.
func (c *callbackCounts) add(channel int64, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now = map[callbackKind]int64{}
	}
	c.now[callbackKind{channel, reason}]++
}

// run writes counts until ctx ends.
func (c *callbackCounts) run(ctx context.Context) {
	tick := time.NewTicker(countInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.flush(ctx)
		}
	}
}

// flush writes the counts. Those that are not written are lost: they are hints for
// operators.
func (c *callbackCounts) flush(ctx context.Context) {
	c.mu.Lock()
	now := c.now
	c.now = nil
	c.mu.Unlock()
	if len(now) == 0 {
		return
	}
	counts := make([]dispatch.CallbackCount, 0, len(now))
	for k, n := range now {
		counts = append(counts, dispatch.CallbackCount{Channel: k.channel, Reason: k.reason, N: n})
	}
	if err := c.write(ctx, counts); err != nil {
		c.log.Warn("counts of callbacks not written", "error", err)
	}
}
