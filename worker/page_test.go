package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A page is sent once, also when it is delivered twice.
func TestPage_Twice_SendsEachMessageOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.Messages(t, 5, nil)
	f.page(t, ids)
	f.page(t, ids)
	f.expect(t, ids, dispatch.Sent)
	if calls := f.vendor.calls(); len(calls) != 5 {
		t.Errorf("%d calls for 5 messages: %v", len(calls), calls)
	}
	if n := f.budget.succeeded.Load(); n != 5 {
		t.Errorf("%d successes for the retry budget", n)
	}
}

// The rest of a page, for which there was no slot, is sent as slots come free,
// in order, after the handler has returned.
func TestPage_FewSlots_SendsTheRestLater(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.slots.grants = []limit.Grant{{N: 2, Wait: 20 * time.Millisecond}, {N: 0, Wait: 10 * time.Millisecond}, {N: 1, Wait: time.Millisecond}}
	ids := f.Messages(t, 5, nil)
	f.page(t, ids)
	f.expect(t, ids, dispatch.Sent)
}

// What finds no slot within restFor is postponed, not dropped.
func TestPage_LongWait_Postpones(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.slots.grants = []limit.Grant{{N: 1, Wait: time.Hour}}
	ids := f.Messages(t, 3, nil)
	f.page(t, ids)
	f.expect(t, ids[:1], dispatch.Sent)
	wait.Until(t, "the rest is postponed", func() bool { return len(f.rests) == 0 })
	if got := f.Statuses(t, ids[1:]); got[0] != dispatch.Queued || got[1] != dispatch.Queued || f.Due(t) != 0 {
		t.Errorf("statuses %v; they are due before their slot", got)
	}
}

// A limiter that fails returns the page to the queue, with all calls free again.
func TestPage_LimiterFails_IsDeliveredAgain(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.slots.err = errors.New("no answer")
	ids := f.Messages(t, 3, nil)
	if err := f.Page(t.Context(), dispatch.Page{Channel: f.Channel, Lane: dispatch.Normal, IDs: ids}); !errors.Is(err, f.slots.err) {
		t.Fatal(err)
	}
	if n := f.channelState(f.Channel).open; n != 0 {
		t.Errorf("%d calls still reserved", n)
	}
	f.slots.err = nil
	f.page(t, ids)
	f.expect(t, ids, dispatch.Sent)
}

// Nothing is sent on a channel that is deleted, disabled or paused; when the
// probe of an open circuit is due, one message is.
func TestPage_ChannelMayNotSend(t *testing.T) {
	t.Parallel()
	f := open(t)
	workertest.Must(t, f.Page(t.Context(), dispatch.Page{Channel: f.Channel + 1, IDs: []dispatch.ID{uuid.New()}}))
	ids := f.Messages(t, 3, nil)
	workertest.Must(t, f.PauseChannel(t.Context(), f.Channel, "by hand"))
	f.page(t, ids)
	workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, true))
	f.Change(t, func(ch *dispatch.Channel) { ch.Enabled = false })
	f.page(t, ids)
	if calls := f.vendor.calls(); len(calls) != 0 {
		t.Errorf("called for %v", calls)
	}
	f.Change(t, func(ch *dispatch.Channel) { ch.Enabled = true })
	workertest.Must(t, f.WakeChannel(t.Context(), f.Channel)) // they were put off
	workertest.Must(t, f.OpenCircuit(t.Context(), f.Channel, "broken", time.Microsecond))
	wait.Until(t, "the probe closes the circuit", func() bool {
		if len(f.vendor.calls()) == 0 { // once it has closed, the others may go too
			f.page(t, ids)
		}
		open, err := f.Registry.OpenCircuits(t.Context())
		return err == nil && len(open) == 0
	})
	if calls := f.vendor.calls(); len(calls) != 1 {
		t.Errorf("%d probes: %v", len(calls), calls)
	}
}

// lostAnswers is a store of which the answer to the first claim is lost.
type lostAnswers struct {
	*store.Store
	claims atomic.Int64
}

var errLost = errors.New("connection reset")

func (s *lostAnswers) ClaimPage(ctx context.Context, ids []dispatch.ID, claim uuid.UUID, lease time.Duration) ([]store.Claimed, error) {
	claimed, err := s.Store.ClaimPage(ctx, ids, claim, lease)
	if s.claims.Add(1) == 1 && err == nil {
		return nil, errLost
	}
	return claimed, err
}

func (s *lostAnswers) ClaimDue(
	ctx context.Context, channel int64, lane dispatch.Lane, n int, claim uuid.UUID, lease time.Duration, pagesFirst bool,
) ([]store.Claimed, []dispatch.ID, error) {
	claimed, expired, err := s.Store.ClaimDue(ctx, channel, lane, n, claim, lease, pagesFirst)
	if s.claims.Add(1) == 1 && err == nil {
		return nil, nil, errLost
	}
	return claimed, expired, err
}

// A claim of which the answer was lost is given back: the messages are sent by
// the next page, and no call is counted that was not made.
func TestSend_ClaimAnswerLost_GivesBack(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(f *fixture, ids []dispatch.ID) error{
		"page": func(f *fixture, ids []dispatch.ID) error {
			return f.Page(context.Background(), dispatch.Page{Channel: f.Channel, Lane: dispatch.Normal, IDs: ids})
		},
		"drain": func(f *fixture, _ []dispatch.ID) error {
			return f.drain(context.Background(), f.Channel, dispatch.Normal)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			ids := f.Messages(t, 4, nil)
			f.Worker.Store = &lostAnswers{Store: f.Fixture.Store}
			if err := send(f, ids); !errors.Is(err, errLost) {
				t.Fatalf("error %v", err)
			}
			if n := f.channelState(f.Channel).open; n != 0 {
				t.Errorf("%d calls still reserved", n)
			}
			wait.Until(t, "all are sent", func() bool {
				f.page(t, ids)
				return len(f.vendor.calls()) == 4
			})
			f.expect(t, ids, dispatch.Sent)
			vs, err := f.Views(t.Context(), ids)
			workertest.Must(t, err)
			for i := range vs {
				if vs[i].Attempts != 1 || vs[i].MaybeSent {
					t.Errorf("message %d: %d attempts, maybe sent: %t", i, vs[i].Attempts, vs[i].MaybeSent)
				}
			}
		})
	}
}

// A recipient that must wait, or an empty retry budget, holds back its message
// only: it is due later, without an attempt.
func TestHoldBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.RecipientSpacing = time.Second })
	f.slots.waits = map[string]time.Duration{"+15550000002": time.Hour}
	ids := f.Messages(t, 3, nil)
	f.page(t, ids)
	f.expect(t, ids, dispatch.Sent, dispatch.Queued, dispatch.Sent)

	f.Change(t, func(ch *dispatch.Channel) {
		ch.Policy.RecipientSpacing, ch.Policy.BackoffBase, ch.Policy.BackoffCap = 0, time.Microsecond, time.Microsecond
	})
	f.vendor.send = func(context.Context, *dispatch.Channel, *dispatch.Message) error {
		return &provider.Error{Kind: provider.Temporary, Code: dispatch.FailProvider}
	}
	f.budget.left.Store(0)
	retry := f.Messages(t, 1, func(m *dispatch.Message) { m.To = "+15550000009" })
	before := len(f.vendor.calls()) + 1
	f.page(t, retry) // the first try needs no budget
	wait.Until(t, "it is to be tried again", func() bool {
		vs, err := f.Views(t.Context(), retry) // which count an attempt before its call
		return err == nil && vs[0].Attempts == 1 && len(f.vendor.calls()) == before
	})
	wait.Until(t, "the retry is claimed", func() bool { f.page(t, retry); return f.budget.left.Load() < 0 })
	workertest.Must(t, f.Stop(t.Context()))
	if n := len(f.vendor.calls()); n != before || f.Statuses(t, retry)[0] != dispatch.Queued {
		t.Errorf("%d calls without a budget, status %v", n-before, f.Statuses(t, retry))
	}
}

func TestConcurrency_LeavesCallsToOTP(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][2]int{1: {1, 1}, 9: {9, 9}, 10: {10, 9}, 99: {99, 98}, 100: {100, 98}, 500: {500, 490}, 1000: {1000, 990}} {
		ch := &dispatch.Channel{Policy: dispatch.Policy{Concurrency: n}}
		if otp, bulk := (route{ch: ch, lane: dispatch.OTP}).concurrency(), (route{
			ch: ch, lane: dispatch.Bulk,
		}).concurrency(); otp != want[0] || bulk != want[1] {
			t.Errorf("of %d: otp %d, bulk %d; want %v", n, otp, bulk, want)
		}
	}
}
