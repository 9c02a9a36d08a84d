package limit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func newSpender(rdb redis.UniversalClient, h *hand, days DayStore) *Spender {
	s := NewSpender(rdb, SpenderOptions{Days: days})
	s.now = h.us.Load
	s.wait = time.Minute // a loaded machine must not look like a dead Redis
	return s
}

func spend(t *testing.T, s *Spender, ask Spend) Decision {
	t.Helper()
	d, err := s.Spend(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The script answers as the Go model does, whatever is asked and however it is
// put together in pages.
func TestSpender_ScriptIsTheModel(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			h := newHand()
			s := newSpender(rdb, h, nil)
			sends := quotas{fresh: keyQuota, most: 100, by: map[string]*quota{}}
			persons := quotas{fresh: recipientQuota, most: 100, by: map[string]*quota{}}
			given := map[string]answer{}
			for range rapid.IntRange(1, 10).Draw(rt, "pages") {
				var keys []string
				var requests []request
				var want []answer
				for range rapid.IntRange(1, 5).Draw(rt, "size") {
					kind := rapid.SampledFrom([]string{"send", "read", "to:a", "to:b", "to:c"}).Draw(rt, "kind")
					key := fmt.Sprintf("{key:%d}:%s", run, kind)
					r := drawRequest(rt)
					model := &sends
					if strings.HasPrefix(kind, "to:") {
						model = &persons
						r = request{n: r.n, times: r.times, long: r.long}
						for _, other := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2).Draw(rt, "others") {
							r.others = append(r.others, fmt.Sprintf("{key:%d}:to:%s", run, other))
						}
					} else if got := given[key]; rapid.Bool().Draw(rt, "back") {
						r.back, r.backAt = rapid.Int64Range(0, got.ahead).Draw(rt, "unused"), got.at
						delete(given, key)
					}
					keys, requests = append(keys, key), append(requests, r)
					a := model.spend(int64(h.us.Load()), key, r)
					if want = append(want, a); a.ahead > 0 {
						given[key] = a
					}
				}
				got, alone, err := s.answer(t.Context(), nil, keys, requests)
				if err != nil || alone {
					rt.Fatal(alone, err)
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); diff != "" {
					rt.Fatalf("%v %+v (-model +script):\n%s", keys, requests, diff)
				}
				h.us.Add(uint64(rapid.SampledFrom(moves).Draw(rt, "us")))
			}
		})
	})
}

// Twenty clients on five front doors spend as fast as they can: in no second
// and no minute is there more than the limit, and over time no less.
func TestSpend_ManyClients_ExactCount(t *testing.T) {
	t.Parallel()
	rdb := testRedis(t)
	h := newHand()
	var doors []*Spender
	for range 5 {
		doors = append(doors, newSpender(rdb, h, newMemoryDays()))
	}
	var mu sync.Mutex
	var times []float64
	for range 150 { // rounds of one instant each
		h.us.Add(430_000)
		var wg sync.WaitGroup
		for client := range 20 {
			wg.Go(func() {
				d, err := doors[client%5].Spend(t.Context(), Spend{Key: 1, N: 1 + client%2, PerSecond: 10, PerMinute: 60, PerDay: 1000})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for range d.AllowedN {
					times = append(times, float64(h.us.Load()))
				}
				mu.Unlock()
			})
		}
		wg.Wait()
	}
	second, minute := most(times, 1e6), most(times, 60e6)
	if second != 10 || minute != 60 || len(times) < 61 {
		t.Errorf("%d in a second, %d in a minute, %d in all", second, minute, len(times))
	}
}

// The same on Redis' own clock, in less than a second.
func TestSpend_RedisTime_ExactCount(t *testing.T) {
	t.Parallel()
	rdb := testRedis(t)
	var doors []*Spender
	for range 5 {
		doors = append(doors, NewSpender(rdb, SpenderOptions{Days: newMemoryDays()}))
		doors[len(doors)-1].wait = time.Minute
	}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for client := range 20 {
		wg.Go(func() {
			for range 50 {
				d, err := doors[client%5].Spend(t.Context(), Spend{Key: 1, N: 1, PerSecond: 1000, PerMinute: 60, PerDay: 1000})
				if err != nil {
					t.Error(err)
				}
				allowed.Add(int64(d.AllowedN))
			}
		})
	}
	wg.Wait()
	if time.Since(start) < 59*time.Second && allowed.Load() != 60 {
		t.Errorf("%d allowed of 1000", allowed.Load())
	}
}

func TestSpend_Decision(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := newHand()
		s := newSpender(rdb, h, newMemoryDays())
		limits := Spend{Key: 1, N: 1, PerSecond: 2, PerMinute: 5, PerDay: 100}
		untilMidnight := micro(dayMicros - noon%dayMicros)
		quotas := func(second, minute, day int) [3]Quota {
			return [3]Quota{
				{Second, 2, second, time.Second, time.Second},
				{Minute, 5, minute, time.Minute, time.Minute},
				{Day, 100, day, 24 * time.Hour, untilMidnight},
			}
		}
		want := func(name string, ask Spend, want Decision) {
			t.Helper()
			want.Day = noon / dayMicros
			if diff := cmp.Diff(want, spend(t, s, ask)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		want("first", limits, Decision{Allowed: true, AllowedN: 1, Quotas: quotas(1, 4, 99)})
		two := limits
		two.N = 2
		want("beyond the second", two, Decision{Why: Second, RetryAfter: time.Second, Quotas: quotas(1, 4, 99)})
		batch := limits
		batch.N, batch.Batch = 7, true
		cut := Decision{Allowed: true, AllowedN: 4, Why: Minute, RetryAfter: time.Minute, Quotas: quotas(1, 0, 95)}
		want("a batch takes what fits", batch, cut)
		read := limits
		read.Read, read.N = true, 20
		got := spend(t, s, read)
		if !got.Allowed || got.Quotas[1].Limit != 50 || got.Quotas[1].Remaining != 30 || got.Quotas[2].Remaining != 980 {
			t.Errorf("reads: %+v", got)
		}
		other := limits
		other.Key = 2
		if !spend(t, s, other).Allowed {
			t.Error("another key is refused")
		}
		if d := spend(t, s, Spend{Key: 3, N: 1_000_000}); !d.Allowed || d.Quotas[0].Limit != 0 {
			t.Errorf("no limits: %+v", d)
		}
	})
}

// Counts come back from the store: after Redis was wiped, at midnight, and
// with what this process had not written yet.
func TestSpend_DayCount_IsReloaded(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h, days := newHand(), newMemoryDays()
		today := dayName(noon / dayMicros)
		days.counts[today] = map[int64]int64{1: 90}
		s := newSpender(rdb, h, days)
		ask := Spend{Key: 1, N: 4, PerDay: 100}
		left := func(want int) {
			t.Helper()
			if d := spend(t, s, ask); d.Quotas[2].Remaining != want || !d.Allowed {
				t.Errorf("%+v, want %d left", d, want)
			}
		}
		left(6) // loaded
		if err := rdb.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		left(2) // 90 loaded again, 4 unsaved
		if err := s.days.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := days.counts[today][1]; n != 98 {
			t.Errorf("saved %d", n)
		}
		if err := rdb.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if d := spend(t, s, ask); d.Allowed || d.Why != Day || d.RetryAfter != micro(dayMicros-noon%dayMicros) || d.Quotas[2].Remaining != 2 {
			t.Errorf("%+v", d)
		}
		if days.loads != 3 {
			t.Errorf("%d loads", days.loads)
		}
		h.us.Add(dayMicros)
		left(96)
		days.fail(errors.New("down"))
		if err := rdb.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if d := spend(t, s, ask); !d.Allowed { // the day's limit waits for its store
			t.Errorf("%+v", d)
		}
	})
}

func TestSpend_RedisGoesAndComes(t *testing.T) {
	t.Parallel()
	m, rdb := mini(t)
	h, days := newHand(), newMemoryDays()
	s := newSpender(rdb, h, days)
	ask := Spend{Key: 1, N: 1, PerSecond: 5, PerMinute: 100, PerDay: 20}
	take := func(want, left int) {
		t.Helper()
		h.us.Add(2_000_000)
		n, last := 0, Decision{}
		for range 10 {
			last = spend(t, s, ask)
			n += last.AllowedN
		}
		if n != want || last.Quotas[2].Remaining != left {
			t.Errorf("%d allowed, %+v; want %d, %d left of the day", n, last, want, left)
		}
	}
	take(5, 15)
	m.Close()
	take(5, 10) // full limits, the day's count from store and memory
	take(5, 5)
	if err := s.days.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	s.look()
	take(5, 0) // Redis has learnt what was spent without it
	take(0, 0)
	if s.away.Load() || len(s.localKeys.by) != 0 {
		t.Errorf("away %t, %d local quotas", s.away.Load(), len(s.localKeys.by))
	}
}

func TestSpendRecipients(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := newHand()
		s := newSpender(rdb, h, nil)
		got := func(want ...time.Duration) {
			t.Helper()
			waits, _, err := s.SpendRecipients(t.Context(), 1, [][]string{{"+1415"}, {"+1416"}, {"+1415"}}, 3)
			if diff := cmp.Diff(want, waits); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
		got(0, 0, 0)
		h.us.Add(600_000_000)
		got(0, 0, 50*time.Minute)
		h.us.Add(600_000_000)
		got(40*time.Minute, 0, 40*time.Minute)
		h.us.Add(2_400_000_000)
		got(0, 0, 0)
		if waits, _, err := s.SpendRecipients(t.Context(), 2, [][]string{{"+1416"}}, 3); err != nil || waits[0] != 0 {
			t.Errorf("another key: %v, %v", waits, err)
		}
		if waits, _, err := s.SpendRecipients(t.Context(), 1, [][]string{{"+1415"}}, 0); err != nil || waits[0] != 0 {
			t.Errorf("no limit: %v, %v", waits, err)
		}
	})
}

// A person's count goes on when another of the ids becomes the first one, and that
// of two persons who turn out to be one is the sum.
func TestSpendRecipients_FirstIDChanges(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := newHand()
		s := newSpender(rdb, h, nil)
		got := func(want time.Duration, ids ...string) {
			t.Helper()
			if waits, _, err := s.SpendRecipients(t.Context(), 1, [][]string{ids}, 3); err != nil || waits[0] != want {
				t.Errorf("%v waits %v, %v; want %v", ids, waits, err, want)
			}
			h.us.Add(600_000_000)
		}
		got(0, "+5511977654321")
		got(0, "+5511977654321", "BR.2000")
		got(0, "+551177654321", "+5511977654321", "BR.2000")
		got(30*time.Minute, "+551177654321", "+5511977654321", "BR.2000")
		got(0, "BR.9")                                                            // another person until now
		got(20*time.Minute, "+551177654321", "+5511977654321", "BR.2000", "BR.9") // two of four must leave
		got(10*time.Minute, "+551177654321", "+5511977654321", "BR.2000", "BR.9")
		got(0, "+551177654321", "+5511977654321", "BR.2000", "BR.9")
	})
}

// What was refused after all doesn't use up the recipient's hour.
func TestSpendRecipients_GivesBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := newHand()
		s := newSpender(rdb, h, nil)
		spend := func(want ...time.Duration) func(context.Context, []int) error {
			t.Helper()
			waits, giveBack, err := s.SpendRecipients(t.Context(), 1, [][]string{{"+1415"}, {"+1416"}, {"+1415"}}, 2)
			if diff := cmp.Diff(want, waits); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			return giveBack
		}
		giveBack := spend(0, 0, 0)
		h.us.Add(900_000_000) // three buckets later
		if err := giveBack(t.Context(), []int{0, 1, 2}); err != nil {
			t.Fatal(err)
		}
		giveBack = spend(0, 0, 0)
		if err := giveBack(t.Context(), []int{0}); err != nil {
			t.Fatal(err)
		}
		giveBack = spend(0, 0, time.Hour)
		if err := giveBack(t.Context(), []int{2}); err != nil { // was never counted
			t.Fatal(err)
		}
		spend(time.Hour, time.Hour, time.Hour)
	})
}

func TestSpendRecipients_RedisAway(t *testing.T) {
	t.Parallel()
	m, rdb := mini(t)
	m.Close()
	s := newSpender(rdb, newHand(), nil)
	for _, want := range []time.Duration{0, time.Hour} {
		if waits, _, err := s.SpendRecipients(t.Context(), 1, [][]string{{"+1415"}}, 1); err != nil || waits[0] != want {
			t.Errorf("%v, %v; want %v", waits, err, want)
		}
	}
}

func TestSpender_Cluster(t *testing.T) {
	t.Parallel()
	m, _ := mini(t)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{m.Addr()}})
	t.Cleanup(func() { _ = rdb.Close() })
	s := newSpender(rdb, newHand(), newMemoryDays())
	for key := range int64(3) {
		if d := spend(t, s, Spend{Key: key, N: 1, PerSecond: 1, PerMinute: 1, PerDay: 1}); !d.Allowed {
			t.Errorf("%d: %+v", key, d)
		}
		if d := spend(t, s, Spend{Key: key, N: 1, PerSecond: 1, PerMinute: 1, PerDay: 1}); d.Allowed || d.Why != Day {
			t.Errorf("%d: %+v", key, d)
		}
	}
	for i, persons := range [][][]string{{{"+1415"}, {"+1416"}}, {{"+1414", "+1415"}, {"+1416"}}} { // linked keys in one call
		want := time.Duration(i) * time.Hour
		if waits, _, err := s.SpendRecipients(t.Context(), 1, persons, 1); err != nil || waits[0] != want || waits[1] != want {
			t.Errorf("%v: %v, %v", persons, waits, err)
		}
	}
}

func BenchmarkSpend(b *testing.B) {
	for _, keys := range []int64{1, 1000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := NewSpender(testRedis(b), SpenderOptions{Days: newMemoryDays()})
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.SetParallelism(128)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask := Spend{Key: next.Add(1) % keys, N: 1, PerSecond: 1_000_000, PerMinute: 1_000_000, PerDay: 1_000_000}
					if _, err := s.Spend(b.Context(), ask); err != nil {
						b.Error(err)
					}
				}
			})
			if s.away.Load() {
				b.Error("redis was away")
			}
		})
	}
}
