// Package worker sends accepted messages: it takes pages from the queue, or
// backlogs from Postgres, claims their messages, calls the providers and stores
// the outcomes.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// Store is the message store, as the worker uses it.
type Store interface {
	claimStore
	resultStore
	circuitStore
	peopleStore
}

// Registry caches what people configure.
type Registry interface {
	Channel(ctx context.Context, id int64) (*dispatch.Channel, error)
	Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error)
	// OpenCircuits returns the channels whose circuit is not closed.
	OpenCircuits(ctx context.Context) (map[int64]store.Health, error)
	// Drop empties the cache after a change.
	Drop()
}

// Limits shares the rates of channels and recipients among workers.
type Limits interface {
	Reserve(ctx context.Context, channel int64, lane dispatch.Lane, n int, rate float64) (limit.Grant, error)
	Throttled(ctx context.Context, channel int64, retryAfter time.Duration, account bool) error
	recipientLimits
}

// Budget limits the retries of a channel.
type Budget interface {
	// Take returns how many of n retries are allowed, and when further ones are.
	Take(channel int64, n int) (allowed int, later time.Duration)
	Success(channel int64, n int)
}

// Observer counts events; metrics implement it.
type Observer interface {
	Attempt(ch *dispatch.Channel, lane dispatch.Lane, result, code string, last bool, latency time.Duration)
	Failed(channel int64, code string)
	Sent(ch *dispatch.Channel, lane dispatch.Lane, sinceAccept time.Duration)
}

// Options of a Worker.
type Options struct {
	Store     Store
	Registry  Registry
	Limits    Limits
	Budget    Budget
	Providers map[string]provider.Provider
	Observer  Observer
	Log       *slog.Logger
	// Target returns a channel as its provider client needs it: with the address
	// for callbacks or, for test messages, with the emulator in the provider's
	// place. It is called for each message.
	Target func(ch *dispatch.Channel, test bool) *dispatch.Channel
	// Campaigns decides about messages of campaigns; nil: they are sent as others.
	Campaigns Campaigns
	// Templates takes note of refused templates; nil: nobody does.
	Templates Templates
	// Tracer makes traces of pages; nil: nobody does.
	Tracer Tracer
	// Grace is how long Stop waits for open calls before it cuts them.
	Grace time.Duration
}

// Tracer makes traces of pages.
type Tracer interface {
	// Claimed notes a claim.
	Claimed(began time.Time, claim uuid.UUID, claimed []store.Claimed)
	// Completed notes results that were stored.
	Completed(began time.Time, outs []store.Outcome)
}

// Templates keeps what providers report of templates.
type Templates interface {
	ChangeTemplates(ctx context.Context, channel int64, changes []dispatch.TemplateChange) error
}

// Worker sends messages.
type Worker struct {
	Options
	states    sync.Map       // channel id → *channelState
	calls     sync.WaitGroup // pages, calls and results under way
	mu        sync.Mutex     // between enter and Stop
	inFlight  atomic.Int64   // open calls
	quit      context.Context
	quitNow   context.CancelFunc // ends quit: no page and no call begins any more
	cut       context.Context
	cutNow    context.CancelFunc // ends cut: open calls are cut
	results   *batch.Batcher[store.Outcome, struct{}]
	bulk      *batch.Batcher[store.Outcome, struct{}] // results of the bulk lane
	followUps *batch.Batcher[store.Outcome, struct{}]
	rests     chan struct{} // holds one value for each rest of a page that is sent after its handler has ended
	pool      *pool
}

// maxRests is the number of pages whose rest is sent after their handler has
// ended.
const maxRests = 256

// New returns a Worker.
func New(o Options) *Worker {
	w := &Worker{Options: o, rests: make(chan struct{}, maxRests), pool: newPool()}
	w.quit, w.quitNow = context.WithCancel(context.Background())
	w.cut, w.cutNow = context.WithCancel(context.Background())
	ofResults := batch.Options{Max: resultPage, Queue: resultQueue, Workers: 2, More: resultPage, Timeout: time.Hour}
	w.results, w.bulk = batch.New(ofResults, w.persist), batch.New(ofResults, w.persistBulk)
	afterResult := batch.After[store.Outcome]{Lost: w.resultLost, Done: func(n int) { w.calls.Add(-n) }}
	w.results.AfterPut(afterResult)
	w.bulk.AfterPut(afterResult)
	w.followUps = batch.New(batch.Options{Max: resultPage, Queue: resultQueue}, w.followUpPage)
	return w
}

// errStopped returns a page to the queue: another worker gets it.
var errStopped = errors.New("the worker is stopping")

// enter counts a page as under way. It returns false once Stop has begun, so
// that what Stop waits for only becomes less.
func (w *Worker) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping() {
		return false
	}
	w.calls.Add(1)
	return true
}

// stopping reports whether Stop has begun.
func (w *Worker) stopping() bool { return w.quit.Err() != nil }

// Stop starts no further call and waits for open ones, at most Grace. Then it
// cuts those that remain, whose outcome is unknown, and stores every result. It
// returns an error if calls are still open or results not stored when ctx ends.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	w.quitNow()
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.calls.Wait(); close(done) }()
	grace := time.NewTimer(w.Grace)
	defer grace.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-grace.C:
	}
	if n := w.inFlight.Load(); n > 0 {
		w.Log.Warn("cutting open calls", "calls", n)
	}
	w.cutNow()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("stop worker: %d calls still open: %w", w.inFlight.Load(), ctx.Err())
	}
	w.pool.close()
	return errors.Join(w.results.Close(ctx), w.bulk.Close(ctx), w.followUps.Close(ctx))
}

// Open returns the number of provider calls that have begun and not ended.
func (w *Worker) Open() int64 { return w.inFlight.Load() }

// Room returns how many messages of a channel with that concurrency this worker
// can start soon.
func (w *Worker) Room(channel int64, concurrency int) int {
	return w.channelState(channel).room(concurrency)
}

// channelState returns this process's state of a channel.
func (w *Worker) channelState(id int64) *channelState {
	if s, ok := w.states.Load(id); ok {
		return s.(*channelState)
	}
	s, _ := w.states.LoadOrStore(id, newChannelState())
	return s.(*channelState)
}

// sleep waits for d. It returns false, at once, when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
