package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// stop stops the worker and fails the test if that takes long.
func (f *fixture) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	workertest.Must(t, f.Stop(t.Context()))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// Messages whose slot is still to come are given back when the worker stops:
// another worker can claim them at once, and no attempt is counted.
func TestStop_SlotsToCome_GivesBack(t *testing.T) {
	t.Parallel()
	for name, grant := range map[string]limit.Grant{
		"claimed":     {N: 4, Interval: time.Minute},                     // the first one goes at once
		"not claimed": {N: 4, First: time.Minute, Interval: time.Minute}, // an otp page that booked ahead
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.slots.grants = []limit.Grant{grant}
			ids := f.Messages(t, 4, nil)
			sent := 0
			handler := make(chan error, 1)
			go func() {
				handler <- f.Page(context.Background(), dispatch.Page{Channel: f.Channel, Lane: dispatch.Normal, IDs: ids})
			}()
			if grant.First == 0 {
				sent = 1
				wait.Until(t, "the first call", func() bool { return len(f.vendor.calls()) == 1 })
			} else {
				wait.Until(t, "the slots are booked", func() bool { f.slots.mu.Lock(); defer f.slots.mu.Unlock(); return len(f.slots.grants) == 0 })
			}
			f.stop(t)
			workertest.Must(t, <-handler)
			if n := len(f.vendor.calls()); n != sent {
				t.Errorf("%d calls, want %d", n, sent)
			}
			next := open(t)
			next.Fixture, next.Worker.Store, next.Worker.Registry = f.Fixture, f.Fixture.Store, f.Registry
			next.Channel = f.Channel
			wait.Until(t, "another worker sends the others", func() bool {
				next.page(t, ids)
				return len(next.vendor.calls()) == 4-sent
			})
			next.expect(t, ids, dispatch.Sent)
			vs, err := f.Views(t.Context(), ids)
			workertest.Must(t, err)
			for i := range vs {
				if vs[i].Attempts != 1 {
					t.Errorf("message %d: %d attempts", i, vs[i].Attempts)
				}
			}
		})
	}
}

// A call that does not end within Grace is cut, and its outcome unknown; one that
// ends in time is sent.
func TestStop_OpenCalls(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Grace = 200 * time.Millisecond
	f.vendor.send = func(ctx context.Context, _ *dispatch.Channel, m *dispatch.Message) error {
		if m.To == "+15550000001" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	ids := f.Messages(t, 2, nil)
	f.page(t, ids)
	wait.Until(t, "both calls are made", func() bool { return len(f.vendor.calls()) == 2 })
	f.stop(t)
	f.expect(t, ids[1:], dispatch.Sent)
	vs, err := f.Views(t.Context(), ids[:1])
	workertest.Must(t, err)
	if vs[0].Status == dispatch.Sent || vs[0].Attempts != 1 {
		t.Errorf("the cut one: %v after %d attempts", vs[0].Status, vs[0].Attempts)
	}
}

// A worker that has stopped takes nothing more.
func TestStop_TakesNothingMore(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.Messages(t, 1, nil)
	f.stop(t)
	if err := f.Page(t.Context(), dispatch.Page{Channel: f.Channel, Lane: dispatch.Normal, IDs: ids}); !errors.Is(err, errStopped) {
		t.Errorf("a page: %v", err)
	}
	f.Drain(t.Context(), f.Channel, dispatch.Normal)
	if f.channelState(f.Channel).draining[dispatch.Normal].Load() || len(f.vendor.calls()) != 0 {
		t.Errorf("a drain began: calls %v", f.vendor.calls())
	}
}

// failing is a store that does not store outcomes, until it is let.
type failing struct {
	*store.Store
	err   error
	left  atomic.Int64 // failures to come
	tries atomic.Int64
	bad   dispatch.ID // an outcome that is refused for good
}

func (s *failing) Complete(ctx context.Context, outs []store.Outcome) ([]store.Failure, error) {
	s.tries.Add(1)
	if s.left.Add(-1) >= 0 {
		return nil, s.err
	}
	for i := range outs {
		if outs[i].ID == s.bad {
			return nil, &pq.Error{Code: "22P05"}
		}
	}
	return s.Store.Complete(ctx, outs)
}

// Outcomes are stored although the database was away: the calls are made, and
// no other process has their outcome.
func TestPersist_DatabaseAway_Retries(t *testing.T) {
	t.Parallel()
	f := open(t)
	away := &failing{Store: f.Fixture.Store, err: errors.New("connection refused")}
	away.left.Store(3)
	f.Worker.Store = away
	ids := f.Messages(t, 2, nil)
	f.page(t, ids)
	f.expect(t, ids, dispatch.Sent)
	if away.tries.Load() < 4 || len(f.vendor.calls()) != 2 {
		t.Errorf("%d tries, %d calls", away.tries.Load(), len(f.vendor.calls()))
	}
}

// An outcome that Postgres refuses fails alone: those stored with it are stored.
func TestPersist_PoisonedOutcome_FailsAlone(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.Messages(t, 7, nil)
	f.Worker.Store = &failing{Store: f.Fixture.Store, bad: ids[4]}
	outs := make([]store.Outcome, len(ids))
	claim := dispatch.NewID()
	_, err := f.ClaimPage(t.Context(), ids, claim, time.Minute)
	workertest.Must(t, err)
	for i, id := range ids {
		outs[i] = store.Outcome{ID: id, Claim: claim, Action: store.Settle, Result: store.ResultAccepted, StartedAt: time.Now()}
	}
	done, err := f.persist(t.Context(), outs)
	workertest.Must(t, err)
	if len(done) != len(outs) {
		t.Errorf("%d results for %d outcomes", len(done), len(outs))
	}
	for i, s := range f.Statuses(t, ids) {
		if (s == dispatch.Sent) == (i == 4) {
			t.Errorf("message %d is %v", i, s)
		}
	}
}

// The end of the context is the end of the wait, however long Grace is.
func TestStop_ContextEndsBeforeGrace_CutsCalls(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Grace = time.Hour
	cut := make(chan struct{})
	f.vendor.send = func(ctx context.Context, _ *dispatch.Channel, _ *dispatch.Message) error {
		<-ctx.Done()
		close(cut)
		return ctx.Err()
	}
	f.page(t, f.Messages(t, 1, nil))
	wait.Until(t, "the call is made", func() bool { return len(f.vendor.calls()) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := f.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		t.Error("the call was not cut")
	}
}
