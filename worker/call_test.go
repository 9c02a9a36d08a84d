package worker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/worker/workertest"
)

// flight claims messages and returns them with their flight.
func (f *fixture) flight(t *testing.T, ids []dispatch.ID) (*flight, []store.Claimed) {
	t.Helper()
	ch, err := f.Registry.Channel(t.Context(), f.Channel)
	workertest.Must(t, err)
	fl := &flight{route: f.route(ch, dispatch.Normal), claim: uuid.New(), started: time.Now(), deadline: time.Now().Add(time.Minute)}
	claimed, err := f.ClaimPage(t.Context(), ids, fl.claim, time.Minute)
	workertest.Must(t, err)
	if len(claimed) != len(ids) {
		t.Fatalf("%d of %d claimed", len(claimed), len(ids))
	}
	return fl, claimed
}

// fails makes the vendor answer every call with e.
func (f *fixture) fails(e provider.Error) {
	f.vendor.send = func(context.Context, *dispatch.Channel, *dispatch.Message) error { return &e }
}

// A message that must not be sent any more is not: the call is not made.
func TestOutcome_NoCall(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.Messages(t, 1, nil)
	fl, claimed := f.flight(t, ids)
	for name, c := range map[string]struct {
		change func(fl *flight, c *store.Claimed)
		want   store.Action
	}{
		"opted out":       {func(_ *flight, c *store.Claimed) { c.Suppressed = true }, store.Fail},
		"expired":         {func(_ *flight, c *store.Claimed) { c.Left = -1 }, store.Release},
		"claim too old":   {func(fl *flight, _ *store.Claimed) { fl.deadline = time.Now().Add(-time.Millisecond) }, store.Release},
		"never to expire": {func(_ *flight, c *store.Claimed) { c.Left = 1e18 }, store.Settle},
	} {
		fl, m := *fl, claimed[0]
		c.change(&fl, &m)
		before := len(f.vendor.calls())
		out := f.outcome(&fl, &m)
		called := len(f.vendor.calls()) > before
		if out.Action != c.want || called != (c.want == store.Settle) || out.ID != ids[0] || out.Claim != fl.claim {
			t.Errorf("%s: %+v, called: %t", name, out, called)
		}
	}
}

// A client that panics harms its own message only, whose outcome is unknown; a
// provider without client fails it.
func TestSafeSend(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.vendor.send = func(context.Context, *dispatch.Channel, *dispatch.Message) error { panic("nil map") }
	fl, claimed := f.flight(t, f.Messages(t, 1, nil))
	if out := f.outcome(
		fl, &claimed[0],
	); out.Action != store.Resolve || out.Result != store.ResultUnknown || out.Code != dispatch.FailInternal {
		t.Errorf("after a panic: %+v", out)
	}
	delete(f.Providers, "meta")
	if out := f.outcome(fl, &claimed[0]); out.Action != store.Fail || out.Code != dispatch.FailInternal {
		t.Errorf("without a client: %+v", out)
	}
}

// Messages of test keys go to the emulator's channel, and its answers change
// nothing about the real one.
func TestCall_TestMessage(t *testing.T) {
	t.Parallel()
	f := open(t)
	var keys []string
	f.Target = func(ch *dispatch.Channel, test bool) *dispatch.Channel {
		c := *ch
		if test {
			c.Key = "emulator"
		}
		return &c
	}
	f.vendor.send = func(_ context.Context, ch *dispatch.Channel, m *dispatch.Message) error {
		keys = append(keys, ch.Key)
		if m.Test {
			return &provider.Error{Kind: provider.Denied, Code: dispatch.FailProvider}
		}
		return nil
	}
	ids := f.Messages(t, 2, func(m *dispatch.Message) { m.Test = m.To == "+15550000001" })
	fl, claimed := f.flight(t, ids)
	for i := range claimed {
		f.outcome(fl, &claimed[i])
	}
	slices.Sort(keys)
	if len(keys) != 2 || !slices.Contains(keys, "emulator") || keys[0] == keys[1] {
		t.Errorf("channels called: %v", keys)
	}
	open, err := f.Fixture.OpenCircuits(t.Context())
	workertest.Must(t, err)
	if len(open) != 0 {
		t.Errorf("the emulator's refusal opened a circuit: %+v", open)
	}
}

// A limit of the provider slows what it concerns.
func TestThrottle_Scopes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope   provider.Scope
		channel bool // the channel is slowed, and not its recipient
		others  bool // and every channel of the account at the provider
	}{
		"channel":   {provider.ScopeChannel, true, false},
		"recipient": {provider.ScopeRecipient, false, false},
		"account":   {provider.ScopeAccount, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			other, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
				Account: f.Account, Name: "other", Provider: "meta", Kind: "whatsapp", Sender: "+15550000099",
				Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
			})
			workertest.Must(t, err)
			f.fails(provider.Error{Kind: provider.Throttled, Scope: c.scope, Code: dispatch.FailProvider, RetryAfter: 3 * time.Second})
			fl, claimed := f.flight(t, f.Messages(t, 1, nil))
			out := f.outcome(fl, &claimed[0])
			if out.Action != store.Retry || out.Delay < 3*time.Second {
				t.Errorf("%+v", out)
			}
			if slices.Contains(f.slots.throttled, f.Channel) != c.channel || slices.Contains(f.slots.throttled, other.ID) != c.others {
				t.Errorf("slowed %v; the channel is %d, the other one %d", f.slots.throttled, f.Channel, other.ID)
			}
			if (f.slots.blocked["+15550000001"] > 0) == c.channel || f.channelState(f.Channel).anyBlocked() == c.channel {
				t.Errorf("recipients blocked: %v", f.slots.blocked)
			}
		})
	}
}

// Of two ids of one person the same is spaced and blocked.
func TestRecipient_IsThePerson(t *testing.T) {
	t.Parallel()
	f := open(t)
	const other, first = "DE.2000", "+15550000001"
	workertest.Must(t, f.Link(t.Context(), f.Account, first, other))
	f.fails(provider.Error{Kind: provider.Throttled, Scope: provider.ScopeRecipient, Code: dispatch.FailProvider, RetryAfter: 3 * time.Second})
	fl, claimed := f.flight(t, f.Messages(t, 1, func(m *dispatch.Message) { m.To = other }))
	f.outcome(fl, &claimed[0])
	if f.slots.blocked[first] == 0 || len(f.slots.blocked) != 1 {
		t.Errorf("blocked: %v", f.slots.blocked)
	}
	f.slots.waits = map[string]time.Duration{first: time.Minute}
	if waits := f.recipientWaits(t.Context(), fl, claimed); len(waits) != 1 || waits[0] != time.Minute {
		t.Errorf("waits: %v", waits)
	}
}

// Wrong credentials open the circuit at once, failures in a row after a while,
// refusals of single messages never; a call that succeeds closes it.
func TestCircuit_OpensAndCloses(t *testing.T) {
	t.Parallel()
	f := open(t)
	state := func() string {
		t.Helper()
		hs, err := f.Fixture.OpenCircuits(t.Context())
		workertest.Must(t, err)
		if len(hs) == 0 {
			return "closed"
		}
		return hs[0].State
	}
	fl, claimed := f.flight(t, f.Messages(t, 1, nil))
	call := func(kind provider.Kind, times int) {
		f.fails(provider.Error{Kind: kind, Code: dispatch.FailProvider})
		for range times {
			f.outcome(fl, &claimed[0])
		}
	}
	n := breakAfter(fl.ch)
	call(provider.Temporary, n-1)
	call(provider.Permanent, 1) // the provider is up
	call(provider.Temporary, n-1)
	if got := state(); got != "closed" {
		t.Errorf("after %d failures, interrupted: %s", 2*n-2, got)
	}
	call(provider.Uncertain, 1)
	if got := state(); got != "open" {
		t.Errorf("after %d failures in a row: %s", n, got)
	}
	f.vendor.send = nil
	f.outcome(fl, &claimed[0])
	if got := state(); got != "closed" {
		t.Errorf("after a success: %s", got)
	}
	for _, kind := range []provider.Kind{provider.Denied, provider.Held} {
		call(kind, 1)
		if got := state(); got != "open" {
			t.Errorf("after %s: %s", kind, got)
		}
		workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, true))
		f.Registry.Drop()
	}
}

func TestBreakAfter(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]int{1: 20, 200: 20, 5000: 500, 100_000: 1000} {
		if got := breakAfter(&dispatch.Channel{Policy: dispatch.Policy{Rate: rate}}); got != want {
			t.Errorf("%v a second: %d, want %d", rate, got, want)
		}
	}
}
