package worker

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const (
	// drainFrom is the backlog of a channel that is worth draining, and drainRate
	// the messages a second that the channel must take: slots that several
	// workers book for the same few messages are lost, which a slow channel would
	// feel.
	drainFrom = 500
	drainRate = 200
	// drainPage is how many messages one claim of a drain takes.
	drainPage = 256
	// gather is how long a drain lets calls come free, so that it claims pages.
	gather = 3 * time.Millisecond
)

// drains starts a drain for each backlog that is worth one and gives the others.
//
// A drain claims a channel's messages straight out of Postgres, as many as this
// worker has calls and the channel has slots for, until none is due. Offering
// them through the queue would write each row once more and carry its id
// through Redis, only to bring it back to the same worker; with thousands
// waiting for a channel nobody needs to be woken for them. Rate, concurrency
// and SKIP LOCKED share the backlog among workers.
func (w *Worker) drains(ctx context.Context, lane dispatch.Lane, backlogs []store.Backlog) ([]store.Backlog, error) {
	troubled, err := w.Registry.OpenCircuits(ctx)
	if err != nil {
		return nil, err
	}
	others := backlogs[:0:0]
	for _, b := range backlogs {
		ch, err := w.Registry.Channel(ctx, b.Channel)
		_, bad := troubled[b.Channel]
		if err != nil || bad || !ch.Enabled || b.N < drainFrom || ch.Policy.Rate < drainRate {
			others = append(others, b)
			continue
		}
		w.startDrain(ctx, ch.ID, lane)
	}
	return others, nil
}

// startDrain starts a drain unless one is under way in this worker.
func (w *Worker) startDrain(ctx context.Context, channel int64, lane dispatch.Lane) {
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

// drain goes on until nothing is due, the channel is in trouble or its calls
// hang, or the worker stops.
func (w *Worker) drain(ctx context.Context, id int64, lane dispatch.Lane) error {
	state := w.channelState(id)
	for !w.stopping() {
		ch, err := w.Registry.Channel(ctx, id)
		if err != nil {
			return err
		}
		troubled, err := w.Registry.OpenCircuits(ctx)
		if _, bad := troubled[id]; bad || err != nil || !ch.Enabled {
			return err
		}
		n := state.gather(w.cut, drainPage, callsFor(ch, lane))
		if n == 0 {
			return nil
		}
		more, wait, err := w.sendDue(ctx, ch, state, lane, n)
		if err != nil || !more {
			return err
		}
		if wait > 0 {
			sleep(w.cut, min(wait, time.Second))
		}
	}
	return nil
}

// sendDue books slots for up to n messages of a channel's backlog, for which
// calls are reserved in state, claims as many and starts their calls. It says
// whether more may be due, and when slots are.
func (w *Worker) sendDue(ctx context.Context, ch *dispatch.Channel, state *channelState, lane dispatch.Lane, n int) (more bool, wait time.Duration, err error) {
	booked := time.Now()
	grant, err := w.Limits.Reserve(ctx, ch.ID, lane, n, ch.Policy.Rate)
	if err != nil {
		state.give(n)
		return false, 0, err
	}
	state.give(n - grant.N)
	if grant.N == 0 {
		return true, max(grant.Wait, time.Millisecond), nil
	}
	awaitTurn(w.cut, grant)
	f := flight{ch: ch, state: state, lane: lane, claim: uuid.New(), grant: grant, booked: booked, started: time.Now()}
	claimed, expired, err := w.Store.ClaimDue(ctx, ch.ID, lane, grant.N, f.claim, lane.Lease())
	if err != nil {
		state.give(grant.N)
		if !pg.Refused(err) {
			w.unclaimAll(f.claim)
		}
		return false, 0, err
	}
	state.give(grant.N - len(claimed))
	w.depart(ctx, &f, claimed)
	if _, err := w.Store.Expire(ctx, expired); err != nil {
		return false, 0, err
	}
	return len(claimed)+len(expired) == grant.N, 0, nil
}

// unclaimAll gives back what a claim whose answer was lost took, as far as
// Postgres can be asked; the rest has its lease, and counts as calls that may
// have succeeded.
func (w *Worker) unclaimAll(claim uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.Store.Unclaim(ctx, claim); err != nil {
		w.Log.Warn("lost claim not given back; its lease ends it", "error", err)
	}
}
