package limit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// testRedis connects to a Redis of the test's own.
func testRedis(t testing.TB) redis.UniversalClient {
	t.Helper()
	opts, err := redis.ParseURL(storetest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, opts)
}

// mini starts a Redis in the process: the one of `sendoff dev` on a machine
// without a real one, and one that a test may stop.
func mini(t testing.TB) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	m := miniredis.RunT(t)
	return m, connect(t, &redis.Options{Addr: m.Addr()})
}

func connect(t testing.TB, opts *redis.Options) *redis.Client {
	opts.ContextTimeoutEnabled, opts.MaxRetries = true, -1
	rdb := redis.NewClient(opts)
	t.Cleanup(func() {
		if err := rdb.Close(); err != nil {
			t.Error(err)
		}
	})
	return rdb
}

// both are the two kinds of Redis that the scripts must run on.
func both(t *testing.T, f func(t *testing.T, rdb redis.UniversalClient)) {
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		f(t, testRedis(t))
	})
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		_, rdb := mini(t)
		f(t, rdb)
	})
}

// hand is a clock that tests move.
type hand struct{ us atomic.Uint64 }

// A time of today: the scripts must keep its microseconds.
const noon = 1_790_000_000_000_000

func newHand() *hand {
	h := new(hand)
	h.us.Store(noon)
	return h
}

// most is the highest count of times in any window that begins with one of
// them and includes its first, but not its last instant.
func most(times []float64, window float64) int {
	times = slices.Sorted(slices.Values(times))
	high, from := 0, 0
	for to, at := range times {
		for times[from] <= at-window {
			from++
		}
		high = max(high, to-from+1)
	}
	return high
}

// Two installations on one Redis have keys and channels of the same numbers; neither
// spends the other's limits. One that does not know its prefix keeps its own.
func TestPrefix_KeepsInstallationsApart(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		ask := Spend{Key: 1, N: 5, PerMinute: 5}
		for _, prefix := range []string{"sendoff:a:", "sendoff:b:", ""} {
			lost := false
			named := func(context.Context) (string, error) {
				if prefix == "" {
					return "", errors.New("postgres is away")
				}
				return prefix, nil
			}
			s := NewSpender(rdb, SpenderOptions{Prefix: named, Lost: func(error) { lost = true }})
			if d := spend(t, s, ask); !d.Allowed {
				t.Errorf("%q: somebody else spent its limit: %+v", prefix, d)
			}
			if d := spend(t, s, ask); d.Allowed {
				t.Errorf("%q: has no limit", prefix)
			}
			c := NewChannels(rdb, ChannelOptions{Prefix: named})
			g, err := c.Reserve(t.Context(), 1, dispatch.Normal, 1, 1)
			if err != nil || g.N != 1 {
				t.Errorf("%q: somebody else booked its channel: %+v, %v", prefix, g, err)
			}
			if lost != (prefix == "") {
				t.Errorf("%q: kept locally: %v", prefix, lost)
			}
		}
		keys, err := rdb.Keys(t.Context(), "*").Result()
		if err != nil || len(keys) != 4 {
			t.Errorf("keys %v, %v", keys, err)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, "sendoff:a:{") && !strings.HasPrefix(key, "sendoff:b:{") {
				t.Errorf("key %s", key)
			}
		}
	})
}
