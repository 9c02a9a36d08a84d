package worker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const (
	// patience is how long a page waits for a free call of its channel.
	patience = 100 * time.Millisecond
	// followFor is how long the rest of a page follows the channel's slots.
	followFor = 2 * time.Second
	// writeReserve is what a lease keeps for writing the outcome down.
	writeReserve = 2 * time.Second
	// maxLeft is more seconds than any claim lasts.
	maxLeft = 3600
)

// Page works on one page: it books as many of the channel's slots as it can
// use, claims just those messages and starts their calls. It returns when the
// calls have started, not when they have ended: a slow provider holds no
// handler. What does not fit goes back with the time at which it may.
func (w *Worker) Page(ctx context.Context, p dispatch.Page) error {
	if !w.enter() {
		return errStopped
	}
	defer w.calls.Done()
	ch, err := w.Registry.Channel(ctx, p.Channel)
	if dispatch.CodeOf(err) == dispatch.NotFound && err != nil {
		w.Log.Warn("page of a channel that is gone", "channel", p.Channel)
		return nil
	}
	if err != nil {
		return err
	}
	ids, err := w.passCircuit(ctx, ch, p.IDs)
	if err != nil || len(ids) == 0 {
		return err
	}
	state := w.channelState(ch.ID)
	n := state.take(ctx, len(ids), callsFor(ch, p.Lane), patience)
	var rest []dispatch.ID
	var wait time.Duration
	if n > 0 {
		if rest, wait, err = w.sendPage(ctx, ch, state, p.Lane, ids[:n]); err != nil {
			return err
		}
	}
	if rest = append(rest, ids[n:]...); len(rest) == 0 {
		return nil
	}
	return w.goOn(ctx, ch, state, p.Lane, rest, wait)
}

// callsFor is how many calls of a channel a lane may have open: an otp always
// finds some that bulk and normal leave to it.
func callsFor(ch *dispatch.Channel, lane dispatch.Lane) int {
	n := ch.Policy.Concurrency
	switch {
	case lane == dispatch.OTP || n < 10:
		return n
	case n < 100:
		return n - 1
	}
	return n - n/50
}

// goOn sends what of a page found no call or slot of the channel free, as they
// come free, without holding the handler. The feeder offered about a second and
// a half of the channel's rate; put off to its next tick, a slow channel would
// reach less than half of its rate, and a busy one would put the same messages
// off again and again.
func (w *Worker) goOn(ctx context.Context, ch *dispatch.Channel, state *channelState, lane dispatch.Lane, rest []dispatch.ID, wait time.Duration) error {
	select {
	case w.following <- struct{}{}:
	default:
		return w.postpone(ctx, rest, wait)
	}
	if !w.enter() {
		<-w.following
		return w.postpone(ctx, rest, wait)
	}
	go func() {
		defer w.calls.Done()
		defer func() { <-w.following }()
		if err := w.follow(context.WithoutCancel(ctx), ch, state, lane, rest, wait); err != nil {
			w.Log.Warn("rest of a page not sent; it comes back", "channel", ch.ID, "error", err)
		}
	}()
	return nil
}

// follow is goOn's loop: at most followFor, and not while the worker stops.
func (w *Worker) follow(ctx context.Context, ch *dispatch.Channel, state *channelState, lane dispatch.Lane, rest []dispatch.ID, wait time.Duration) error {
	until := time.Now().Add(followFor)
	for len(rest) > 0 {
		wait = max(wait, 5*time.Millisecond)
		if w.stopping() || time.Now().Add(wait).After(until) {
			return w.postpone(ctx, rest, wait)
		}
		sleep(w.cut, wait)
		n := state.tryTake(len(rest), callsFor(ch, lane))
		if n == 0 {
			wait = patience / 4
			continue
		}
		more, next, err := w.sendPage(ctx, ch, state, lane, rest[:n])
		if err != nil {
			return err
		}
		rest, wait = append(more, rest[n:]...), next
	}
	return nil
}

// passCircuit keeps messages away from a channel that is in trouble, but for
// one probe when it is due.
func (w *Worker) passCircuit(ctx context.Context, ch *dispatch.Channel, ids []dispatch.ID) ([]dispatch.ID, error) {
	troubled, err := w.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, err
	}
	h, bad := troubled[ch.ID]
	if !bad && ch.Enabled {
		return ids, nil
	}
	if bad && h.State == "open" && ch.Enabled && time.Now().After(h.ProbeAt) {
		mine, err := w.Store.TakeProbe(ctx, ch.ID)
		if err != nil {
			return nil, err
		}
		if mine {
			return ids[:1], w.postpone(ctx, ids[1:], 5*time.Second)
		}
	}
	return nil, w.postpone(ctx, ids, 5*time.Second)
}

func (w *Worker) postpone(ctx context.Context, ids []dispatch.ID, d time.Duration) error {
	if len(ids) == 0 {
		return nil
	}
	return w.Store.Postpone(ctx, ids, d+rand.N(d/4+1))
}

// sendPage sends ids, for which calls are reserved in state. It gives back what
// the channel has no slot for yet, and when it will.
func (w *Worker) sendPage(ctx context.Context, ch *dispatch.Channel, state *channelState, lane dispatch.Lane, ids []dispatch.ID) (rest []dispatch.ID, wait time.Duration, err error) {
	booked := time.Now()
	grant, err := w.Limits.Reserve(ctx, ch.ID, lane, len(ids), ch.Policy.Rate)
	if err != nil {
		state.give(len(ids))
		return nil, 0, err
	}
	if grant.N < len(ids) {
		state.give(len(ids) - grant.N)
		ids, rest, wait = ids[:grant.N], slices.Clone(ids[grant.N:]), grant.Wait
	}
	if len(ids) == 0 {
		return rest, wait, nil
	}
	awaitTurn(ctx, grant)
	f := flight{ch: ch, state: state, lane: lane, claim: uuid.New(), grant: grant, booked: booked, started: time.Now()}
	claimed, err := w.Store.ClaimPage(context.WithoutCancel(ctx), ids, f.claim, lane.Lease())
	if err != nil {
		state.give(len(ids))
		if !pg.Refused(err) && w.results.Waiting() < resultQueue/2 {
			w.unclaim(f.claim, ids)
		}
		return nil, 0, fmt.Errorf("page of channel %d: %w", ch.ID, err)
	}
	state.give(len(ids) - len(claimed))
	w.depart(ctx, &f, claimed)
	return rest, wait, nil
}

// awaitTurn waits until the first slot is near: an otp page may book ahead, and
// no claim should wait for its slot.
func awaitTurn(ctx context.Context, g limit.Grant) {
	if g.First > 50*time.Millisecond {
		sleep(ctx, g.First-20*time.Millisecond)
	}
}

// flight is what the calls of one claim have in common.
type flight struct {
	ch       *dispatch.Channel
	to       *dispatch.Channel // as the provider client sees it
	state    *channelState
	lane     dispatch.Lane
	claim    uuid.UUID
	grant    limit.Grant
	booked   time.Time // when the slots were granted
	started  time.Time // just before the claim: the lease counts from here
	deadline time.Time // no call begins after it
}

// depart starts the calls of claimed messages, but for those that may not go
// now. A call is reserved for each of them.
func (w *Worker) depart(ctx context.Context, f *flight, claimed []store.Claimed) {
	claimed = w.holdBack(ctx, f.ch, f.state, f.claim, claimed)
	f.to = w.withCallback(f.ch)
	f.deadline = f.started.Add(f.lane.Lease() - f.lane.CallTimeout() - writeReserve)
	w.calls.Add(len(claimed))
	go w.launch(f, claimed)
}

// unclaim gives back what a claim whose answer was lost may have taken: no call
// was made, and only we know that. Without it the lease would count each as a
// call that may have succeeded.
func (w *Worker) unclaim(claim uuid.UUID, ids []dispatch.ID) {
	back := make([]store.Outcome, len(ids))
	for i, id := range ids {
		back[i] = store.Outcome{ID: id, Claim: claim, Action: store.Release}
	}
	w.write(back)
}

// launch starts the calls of a claim, each at its slot.
func (w *Worker) launch(f *flight, claimed []store.Claimed) {
	for i := range claimed {
		at := f.state.pace(f.booked.Add(f.grant.First+time.Duration(i)*f.grant.Interval), f.grant.Interval)
		if d := time.Until(at); d > 0 {
			time.Sleep(d)
		}
		c := &claimed[i]
		w.crew.run(func() {
			defer w.calls.Done()
			w.sendOne(f, c)
		})
	}
}

// holdBack gives claimed messages back that may not go now: a recipient that
// must wait, an empty retry budget. No call is made for them and none counted.
func (w *Worker) holdBack(ctx context.Context, ch *dispatch.Channel, state *channelState, claim uuid.UUID, claimed []store.Claimed) []store.Claimed {
	waits := w.recipientWaits(ctx, ch, state, claimed)
	send, back := claimed[:0:0], []store.Outcome(nil)
	for i, c := range claimed {
		var wait time.Duration
		if waits != nil {
			wait = waits[i]
		}
		if wait == 0 && c.Attempts > 1 {
			if got, later := w.Budget.Take(ch.ID, 1); got == 0 {
				wait = later + rand.N(later+time.Second)
			}
		}
		if wait == 0 {
			send = append(send, c)
			continue
		}
		back = append(back, store.Outcome{ID: c.ID, Claim: claim, Action: store.Release, Delay: wait})
	}
	if len(back) > 0 {
		state.give(len(back))
		w.write(back)
	}
	return send
}

func (w *Worker) recipientWaits(ctx context.Context, ch *dispatch.Channel, state *channelState, claimed []store.Claimed) []time.Duration {
	spacing := ch.Policy.RecipientSpacing
	if len(claimed) == 0 || (spacing == 0 && !state.anyPaired()) {
		return nil
	}
	tos := make([]string, len(claimed))
	for i := range claimed {
		tos[i] = claimed[i].To
	}
	var waits []time.Duration
	var err error
	if spacing > 0 {
		waits, err = w.Limits.Space(ctx, ch.ID, tos, spacing)
	} else {
		waits, err = w.Limits.Blocked(ctx, ch.ID, tos)
	}
	if err != nil {
		w.Log.Warn("recipient spacing not checked", "channel", ch.ID, "error", err)
		return nil
	}
	return waits
}

// write hands results to the completion batch and does not wait for it.
func (w *Worker) write(outs []store.Outcome) {
	w.calls.Go(func() {
		if _, err := w.results.DoAll(context.Background(), outs); err != nil {
			w.Log.Error("results lost; the lease brings the messages back", "results", len(outs), "error", err)
		}
	})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
