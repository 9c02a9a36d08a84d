package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	// highWater is how many pages a lane may have waiting in Redis: about two
	// seconds of work. The rest of a backlog waits in Postgres.
	highWater = 120
	// feedMax bounds what one tick takes for one channel.
	feedMax = 2000
	// ownRun is how many pages at once a worker runs itself while Redis is away.
	ownRun = 16
)

var ticks = map[dispatch.Lane]time.Duration{dispatch.OTP: 100 * time.Millisecond, dispatch.Normal: 250 * time.Millisecond, dispatch.Bulk: 250 * time.Millisecond}

// Feed runs the feeder until ctx ends: every worker feeds every lane, without a
// leader; SKIP LOCKED keeps them off each other's rows.
func (w *Worker) Feed(ctx context.Context) {
	var wg sync.WaitGroup
	for _, lane := range dispatch.Lanes {
		wg.Go(func() {
			w.every(ctx, ticks[lane], "feed "+lane.String(), func(ctx context.Context) error { return w.feedLane(ctx, lane) })
		})
	}
	wg.Go(func() { w.every(ctx, time.Second, "leases", w.leases) })
	wg.Go(func() { w.every(ctx, 500*time.Millisecond, "doubts", w.doubts) })
	wg.Go(func() { w.every(ctx, 250*time.Millisecond, "wipe", w.wipe()) })
	wg.Go(func() { w.every(ctx, 2*time.Second, "scheduled", w.move) })
	wg.Go(func() { w.every(ctx, 250*time.Millisecond, "circuits", w.resumed()) })
	wg.Go(func() { w.every(ctx, time.Second, "parked callbacks", w.parked) })
	wg.Go(func() { w.every(ctx, 500*time.Millisecond, "fallbacks", w.fallbacks) })
	wg.Go(func() { w.every(ctx, 5*time.Second, "depths", w.depths) })
	wg.Go(func() { w.webhooks(ctx) })
	wg.Go(func() { w.every(ctx, time.Hour, "partitions", w.Store.EnsurePartitions) })
	wg.Go(func() { w.every(ctx, 10*time.Second, "receipts", w.receipts) })
	wg.Go(func() { w.every(ctx, time.Minute, "prune", w.prune) })
	wg.Wait()
}

// every runs f now and then each d. A failure is logged and tried again at the
// next tick; the first of a row of failures only, so that an outage does not
// fill the log.
func (w *Worker) every(ctx context.Context, d time.Duration, name string, f func(context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	failing := false
	for {
		err := f(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			w.Log.Warn("feeder job failed", "job", name, "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// feedLane offers what is due in a lane, each channel within its rate, until
// nothing is due or the lane is full. Large backlogs are drained instead.
func (w *Worker) feedLane(ctx context.Context, lane dispatch.Lane) error {
	for ctx.Err() == nil {
		backlogs, err := w.Store.Backlogs(ctx, lane, feedMax)
		if err != nil {
			return err
		}
		if backlogs, err = w.drains(ctx, lane, backlogs); err != nil || len(backlogs) == 0 {
			return err
		}
		pending, err := w.Queue.Pending(ctx, lane)
		away := err != nil
		if !away && pending >= highWater {
			return nil
		}
		budgets, blocked, err := w.budgets(ctx, lane, backlogs)
		if err != nil {
			return err
		}
		due, err := w.Store.DueMessages(ctx, lane, budgets)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := w.pass(ctx, lane, due, blocked, away); err != nil {
			return err
		}
		if len(due) < feedMax/2 {
			return nil
		}
	}
	return nil
}

// budgets says how many messages of each channel may be offered now. A channel
// whose circuit is open gets one when its probe is due; otherwise its rows are
// only put off (blocked), and expired when their time is over.
func (w *Worker) budgets(ctx context.Context, lane dispatch.Lane, backlogs []store.Backlog) (map[int64]int, map[int64]bool, error) {
	troubled, err := w.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, nil, err
	}
	out, blocked := map[int64]int{}, map[int64]bool{}
	var asks []limit.FeedAsk
	for _, b := range backlogs {
		h, bad := troubled[b.Channel]
		switch {
		case bad && h.State == "open" && time.Now().After(h.ProbeAt):
			out[b.Channel] = 1
		case bad:
			out[b.Channel], blocked[b.Channel] = 500, true
		default:
			ch, err := w.Registry.Channel(ctx, b.Channel)
			if err != nil {
				if dispatch.CodeOf(err) == dispatch.NotFound { // deleted while messages came in: they expire
					out[b.Channel], blocked[b.Channel] = 500, true
				}
				continue
			}
			want := min(b.N, w.channelState(ch.ID).room(ch.Policy.Concurrency))
			if lane == dispatch.OTP { // few, urgent, and bound by the channel's slots alone
				out[b.Channel] = want
				continue
			}
			asks = append(asks, limit.FeedAsk{Channel: ch.ID, Rate: ch.Policy.Rate, Want: want})
		}
	}
	got, err := w.Limits.Feed(ctx, asks)
	if err != nil {
		return nil, nil, err
	}
	for i, a := range asks {
		out[a.Channel] = got[i]
	}
	return out, blocked, nil
}

// pass offers due messages in pages, and ends those whose time is over.
func (w *Worker) pass(ctx context.Context, lane dispatch.Lane, due []store.Due, blocked map[int64]bool, away bool) error {
	var expired []dispatch.ID
	pages := map[int64][]dispatch.ID{}
	for _, d := range due {
		switch {
		case d.Expired:
			expired = append(expired, d.ID)
		case !blocked[d.Channel]:
			pages[d.Channel] = append(pages[d.Channel], d.ID)
		}
	}
	if _, err := w.Store.Expire(ctx, expired); err != nil {
		return err
	}
	sem := make(chan struct{}, ownRun)
	var wg sync.WaitGroup
	defer wg.Wait()
	for ch, ids := range pages {
		for len(ids) > 0 {
			n := min(len(ids), dispatch.MaxPage)
			page := dispatch.Page{Channel: ch, Lane: lane, IDs: ids[:n]}
			ids = ids[n:]
			if !away && w.Queue.Offer(ctx, page) == nil {
				continue
			}
			away = true // Redis is away: run the page here, at our share of the rate
			sem <- struct{}{}
			wg.Go(func() {
				defer func() { <-sem }()
				if err := w.Page(ctx, page); err != nil {
					w.Log.Warn("page not sent; it comes back", "channel", page.Channel, "error", err)
				}
			})
		}
	}
	return nil
}

func (w *Worker) leases(ctx context.Context) error {
	n, err := w.Store.ExpireLeases(ctx, dispatch.DefaultPolicy().ResolveWindow)
	if n > 0 {
		w.Log.Warn("claims of a worker that is gone: outcome unknown", "messages", n)
	}
	return err
}

// resumed wakes what waited for a channel as soon as this worker sees that its
// circuit has closed: who closed it can't wake what a worker that did not know
// yet puts off a moment later.
func (w *Worker) resumed() func(context.Context) error {
	var before map[int64]store.Health
	return func(ctx context.Context) error {
		now, err := w.Registry.OpenCircuits(ctx)
		if err != nil {
			return err
		}
		for ch := range before {
			if _, still := now[ch]; still {
				continue
			}
			if err := w.Store.WakeChannel(ctx, ch); err != nil {
				return err
			}
		}
		before = now
		return nil
	}
}

// wipe notices that Redis lost its memory and wakes what had been offered. Who
// notices is the only one to be told: one that can't act on it has it told
// again or, with Redis away too, keeps it in mind.
func (w *Worker) wipe() func(context.Context) error {
	owed := false
	return func(ctx context.Context) error {
		if !owed {
			wiped, err := w.Queue.Wiped(ctx)
			if err != nil || !wiped {
				return err
			}
		}
		n, err := w.Store.WakeOffered(ctx)
		if n > 0 {
			w.Log.Warn("redis was wiped; offering again", "messages", n)
		}
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			untold := w.Queue.Undo(ctx)
			owed = untold != nil
			return errors.Join(err, untold)
		}
		owed = false
		return w.Queue.Register(ctx)
	}
}

func (w *Worker) move(ctx context.Context) error {
	for {
		n, err := w.Store.MoveScheduled(ctx)
		if err != nil || n < 1000 {
			return err
		}
	}
}

func (w *Worker) parked(ctx context.Context) error {
	failed, err := w.Store.RetryParked(ctx)
	w.count(failed)
	return err
}

func (w *Worker) depths(ctx context.Context) error {
	ds, err := w.Store.Depths(ctx)
	for _, d := range ds {
		w.Observer.Depth(dispatch.Lane(d.Lane), d.Count, time.Duration(d.OldestSeconds*float64(time.Second)))
	}
	return err
}
