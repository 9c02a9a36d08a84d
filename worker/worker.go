// Package worker sends what was accepted: it takes pages from the queue, claims
// them in Postgres, calls the provider and writes down what became of it.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Queue is the doorbell as the feeder uses it.
type Queue interface {
	Offer(ctx context.Context, p dispatch.Page) error
	Pending(ctx context.Context, lane dispatch.Lane) (int64, error)
	Register(ctx context.Context) error
	Wiped(ctx context.Context) (bool, error)
	Undo(ctx context.Context) error
}

// Observer counts what happens; metrics implement it.
type Observer interface {
	Attempt(ch *dispatch.Channel, lane dispatch.Lane, result, code string, last bool, latency time.Duration)
	Failed(channel int64, code string)
	Sent(ch *dispatch.Channel, lane dispatch.Lane, sinceAccept time.Duration)
	Depth(lane dispatch.Lane, waiting int64, oldest time.Duration)
}

// Accounts lists the channels of an account, or with 0 those of all.
type Accounts interface {
	Channels(ctx context.Context, account int64) ([]dispatch.Channel, error)
}

// Options of a Worker.
type Options struct {
	Store     *store.Store
	Accounts  Accounts
	Registry  *registry.Registry
	Limits    *limit.Channels
	Budget    *limit.RetryBudget
	Queue     Queue
	Providers map[string]provider.Provider
	Observer  Observer
	Log       *slog.Logger
	// CallbackURL is where the provider of a channel calls back.
	CallbackURL func(*dispatch.Channel) string
	// TestChannel gives the emulator's stand-in for a channel: where messages of
	// test keys go.
	TestChannel func(*dispatch.Channel) *dispatch.Channel
	// SendFallback accepts the next entry of a message's fallback.
	SendFallback func(ctx context.Context, f store.Fallback) error
	// Webhooks brings events to customers; nil: nobody does.
	Webhooks Webhooks
	// Grace is how long Stop waits for open calls before it cuts them.
	Grace time.Duration
}

// Worker sends pages.
type Worker struct {
	Options
	lanes    sync.Map       // channel id → *lane (in-flight bound, pace, breaker)
	calls    sync.WaitGroup // pages, calls and results under way
	mu       sync.Mutex
	stopped  bool // no page begins any more
	inFlight atomic.Int64
	cut      context.Context // ends when open calls are to be cut
	cutNow   context.CancelFunc
	results  *batch.Batcher[store.Outcome, struct{}]
	// following bounds the pages that go on after their handler has ended.
	following chan struct{}
	crew      *crew
}

const (
	// resultQueue is how many results may wait for Postgres.
	resultQueue = 100_000
	// resultsAhead is how many may wait while calls go on: a kill would leave
	// them in doubt like calls that are open.
	resultsAhead = 1024
	// resultPage is how many are written together.
	resultPage = 256
)

// New makes a worker.
func New(o Options) *Worker {
	w := &Worker{Options: o, following: make(chan struct{}, 256), crew: newCrew()}
	w.cut, w.cutNow = context.WithCancel(context.Background())
	w.results = batch.New(batch.Options{Max: resultPage, Queue: resultQueue, Workers: 2, More: resultPage / 2, Timeout: time.Hour}, w.persist)
	return w
}

// errStopped hands a page back: a worker that still runs gets it.
var errStopped = errors.New("the worker is stopping")

// enter counts a page as under way unless Stop has begun: what it waits for
// only becomes less.
func (w *Worker) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.calls.Add(1)
	}
	return !w.stopped
}

func (w *Worker) stopping() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// Stop waits for open calls, at most Grace, cuts those that remain (their
// outcome is then unknown) and writes every result down.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.calls.Wait(); close(done) }()
	grace := time.NewTimer(w.Grace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		w.Log.Warn("cutting open calls", "calls", w.inFlight.Load())
		w.cutNow()
	}
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("stop worker: %d calls still open: %w", w.inFlight.Load(), ctx.Err())
	}
	w.cutNow()
	w.crew.dismiss()
	return w.results.Close(ctx)
}

// persist writes outcomes and does not give up: the message is sent, and only
// we know. Each repeat is harmless.
func (w *Worker) persist(ctx context.Context, outs []store.Outcome) ([]struct{}, error) {
	wait := 50 * time.Millisecond
	for {
		failed, err := w.Store.Complete(ctx, outs)
		if err == nil {
			w.count(failed)
			return make([]struct{}, len(outs)), nil
		}
		if pg.Poisoned(err) {
			return w.apart(ctx, outs, err)
		}
		w.Log.Warn("results not written yet", "results", len(outs), "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
			wait = min(wait*2, 1600*time.Millisecond)
		}
	}
}

// apart halves a page of which Postgres refuses one result, which no repeat
// would change, until that one is alone; its message is left to its lease.
func (w *Worker) apart(ctx context.Context, outs []store.Outcome, err error) ([]struct{}, error) {
	if len(outs) == 1 {
		w.Log.Error("result refused by the database; the lease brings the message back", "message_id", outs[0].ID, "error", err)
		return make([]struct{}, 1), nil
	}
	half := len(outs) / 2
	if _, err := w.persist(ctx, outs[:half]); err != nil {
		return nil, err
	}
	_, err = w.persist(ctx, outs[half:])
	return make([]struct{}, len(outs)), err
}

// count counts messages that failed.
func (w *Worker) count(failed []store.Failure) {
	for _, f := range failed {
		w.Observer.Failed(f.Channel, f.Code)
	}
}

// lane returns what this process knows of a channel.
func (w *Worker) channelState(id int64) *channelState {
	if s, ok := w.lanes.Load(id); ok {
		return s.(*channelState)
	}
	s, _ := w.lanes.LoadOrStore(id, &channelState{freed: make(chan struct{}, 1)})
	return s.(*channelState)
}
