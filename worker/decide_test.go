package worker

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// half is a chance of one in two, always.
func half() float64 { return 0.5 }

func policy() *dispatch.Policy {
	p := dispatch.DefaultPolicy()
	p.BackoffBase, p.BackoffCap, p.MaxAttempts, p.MaxAge = time.Second, time.Minute, 4, time.Hour
	return &p
}

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Now()
	old := now.Add(-2 * time.Hour)
	young := store.Claimed{Since: now.Add(-time.Second), Attempts: 1}
	tries := func(n int) store.Claimed { c := young; c.Attempts = n; return c }
	with := func(change func(*store.Claimed)) store.Claimed {
		c := young
		change(&c)
		return c
	}
	for _, c := range []struct {
		name   string
		err    provider.Error
		claim  store.Claimed
		action store.Action
		result store.Result
		delay  time.Duration
	}{
		{"not sent", provider.Error{Kind: provider.NotSent}, young, store.Retry, store.ResultNotSent, time.Second / 2},
		{"temporary", provider.Error{Kind: provider.Temporary}, young, store.Retry, store.ResultTemporary, time.Second / 2},
		{"temporary, third time", provider.Error{Kind: provider.Temporary}, tries(3), store.Retry, store.ResultTemporary, 2 * time.Second},
		{"temporary, attempts used up", provider.Error{Kind: provider.Temporary}, tries(4), store.Fail, store.ResultTemporary, 0},
		{"not sent, attempts used up", provider.Error{Kind: provider.NotSent}, tries(4), store.Fail, store.ResultNotSent, 0},
		{
			"temporary, too old",
			provider.Error{Kind: provider.Temporary},
			with(func(c *store.Claimed) { c.Since = old }),
			store.Fail, store.ResultTemporary, 0,
		},
		{
			"temporary, old but due just now",
			provider.Error{Kind: provider.Temporary},
			with(func(c *store.Claimed) { c.CreatedAt = now.Add(-2 * time.Hour) }), store.Retry, store.ResultTemporary, time.Second / 2,
		},
		{
			"temporary with Retry-After",
			provider.Error{Kind: provider.Temporary, RetryAfter: 30 * time.Second},
			young, store.Retry,
			store.ResultTemporary, 30 * time.Second,
		},
		{"doubtful", provider.Error{Kind: provider.Doubtful}, young, store.Retry, store.ResultDoubtful, time.Second / 2},
		{"doubtful, attempts used up", provider.Error{Kind: provider.Doubtful}, tries(4), store.Fail, store.ResultDoubtful, 0},
		{
			"throttled",
			provider.Error{Kind: provider.Throttled, RetryAfter: 7 * time.Second},
			young, store.Retry,
			store.ResultThrottled, 7 * time.Second,
		},
		{"throttled, not counted", provider.Error{Kind: provider.Throttled}, tries(9), store.Retry, store.ResultThrottled, time.Second / 2},
		{
			"throttled, too old",
			provider.Error{Kind: provider.Throttled},
			with(func(c *store.Claimed) { c.Since = old }),
			store.Fail, store.ResultThrottled, 0,
		},
		{
			"recipient throttled twice",
			provider.Error{Kind: provider.Throttled, Scope: provider.ScopeRecipient},
			with(func(c *store.Claimed) { c.RLHits = 2 }), store.Retry, store.ResultThrottled, 16 * time.Second,
		},
		{"held", provider.Error{Kind: provider.Held}, tries(9), store.Retry, store.ResultThrottled, time.Second / 2},
		{"uncertain", provider.Error{Kind: provider.Uncertain}, young, store.Resolve, store.ResultUnknown, time.Minute},
		{"uncertain, attempts used up", provider.Error{Kind: provider.Uncertain}, tries(9), store.Resolve, store.ResultUnknown, time.Minute},
		{"permanent", provider.Error{Kind: provider.Permanent, Suppress: true}, young, store.Fail, store.ResultPermanent, 0},
		{"denied", provider.Error{Kind: provider.Denied}, young, store.Fail, store.ResultPermanent, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.err.HTTP, c.err.Code, c.err.Provider, c.err.Msg = 418, dispatch.FailProvider, "131016", "short and stout"
			var out store.Outcome
			decide(policy(), dispatch.Normal, &c.claim, &c.err, half, now, &out)
			if out.Action != c.action || out.Result != c.result || out.Delay != c.delay {
				t.Errorf("action %d, result %s, after %v; want %d, %s, %v", out.Action, out.Result, out.Delay, c.action, c.result, c.delay)
			}
			if out.HTTP != 418 || out.Code != dispatch.FailProvider || out.ProvCode != "131016" || out.Detail != "short and stout" ||
				out.Suppress != c.err.Suppress {
				t.Errorf("the provider's words are lost: %+v", out)
			}
		})
	}
}

// Whatever a provider answers: a call in doubt is never failed or repeated at
// once, a delay is never negative, never shorter than Retry-After and, without
// one, never longer than the cap; and an error never leaves a message without
// an end or a next try.
func TestDecide_HoldsForAll(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		p := dispatch.DefaultPolicy()
		p.BackoffBase = time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "base"))
		p.BackoffCap = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "cap"))
		p.MaxAttempts = rapid.IntRange(1, 10).Draw(t, "max attempts")
		age := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "age"))
		c := store.Claimed{
			Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts"), RLHits: rapid.IntRange(0, 1_000_000).Draw(t, "throttled so often"),
			Since: now.Add(-age),
		}
		e := provider.Error{
			Kind: provider.Kind(rapid.IntRange(1, 8).Draw(t, "kind")), Scope: provider.Scope(rapid.IntRange(0, 2).Draw(t, "scope")),
			RetryAfter: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "retry after")),
		}
		chance := rapid.Float64Range(0, 0.999).Draw(t, "chance")
		lane := rapid.SampledFrom(dispatch.Lanes).Draw(t, "lane")
		var out store.Outcome
		decide(&p, lane, &c, &e, func() float64 { return chance }, now, &out)
		switch {
		case (e.Kind == provider.Uncertain) != (out.Action == store.Resolve):
			t.Fatalf("%s: action %d", e.Kind, out.Action)
		case out.Action == store.Settle || out.Action == store.Release || out.Result == 0 || out.Result == store.ResultAccepted:
			t.Fatalf("%s: action %d, result %s", e.Kind, out.Action, out.Result)
		case out.Delay < 0:
			t.Fatalf("delay %v", out.Delay)
		case out.Action == store.Retry && out.Delay < e.RetryAfter:
			t.Fatalf("delay %v, Retry-After %v", out.Delay, e.RetryAfter)
		case out.Action == store.Retry && out.Delay > max(p.BackoffCap, p.BackoffBase, e.RetryAfter, 1024*time.Second):
			t.Fatalf("delay %v: base %v, cap %v, Retry-After %v", out.Delay, p.BackoffBase, p.BackoffCap, e.RetryAfter)
		case out.Action == store.Retry && e.Kind != provider.Throttled && e.Kind != provider.Held && c.Attempts >= p.MaxAttempts:
			t.Fatalf("try %d of %d is followed by another", c.Attempts, p.MaxAttempts)
		}
	})
}

func TestPairWait(t *testing.T) {
	t.Parallel()
	for hits, want := range map[int]time.Duration{
		0: time.Second, 1: 4 * time.Second, 2: 16 * time.Second, 5: 1024 * time.Second,
		1 << 30: 1024 * time.Second,
	} {
		if got := pairWait(hits); got != want {
			t.Errorf("after %d hits %v, want %v", hits, got, want)
		}
	}
}
