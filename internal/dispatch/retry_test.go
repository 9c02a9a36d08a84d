package dispatch

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	half := func() float64 { return 0.5 }
	for _, tc := range []struct {
		base, ceiling time.Duration
		attempt       int
		want          time.Duration
	}{
		{2 * time.Second, 5 * time.Minute, 0, time.Second},
		{2 * time.Second, 5 * time.Minute, 1, 2 * time.Second},
		{2 * time.Second, 5 * time.Minute, 7, 128 * time.Second},
		{2 * time.Second, 5 * time.Minute, 8, 150 * time.Second},
		{2 * time.Second, 5 * time.Minute, math.MaxInt, 150 * time.Second},
		{2 * time.Second, time.Second, 3, time.Second},
		{2 * time.Second, 0, -1, time.Second},
		{0, time.Minute, 3, 0},
		{-1, time.Minute, 3, 0},
		{time.Second, math.MaxInt64, 200, math.MaxInt64 / 2},
	} {
		got := Backoff(tc.base, tc.ceiling, tc.attempt, half)
		if d := got - tc.want; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("Backoff(%v, %v, %d) = %v; want %v", tc.base, tc.ceiling, tc.attempt, got, tc.want)
		}
	}
}

func TestBackoff_StaysWithinBoundsAndGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "base"))
		ceiling := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "ceiling"))
		attempt := rapid.IntRange(0, 100).Draw(t, "attempt")
		part := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "part")
		rnd := func() float64 { return part }
		got, next := Backoff(base, ceiling, attempt, rnd), Backoff(base, ceiling, attempt+1, rnd)
		if got < 0 || got > max(base, ceiling) {
			t.Fatalf("%v is outside 0 to %v", got, max(base, ceiling))
		}
		if next < got || next > 2*got+2 {
			t.Fatalf("%v after %v", next, got)
		}
	})
}

// Full jitter: over many draws the wait is spread evenly from zero up.
func TestBackoff_SpreadsEvenly(t *testing.T) {
	t.Parallel()
	rnd, tenths := rand.New(rand.NewPCG(1, 2)), [10]int{}
	for range 10_000 {
		tenths[Backoff(time.Second, time.Minute, 3, rnd.Float64)*10/(8*time.Second)]++
	}
	for i, n := range tenths {
		if n < 850 || n > 1150 {
			t.Errorf("tenth %d got %d of 10,000 waits", i, n)
		}
	}
}
