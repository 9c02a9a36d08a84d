package feeder

import (
	"context"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	// highWater is the number of pages a lane may have waiting in Redis: about two
	// seconds of work. The rest of a backlog waits in Postgres.
	highWater = 120
	// feedMax is the largest number of messages that one pass takes of a channel.
	feedMax = 2000
	// blockedMax is how many messages of a channel that may not send are put off,
	// or expired, in one pass.
	blockedMax = 500
	// localPages is how many pages a worker sends by itself at once while Redis
	// is away.
	localPages = 16
	// drainFrom is the backlog of a channel from which it is drained, if its rate is
	// store.PagedRate at least: slots that several workers book for the same few messages
	// are lost, which matters to a slow channel.
	drainFrom = 500
)

// feedEvery is the interval at which each lane is fed.
var feedEvery = map[dispatch.Lane]time.Duration{
	dispatch.OTP: 100 * time.Millisecond, dispatch.Normal: 250 * time.Millisecond, dispatch.Bulk: 250 * time.Millisecond,
}

// dueStore finds the messages that are due.
type dueStore interface {
	Backlogs(ctx context.Context, lane dispatch.Lane, most int) ([]store.Backlog, error)
	DueMessages(ctx context.Context, lane dispatch.Lane, budgets map[int64]int) ([]store.Due, error)
	Expire(ctx context.Context, ids []dispatch.ID) (int, error)
	// OpenOldest turns the oldest pages of a channel's lane into rows, at most most.
	OpenOldest(ctx context.Context, channel int64, lane dispatch.Lane, most int) error
}

// feedLane offers the messages that are due in a lane, each channel within its
// rate, until nothing is due or the lane is full. Large backlogs are drained
// instead.
func (f *Feeder) feedLane(ctx context.Context, lane dispatch.Lane) error {
	for ctx.Err() == nil {
		backlogs, err := f.Store.Backlogs(ctx, lane, feedMax)
		if err != nil {
			return err
		}
		if backlogs, err = f.drainLarge(ctx, lane, backlogs); err != nil || len(backlogs) == 0 {
			return err
		}
		if backlogs, err = f.openPages(ctx, lane, backlogs); err != nil || len(backlogs) == 0 {
			return err
		}
		pending, err := f.Queue.Pending(ctx, lane)
		away := err != nil
		if !away && pending >= highWater {
			return nil
		}
		budgets, blocked, err := f.budgets(ctx, lane, backlogs)
		if err != nil {
			return err
		}
		due, err := f.Store.DueMessages(ctx, lane, budgets)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := f.offerDue(ctx, lane, due, blocked, away); err != nil {
			return err
		}
		if len(due) < feedMax/2 {
			return nil
		}
	}
	return nil
}

// drainLarge starts a drain for each backlog that is worth one and returns the
// others.
//
// A drain claims messages directly in Postgres, as many as this worker has
// calls and the channel has slots for. Offering them through the queue would
// write each row once more and carry its id through Redis, only to bring it back
// to the same worker. Rate, concurrency and SKIP LOCKED share the backlog among
// workers.
func (f *Feeder) drainLarge(ctx context.Context, lane dispatch.Lane, backlogs []store.Backlog) ([]store.Backlog, error) {
	open, err := f.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, err
	}
	others := backlogs[:0:0]
	for _, b := range backlogs {
		ch, err := f.Registry.Channel(ctx, b.Channel)
		_, isOpen := open[b.Channel]
		if err != nil || isOpen || !ch.Enabled || ch.Unreadable || b.N < drainFrom && b.Paged == 0 || ch.Policy.Rate < store.PagedRate {
			others = append(others, b)
			continue
		}
		f.Worker.Drain(ctx, ch.ID, lane)
	}
	return others, nil
}

// slowPages is how many pages of a slow channel are opened in a pass.
const slowPages = 16

// openPages opens pages of channels that are not drained, so that their messages are offered:
// of a slow channel the oldest ones, and of one whose circuit is open a page when its probe is
// due and nothing else is. It returns the backlogs of rows, those of these pages among
// them.
func (f *Feeder) openPages(ctx context.Context, lane dispatch.Lane, backlogs []store.Backlog) ([]store.Backlog, error) {
	open, err := f.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, err
	}
	rows := backlogs[:0:0]
	for _, b := range backlogs {
		most := slowPages
		h, isOpen := open[b.Channel]
		if isOpen {
			most = 1
		}
		ch, err := f.Registry.Channel(ctx, b.Channel)
		maySend := err == nil && ch.Enabled && !ch.Unreadable && (!isOpen || b.N == 0 && probeDue(h))
		if b.Paged > 0 && b.N < feedMax && maySend { // else what is in pages stays there
			if err := f.Store.OpenOldest(ctx, b.Channel, lane, most); err != nil {
				return nil, err
			}
			b.N += b.Paged
		}
		if b.N == 0 {
			continue
		}
		rows = append(rows, b)
	}
	return rows, nil
}

// probeDue reports whether one message may try whether an open circuit can close.
func probeDue(h store.Health) bool { return h.State == "open" && time.Now().After(h.ProbeAt) }

// budgets returns how many messages of each channel may be offered now. A
// channel whose circuit is open gets one when its probe is due; otherwise it is
// in blocked, and its messages are only put off, or expired.
func (f *Feeder) budgets(
	ctx context.Context, lane dispatch.Lane, backlogs []store.Backlog,
) (budgets map[int64]int, blocked map[int64]bool, err error) {
	open, err := f.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, nil, err
	}
	budgets, blocked = map[int64]int{}, map[int64]bool{}
	var asks []limit.FeedAsk
	for _, b := range backlogs {
		if h, isOpen := open[b.Channel]; isOpen {
			budgets[b.Channel], blocked[b.Channel] = blockedMax, true
			if probeDue(h) {
				budgets[b.Channel], blocked[b.Channel] = 1, false
			}
			continue
		}
		ch, err := f.Registry.Channel(ctx, b.Channel)
		if err != nil {
			if dispatch.CodeOf(err) == dispatch.NotFound { // deleted while messages came in: they expire
				budgets[b.Channel], blocked[b.Channel] = blockedMax, true
			}
			continue
		}
		if ch.Unreadable {
			budgets[b.Channel], blocked[b.Channel] = blockedMax, true
			continue
		}
		want := min(b.N, f.Worker.Room(ch.ID, ch.Policy.Concurrency))
		if lane == dispatch.OTP { // few and urgent: only the channel's slots limit them
			budgets[b.Channel] = want
			continue
		}
		asks = append(asks, limit.FeedAsk{Channel: ch.ID, Rate: ch.Policy.Rate, Want: want})
	}
	granted, err := f.Limits.Feed(ctx, asks)
	if err != nil {
		return nil, nil, err
	}
	for i, a := range asks {
		budgets[a.Channel] = granted[i]
	}
	return budgets, blocked, nil
}

// offerDue ends messages that have expired and offers the others in pages.
func (f *Feeder) offerDue(ctx context.Context, lane dispatch.Lane, due []store.Due, blocked map[int64]bool, away bool) error {
	var expired []dispatch.ID
	byChannel := map[int64][]dispatch.ID{}
	for _, d := range due {
		switch {
		case d.Expired:
			expired = append(expired, d.ID)
		case !blocked[d.Channel]:
			byChannel[d.Channel] = append(byChannel[d.Channel], d.ID)
		}
	}
	if _, err := f.Store.Expire(ctx, expired); err != nil {
		return err
	}
	var local []dispatch.Page
	for ch, ids := range byChannel {
		for len(ids) > 0 {
			n := min(len(ids), dispatch.MaxPage)
			page := dispatch.Page{Channel: ch, Lane: lane, IDs: ids[:n]}
			ids = ids[n:]
			if away || f.Queue.Offer(ctx, page) != nil {
				away = true
				local = append(local, page)
			}
		}
	}
	f.sendLocally(ctx, local)
	return nil
}

// sendLocally sends pages in this worker, because Redis is away.
func (f *Feeder) sendLocally(ctx context.Context, pages []dispatch.Page) {
	places := make(chan struct{}, localPages)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, page := range pages {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if err := f.Worker.Page(ctx, page); err != nil {
				f.Log.Warn("page not sent; its messages are due again later", "channel", page.Channel, "error", err)
			}
		})
	}
}
