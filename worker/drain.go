package worker

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	// drainPage is the number of messages that one claim of a drain takes.
	drainPage = 256
	// gatherFor is how long a drain waits for more calls to come free, so that it
	// claims pages.
	gatherFor = 3 * time.Millisecond
)

// Drain starts sending the messages of a channel that are due in a lane, page
// after page as Postgres has them, until none is due, the channel may not send
// or the worker stops. It does nothing if such a drain is under way.
func (w *Worker) Drain(ctx context.Context, channel int64, lane dispatch.Lane) {
	state := w.channelState(channel)
	if !state.draining[lane].CompareAndSwap(false, true) {
		return
	}
	if !w.enter() {
		state.draining[lane].Store(false)
		return
	}
	go func() {
		defer w.calls.Done()
		defer state.draining[lane].Store(false)
		if err := w.drain(context.WithoutCancel(ctx), channel, lane); err != nil {
			w.Log.Warn("backlog not drained; the feeder tries again", "channel", channel, "lane", lane.String(), "error", err)
		}
	}()
}

func (w *Worker) drain(ctx context.Context, channel int64, lane dispatch.Lane) error {
	for pagesFirst := true; !w.stopping(); pagesFirst = !pagesFirst {
		ch, err := w.Registry.Channel(ctx, channel)
		if err != nil {
			return err
		}
		open, err := w.Registry.OpenCircuits(ctx)
		if _, isOpen := open[channel]; isOpen || err != nil || !ch.Enabled || ch.Unreadable {
			return err
		}
		r := w.route(ch, lane)
		r.early = lane != dispatch.OTP
		n := r.gather(w.quit, drainPage)
		if n == 0 { // its calls hang
			return nil
		}
		more, wait, err := w.sendDue(ctx, r, n, pagesFirst)
		if err != nil || !more {
			return err
		}
		sleep(w.quit, min(wait, time.Second))
	}
	return nil
}

// sendDue sends up to n messages of a channel's backlog; see send. more reports
// whether further messages may be due, wait how long until there are slots.
func (w *Worker) sendDue(ctx context.Context, r route, n int, pagesFirst bool) (more bool, wait time.Duration, err error) {
	var expired []dispatch.ID
	taken, paged := 0, false
	granted, wait, err := w.send(ctx, r, n, claim{
		take: func(ctx context.Context, id uuid.UUID, n int) (claimed []store.Claimed, err error) {
			claimed, expired, err = w.Store.ClaimDue(ctx, r.ch.ID, r.lane, n, id, r.lane.Lease(), pagesFirst)
			taken = len(claimed) + len(expired)
			paged = slices.ContainsFunc(claimed, func(c store.Claimed) bool { return c.Paged })
			return claimed, err
		},
		undo: func(id uuid.UUID, _ int) { w.unclaim(id, r.lane.Lease()) },
	})
	switch {
	case err != nil:
		return false, 0, err
	case granted == 0:
		return true, max(wait, time.Millisecond), nil
	}
	if _, err := w.Store.Expire(ctx, expired); err != nil {
		return false, 0, err
	}
	return taken == granted || paged, 0, nil // a claim has no more pages than it may need
}

// unclaim releases what a claim whose answer was lost took: no call was made for
// it. It tries, in the background, until the lease is over, once when the worker
// stops; the messages would then count as calls that may have succeeded.
func (w *Worker) unclaim(claim uuid.UUID, lease time.Duration) {
	w.calls.Go(func() {
		ctx, cancel := context.WithTimeout(w.cut, lease)
		defer cancel()
		for wait := 50 * time.Millisecond; ; wait = min(wait*2, 1600*time.Millisecond) {
			err := w.Store.Unclaim(ctx, claim)
			if err == nil {
				return
			}
			if !sleep(w.quit, wait) || ctx.Err() != nil {
				w.Log.Warn("lost claim not given back; its messages wait for the end of its lease", "error", err)
				return
			}
		}
	})
}
