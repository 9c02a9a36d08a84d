package stats

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	store "github.com/sendoff/sendoff/internal/store/stats"
)

// slow reads nothing, and takes its time for it.
type slow struct {
	takes time.Duration
	err   error
	reads atomic.Int64
}

func (s *slow) Counts(context.Context, int64) (store.Counts, error) {
	s.reads.Add(1)
	time.Sleep(s.takes)
	return store.Counts{Keys: int(s.reads.Load())}, s.err
}

func (s *slow) Waiting(context.Context, []int64) (int, *float64, error) { return 0, nil, nil }

func (s *slow) Series(context.Context, int64, []time.Time) ([]store.Bucket, error) { return nil, nil }

func (s *slow) Count(context.Context, int64, time.Time, time.Time) (int, error) { return 0, nil }

func (s *slow) Recent(context.Context, int64, time.Time) (good, bad int, failures []store.Failure, err error) {
	return 0, 0, nil, nil
}

func (s *slow) Channels(context.Context, admin.Actor, admin.Paging) (admin.Page[*admin.Channel], error) {
	return admin.Page[*admin.Channel]{}, nil
}

// Twenty dashboards that ask every second cost one read in two seconds, and slow
// reads a two hundredth of the time; a read that failed is not repeated by each of them.
func TestStats_ManyDashboards_ShareReads(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		err   error
		reads int64 // in ten seconds
	}{
		"fast":    {time.Millisecond, nil, 4},
		"slow":    {40 * time.Millisecond, nil, 2},
		"slowest": {time.Second, nil, 1},
		"failing": {time.Second, errors.New("busy"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &slow{takes: c.takes, err: c.err}
				s := New(st, st)
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						for range 10 {
							began := time.Now()
							got, err := s.Stats(t.Context(), admin.Actor{Account: 1}, "hour")
							if !errors.Is(err, c.err) || err == nil && int64(got.TotalKeys) != st.reads.Load() {
								t.Errorf("%+v after %d reads, %v", got, st.reads.Load(), err)
							}
							time.Sleep(time.Second - time.Since(began))
						}
					})
				}
				all.Wait()
				if n := st.reads.Load(); n != c.reads {
					t.Errorf("%d reads, want %d", n, c.reads)
				}
			})
		})
	}
}

func TestEdges_EndWithTheBucketOfNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 10, 17, 30, 0, time.UTC)
	for span, want := range map[string]struct {
		n         int
		last, end time.Time
	}{
		"hour":  {61, now.Truncate(time.Minute), now.Truncate(time.Minute).Add(time.Minute)},
		"day":   {49, now.Truncate(30 * time.Minute), now.Truncate(30 * time.Minute).Add(30 * time.Minute)},
		"month": {31, now.Truncate(24 * time.Hour), now.Truncate(24 * time.Hour).Add(24 * time.Hour)},
	} {
		edges := edgesOf(span, now)
		if len(edges) != want.n || !edges[want.n-2].Equal(want.last) || !edges[want.n-1].Equal(want.end) {
			t.Errorf("%s: %d edges, the last %v and %v", span, len(edges), edges[len(edges)-2], edges[len(edges)-1])
		}
	}
}

// many has 600 messages in each of its buckets, of which the newest came at one instant.
type many struct {
	slow
	counts atomic.Int64
}

func (m *many) Series(_ context.Context, _ int64, edges []time.Time) ([]store.Bucket, error) {
	out := make([]store.Bucket, len(edges)-1)
	for i := range out {
		out[i].Messages = 300
	}
	return out, nil
}

func (m *many) Count(context.Context, int64, time.Time, time.Time) (int, error) {
	m.counts.Add(1)
	return 600, nil
}

// What a batch accepts at once is counted, a period that is over but once.
func TestStats_Batches_AreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &many{}
		s := New(m, m)
		for range 40 { // a minute and a half
			got, err := s.Stats(t.Context(), admin.Actor{Account: 1}, "hour")
			if err != nil || got.Series[59].PerSecond != 10 {
				t.Fatalf("%v, %v", got, err)
			}
			time.Sleep(2*time.Second + time.Millisecond)
		}
		got, err := s.Stats(t.Context(), admin.Actor{Account: 1}, "hour")
		for i := 10; err == nil && i < 60; i++ {
			if got.Series[i].PerSecond != 10 {
				t.Errorf("period %d: %v a second", i, got.Series[i].PerSecond)
			}
		}
		if n := m.counts.Load(); err != nil || n > 41*counted {
			t.Errorf("%d counts, %v", n, err)
		}
	})
}

func TestPoints_RateAndFailures(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	edges := []time.Time{began, began.Add(time.Minute), began.Add(2 * time.Minute)}
	got := points(edges, []store.Bucket{{}, {Messages: 30, Failed: 3}})
	if len(got) != 2 || got[0].PerSecond != 0 || got[0].Failed != 0 || got[1].PerSecond != 0.5 ||
		got[1].Failed != 0.1 || got[1].Seconds != 60 {
		t.Errorf("%+v", got)
	}
}
