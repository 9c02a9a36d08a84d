// Package feeder runs the periodic jobs of a worker process: it offers messages
// that are due, settles outcomes that are in doubt, and does the housekeeping.
// Every worker runs all of it without a leader: SKIP LOCKED keeps workers off
// each other's rows, and a job that must run once takes a row of its own.
package feeder

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// Store is the message store, as the jobs use it.
type Store interface {
	dueStore
	doubtStore
	receiptStore
	fallbackStore
	houseStore
}

// Registry caches what people configure.
type Registry interface {
	Channel(ctx context.Context, id int64) (*dispatch.Channel, error)
	// OpenCircuits returns the channels whose circuit is not closed.
	OpenCircuits(ctx context.Context) (map[int64]store.Health, error)
}

// Limits shares the rates of channels among workers.
type Limits interface {
	// Feed returns, for each ask, how many messages may be offered now.
	Feed(ctx context.Context, asks []limit.FeedAsk) ([]int, error)
}

// Queue notifies workers of pages.
type Queue interface {
	Offer(ctx context.Context, p dispatch.Page) error
	// Pending returns the number of pages that wait in a lane.
	Pending(ctx context.Context, lane dispatch.Lane) (int64, error)
	wipeDetector
}

// Worker sends messages in this process.
type Worker interface {
	// Page sends one page.
	Page(ctx context.Context, p dispatch.Page) error
	// Drain starts sending a channel's backlog until nothing is due.
	Drain(ctx context.Context, channel int64, lane dispatch.Lane)
	// Room returns how many messages of a channel with that concurrency the
	// worker can start soon.
	Room(channel int64, concurrency int) int
}

// Observer counts events; metrics implement it.
type Observer interface {
	Failed(channel int64, code string)
	// Depth reports the messages that wait in a lane, and how long the oldest is due.
	Depth(lane dispatch.Lane, waiting int64, oldest time.Duration)
	// CallbackLate counts a callback for which no message was found.
	CallbackLate(provider string)
}

// Ignored keeps callbacks that changed nothing, to be looked at.
type Ignored interface {
	KeepIgnored(ctx context.Context, account int64, c dispatch.IgnoredCallback) error
}

// Options of a Feeder.
type Options struct {
	Store     Store
	Accounts  Accounts
	Registry  Registry
	Limits    Limits
	Queue     Queue
	Worker    Worker
	Providers map[string]provider.Provider
	Observer  Observer
	Ignored   Ignored // nil: such callbacks are counted and logged alone
	Log       *slog.Logger
	// Target returns a channel as its provider client needs it: with the address
	// for callbacks or, for test messages, with the emulator in the provider's
	// place.
	Target func(ch *dispatch.Channel, test bool) *dispatch.Channel
	// SendFallback accepts the next entry of a message's fallback.
	SendFallback func(ctx context.Context, f store.Fallback) error
	// Webhooks delivers events to customers; nil: none are delivered.
	Webhooks Webhooks
}

// Feeder runs the jobs.
type Feeder struct{ Options }

// New returns a Feeder; Run runs it.
func New(o Options) *Feeder { return &Feeder{o} }

// Run runs all jobs until ctx ends.
func (f *Feeder) Run(ctx context.Context) {
	var wg sync.WaitGroup
	job := func(interval time.Duration, name string, do func(context.Context) error) {
		wg.Go(func() { f.every(ctx, interval, name, do) })
	}
	for _, lane := range dispatch.Lanes {
		job(feedEvery[lane], "feed "+lane.String(), func(ctx context.Context) error { return f.feedLane(ctx, lane) })
	}
	job(time.Second, "leases", f.leases())
	job(time.Second, "pages", f.Store.TidyPages)
	job(500*time.Millisecond, "doubts", f.doubts)
	job(250*time.Millisecond, "wipe", f.wipe())
	job(2*time.Second, "scheduled", f.moveScheduled)
	job(250*time.Millisecond, "circuits", f.closedCircuits())
	job(time.Second, "parked callbacks", f.parked)
	job(500*time.Millisecond, "fallbacks", f.fallbacks)
	job(5*time.Second, "depths", f.depths)
	job(time.Hour, "partitions", f.Store.EnsurePartitions)
	job(10*time.Second, "receipts", f.receipts)
	job(time.Minute, "prune", f.prune)
	wg.Go(func() { f.webhooks(ctx) })
	wg.Wait()
}

// every runs do at once and then at each interval, until ctx ends. An error is
// logged and the job runs again at the next interval; of several errors in a row
// only the first is logged, so that an outage does not fill the log.
func (f *Feeder) every(ctx context.Context, interval time.Duration, name string, do func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	failing := false
	for {
		err := do(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			f.Log.Warn("feeder job failed", "job", name, "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// countFailed counts and logs messages that have failed.
func (f *Feeder) countFailed(failed []store.Failure) {
	for _, m := range failed {
		f.Observer.Failed(m.Channel, m.Code)
		f.Log.Info("message failed", "message_id", m.ID, "channel", m.Channel, "code", m.Code)
	}
}
