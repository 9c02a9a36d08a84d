package worker

import (
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A drain sends all that is due on a channel, over several claims, once each,
// and ends messages that have expired.
func TestDrain_SendsTheBacklog(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Concurrency = 1000 })
	ids := f.Messages(t, 600, nil)
	expired := f.Messages(t, 3, func(m *dispatch.Message) { m.ExpiresAt = time.Now().Add(-time.Second) })
	otp := f.Messages(t, 2, func(m *dispatch.Message) { m.Lane = dispatch.OTP })
	f.slots.grants = []limit.Grant{{N: 100, Wait: time.Millisecond}, {N: 0, Wait: 5 * time.Millisecond}} // then all
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	f.expect(t, ids, dispatch.Sent)
	f.expect(t, expired, dispatch.Expired)
	f.expect(t, otp, dispatch.Queued)
	if n := len(f.vendor.calls()); n != 600 {
		t.Errorf("%d calls for 600 messages", n)
	}
	wait.Until(t, "the drain ends", func() bool { return !f.channelState(f.Channel).draining[dispatch.Normal].Load() })
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
