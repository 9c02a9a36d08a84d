package feeder

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// houseStore keeps the tables in order.
type houseStore interface {
	ExpireLeases(ctx context.Context, window [3]time.Duration) (int64, error)
	WakeChannel(ctx context.Context, channel int64) error
	WakeOffered(ctx context.Context) (int64, error)
	MoveScheduled(ctx context.Context) (int64, error)
	RetryParked(ctx context.Context) ([]store.Failure, error)
	ExpireParked(ctx context.Context) ([]dispatch.StatusUpdate, error)
	Depths(ctx context.Context) ([]store.LaneDepth, error)
	EnsurePartitions(ctx context.Context) error
	Prune(ctx context.Context) error
	// TidyPages removes claims of pages that are over, and opens pages with a message
	// whose time is over.
	TidyPages(ctx context.Context) error
	// TakeJob reports whether this process is to run a job that runs once per
	// interval on one worker.
	TakeJob(ctx context.Context, name string, interval time.Duration) (bool, error)
}

// After an outage of Postgres workers get leaseGrace to write the results that they
// hold, and in a series of outages leaseHeld altogether.
const (
	leaseGrace = 20 * time.Second
	leaseHeld  = 40 * time.Second
)

// leases returns a job that marks the outcomes of claims that have run out as
// unknown: their worker was killed or lost its database.
func (f *Feeder) leases() func(context.Context) error {
	var away bool                // the last run failed
	var heldUntil, end time.Time // end is that of a series of outages
	return func(ctx context.Context) error {
		now := time.Now()
		if now.Before(heldUntil) {
			return nil
		}
		if away && (end.IsZero() || now.Before(end)) {
			if _, err := f.Store.TakeJob(ctx, "leases", time.Second); err != nil {
				return err // takes no writes yet
			}
			if end.IsZero() {
				end = now.Add(leaseHeld)
			}
			away, heldUntil = false, earlier(now.Add(leaseGrace), end)
			return nil
		}
		n, err := f.Store.ExpireLeases(ctx, dispatch.DefaultPolicy().ResolveWindow)
		if away = err != nil; !away {
			end = time.Time{}
		}
		if n > 0 {
			f.Log.Warn("claims have run out; the outcome of their calls is unknown", "messages", n)
		}
		return err
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// closedCircuits returns a job that wakes the messages of a channel when this
// worker sees that its circuit has closed. The worker that closed it cannot wake
// those that another one, which did not know yet, puts off a moment later.
func (f *Feeder) closedCircuits() func(context.Context) error {
	var before map[int64]store.Health
	return func(ctx context.Context) error {
		now, err := f.Registry.OpenCircuits(ctx)
		if err != nil {
			return err
		}
		for ch := range before {
			if _, still := now[ch]; still {
				continue
			}
			if err := f.Store.WakeChannel(ctx, ch); err != nil {
				return err
			}
		}
		before = now
		return nil
	}
}

// moveMax is how many scheduled messages the store moves at once.
const moveMax = 1000

// moveScheduled moves scheduled messages that come due soon to dispatch.
func (f *Feeder) moveScheduled(ctx context.Context) error {
	for {
		n, err := f.Store.MoveScheduled(ctx)
		if err != nil || n < moveMax {
			return err
		}
	}
}

// parked applies callbacks that came before the provider's id was stored.
func (f *Feeder) parked(ctx context.Context) error {
	failed, err := f.Store.RetryParked(ctx)
	f.countFailed(failed)
	if err != nil {
		return err
	}
	late, err := f.Store.ExpireParked(ctx)
	for i := range late {
		f.late(ctx, &late[i])
	}
	return err
}

// late counts, logs and keeps a callback for which no message was found in a day.
func (f *Feeder) late(ctx context.Context, u *dispatch.StatusUpdate) {
	ch, err := f.Registry.Channel(ctx, u.Channel)
	if err != nil { // it was deleted
		f.Log.Info("callback without a message", "channel", u.Channel, "status", u.Status)
		return
	}
	f.Observer.CallbackLate(ch.Provider)
	f.Log.Info("callback without a message", "channel", ch.ID, "status", u.Status)
	if f.Ignored == nil {
		return
	}
	if err := f.Ignored.KeepIgnored(ctx, ch.Account, u.Unmatched(ch)); err != nil {
		f.Log.Error("late callback not kept", "channel", ch.ID, "error", err)
	}
}

// depths reports the depth of each lane.
func (f *Feeder) depths(ctx context.Context) error {
	ds, err := f.Store.Depths(ctx)
	for _, d := range ds {
		f.Observer.Depth(dispatch.Lane(d.Lane), d.Count, time.Duration(d.OldestSeconds*float64(time.Second)))
	}
	return err
}

// prune deletes rows that are no longer needed, once an hour on one worker.
func (f *Feeder) prune(ctx context.Context) error {
	mine, err := f.Store.TakeJob(ctx, "prune", time.Hour)
	if err != nil || !mine {
		return err
	}
	return f.Store.Prune(ctx)
}
