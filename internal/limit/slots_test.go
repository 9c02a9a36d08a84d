package limit

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// rates run from less than one in a second to what one machine can send.
func drawRate(rt *rapid.T) float64 {
	return rapid.SampledFrom([]float64{0.2, 1, 7, 20, 79.5, 80, 333, 1000, 10_000}).Draw(rt, "rate")
}

// Whatever is asked, when, and however the provider throttles: no second has
// more than rate+1 slots, none lies before now or in a block, a lane keeps to
// its horizon, and the rate to its bounds.
func TestSlots_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rate := drawRate(rt)
		s, now := newSlots(), float64(noon)
		var starts []float64
		rt.Repeat(map[string]func(*rapid.T){
			"reserve": func(rt *rapid.T) {
				n, otp := rapid.IntRange(1, 300).Draw(rt, "n"), rapid.Bool().Draw(rt, "otp")
				horizon := float64(near)
				if otp {
					horizon = 2e6
				}
				g := s.reserve(now, rate, float64(n), horizon, otp, 0, false)
				if g.n < 0 || g.n > n || g.n == n && g.wait > 0 || g.n == 0 && g.wait == 0 || g.first < 0 {
					rt.Fatalf("asked for %d: %+v", n, g)
				}
				for i := range g.n {
					at := now + g.first + float64(i)*g.step
					if at-now > horizon+1 || at < s.blk-1 {
						rt.Fatalf("slot %v after now, block %v after now", at-now, s.blk-now)
					}
					starts = append(starts, at)
				}
			},
			"throttle": func(rt *rapid.T) {
				before, cut := s.share(now), now >= s.cut
				s.throttle(now, rapid.SampledFrom([]float64{0, 1e5, 1e6, 5e6}).Draw(rt, "retry"), true)
				want := before
				if cut {
					want = max(cutFloor, before*cutTo)
				}
				if got := s.share(now); math.Abs(got-want) > 1e-9 {
					rt.Fatalf("share %v became %v, want %v", before, got, want)
				}
			},
			"wait": func(rt *rapid.T) {
				by := rapid.SampledFrom([]float64{1, 900, 10_000, 99_000, 450_000, 1_500_000, 30_000_000}).Draw(rt, "us")
				before, frozen := s.share(now), max(0, s.ft-now)
				now += by
				want := min(1, before+recovery*max(0, by-frozen))
				if got := s.share(now); math.Abs(got-want) > 1e-9 {
					rt.Fatalf("share %v after %v us is %v, want %v", before, by, got, want)
				}
			},
		})
		// Times are whole microseconds, so a count may look one early.
		if got := most(starts, 1e6-2); float64(got) > rate+1 {
			rt.Fatalf("%d slots in a second at rate %v", got, rate)
		}
	})
}

// drive lets lanes ask whenever they may for ten seconds and counts what each gets.
func drive(rate float64, lanes []bool, page float64) (got map[bool]int, latest float64) {
	s, got := newSlots(), map[bool]int{}
	for now := float64(noon); now < noon+10e6; now += 5000 {
		for _, otp := range lanes {
			horizon := float64(near)
			if otp {
				horizon = 2e6
			}
			g := s.reserve(now, rate, page, horizon, otp, 0, false)
			got[otp] += g.n
			if otp && g.n > 0 {
				latest = max(latest, g.first)
			}
		}
	}
	return got, latest
}

func TestSlots_GreedyLane_GetsTheWholeRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 80, 1000, 10_000} {
		got, _ := drive(rate, []bool{false}, 100)
		if n := float64(got[false]); n < 9.8*rate || n > 10.1*rate+1 {
			t.Errorf("rate %v: %v slots in 10 s", rate, n)
		}
	}
}

func TestSlots_OTPFlood_OthersDoNotStarve(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 80, 1000, 10_000} {
		for _, page := range []float64{1, 10, 100} {
			if page*200 < 2*rate { // asking 200 times a second is no flood then
				continue
			}
			got, _ := drive(rate, []bool{true, false}, page)
			if share := float64(got[false]) / (10 * rate); share < 0.04 || share > 0.2 {
				t.Errorf("rate %v, pages of %v: others got %.2f of it, otp %d", rate, page, share, got[true])
			}
		}
	}
}

func TestSlots_BulkFlood_OTPStartsAtOnce(t *testing.T) {
	t.Parallel()
	s, late := newSlots(), 0.0
	for now := float64(noon); now < noon+10e6; now += 5000 {
		s.reserve(now, 80, 100, near, false, 0, false)
		if int(now)%100_000 == 0 {
			g := s.reserve(now, 80, 1, 2e6, true, 0, false)
			if g.n != 1 {
				t.Fatalf("no slot for otp: %+v", g)
			}
			late = max(late, g.first)
		}
	}
	if late > near+25_000 { // one slot of 80/s further
		t.Errorf("otp waited %v us", late)
	}
}

// Alone and beyond the rate, otp gets the holes too.
func TestSlots_OTPAlone_GetsTheWholeRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 80, 1000} {
		got, latest := drive(rate, []bool{true}, 10)
		if n := float64(got[true]); n < 9.7*rate || latest > 2e6 {
			t.Errorf("rate %v: %v slots, latest %v us ahead", rate, n, latest)
		}
	}
}

func TestSlots_LostSchedule_GoesOnFromFloor(t *testing.T) {
	t.Parallel()
	s := newSlots()
	if g := s.reserve(noon, 100, 1, near, false, 30_000, false); g.first != 30_000 {
		t.Errorf("fresh schedule begins at %v", g.first)
	}
	if g := s.reserve(noon, 100, 1, near, false, 90_000, false); g.first != math.Ceil(30_000+slack*10_000) {
		t.Errorf("known schedule goes on at %v", g.first)
	}
	if g := s.reserve(noon, 100, 1, near, false, 90_000, true); g.first != 90_000 {
		t.Errorf("forced to %v", g.first)
	}
}

func TestSlots_Feed_GivesTheRateAndNothingWhileBlocked(t *testing.T) {
	t.Parallel()
	s, total := newSlots(), 0.0
	for now := float64(noon); now <= noon+10e6; now += 250_000 {
		total += s.feed(now, 80, 1e9)
	}
	if total < 118+800 || total > 122+800 {
		t.Errorf("%v tokens in 10 s", total)
	}
	s.throttle(noon+10e6, 1e6, true)
	if n := s.feed(noon+10.9e6, 80, 1e9); n != 0 {
		t.Errorf("%v tokens while blocked", n)
	}
	if n := s.feed(noon+11.1e6, 80, 1e9); n < 50 || n > 90 {
		t.Errorf("%v tokens after the block", n)
	}
	if n := newSlots().feed(noon, 0.1, 5); n != 1 {
		t.Errorf("a slow channel gets %v", n)
	}
}
