package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A drain sends all that is due on a channel, over several claims, once each,
// and ends messages that have expired.
func TestDrain_SendsTheBacklog(t *testing.T) {
	t.Parallel()
	for _, paged := range []bool{false, true} {
		t.Run(fmt.Sprintf("paged=%v", paged), func(t *testing.T) {
			t.Parallel()
			drainsBacklog(t, paged)
		})
	}
}

func drainsBacklog(t *testing.T, paged bool) {
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Concurrency = 1000 })
	f.Paged = paged
	ids := f.Messages(t, 600, nil)
	f.Paged = false
	ids = append(ids, f.Messages(t, 50, nil)...)
	expired := f.Messages(t, 3, func(m *dispatch.Message) { m.ExpiresAt = time.Now().Add(-time.Second) })
	otp := f.Messages(t, 2, func(m *dispatch.Message) { m.Lane = dispatch.OTP })
	f.slots.grants = []limit.Grant{{N: 100, Wait: time.Millisecond}, {N: 0, Wait: 5 * time.Millisecond}} // then all
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	f.expect(t, ids, dispatch.Sent)
	f.expect(t, expired, dispatch.Expired)
	f.expect(t, otp, dispatch.Queued)
	if n := len(f.vendor.calls()); n != 650 {
		t.Errorf("%d calls for 650 messages", n)
	}
	wait.Until(t, "the drain ends", func() bool { return !f.channelState(f.Channel).draining[dispatch.Normal].Load() })
}

// What is not accepted of a page does not hold up the others, and goes on with a row of its
// own: retried, failed, in doubt, released for a recipient who is to wait or an expired claim.
func TestDrain_Paged_EveryOutcome(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Concurrency, ch.Policy.BackoffBase = 1000, time.Hour })
	f.Paged = true
	answers := map[string]error{
		"+15550000002": &provider.Error{Kind: provider.Temporary, Code: "provider_error"},
		"+15550000003": &provider.Error{Kind: provider.Permanent, Code: dispatch.FailContent},
		"+15550000004": &provider.Error{Kind: provider.Uncertain, Code: "timeout"},
	}
	f.vendor.send = func(_ context.Context, _ *dispatch.Channel, m *dispatch.Message) error { return answers[m.To] }
	ids := f.Messages(t, 20, nil)
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	want := slices.Repeat([]dispatch.Status{dispatch.Sent}, 20)
	want[1], want[2], want[3] = dispatch.Queued, dispatch.Failed, dispatch.Sending
	wait.Until(t, "all outcomes are stored", func() bool { return slices.Equal(f.Statuses(t, ids), want) })
	vs, err := f.Views(t.Context(), ids)
	workertest.Must(t, err)
	for i := range vs {
		if vs[i].Attempts != 1 {
			t.Errorf("%s after %d attempts", vs[i].Status, vs[i].Attempts)
		}
	}
	if n := len(f.vendor.calls()); n != 20 {
		t.Errorf("%d calls", n)
	}
}

// Messages of a page whose slot is still to come are given back when the worker stops.
func TestDrain_Paged_StopGivesBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Paged = true
	f.slots.grants = []limit.Grant{{N: 4, Interval: time.Minute}}
	ids := f.Messages(t, 4, nil)
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	wait.Until(t, "the first call", func() bool { return len(f.vendor.calls()) == 1 })
	f.stop(t)
	if got, want := f.Statuses(t, ids), []dispatch.Status{dispatch.Sent, dispatch.Queued, dispatch.Queued, dispatch.Queued}; !slices.Equal(
		got, want,
	) {
		t.Errorf("%v, want %v", got, want)
	}
	claimed, _, err := f.ClaimDue(t.Context(), f.Channel, dispatch.Normal, 10, dispatch.NewID(), time.Minute, true)
	workertest.Must(t, err)
	for _, c := range claimed {
		if c.Attempts != 1 {
			t.Errorf("%d attempts", c.Attempts)
		}
	}
	if len(claimed) != 3 {
		t.Errorf("%d are ready again, want 3", len(claimed))
	}
}

// A recipient who must wait holds back one message of a page.
func TestDrain_Paged_HoldsBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Paged = true
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.RecipientSpacing = time.Second })
	f.slots.waits = map[string]time.Duration{"+15550000002": time.Hour}
	ids := f.Messages(t, 3, nil)
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	want := []dispatch.Status{dispatch.Sent, dispatch.Queued, dispatch.Sent}
	wait.Until(t, "the others are sent", func() bool { return slices.Equal(f.Statuses(t, ids), want) })
	wait.Until(t, "the drain ends", func() bool { return !f.channelState(f.Channel).draining[dispatch.Normal].Load() })
	if n := len(f.vendor.calls()); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// A lane of a channel is drained once at a time.
func TestDrain_OnceAtATime(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.slots.grants = []limit.Grant{{N: 0, Wait: time.Hour}}
	f.Messages(t, 1, nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { f.Drain(t.Context(), f.Channel, dispatch.Normal) })
	}
	wg.Wait()
	wait.Until(t, "one drain books", func() bool { f.slots.mu.Lock(); defer f.slots.mu.Unlock(); return len(f.slots.grants) == 0 })
	if n := len(f.vendor.calls()); n != 0 {
		t.Errorf("%d calls: a second drain got slots", n)
	}
	f.stop(t) // although the drain waits for its next slot
}

// A channel that may not send is not drained.
func TestDrain_ChannelMayNotSend(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Messages(t, 2, nil)
	workertest.Must(t, f.OpenCircuit(t.Context(), f.Channel, "broken", time.Hour))
	workertest.Must(t, f.drain(t.Context(), f.Channel, dispatch.Normal))
	workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, true))
	f.Change(t, func(ch *dispatch.Channel) { ch.Enabled = false })
	workertest.Must(t, f.drain(t.Context(), f.Channel, dispatch.Normal))
	if err := f.drain(t.Context(), f.Channel+1, dispatch.Normal); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Errorf("a deleted channel: %v", err)
	}
	if calls := f.vendor.calls(); len(calls) != 0 {
		t.Errorf("called for %v", calls)
	}
}

// Calls run on goroutines that are kept, at most maxIdle, and end with the pool.
func TestPool(t *testing.T) {
	t.Parallel()
	p := newPool()
	var ran sync.WaitGroup
	hold := make(chan struct{})
	const n = maxIdle + 50
	ran.Add(n)
	for range n {
		p.run(func() { ran.Done(); <-hold })
	}
	ran.Wait() // all at once: none waits for another
	close(hold)
	wait.Until(t, "maxIdle goroutines wait", func() bool { return len(p.idle) == maxIdle })
	again := make(chan struct{})
	p.run(func() { close(again) })
	<-again
	p.close()
	wait.Until(t, "they have ended", func() bool { return len(p.idle) == 0 })
}
