package worker

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// maxLeft is more seconds than any claim lasts.
const maxLeft = 3600

// sendOne makes one call and has its outcome stored, which ends the call in w.calls. The
// channel's next call does not wait until it is stored, unless many results wait.
func (w *Worker) sendOne(f *flight, c *store.Claimed) {
	w.inFlight.Add(1)
	out := w.outcome(f, c)
	w.inFlight.Add(-1)
	results := w.results
	if f.lane == dispatch.Bulk {
		results = w.bulk
	}
	if results.Waiting() < resultsAhead {
		f.state.end()
		if err := results.Put(out); err != nil {
			w.resultLost(out, err)
			w.calls.Done()
		}
		return
	}
	defer w.calls.Done()
	if _, err := results.Do(context.Background(), out); err != nil {
		w.resultLost(out, err)
	}
	f.state.end()
}

func (w *Worker) resultLost(out store.Outcome, err error) {
	w.Log.Error("result lost; the message waits for the end of its lease", "message_id", out.ID, "error", err)
}

// outcome makes the call, unless the message must not be sent any more.
func (w *Worker) outcome(f *flight, c *store.Claimed) store.Outcome {
	out := f.outcome(c)
	out.Channel, out.Campaign, out.StartedAt = f.ch.ID, c.Campaign, time.Now()
	expiry := f.started.Add(time.Duration(min(c.Left, maxLeft) * float64(time.Second)))
	switch {
	case c.Suppressed:
		out.Action, out.Result, out.Code, out.Detail = store.Fail, 0, dispatch.FailSuppressed, "the recipient has opted out of messages"
	case out.StartedAt.After(f.deadline) || out.StartedAt.After(expiry):
		out.Action = store.Release // expired, or the claim may have run out
	default:
		w.call(f, message(c), c, &out)
	}
	return out
}

// call makes the provider call and sets what follows from it.
func (w *Worker) call(f *flight, m *dispatch.Message, c *store.Claimed, out *store.Outcome) {
	to := w.Target(f.ch, m.Test)
	ctx, end := outbound.Until(w.cut, out.StartedAt.Add(f.lane.CallTimeout()))
	defer end()
	accepted, err := w.safeSend(ctx, to, m)
	out.Latency = time.Since(out.StartedAt)
	if p := w.Providers[to.Provider]; p != nil {
		out.KeepRef = p.Spec().Echo != provider.EchoID
	}
	if err == nil {
		out.Action, out.Result = store.Settle, store.ResultAccepted
		out.HTTP, out.ProviderID, out.Detail = accepted.HTTP, accepted.ProviderID, accepted.Detail
		out.Limited = f.ch.Policy.MessagingLimit > 0
		noteIDs(m, accepted, out)
		w.accepted(f, m)
		w.Observer.Sent(f.ch, f.lane, time.Since(c.Since))
	} else {
		w.explain(f, c, err, out)
	}
	w.Observer.Attempt(f.ch, f.lane, out.Result.String(), out.Code, out.Action == store.Fail, out.Latency)
	if w.Log.Enabled(ctx, slog.LevelDebug) {
		w.Log.Debug("attempt", "message_id", c.ID, "channel", f.ch.ID, "lane", f.lane.String(), "result", out.Result.String(),
			"code", out.Code, "provider_code", out.ProvCode, "http", out.HTTP, "ms", out.Latency.Milliseconds())
	}
}

// safeSend calls the provider client. A panic in it concerns this one message;
// its outcome is uncertain.
func (w *Worker) safeSend(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (a provider.Accepted, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.Log.Error("provider client panicked", "message_id", m.ID, "provider", ch.Provider, "stack", string(debug.Stack()))
			err = &provider.Error{
				Kind: provider.Uncertain, Code: dispatch.FailInternal, Msg: "our provider client failed", Err: fmt.Errorf("panic: %v", r),
			}
		}
	}()
	p := w.Providers[ch.Provider]
	if p == nil {
		return a, &provider.Error{Kind: provider.Permanent, Code: dispatch.FailInternal, Msg: "no client for provider " + ch.Provider}
	}
	return p.Send(ctx, ch, m)
}

func message(c *store.Claimed) *dispatch.Message {
	m := &dispatch.Message{
		ID: c.ID, Account: c.Account, Channel: c.Channel, Lane: dispatch.Lane(c.Lane), To: c.To, Raw: c.Content,
		Test: c.Test, CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}
	if c.Reference != nil {
		m.Reference = *c.Reference
	}
	if c.Metadata != nil {
		m.Metadata = *c.Metadata
	}
	return m
}
