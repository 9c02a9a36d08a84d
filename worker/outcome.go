package worker

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/people"
)

// noteTimeout bounds what is written besides an outcome.
const noteTimeout = 2 * time.Second

// accepted notes that a provider accepted a call. The emulator's answers to test
// messages change nothing about the channel.
func (w *Worker) accepted(f *flight, m *dispatch.Message) {
	if !m.Test {
		w.Budget.Success(f.ch.ID, 1)
		w.closeCircuit(f)
	}
}

// explain sets what follows from a provider's error, and adjusts the channel's
// limits and circuit.
func (w *Worker) explain(f *flight, c *store.Claimed, err error, out *store.Outcome) {
	e := provider.AsError(err)
	decide(&f.ch.Policy, f.lane, c, e, rand.Float64, time.Now(), out)
	if c.Test {
		return // the emulator's answers slow or pause no real channel
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	switch e.Kind {
	case provider.Throttled:
		w.throttle(ctx, f, c, e, out.Delay)
	case provider.Denied:
		w.openCircuit(ctx, f.ch, e, 30*time.Second)
	case provider.Held:
		w.openCircuit(ctx, f.ch, e, time.Minute)
	case provider.NotSent, provider.Temporary, provider.Doubtful, provider.Uncertain:
		if w.cut.Err() == nil && f.state.broke(breakAfter(f.ch)) {
			w.openCircuit(ctx, f.ch, e, time.Second)
		}
	case provider.Permanent:
		f.state.worked() // the provider is up and refuses this message
	}
}

// decide sets what follows from a provider's error. It is the retry policy:
//   - throttled and held calls are retried until MaxAge and not counted;
//   - not-sent, temporary and doubtful calls are retried, with full jitter, while
//     MaxAttempts and MaxAge allow it;
//   - an unknown outcome waits for evidence, for ResolveWindow;
//   - every other error fails the message at once.
func decide(
	p *dispatch.Policy, lane dispatch.Lane, c *store.Claimed, e *provider.Error, rnd func() float64, now time.Time, out *store.Outcome,
) {
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
	old := p.MaxAge > 0 && now.Sub(c.Since) > p.MaxAge
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

// pairWait returns how long a recipient that gets too many messages is left
// alone after its n-th limit: 4^n seconds, as the vendor of error 131056 requires.
func pairWait(hits int) time.Duration { return time.Second << (2 * min(hits, 5)) }

// throttle slows what a provider's limit concerns: one recipient, the channel, or
// every channel of the account at this provider.
func (w *Worker) throttle(ctx context.Context, f *flight, c *store.Claimed, e *provider.Error, delay time.Duration) {
	var err error
	switch e.Scope {
	case provider.ScopeRecipient:
		f.state.block(delay)
		first, lookErr := w.Store.FirstIDsOf(ctx, f.ch.Account, []string{c.To}) // unchanged with an error
		err = cmp.Or(w.Limits.BlockRecipient(ctx, f.ch.ID, first[0], delay), lookErr)
	case provider.ScopeAccount:
		var all []*dispatch.Channel
		all, err = w.Registry.Channels(ctx, f.ch.Account)
		for _, other := range all {
			if other.Provider == f.ch.Provider {
				err = w.Limits.Throttled(ctx, other.ID, max(e.RetryAfter, 5*time.Second), true)
			}
		}
	default:
		err = w.Limits.Throttled(ctx, f.ch.ID, e.RetryAfter, false)
	}
	if err != nil {
		w.Log.Warn("throttling not stored", "channel", f.ch.ID, "error", err)
	}
}

// noteIDs notes the provider's own ids of a recipient when they differ from the
// one that the message went to: windows and suppressions are looked up by all.
func noteIDs(m *dispatch.Message, a provider.Accepted, out *store.Outcome) {
	if seen := (people.Seen{Recipient: m.To, WaID: a.WaID, UserID: a.UserID}); seen.Adds() {
		out.Account, out.Seen = m.Account, seen
	}
}

// clip returns at most n characters of s.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
