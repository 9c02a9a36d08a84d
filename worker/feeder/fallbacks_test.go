package feeder

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// failed makes n messages that have failed and wait for their fallback.
func failed(t *testing.T, f *workertest.Fixture, n int) {
	t.Helper()
	ids := f.Messages(t, n, func(m *dispatch.Message) { m.Fallback = `[{"type":"text","text":{"body":"x"}}]` })
	claim := uuid.New()
	_, err := f.ClaimPage(t.Context(), ids, claim, time.Minute)
	workertest.Must(t, err)
	outs := make([]store.Outcome, n)
	for i, id := range ids {
		outs[i] = store.Outcome{ID: id, Claim: claim, Action: store.Fail, Result: store.ResultPermanent, StartedAt: time.Now()}
	}
	_, err = f.Complete(t.Context(), outs)
	workertest.Must(t, err)
}

// A worker that stops while an accept hangs does not wait for it, sends no
// other fallback, and leaves all of them to the next worker.
func TestFallbacks_Stopped_EndsAndGivesBack(t *testing.T) {
	t.Parallel()
	f := workertest.Open(t)
	failed(t, f, 3)
	hangs, sent := make(chan struct{}), make(chan struct{}, 3)
	defer close(hangs)
	w := New(Options{Store: f.Store, Log: workertest.Quiet(), SendFallback: func(context.Context, store.Fallback) error {
		sent <- struct{}{}
		<-hangs
		return nil
	}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.fallbacks(ctx) }()
	<-sent
	stop()
	wait.For(t, 20*time.Second, func() error {
		select {
		case err := <-ended:
			workertest.Must(t, err)
			return nil
		default:
			return errors.New("the job goes on after its context has ended")
		}
	})
	if len(sent) > 0 {
		t.Error("another fallback was sent after the context had ended")
	}
	again, err := f.DueFallbacks(t.Context())
	workertest.Must(t, err)
	if len(again) != 3 {
		t.Errorf("%d of 3 fallbacks are left to the next worker", len(again))
	}
}

// One fallback that can't be sent yet holds up no other.
func TestFallbacks_OneFails_TheOthersAreSent(t *testing.T) {
	t.Parallel()
	f := workertest.Open(t)
	failed(t, f, 3)
	var calls atomic.Int32
	w := New(Options{Store: f.Store, Log: workertest.Quiet(), SendFallback: func(context.Context, store.Fallback) error {
		if calls.Add(1) == 1 {
			return dispatch.Errorf(dispatch.Overloaded, "no room")
		}
		return nil
	}})
	workertest.Must(t, w.fallbacks(t.Context()))
	left, err := f.DueFallbacks(t.Context())
	workertest.Must(t, err)
	if calls.Load() != 3 || len(left) != 0 {
		t.Errorf("%d calls for 3 fallbacks; %d due at once again", calls.Load(), len(left))
	}
}
