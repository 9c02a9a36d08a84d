package limit

import (
	"context"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

// together spends n at once, in one page.
func together(t rapid.TB, s *Spender, ask Spend, n int) []Decision {
	t.Helper()
	ds, err := s.page(context.Background(), slices.Repeat([]Spend{ask}, n))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// A busy key spends what it was given in advance without asking, and what it
// doesn't use goes back.
func TestAdvance(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h, days := newHand(), newMemoryDays()
		s := newSpender(rdb, h, days)
		ask := Spend{Key: 1, N: 1, PerSecond: 5000, PerMinute: 10_000, PerDay: 100_000}
		left := func(d Decision, want int) {
			t.Helper()
			if !d.Allowed || d.Quotas[0].Remaining != 5000-100_000+want || d.Quotas[1].Remaining != 10_000-100_000+want ||
				d.Quotas[2].Remaining != want {
				t.Errorf("%+v, want %d left of the day", d, want)
			}
		}
		left(spend(t, s, ask), 99_999)
		if len(s.ahead.by) != 0 {
			t.Fatalf("a single request makes a key busy: %+v", s.ahead.by[ask])
		}
		left(together(t, s, ask, 5)[4], 99_994) // busy from now on
		left(together(t, s, ask, 5)[4], 99_989) // gets ten
		if err := rdb.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for i := range 7 { // nobody asks Redis, which has forgotten all
			left(spend(t, s, ask), 99_988-i)
		}
		if v := s.ahead.by[ask]; v == nil || v.left != 3 {
			t.Fatalf("%+v, want 3 of 10 left", v)
		}
		h.us.Add(50_000)
		s.days.mu.Lock()
		n := s.days.unsaved[noon/dayMicros][1]
		s.days.mu.Unlock()
		if n != 18 {
			t.Errorf("%d counted for the day, 18 sent", n)
		}
		if d := spend(t, s, ask); d.Quotas[1].Remaining != 9999 || d.Quotas[2].Remaining != 99_981 {
			t.Errorf("%+v: what was given before Redis was wiped came back", d)
		}
		if v := s.ahead.by[ask]; v == nil || v.left != 10 {
			t.Fatalf("%+v, want as many again, since most were used", v)
		}
		h.us.Add(50_000)
		if d := spend(t, s, ask); d.Quotas[1].Remaining != 9998 || d.Quotas[2].Remaining != 99_980 {
			t.Errorf("%+v: unused ones did not come back", d)
		}
		if len(s.ahead.by) != 0 {
			t.Errorf("a quiet key is still busy: %+v", s.ahead.by[ask])
		}
	})
}

// With advances on several front doors no window ever has more than its limit,
// and in the end Redis has counted what was sent, no more and no less.
func TestAdvance_NeverMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	rdb := testRedis(t)
	key, given := int64(0), 0
	rapid.Check(t, func(rt *rapid.T) {
		key++
		h, days := newHand(), newMemoryDays()
		doors := []*Spender{newSpender(rdb, h, days), newSpender(rdb, h, days), newSpender(rdb, h, days)}
		ask := Spend{
			Key: key, N: 1, PerDay: 20_000,
			PerSecond: rapid.IntRange(1, 2000).Draw(rt, "second"), PerMinute: rapid.IntRange(1, 5000).Draw(rt, "minute"),
		}
		var times []float64
		count := func(ds ...Decision) {
			for _, d := range ds {
				for range d.AllowedN {
					times = append(times, float64(h.us.Load()))
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"together": func(rt *rapid.T) {
				s := doors[rapid.IntRange(0, 2).Draw(rt, "door")]
				count(together(rt, s, ask, rapid.IntRange(1, 60).Draw(rt, "n"))...)
				if v := s.ahead.by[ask]; v != nil && v.left > 0 {
					given++
				}
			},
			"one by one": func(rt *rapid.T) {
				s := doors[rapid.IntRange(0, 2).Draw(rt, "door")]
				for range rapid.IntRange(1, 20).Draw(rt, "n") {
					d, err := s.Spend(rt.Context(), ask)
					if err != nil {
						rt.Fatal(err)
					}
					count(d)
				}
			},
			"wait": func(rt *rapid.T) {
				h.us.Add(uint64(rapid.SampledFrom([]int64{0, 999, 10_000, 49_999, 50_000, 330_000, 1_000_000, 30_000_000}).Draw(rt, "us")))
			},
		})
		if got := most(times, 1e6); got > ask.PerSecond {
			rt.Fatalf("%d in a second, limit %d", got, ask.PerSecond)
		}
		if got := most(times, 60e6); got > ask.PerMinute {
			rt.Fatalf("%d in a minute, limit %d", got, ask.PerMinute)
		}
		for _, s := range doors {
			if err := s.giveBack(rt.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		h.us.Add(120_000_000)
		if d := together(rt, doors[0], ask, 1)[0]; d.Quotas[2].Remaining != ask.PerDay-len(times)-1 {
			rt.Fatalf("%d left of %d after %d", d.Quotas[2].Remaining, ask.PerDay, len(times)+1)
		}
	})
	if given == 0 {
		t.Error("nothing was ever given in advance")
	}
}

// Pages overlap: one that asked for nothing must not take the place of what the
// other is given.
func TestAdvance_OverlappingPages(t *testing.T) {
	t.Parallel()
	a, ask := advances{by: map[Spend]*advance{}}, Spend{Key: 1, N: 1, PerSecond: 10_000}
	crowd := request{n: 1, times: 8}
	a.got(ask, 0, crowd, answer{})
	first, second := crowd, crowd
	a.wish(ask, 10, &first)
	a.wish(ask, 20, &second)
	if first.ahead != 16 || second.ahead != 0 {
		t.Fatalf("%d and %d are wished, want 16 and 0", first.ahead, second.ahead)
	}
	a.got(ask, 20, second, answer{})
	a.got(ask, 10, first, answer{ahead: 16, good: 1000, at: 5})
	if _, ok := a.take(ask, 1009); !ok || a.by[ask].left != 15 {
		t.Errorf("%+v, want 15 of 16 left", a.by[ask])
	}
	late := crowd
	if a.wish(ask, 1010, &late); late.back != 15 || late.backAt != 5 || late.ahead != 0 {
		t.Errorf("%+v, want 15 back and no wish after one was used", late)
	}
}
