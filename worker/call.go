package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// sendOne makes one call and writes down what became of it. The channel's next
// call need not wait for that, unless many results wait to be written.
func (w *Worker) sendOne(f *flight, c *store.Claimed) {
	w.inFlight.Add(1)
	out := w.outcome(f, c)
	w.inFlight.Add(-1)
	behind := w.results.Waiting() >= resultsAhead
	if !behind {
		f.state.give(1)
	}
	if _, err := w.results.Do(context.Background(), out); err != nil {
		w.Log.Error("result lost; the lease brings the message back", "message_id", c.ID, "error", err)
	}
	if behind {
		f.state.give(1)
	}
}

// outcome makes the call, unless there is a reason not to.
func (w *Worker) outcome(f *flight, c *store.Claimed) store.Outcome {
	out := store.Outcome{ID: c.ID, Claim: f.claim, Channel: f.ch.ID, StartedAt: time.Now()}
	deadline := earlier(f.deadline, f.started.Add(time.Duration(min(c.Left, maxLeft)*float64(time.Second))))
	switch {
	case c.Suppressed:
		out.Action, out.Result, out.Code, out.Detail = store.Fail, 0, dispatch.FailSuppressed, "the recipient has opted out of messages"
	case out.StartedAt.After(deadline):
		out.Action = store.Release // expired, or the claim is too old to be sure that it is still ours
	default:
		w.call(f, message(c), c, &out)
	}
	return out
}

// call makes the provider call and decides what follows.
func (w *Worker) call(f *flight, m *dispatch.Message, c *store.Claimed, out *store.Outcome) {
	to := f.to
	if m.Test {
		to = w.TestChannel(f.ch)
	}
	ctx, cancel := context.WithTimeout(w.cut, f.lane.CallTimeout())
	defer cancel()
	accepted, err := w.safeSend(ctx, to, m)
	out.Latency = time.Since(out.StartedAt)
	if err == nil {
		out.Action, out.Result, out.HTTP, out.ProviderID, out.Detail = store.Settle, store.ResultAccepted, accepted.HTTP, accepted.ProviderID, accepted.Detail
		out.KeepRef = w.Providers[to.Provider].Spec().Echo != provider.EchoID
		if !m.Test { // the emulator says nothing of the channel
			w.Budget.Success(f.ch.ID, 1)
			w.recovered(f.ch, f.state)
		}
		w.noteWaID(f.ch, m, accepted.WaID)
		w.Observer.Sent(f.ch, f.lane, time.Since(laterOf(c.CreatedAt, c.DueAt)))
	} else {
		w.explain(f.ch, f.state, f.lane, c, err, out)
	}
	w.Observer.Attempt(f.ch, f.lane, out.Result.String(), out.Code, out.Action == store.Fail, out.Latency)
	if w.Log.Enabled(ctx, slog.LevelDebug) {
		w.Log.Debug("attempt", "message_id", c.ID, "channel", f.ch.ID, "lane", f.lane.String(), "result", out.Result.String(), "code", out.Code, "provider_code", out.ProvCode, "http", out.HTTP, "ms", out.Latency.Milliseconds())
	}
}

// target is the channel as the provider client sees it: with the address of
// our callbacks, and for a test message the emulator in the provider's place.
func (w *Worker) target(ch *dispatch.Channel, m *dispatch.Message) *dispatch.Channel {
	if m.Test {
		return w.TestChannel(ch)
	}
	return w.withCallback(ch)
}

func message(c *store.Claimed) *dispatch.Message {
	m := &dispatch.Message{ID: c.ID, Account: c.Account, Channel: c.Channel, Lane: dispatch.Lane(c.Lane), To: c.To, Raw: c.Content, Test: c.Test, CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt}
	if c.Reference != nil {
		m.Reference = *c.Reference
	}
	if c.Metadata != nil {
		m.Metadata = *c.Metadata
	}
	return m
}
