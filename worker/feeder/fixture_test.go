package feeder

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/worker/workertest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// world is everything that a feeder drives, and records the calls.
type world struct {
	mu      sync.Mutex
	pages   []dispatch.Page // offered
	local   []dispatch.Page // sent by this worker
	drained []dispatch.Lane
	asks    []limit.FeedAsk
	failed  map[string]int
	depths  map[dispatch.Lane]int64
	pending int64
	away    bool // Redis
	room    int
	allowed int // what Feed grants; -1: all
}

var errAway = errors.New("redis is away")

func (w *world) Offer(_ context.Context, p dispatch.Page) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return errAway
	}
	w.pages = append(w.pages, p)
	return nil
}

func (w *world) Pending(context.Context, dispatch.Lane) (int64, error) {
	if w.away {
		return 0, errAway
	}
	return w.pending, nil
}

func (w *world) Wiped(context.Context) (bool, error) { return false, nil }
func (w *world) Undo(context.Context) error          { return nil }
func (w *world) Register(context.Context) error      { return nil }

func (w *world) Page(_ context.Context, p dispatch.Page) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.local = append(w.local, p)
	return nil
}

func (w *world) Drain(_ context.Context, _ int64, lane dispatch.Lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drained = append(w.drained, lane)
}

func (w *world) Room(_ int64, concurrency int) int { return min(w.room, concurrency) }

func (w *world) Feed(_ context.Context, asks []limit.FeedAsk) ([]int, error) {
	w.asks = append(w.asks, asks...)
	out := make([]int, len(asks))
	for i, a := range asks {
		if out[i] = a.Want; w.allowed >= 0 {
			out[i] = min(out[i], w.allowed)
		}
	}
	return out, nil
}

func (w *world) Failed(_ int64, code string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed[code]++
}

func (w *world) CallbackLate(string) {}

func (w *world) Depth(lane dispatch.Lane, waiting int64, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.depths[lane] = waiting
}

// ids returns the number of messages in pages.
func ids(pages []dispatch.Page) int {
	n := 0
	for _, p := range pages {
		n += len(p.IDs)
	}
	return n
}

// asked is a provider that can be asked for messages.
type asked struct {
	provider.Provider
	find  func(m *dispatch.Message) (dispatch.StatusUpdate, bool, error)
	fetch func(providerID string) (dispatch.StatusUpdate, error)
}

var (
	_ provider.Finder = (*asked)(nil)
	_ Fetcher         = (*asked)(nil)
)

func (a *asked) Find(_ context.Context, _ *dispatch.Channel, m *dispatch.Message) (dispatch.StatusUpdate, bool, error) {
	return a.find(m)
}

func (a *asked) Fetch(_ context.Context, _ *dispatch.Channel, providerID string) (dispatch.StatusUpdate, error) {
	return a.fetch(providerID)
}

// fixture is a feeder on a database with a channel.
type fixture struct {
	*workertest.Fixture
	*Feeder
	world *world
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		Fixture: workertest.Open(t), world: &world{failed: map[string]int{}, depths: map[dispatch.Lane]int64{}, room: 1000, allowed: -1},
	}
	f.Feeder = New(Options{
		Store: f.Fixture.Store, Accounts: f.Fixture.Accounts, Registry: registry.New(
			f.Fixture.Accounts, f.Fixture.Store, nil, workertest.Quiet(),
		),
		Limits: f.world, Queue: f.world, Worker: f.world, Providers: map[string]provider.Provider{}, Observer: f.world, Log: workertest.Quiet(),
		Target:       func(ch *dispatch.Channel, _ bool) *dispatch.Channel { return ch },
		SendFallback: func(context.Context, store.Fallback) error { return nil },
	})
	return f
}

// feed runs one pass of the normal lane.
func (f *fixture) feed(t *testing.T) {
	t.Helper()
	workertest.Must(t, f.feedLane(t.Context(), dispatch.Normal))
}

// doubtful makes n messages whose call has an unknown outcome, due for a
// decision now.
func (f *fixture) doubtful(t *testing.T, n int) []dispatch.ID {
	t.Helper()
	ids, claim := f.Messages(t, n, nil), uuid.New()
	_, err := f.ClaimPage(t.Context(), ids, claim, time.Minute)
	workertest.Must(t, err)
	outs := make([]store.Outcome, n)
	for i, id := range ids {
		outs[i] = store.Outcome{ID: id, Claim: claim, Action: store.Resolve, Result: store.ResultUnknown, StartedAt: time.Now()}
	}
	_, err = f.Complete(t.Context(), outs)
	workertest.Must(t, err)
	return ids
}
