package worker

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	// patience is how long a page waits for a free call of its channel.
	patience = 100 * time.Millisecond
	// restFor is how long the rest of a page waits for slots of its channel.
	restFor = 2 * time.Second
	// circuitDelay is how long messages of a channel that may not send are put
	// off.
	circuitDelay = 5 * time.Second
)

// Page sends one page: it books as many of the channel's slots as it can use,
// claims just those messages and starts their calls. It returns when the calls
// have started, not when they have ended, so that a slow provider occupies no
// handler. Messages that find no slot are sent later or postponed. Page returns
// an error if the page must be delivered again.
func (w *Worker) Page(ctx context.Context, p dispatch.Page) error {
	if !w.enter() {
		return errStopped
	}
	defer w.calls.Done()
	ch, err := w.Registry.Channel(ctx, p.Channel)
	if err != nil && dispatch.CodeOf(err) == dispatch.NotFound {
		w.Log.Warn("page of a deleted channel", "channel", p.Channel)
		return nil
	}
	if err != nil {
		return err
	}
	if ch.Unreadable { // its messages come back
		return nil
	}
	ids, err := w.passCircuit(ctx, ch, p.IDs)
	if err != nil || len(ids) == 0 {
		return err
	}
	r := w.route(ch, p.Lane)
	var granted int
	var wait time.Duration
	if n := r.state.take(ctx, len(ids), r.concurrency(), patience); n > 0 {
		if granted, wait, err = w.sendIDs(ctx, r, ids[:n]); err != nil {
			return err
		}
	}
	if granted == len(ids) {
		return nil
	}
	return w.sendRest(ctx, r, ids[granted:], wait)
}

// sendIDs sends messages by their ids; see send.
func (w *Worker) sendIDs(ctx context.Context, r route, ids []dispatch.ID) (granted int, wait time.Duration, err error) {
	return w.send(ctx, r, len(ids), claim{
		take: func(ctx context.Context, id uuid.UUID, n int) ([]store.Claimed, error) {
			return w.Store.ClaimPage(ctx, ids[:n], id, r.lane.Lease())
		},
		undo: func(id uuid.UUID, n int) {
			if w.results.Waiting()+w.bulk.Waiting() < resultQueue/2 {
				w.release(id, ids[:n])
			}
		},
	})
}

// sendRest sends the messages of a page for which no call or slot was free, as
// these come free, without occupying the handler. The feeder offers about a
// second and a half of a channel's rate: if the rest were put off to its next
// tick, a slow channel would reach less than half of its rate.
func (w *Worker) sendRest(ctx context.Context, r route, rest []dispatch.ID, wait time.Duration) error {
	select {
	case w.rests <- struct{}{}:
	default:
		return w.postpone(ctx, rest, wait)
	}
	if !w.enter() {
		<-w.rests
		return w.postpone(ctx, rest, wait)
	}
	go func() {
		defer w.calls.Done()
		defer func() { <-w.rests }()
		if err := w.retryRemainder(context.WithoutCancel(ctx), r, rest, wait); err != nil {
			w.Log.Warn("rest of a page not sent; its messages are due again later", "channel", r.ch.ID, "error", err)
		}
	}()
	return nil
}

// retryRemainder is the loop of sendRest. It ends after restFor, or when the
// worker stops, and postpones the messages that are left.
func (w *Worker) retryRemainder(ctx context.Context, r route, rest []dispatch.ID, wait time.Duration) error {
	until := time.Now().Add(restFor)
	for len(rest) > 0 {
		wait = max(wait, 5*time.Millisecond)
		if time.Now().Add(wait).After(until) || !sleep(w.quit, wait) {
			return w.postpone(ctx, rest, wait)
		}
		n := r.reserve(len(rest))
		if n == 0 {
			wait = patience / 4
			continue
		}
		granted, next, err := w.sendIDs(ctx, r, rest[:n])
		if err != nil {
			return err
		}
		rest, wait = rest[granted:], next
	}
	return nil
}

// passCircuit returns the messages that may be sent: all of them if the circuit
// of the channel is closed, one if its probe is due, else none. The others are
// postponed.
func (w *Worker) passCircuit(ctx context.Context, ch *dispatch.Channel, ids []dispatch.ID) ([]dispatch.ID, error) {
	open, err := w.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, err
	}
	h, isOpen := open[ch.ID]
	if !isOpen && ch.Enabled {
		return ids, nil
	}
	if isOpen && h.State == "open" && ch.Enabled && time.Now().After(h.ProbeAt) {
		mine, err := w.Store.TakeProbe(ctx, ch.ID)
		if err != nil {
			return nil, err
		}
		if mine {
			return ids[:1], w.postpone(ctx, ids[1:], circuitDelay)
		}
	}
	return nil, w.postpone(ctx, ids, circuitDelay)
}

// postpone makes messages due again in d, or up to a quarter later.
func (w *Worker) postpone(ctx context.Context, ids []dispatch.ID, d time.Duration) error {
	if len(ids) == 0 {
		return nil
	}
	return w.Store.Postpone(ctx, ids, d+rand.N(d/4+1))
}
