package limit

import (
	"testing"

	"pgregory.net/rapid"
)

func drawRequest(rt *rapid.T) request {
	r := request{
		n:     int64(rapid.IntRange(0, 12).Draw(rt, "n")),
		times: 1,
		short: int64(rapid.IntRange(0, 10).Draw(rt, "short")),
		long:  int64(rapid.IntRange(0, 40).Draw(rt, "long")),
		batch: rapid.Bool().Draw(rt, "batch"),
		seed:  seedUnknown,
	}
	if !r.batch {
		r.times = int64(rapid.IntRange(1, 4).Draw(rt, "times"))
	}
	if rapid.Bool().Draw(rt, "daily") {
		r.day = int64(rapid.IntRange(1, 200).Draw(rt, "day"))
		r.seed = int64(rapid.SampledFrom([]int{0, 0, 7, seedUnknown, seedWithout}).Draw(rt, "seed"))
		r.seedDay = int64(rapid.SampledFrom([]int{0, 0, noon / dayMicros}).Draw(rt, "seedDay"))
		r.extra = int64(rapid.SampledFrom([]int{0, 0, 0, 3}).Draw(rt, "extra"))
		if rapid.Bool().Draw(rt, "only told") {
			r.day = -r.day
		}
	}
	if rapid.Bool().Draw(rt, "ahead") {
		r.ahead = int64(rapid.IntRange(0, 3).Draw(rt, "ahead"))
		r.short, r.long, r.day = 50*r.short, 50*r.long, 50*r.day
	}
	return r
}

var moves = []int64{0, 1, 999, 49_999, 50_000, 330_000, 1_000_000, 7_300_000, 59_999_999, 60_000_000, 3_600_000_000, dayMicros / 3}

// No stretch of a second, a minute or a day ever has more than its limit, and
// what is refused would have been too much.
func TestQuota_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limits := request{
			times: 1,
			short: int64(rapid.IntRange(1, 10).Draw(rt, "short")),
			long:  int64(rapid.IntRange(1, 40).Draw(rt, "long")),
			day:   int64(rapid.IntRange(1, 100).Draw(rt, "day")),
		}
		q, now := keyQuota(), int64(noon)
		var singles, all []float64
		days := map[int64]int64{}
		rt.Repeat(map[string]func(*rapid.T){
			"spend": func(rt *rapid.T) {
				r := limits
				r.n, r.batch = int64(rapid.IntRange(1, 12).Draw(rt, "n")), rapid.Bool().Draw(rt, "batch")
				a := q.spend(now, r)
				if (a.why == whyNothing) != (a.fits == r.n) || a.fits > 0 && !r.batch && a.fits != r.n || (a.why != 0) != (a.pause > 0) {
					rt.Fatalf("%+v: %+v", r, a)
				}
				for range a.fits {
					all = append(all, float64(now))
					if !r.batch {
						singles = append(singles, float64(now))
					}
				}
				days[now/dayMicros] += a.fits
				refusedRightly(rt, r, a, now, singles, all, days[now/dayMicros])
			},
			"wait": func(*rapid.T) { now += rapid.SampledFrom(moves).Draw(rt, "us") },
		})
		if got := most(singles, 1e6); int64(got) > limits.short {
			rt.Fatalf("%d in a second, limit %d", got, limits.short)
		}
		if got := most(all, 60e6); int64(got) > limits.long {
			rt.Fatalf("%d in a minute, limit %d", got, limits.long)
		}
		for day, n := range days {
			if n > limits.day {
				rt.Fatalf("%d on day %d, limit %d", n, day, limits.day)
			}
		}
	})
}

// refusedRightly allows a limiter that counts in buckets one bucket more than
// the window.
func refusedRightly(rt *rapid.T, r request, a answer, now int64, singles, all []float64, today int64) {
	since := func(times []float64, span int64) (n int64) {
		for _, at := range times {
			if int64(at) > now-span {
				n++
			}
		}
		return n
	}
	var enough bool
	switch a.why {
	case whyShort:
		enough = since(singles, 1_050_000)+r.n > r.short
	case whyLong:
		enough = since(all, 61_000_000)+r.n > r.long
	case whyDay:
		enough = today+r.n > r.day
	default:
		return
	}
	if !enough {
		rt.Fatalf("%+v refused for no reason: %+v", r, a)
	}
}

// Who waits for Retry-After gets in, and no sooner.
func TestQuota_PauseIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		q, now := keyQuota(), int64(noon)
		limits := request{n: 1, times: 1, short: 3, long: 8, day: 1000}
		for range rapid.IntRange(3, 40).Draw(rt, "calls") {
			a := q.spend(now, limits)
			if a.why == whyNothing {
				now += rapid.SampledFrom(moves[:9]).Draw(rt, "us")
				continue
			}
			if early := q.spend(now+a.pause-1, limits); early.why == whyNothing {
				rt.Fatalf("told to wait %d us, got in before", a.pause)
			}
			now += a.pause
			again := q.spend(now, limits)
			if again.why != whyNothing {
				rt.Fatalf("waited %d us and then %+v", a.pause, again)
			}
		}
	})
}

func TestQuotas_ForgetRatherThanGrow(t *testing.T) {
	t.Parallel()
	q := quotas{fresh: recipientQuota, most: 2, by: map[string]*quota{}}
	r := request{n: 1, times: 1, long: 1}
	for _, key := range []string{"a", "b"} {
		if a := q.spend(noon, key, r); a.fits != 1 {
			t.Errorf("%s: %+v", key, a)
		}
		if a := q.spend(noon, key, r); a.fits != 0 {
			t.Errorf("%s again: %+v", key, a)
		}
	}
	if q.spend(noon, "c", r); len(q.by) != 1 {
		t.Errorf("%d remembered", len(q.by))
	}
}
