package worker

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// safeSend calls the provider client; a panic in it is this one message's
// fault, not the worker's, and whether anything was sent is not known.
func (w *Worker) safeSend(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (a provider.Accepted, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.Log.Error("provider client panicked", "message_id", m.ID, "provider", ch.Provider, "stack", string(debug.Stack()))
			err = &provider.Error{Kind: provider.Uncertain, Code: dispatch.FailInternal, Msg: "our provider client failed", Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	p := w.Providers[ch.Provider]
	if p == nil {
		return a, &provider.Error{Kind: provider.Permanent, Code: dispatch.FailInternal, Msg: "no client for provider " + ch.Provider}
	}
	return p.Send(ctx, ch, m)
}

// explain turns a provider's no into what happens next and tells the channel's
// limiter and circuit.
func (w *Worker) explain(ch *dispatch.Channel, state *channelState, lane dispatch.Lane, c *store.Claimed, err error, out *store.Outcome) {
	e := provider.AsError(err)
	decide(&ch.Policy, lane, c, e, rand.Float64, time.Now(), out)
	if c.Test {
		return // what the emulator says slows or pauses no real channel
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	switch e.Kind {
	case provider.Throttled:
		w.throttle(ctx, ch, state, c, e, out.Delay)
	case provider.Denied:
		w.openCircuit(ctx, ch, e, 30*time.Second)
	case provider.Held:
		w.openCircuit(ctx, ch, e, time.Minute)
	case provider.NotSent, provider.Temporary, provider.Doubtful, provider.Uncertain:
		if w.cut.Err() == nil && state.broke(breakAfter(ch)) {
			w.openCircuit(ctx, ch, e, time.Second)
		}
	case provider.Permanent:
		state.worked() // the provider is there and says no to this message
	}
}

// breakAfter is how many failures in a row open a circuit: enough for a tenth
// of a second at full rate, between 20 and 1,000.
func breakAfter(ch *dispatch.Channel) int { return int(min(1000, max(20, ch.Policy.Rate/10))) }

// decide is the retry policy, without side effects (SPEC 6):
//   - throttled and held calls wait and do not count;
//   - calls that surely did not succeed are tried again, with full jitter,
//     while attempts and age last;
//   - an outcome that nobody knows waits for evidence;
//   - all else fails at once.
func decide(p *dispatch.Policy, lane dispatch.Lane, c *store.Claimed, e *provider.Error, rnd func() float64, now time.Time, out *store.Outcome) {
	out.HTTP, out.Code, out.ProvCode, out.Detail, out.Suppress = e.HTTP, e.Code, e.Provider, clip(e.Msg, 500), e.Suppress
	out.Action = store.Retry
	attempt := max(c.Attempts-1, 0) // 0 is the first retry
	counted := true
	switch e.Kind {
	case provider.Throttled, provider.Held:
		out.Result, counted = store.ResultThrottled, false
		attempt = c.RLHits
	case provider.NotSent:
		out.Result = store.ResultNotSent
	case provider.Temporary:
		out.Result = store.ResultTemporary
	case provider.Doubtful:
		out.Result = store.ResultDoubtful
	case provider.Uncertain:
		out.Action, out.Result, out.Delay = store.Resolve, store.ResultUnknown, p.ResolveWindow[lane]
		return
	default:
		out.Action, out.Result = store.Fail, store.ResultPermanent
		return
	}
	old := p.MaxAge > 0 && now.Sub(laterOf(c.CreatedAt, c.DueAt)) > p.MaxAge
	if (counted && c.Attempts >= p.MaxAttempts) || old {
		out.Action = store.Fail
		return
	}
	out.Delay = dispatch.Backoff(p.BackoffBase, p.BackoffCap, attempt, rnd)
	if e.Kind == provider.Throttled && e.Scope == provider.ScopeRecipient {
		out.Delay = max(out.Delay, pairWait(c.RLHits))
	}
	out.Delay = max(out.Delay, e.RetryAfter)
}

// pairWait is Meta's rule for a recipient that gets too much: 4^n seconds.
func pairWait(hits int) time.Duration { return time.Second << (2 * min(hits, 5)) }

// throttle tells whom a 429 slows: one recipient, the channel, or every channel
// of the account at this provider.
func (w *Worker) throttle(ctx context.Context, ch *dispatch.Channel, state *channelState, c *store.Claimed, e *provider.Error, delay time.Duration) {
	var err error
	switch e.Scope {
	case provider.ScopeRecipient:
		state.pair(delay)
		err = w.Limits.BlockRecipient(ctx, ch.ID, c.To, delay)
	case provider.ScopeAccount:
		var all []*dispatch.Channel
		all, err = w.Registry.Channels(ctx, ch.Account)
		for _, other := range all {
			if other.Provider == ch.Provider {
				err = w.Limits.Throttled(ctx, other.ID, max(e.RetryAfter, 5*time.Second), true)
			}
		}
	default:
		err = w.Limits.Throttled(ctx, ch.ID, e.RetryAfter, false)
	}
	if err != nil {
		w.Log.Warn("throttling not noted", "channel", ch.ID, "error", err)
	}
}

func (w *Worker) openCircuit(ctx context.Context, ch *dispatch.Channel, e *provider.Error, probe time.Duration) {
	reason := strings.TrimSpace(e.Code + " " + e.Provider + ": " + clip(e.Msg, 200))
	if err := w.Store.OpenCircuit(ctx, ch.ID, reason, probe); err != nil {
		w.Log.Warn("circuit not opened", "channel", ch.ID, "error", err)
		return
	}
	w.Registry.Drop()
	w.Log.Warn("channel paused", "channel", ch.ID, "provider", ch.Provider, "reason", reason)
}

// recovered closes a circuit after a call that went through.
func (w *Worker) recovered(ch *dispatch.Channel, state *channelState) {
	state.worked()
	troubled, err := w.Registry.OpenCircuits(w.cut)
	if err != nil || troubled[ch.ID].State != "open" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := w.Store.CloseCircuit(ctx, ch.ID, false); err != nil {
		w.Log.Warn("circuit not closed", "channel", ch.ID, "error", err)
		return
	}
	w.Registry.Drop()
	w.Log.Info("channel resumed", "channel", ch.ID, "provider", ch.Provider)
}

// noteWaID keeps the provider's own id of a recipient when it differs from the
// number: the conversation window is looked up by both.
func (w *Worker) noteWaID(ch *dispatch.Channel, m *dispatch.Message, waID string) {
	if waID == "" || "+"+waID == m.To {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := w.Store.NoteWaID(ctx, ch.Account, m.To, waID); err != nil {
		w.Log.Warn("provider's id of the recipient not kept", "message_id", m.ID, "error", err)
	}
}

// withCallback copies a channel with the address of its callbacks.
func (w *Worker) withCallback(ch *dispatch.Channel) *dispatch.Channel {
	if ch.Settings["callback_url"] != "" {
		return ch
	}
	c := *ch
	c.Settings = make(map[string]string, len(ch.Settings)+1)
	maps.Copy(c.Settings, ch.Settings)
	c.Settings["callback_url"] = w.CallbackURL(ch)
	return &c
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
