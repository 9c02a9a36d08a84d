package limit

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func newChannels(rdb redis.UniversalClient, h *hand, workers int) *Channels {
	c := NewChannels(rdb, ChannelOptions{Workers: func() int { return workers }})
	c.now = h.us.Load
	c.wait = time.Minute // a loaded machine must not look like a dead Redis
	return c
}

// The script answers as the Go model does, whatever is asked of them.
func TestChannels_ScriptIsTheModel(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		var ch int64
		rapid.Check(t, func(rt *rapid.T) {
			ch++ // a fresh channel for each run
			h, model := newHand(), newSlots()
			c, rate, ctx := newChannels(rdb, h, 1), drawRate(rt), t.Context()
			now := func() float64 { return float64(h.us.Load()) }
			rt.Repeat(map[string]func(*rapid.T){
				"reserve": func(rt *rapid.T) {
					n, lane := rapid.IntRange(1, 300).Draw(rt, "n"), rapid.SampledFrom(dispatch.Lanes).Draw(rt, "lane")
					want := model.reserve(now(), rate, float64(n), float64(horizons[lane].Microseconds()), lane == dispatch.OTP, 0, false)
					got, err := c.Reserve(ctx, ch, lane, n, rate)
					same := got.N == want.n && near1(got.First, want.first) && near1(got.Interval, want.step) && near1(got.Wait, want.wait)
					if err != nil || !same {
						rt.Fatalf("%+v, %v; the model says %+v", got, err, want)
					}
				},
				"throttle": func(rt *rapid.T) {
					retry := rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, 5 * time.Second}).Draw(rt, "retry")
					model.throttle(now(), float64(retry.Microseconds()), true)
					if err := c.Throttled(ctx, ch, retry, true); err != nil {
						rt.Fatal(err)
					}
				},
				"feed": func(rt *rapid.T) {
					n := rapid.IntRange(0, 1000).Draw(rt, "n")
					want := model.feed(now(), rate, float64(n))
					if got, err := c.Feed(ctx, []FeedAsk{{ch, rate, n}}); err != nil || float64(got[0]) != want {
						rt.Fatalf("%v, %v; the model says %v", got, err, want)
					}
				},
				"state": func(rt *rapid.T) {
					got, err := c.State(ctx, ch, rate)
					if err != nil || math.Abs(got.EffectiveRate-rate*model.share(now())) > rate/1e6 ||
						got.BlockedUntil.IsZero() != (model.blk <= now()) ||
						!near1(got.Booked, max(0, model.next-now())) {
						rt.Fatalf("%+v, %v; the model says %+v", got, err, model)
					}
				},
				"wait": func(rt *rapid.T) {
					h.us.Add(rapid.SampledFrom([]uint64{1, 900, 10_000, 99_000, 450_000, 1_500_000, 30_000_000}).Draw(rt, "us"))
				},
			})
		})
	})
}

// near1 forgives a microsecond of rounding.
func near1(got time.Duration, us float64) bool {
	return math.Abs(float64(got)/1000-us) <= 1
}

// 24 workers, each with its own limiter, on one Redis and one clock.
func TestChannels_ManyWorkers_OneRate(t *testing.T) {
	t.Parallel()
	rdb := testRedis(t)
	const rate = 80.0
	h := newHand()
	var mu sync.Mutex
	var starts []float64
	var wg sync.WaitGroup
	for w := range 24 {
		var now uint64 // of this call alone, so that its slots are known exactly
		c := newChannels(rdb, h, 24)
		c.now = func() uint64 { return now }
		lane := dispatch.Lanes[w%3]
		wg.Go(func() {
			for i := range 60 {
				now = h.us.Add(5000)
				if i == 30 && w == 0 {
					if err := c.Throttled(t.Context(), 1, time.Second, true); err != nil {
						t.Error(err)
					}
				}
				g, err := c.Reserve(t.Context(), 1, lane, 1+i%10, rate)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for k := range g.N {
					starts = append(starts, float64(now)+float64(g.First.Nanoseconds()+int64(k)*g.Interval.Nanoseconds())/1000)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := most(starts, 1e6-2); got > rate+1 || len(starts) < 4*rate {
		t.Errorf("%d slots in a second, %d in all", got, len(starts))
	}
}

func TestChannels_RedisGoesAndComes_RateHolds(t *testing.T) {
	t.Parallel()
	m, rdb := mini(t)
	h := newHand()
	lost, alone := 0, 0
	c := NewChannels(rdb, ChannelOptions{Lost: func(error) { lost++ }, Local: func() { alone++ }})
	c.now = h.us.Load
	var starts []float64
	take := func(steps int) {
		for range steps {
			h.us.Add(20_000)
			for _, lane := range dispatch.Lanes {
				g, err := c.Reserve(t.Context(), 1, lane, 3, 100)
				if err != nil {
					t.Fatal(err)
				}
				for k := range g.N {
					starts = append(starts, float64(h.us.Load())+float64(g.First.Nanoseconds()+int64(k)*g.Interval.Nanoseconds())/1000)
				}
			}
		}
	}
	take(60)
	m.FlushAll()
	take(60)
	m.Close()
	take(60)
	if err := c.Throttled(t.Context(), 1, 0, true); err != nil {
		t.Fatal(err)
	}
	if s, err := c.State(t.Context(), 1, 100); err != nil || math.Abs(s.EffectiveRate-70) > 0.1 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	c.look()
	take(60)
	if c.away.Load() || lost != 1 || alone == 0 {
		t.Errorf("away %t, lost %d times, %d calls answered alone", c.away.Load(), lost, alone)
	}
	if got := most(starts, 1e6-2); got > 101 || len(starts) < 450 {
		t.Errorf("%d slots in a second, %d in all", got, len(starts))
	}
}

func TestChannels_RedisAway_ShareOfTheRate(t *testing.T) {
	t.Parallel()
	m, rdb := mini(t)
	m.Close()
	h := newHand()
	c := newChannels(rdb, h, 4)
	n := 0
	for range 200 {
		h.us.Add(50_000)
		g, err := c.Reserve(t.Context(), 1, dispatch.Bulk, 100, 80)
		if err != nil {
			t.Fatal(err)
		}
		n += g.N
	}
	if n < 195 || n > 204 { // 10 s at 20/s
		t.Errorf("%d slots", n)
	}
	feed, err := c.Feed(t.Context(), []FeedAsk{{1, 80, 1000}, {2, 8, 1000}})
	if want := []int{30, 3}; err != nil || !slices.Equal(feed, want) {
		t.Errorf("Feed = %v, %v; want %v", feed, err, want)
	}
}

// A hung server costs one timeout, not one for each call.
func TestChannels_HungRedis_IsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	rdb := connect(t, &redis.Options{Addr: "127.0.0.1:1"})
	rdb.AddHook(hang{&asked})
	c := NewChannels(rdb, ChannelOptions{})
	for range 100 {
		if _, err := c.Reserve(t.Context(), 1, dispatch.Normal, 1, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// hang is a server that never answers.
type hang struct{ asked *int }

func (hang) DialHook(next redis.DialHook) redis.DialHook { return next }

func (x hang) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*x.asked++
		<-ctx.Done()
		cmd.SetErr(ctx.Err())
		return ctx.Err()
	}
}

func (hang) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestChannels_CallerGone_IsNotRedisGone(t *testing.T) {
	t.Parallel()
	_, rdb := mini(t)
	c := NewChannels(rdb, ChannelOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Reserve(ctx, 1, dispatch.Bulk, 1, 1); !errors.Is(err, context.Canceled) || c.away.Load() {
		t.Errorf("%v, away %t", err, c.away.Load())
	}
}

func TestReserve_NoRate_NoSlots(t *testing.T) {
	t.Parallel()
	c := NewChannels(nil, ChannelOptions{})
	if g, err := c.Reserve(t.Context(), 1, dispatch.Bulk, 1, 0); err != nil || g != (Grant{Wait: time.Second}) {
		t.Errorf("%+v, %v", g, err)
	}
}

// With Redis' own clock: what is booked is in the future, and state survives.
func TestChannels_RedisTime(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := NewChannels(rdb, ChannelOptions{})
		first, err := c.Reserve(t.Context(), 1, dispatch.Normal, 5, 100)
		if err != nil || first.N != 5 || first.First != 0 || first.Interval != 10_100*time.Microsecond {
			t.Fatalf("%+v, %v", first, err)
		}
		second, err := c.Reserve(t.Context(), 1, dispatch.Normal, 50, 100)
		if err != nil || second.First > 50_500*time.Microsecond || second.N < 5 || second.N > 10 || second.Wait <= 0 {
			t.Fatalf("%+v, %v", second, err)
		}
		if err := c.Throttled(t.Context(), 1, time.Hour, true); err != nil {
			t.Fatal(err)
		}
		s, err := c.State(t.Context(), 1, 100)
		if left := time.Until(s.BlockedUntil); err != nil || math.Abs(s.EffectiveRate-70) > 1e-3 || left > longestBlock ||
			left < longestBlock-time.Minute {
			t.Errorf("%+v, %v", s, err)
		}
		if g, err := c.Reserve(t.Context(), 1, dispatch.OTP, 1, 100); err != nil || g.N != 0 || g.Wait < 14*time.Minute {
			t.Errorf("%+v, %v", g, err)
		}
	})
}

// On a cluster each key has its call, and a server that lost the script gets it again.
func TestFeed_Cluster(t *testing.T) {
	t.Parallel()
	m, _ := mini(t)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{m.Addr()}})
	t.Cleanup(func() { _ = rdb.Close() })
	c := NewChannels(rdb, ChannelOptions{})
	for range 2 {
		if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		got, err := c.Feed(t.Context(), []FeedAsk{{1, 80, 60}, {2, 10, 60}, {3, 1, 1}})
		if err != nil || len(got) != 3 || got[0] < 60 || c.away.Load() {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func BenchmarkReserve(b *testing.B) {
	c := NewChannels(testRedis(b), ChannelOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Reserve(b.Context(), 1, dispatch.Normal, 100, 10_000); err != nil {
			b.Fatal(err)
		}
	}
}
