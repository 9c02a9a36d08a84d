// Package gate explains why a message that is not finished waits.
package gate

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// The values of waits_for, in the order in which they hold a message back. What
// waits for the canary or the budget of a campaign is a recipient of it, without
// a message yet.
const (
	SendAt     = "send_at"     // its time has not come
	Campaign   = "campaign"    // its campaign is paused
	Paused     = "paused"      // its channel is paused, disabled or without readable secrets
	Circuit    = "circuit"     // its channel's circuit is open: the provider failed
	Retry      = "retry"       // its last call failed, or the outcome of a call is looked for
	QuietHours = "quiet_hours" // the quiet hours of its campaign
	Spacing    = "spacing"     // another message to the same recipient went out a moment ago
	Window     = "window"      // the conversation window has closed since it was accepted
	Rate       = "rate"        // the channel's messages before it
	Worker     = "worker"      // a worker
)

// Registry looks up channels and circuits, cached.
type Registry interface {
	Channel(ctx context.Context, id int64) (*dispatch.Channel, error)
	OpenCircuits(ctx context.Context) (map[int64]store.Health, error)
}

// Store reads what holds messages back.
type Store interface {
	// Holds reports whether the quiet hours of its campaign hold a message back, and
	// whether it needs a conversation window that is not open.
	Holds(ctx context.Context, id dispatch.ID) (quiet, closed bool, err error)
	// Pressure returns the number of live workers, and of messages that are due on
	// the channel, at most limit.
	Pressure(ctx context.Context, channel int64, limit int) (workers, due int, err error)
}

// Rates returns the present rate of a channel in messages a second, which a
// provider's 429 lowers.
type Rates func(ctx context.Context, channel int64, configured float64) (effective float64, blockedUntil time.Time, err error)

// Gates explains what messages wait for. Counts are at most a second old.
type Gates struct {
	registry Registry
	store    Store
	rates    Rates

	mu   sync.Mutex
	busy map[int64]busy
}

type busy struct {
	at   time.Time
	name string // Worker or Rate
}

// New returns Gates.
func New(r Registry, s Store, rates Rates) *Gates {
	return &Gates{registry: r, store: s, rates: rates, busy: map[int64]busy{}}
}

// Explain sets waits_for and next_attempt_at of a message that is not finished.
// It changes nothing else, and leaves them out if they can't be found.
func (g *Gates) Explain(ctx context.Context, v *dispatch.View) {
	if v.Status.Finished() {
		return
	}
	v.WaitsFor, v.NextAttemptAt = g.reason(ctx, v)
}

func (g *Gates) reason(ctx context.Context, v *dispatch.View) (name string, next *time.Time) {
	h := &v.Hold
	switch {
	case v.Status == dispatch.Scheduled:
		return SendAt, v.SendAt
	case h.Campaign:
		return Campaign, nil
	case v.Status == dispatch.Sending && h.Resolving:
		return Retry, h.Wake
	case v.Status == dispatch.Sending:
		return Worker, nil
	}
	if name, next = g.channel(ctx, v.Channel); name != "" {
		return name, next
	}
	if name, next = g.recipient(ctx, v, time.Now()); name != "" {
		return name, next
	}
	return g.pressure(ctx, v.Channel), nil
}

// settles is the age from which a message may have lost the conversation window
// that was open when it was accepted; a younger one is on its way.
const settles = time.Minute

// recipient returns why the message itself waits, or "".
func (g *Gates) recipient(ctx context.Context, v *dispatch.View, now time.Time) (name string, next *time.Time) {
	h := &v.Hold
	later := h.Claimed && h.Wake != nil && h.Wake.After(now)
	quiet, closed := false, false
	if v.Campaign != 0 && later || v.Type != dispatch.TypeTemplate && now.Sub(v.CreatedAt) > settles {
		quiet, closed = g.holds(ctx, v.ID)
	}
	switch {
	case quiet && h.Wake != nil:
		return QuietHours, h.Wake
	case h.Due != nil && h.Due.After(now) && v.Attempts > 0:
		return Retry, h.Due
	case later && v.Attempts == 0:
		return Spacing, h.Wake
	case closed:
		return Window, nil
	}
	return "", nil
}

// holds is Store.Holds; a message about which nothing can be read is not held.
func (g *Gates) holds(ctx context.Context, id dispatch.ID) (quiet, closed bool) {
	ctx, cancel := context.WithTimeout(ctx, fresh)
	defer cancel()
	quiet, closed, err := g.store.Holds(ctx, id)
	return quiet && err == nil, closed && err == nil
}

// channel returns why the whole channel waits, or "".
func (g *Gates) channel(ctx context.Context, id int64) (name string, next *time.Time) {
	ch, err := g.registry.Channel(ctx, id)
	if err != nil {
		return "", nil
	}
	if !ch.Enabled || ch.Unreadable {
		return Paused, nil
	}
	open, err := g.registry.OpenCircuits(ctx)
	if err != nil {
		return "", nil
	}
	switch c, ok := open[id]; {
	case !ok:
		return "", nil
	case c.State == "paused":
		return Paused, nil
	default:
		return Circuit, &c.ProbeAt
	}
}

const fresh = time.Second

// pressure returns Rate if the channel has more due messages than it may send in
// a second and a worker is alive, else Worker.
func (g *Gates) pressure(ctx context.Context, channel int64) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b, ok := g.busy[channel]; ok && time.Since(b.at) < fresh {
		return b.name
	}
	if len(g.busy) > 10_000 {
		clear(g.busy)
	}
	b := busy{at: time.Now(), name: Worker}
	if g.limited(ctx, channel) {
		b.name = Rate
	}
	g.busy[channel] = b
	return b.name
}

func (g *Gates) limited(ctx context.Context, channel int64) bool {
	ctx, cancel := context.WithTimeout(ctx, fresh)
	defer cancel()
	ch, err := g.registry.Channel(ctx, channel)
	if err != nil {
		return false
	}
	rate := ch.Policy.Rate
	if now, blocked, err := g.rates(ctx, channel, rate); err == nil {
		if blocked.After(time.Now()) {
			return true
		}
		rate = now
	}
	limit := int(math.Floor(rate)) + 1
	workers, due, err := g.store.Pressure(ctx, channel, limit)
	return err == nil && workers > 0 && due >= limit
}
