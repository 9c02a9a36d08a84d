package worker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// claimStore claims messages for a worker. A claim holds for its lease.
type claimStore interface {
	ClaimPage(ctx context.Context, ids []dispatch.ID, claim uuid.UUID, lease time.Duration) ([]store.Claimed, error)
	ClaimDue(
		ctx context.Context, channel int64, lane dispatch.Lane, n int, claim uuid.UUID, lease time.Duration, pagesFirst bool,
	) (claimed []store.Claimed, expired []dispatch.ID, err error)
	Unclaim(ctx context.Context, claim uuid.UUID) error
	Postpone(ctx context.Context, ids []dispatch.ID, d time.Duration) error
	Expire(ctx context.Context, ids []dispatch.ID) (int, error)
}

// recipientLimits keeps messages to the same recipient apart.
type recipientLimits interface {
	// Space books a message to each recipient and returns how long to wait for
	// those that have none free.
	Space(ctx context.Context, channel int64, tos []string, spacing time.Duration) ([]time.Duration, error)
	// Blocked returns how long each recipient is blocked.
	Blocked(ctx context.Context, channel int64, tos []string) ([]time.Duration, error)
	BlockRecipient(ctx context.Context, channel int64, to string, d time.Duration) error
}

// writeReserve is the part of a lease that is kept for storing the outcome.
const writeReserve = 2 * time.Second

// route is a lane of a channel, with this worker's state of the channel.
type route struct {
	ch    *dispatch.Channel
	lane  dispatch.Lane
	state *channelState
	early bool // what is reserved are calls that may have to wait until others end, see gather
}

// give returns n reserved calls that have not started.
func (r route) give(n int) {
	if r.early {
		r.state.giveEarly(n)
	} else {
		r.state.give(n)
	}
}

func (w *Worker) route(ch *dispatch.Channel, lane dispatch.Lane) route {
	return route{ch: ch, lane: lane, state: w.channelState(ch.ID)}
}

// concurrency returns how many calls of its channel the lane may have open: bulk
// and normal leave some to otp, at most ten. More would help none: of what is open, what
// ends goes to otp until bulk and normal are below their limit again.
func (r route) concurrency() int {
	n := r.ch.Policy.Concurrency
	switch {
	case r.lane == dispatch.OTP || n < 10:
		return n
	case n < 100:
		return n - 1
	}
	return n - min(n/50, 10)
}

// claim is a way to claim messages.
type claim struct {
	// take claims at most n messages under the given id.
	take func(ctx context.Context, id uuid.UUID, n int) ([]store.Claimed, error)
	// undo returns what a take of n messages, whose answer was lost, may have
	// claimed. Without it the end of the lease would count each message as a call
	// that may have succeeded.
	undo func(id uuid.UUID, n int)
}

// send books slots of the channel for n messages, for which n calls are reserved
// in r.state, claims as many messages as it got slots for and starts their
// calls. It returns the number of slots and, when that is less than n, how long
// until the next one is free.
func (w *Worker) send(ctx context.Context, r route, n int, c claim) (granted int, wait time.Duration, err error) {
	if r.lane != dispatch.OTP {
		if wait := r.state.line.behind(); wait > 0 {
			r.give(n)
			return 0, wait, nil
		}
	}
	booked := time.Now()
	grant, err := w.Limits.Reserve(ctx, r.ch.ID, r.lane, n, r.ch.Policy.Rate)
	if err != nil {
		r.give(n)
		return 0, 0, err
	}
	r.give(n - grant.N)
	if grant.N < n {
		wait = grant.Wait
	}
	if grant.N == 0 {
		return 0, wait, nil
	}
	if !w.awaitSlot(r.lane, grant) {
		r.give(grant.N)
		return 0, 0, nil // stopping
	}
	f := flight{route: r, claim: dispatch.NewID(), grant: grant, booked: booked, started: time.Now()}
	claimed, err := c.take(context.WithoutCancel(ctx), f.claim, grant.N)
	if err != nil {
		r.give(grant.N)
		if !pg.Refused(err) {
			c.undo(f.claim, grant.N)
		}
		return 0, 0, fmt.Errorf("claim messages of channel %d: %w", r.ch.ID, err)
	}
	r.give(grant.N - len(claimed))
	if w.Tracer != nil {
		w.Tracer.Claimed(f.started, f.claim, claimed)
	}
	w.depart(ctx, &f, claimed)
	return grant.N, wait, nil
}

// awaitSlot waits until the first slot is near: an otp page may book ahead, and a claim
// must not wait for its slot. One of otp that is right behind what other lanes have booked
// does not wait: it takes the next of their slots. It returns false if the worker stops.
func (w *Worker) awaitSlot(lane dispatch.Lane, g limit.Grant) bool {
	near := 50 * time.Millisecond
	if lane == dispatch.OTP {
		near += limit.Ahead
	}
	if g.First <= near {
		return true
	}
	return sleep(w.quit, g.First-near+30*time.Millisecond)
}

// flight is what the calls of one claim have in common.
type flight struct {
	route
	claim    uuid.UUID // holds its time
	grant    limit.Grant
	booked   time.Time // when the slots were granted
	started  time.Time // just before the claim: the lease counts from here
	deadline time.Time // no call starts after it
}

// outcome returns what every outcome of a claimed message begins with.
func (f *flight) outcome(c *store.Claimed) store.Outcome {
	return store.Outcome{ID: c.ID, Claim: f.claim, Paged: c.Paged, TID: c.TID}
}

// depart puts claimed messages into the line of their channel, except those that may not be sent
// now. A call is reserved for each of them.
func (w *Worker) depart(ctx context.Context, f *flight, claimed []store.Claimed) {
	claimed = w.holdBack(ctx, f, claimed)
	f.deadline = f.started.Add(f.lane.Lease() - f.lane.CallTimeout() - writeReserve)
	if len(claimed) == 0 {
		return
	}
	w.calls.Add(len(claimed))
	if f.state.line.add(f, claimed) {
		go w.launch(f.state)
	}
}

// giveUp releases messages whose calls have not started.
func (w *Worker) giveUp(f *flight, claimed []store.Claimed) {
	outs := make([]store.Outcome, len(claimed))
	for i := range claimed {
		outs[i] = f.outcome(&claimed[i])
		outs[i].Action = store.Release
	}
	f.give(len(outs))
	w.write(outs)
	w.calls.Add(-len(outs))
}

// holdBack releases claimed messages that may not be sent now: their recipient
// must wait, or the retry budget is empty. No call is made for them and none
// counted. It returns the others.
func (w *Worker) holdBack(ctx context.Context, f *flight, claimed []store.Claimed) []store.Claimed {
	claimed, back := w.passGate(ctx, f, claimed)
	waits := w.recipientWaits(ctx, f, claimed)
	send := claimed[:0] // in its place: what is read has been passed
	for i, c := range claimed {
		var wait time.Duration
		if waits != nil {
			wait = waits[i]
		}
		if wait == 0 && c.Attempts > 1 {
			if allowed, later := w.Budget.Take(f.ch.ID, 1); allowed == 0 {
				wait = later + rand.N(later+time.Second)
			}
		}
		if wait == 0 {
			send = append(send, c)
			continue
		}
		out := f.outcome(&c)
		out.Action, out.Delay = store.Release, wait
		back = append(back, out)
	}
	if len(back) > 0 {
		f.give(len(back))
		w.write(back)
	}
	return send
}

// recipientWaits returns how long each message must wait for its recipient, or
// nil if none must.
func (w *Worker) recipientWaits(ctx context.Context, f *flight, claimed []store.Claimed) []time.Duration {
	spacing := f.ch.Policy.RecipientSpacing
	if len(claimed) == 0 || (spacing == 0 && !f.state.anyBlocked()) {
		return nil
	}
	tos := make([]string, len(claimed))
	for i := range claimed {
		tos[i] = claimed[i].To
	}
	var waits []time.Duration
	tos, err := w.Store.FirstIDsOf(ctx, f.ch.Account, tos)
	if err != nil {
		w.Log.Warn("recipients kept apart by the ids that messages name", "channel", f.ch.ID, "error", err)
	}
	if spacing > 0 {
		waits, err = w.Limits.Space(ctx, f.ch.ID, tos, spacing)
	} else {
		waits, err = w.Limits.Blocked(ctx, f.ch.ID, tos)
	}
	if err != nil {
		w.Log.Warn("recipient spacing not checked", "channel", f.ch.ID, "error", err)
		return nil
	}
	return waits
}
