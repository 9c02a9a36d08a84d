package limit

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// memoryDays is a DayStore.
type memoryDays struct {
	mu     sync.Mutex
	counts map[string]map[int64]int64
	loads  int
	err    error
}

func newMemoryDays() *memoryDays { return &memoryDays{counts: map[string]map[int64]int64{}} }

func (m *memoryDays) LoadDay(_ context.Context, key int64, day string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads++
	return m.counts[day][key], m.err
}

func (m *memoryDays) AddDay(_ context.Context, day string, counts map[int64]int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.counts[day] == nil {
		m.counts[day] = map[int64]int64{}
	}
	for key, n := range counts {
		m.counts[day][key] += n
	}
	return nil
}

func (m *memoryDays) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Run writes every second, keeps what can't be written, and writes a last time.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryDays()
		d, failed := newDayCounts(store), 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.run(ctx, func(error) { failed++ })
		}()
		saved := func(wait time.Duration, want map[int64]int64) {
			t.Helper()
			time.Sleep(wait) // synctest's clock
			synctest.Wait()
			store.mu.Lock()
			defer store.mu.Unlock()
			if !maps.Equal(store.counts["1970-01-02"], want) {
				t.Errorf("saved %v, want %v", store.counts, want)
			}
		}
		d.add(1, 1, 5)
		d.add(2, 1, 1)
		saved(dayFlush/2, nil)
		saved(dayFlush, map[int64]int64{1: 5, 2: 1})
		store.fail(errors.New("down"))
		d.add(1, 1, 2)
		saved(dayFlush, map[int64]int64{1: 5, 2: 1})
		store.fail(nil)
		saved(dayFlush, map[int64]int64{1: 7, 2: 1})
		d.add(2, 1, 3)
		d.addAlone(2, 0, 3)
		cancel()
		<-done
		saved(0, map[int64]int64{1: 7, 2: 4})
		if failed != 1 || len(d.unsaved) != 0 || len(d.alone) != 0 {
			t.Errorf("failed %d times, left %v and %v", failed, d.unsaved, d.alone)
		}
	})
}

// What was refused is taken out of the day's count, for every process at once and
// in the store; second and minute keep it.
func TestReturn(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h, days := newHand(), newMemoryDays()
		one, other := newSpender(rdb, h, days), newSpender(rdb, h, days)
		ask := Spend{Key: 1, N: 2, PerSecond: 10, PerMinute: 20, PerDay: 5}
		d := spend(t, one, ask)
		got, err := one.Return(t.Context(), ask, d.Day)
		if err != nil || got.Quotas[0].Remaining != 8 || got.Quotas[1].Remaining != 18 || got.Quotas[2].Remaining != 5 {
			t.Fatalf("after the return: %+v, %v", got, err)
		}
		ask.N = 5
		if d := spend(t, other, ask); !d.Allowed || d.Quotas[2].Remaining != 0 {
			t.Errorf("another process: %+v", d)
		}
		for _, s := range []*Spender{one, other} {
			if err := s.days.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := days.LoadDay(t.Context(), 1, dayName(d.Day)); err != nil || n != 5 {
			t.Errorf("the store has %d, %v; want 5", n, err)
		}
	})
}
