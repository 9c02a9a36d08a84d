package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/metrics"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// vendor is a provider that accepts each message, unless send is set.
type vendor struct {
	provider.Provider
	send func(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) error // nil: accept
	mu   sync.Mutex
	to   []string // recipients, in the order of the calls
}

func (v *vendor) Spec() *provider.Spec { return &provider.Spec{Name: "meta"} }

func (v *vendor) Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (provider.Accepted, error) {
	v.mu.Lock()
	v.to = append(v.to, m.To)
	v.mu.Unlock()
	if v.send != nil {
		if err := v.send(ctx, ch, m); err != nil {
			return provider.Accepted{}, err
		}
	}
	return provider.Accepted{ProviderID: "p" + m.ID.String(), HTTP: 200}, nil
}

func (v *vendor) calls() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.to)
}

// slots are limits that return the entries of grants, one after the other, and
// then everything.
type slots struct {
	mu        sync.Mutex
	grants    []limit.Grant
	err       error
	waits     map[string]time.Duration // by recipient
	blocked   map[string]time.Duration // what BlockRecipient was told
	throttled []int64
}

func (s *slots) Reserve(_ context.Context, _ int64, _ dispatch.Lane, n int, _ float64) (limit.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(s.grants) == 0 {
		return limit.Grant{N: n}, s.err
	}
	g := s.grants[0]
	s.grants = s.grants[1:]
	g.N = min(g.N, n)
	return g, nil
}

func (s *slots) Throttled(_ context.Context, channel int64, _ time.Duration, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled = append(s.throttled, channel)
	return nil
}

func (s *slots) Space(ctx context.Context, channel int64, tos []string, _ time.Duration) ([]time.Duration, error) {
	return s.Blocked(ctx, channel, tos)
}

func (s *slots) Blocked(_ context.Context, _ int64, tos []string) ([]time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]time.Duration, len(tos))
	for i, to := range tos {
		out[i] = s.waits[to]
	}
	return out, nil
}

func (s *slots) BlockRecipient(_ context.Context, _ int64, to string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocked == nil {
		s.blocked = map[string]time.Duration{}
	}
	s.blocked[to] = d
	return nil
}

// retries is a budget that allows left retries.
type retries struct{ left, succeeded atomic.Int64 }

func (r *retries) Take(_ int64, n int) (int, time.Duration) {
	if r.left.Add(int64(-n)) < 0 {
		return 0, time.Minute
	}
	return n, 0
}

func (r *retries) Success(_ int64, n int) { r.succeeded.Add(int64(n)) }

// fixture is a worker on a database with a channel.
type fixture struct {
	*workertest.Fixture
	*Worker
	vendor *vendor
	slots  *slots
	budget *retries
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Fixture: workertest.Open(t), vendor: &vendor{}, slots: &slots{}, budget: &retries{}}
	f.budget.left.Store(1000)
	f.Worker = New(Options{
		Store: f.Fixture.Store, Registry: registry.New(f.Accounts, f.Fixture.Store, nil, workertest.Quiet()), Limits: f.slots, Budget: f.budget,
		Providers: map[string]provider.Provider{"meta": f.vendor}, Observer: metrics.New(), Log: workertest.Quiet(),
		Target: func(ch *dispatch.Channel, _ bool) *dispatch.Channel { return ch }, Grace: 10 * time.Second,
	})
	t.Cleanup(func() { _ = f.Stop(context.Background()) }) // once more does no harm
	return f
}

// page sends a page of the channel's messages.
func (f *fixture) page(t *testing.T, ids []dispatch.ID) {
	t.Helper()
	workertest.Must(t, f.Page(t.Context(), dispatch.Page{Channel: f.Channel, Lane: dispatch.Normal, IDs: ids}))
}

// expect waits until the messages have the statuses, in order.
func (f *fixture) expect(t *testing.T, ids []dispatch.ID, want ...dispatch.Status) {
	t.Helper()
	if len(want) == 1 {
		want = slices.Repeat(want, len(ids))
	}
	wait.For(t, 20*time.Second, func() error {
		if got := f.Statuses(t, ids); !slices.Equal(got, want) {
			return fmt.Errorf("statuses %v, want %v", got, want)
		}
		return nil
	})
}
