package limit

import "math"

// Times in this file are microseconds since 1970 as float64, like in Lua: both
// count whole ones exactly for the next two centuries.

const (
	// slack widens the gap between two slots, so that calls which start up to
	// 10 ms late don't push a second above its limit.
	slack = 1.01
	// cutTo is what a throttled answer leaves of the rate, cutFloor the least
	// share of the configured rate, recovery the share that comes back in a
	// microsecond.
	cutTo    = 0.7
	cutFloor = 0.05
	recovery = 5e-8
	// near is how far ahead lanes other than otp may book.
	near = 100_000.0
	// holeEvery: otp, once it books further ahead than the others may, leaves
	// them one slot in ten.
	holeEvery = 9
)

// slots is one channel's schedule: the same rules as channel.lua, in Go. It is
// the limiter of a worker without Redis, and the model that the script is
// tested against.
//
// Slots are booked as runs that follow each other at the channel's interval
// and never before now, so that idle time earns nothing: no second ever has more
// than rate+1 of them.
type slots struct {
	next  float64 // the first free slot
	blk   float64 // no slot before
	f     float64 // share of the configured rate, as of ft
	ft    float64 // when recovery begins
	cut   float64 // no second cut before
	run   float64 // otp slots since the last hole
	tok   float64 // ids that may be offered, as of tt
	tt    float64
	holes []hole
}

// hole is a stretch that otp left free between its slots.
type hole struct{ from, to float64 }

// span is the answer to a booking.
type span struct {
	n                 int
	first, step, wait float64 // first from now; step between starts; wait from now, 0 when n is all
}

func newSlots() *slots { return &slots{f: 1} }

// share is what throttling has left of the configured rate.
func (s *slots) share(now float64) float64 {
	return math.Min(1, s.f+recovery*math.Max(0, now-s.ft))
}

// fit is how many slots start within [from, to].
func fit(from, to, step float64) float64 {
	if from > to {
		return 0
	}
	return math.Floor((to-from)/step) + 1
}

// reserve books up to n consecutive slots that start within horizon. floor is
// how far ahead others have booked; it counts when forced, or
// when the schedule was lost.
func (s *slots) reserve(now, rate, n, horizon float64, otp bool, floor float64, force bool) span {
	step := slack * 1e6 / (rate * s.share(now))
	got, first, wait := s.fill(now, n, horizon, otp, step)
	start := max(now, s.next, s.blk)
	if force || s.next == 0 {
		start = max(start, now+floor)
	}
	if got == 0 {
		got, first = min(n, fit(start, now+horizon, step)), start
		if got > 0 {
			s.next = math.Ceil(start + got*step)
			s.leave(now, rate, got, otp, step)
			start = s.next
		}
	}
	wait = max(0, math.Ceil(min(wait, max(now, start, s.blk))-now-horizon/2))
	if got == n {
		wait = 0
	}
	if got == 0 {
		first = now
	}
	return span{n: int(got), first: math.Floor(first - now), step: step, wait: wait}
}

// fill books in a hole. otp takes one only when the others have had their time
// to. wait is when the next hole begins, for those who book there.
func (s *slots) fill(now, n, horizon float64, otp bool, step float64) (got, first, wait float64) {
	wait = math.Inf(1)
	limit := now + horizon
	if otp {
		limit = now + near/2
	}
	left := s.holes[:0]
	for _, h := range s.holes {
		from, to := max(h.from, now, s.blk), h.to
		if got == 0 {
			if k := min(n, math.Floor((to-from)/step), fit(from, limit, step)); k > 0 {
				got, first = k, from
				from = math.Ceil(from + k*step)
			}
		}
		if to-from >= step {
			left = append(left, hole{from, to})
			if !otp {
				wait = min(wait, from)
			}
		}
	}
	s.holes = left
	return got, first, wait
}

// leave makes a hole behind the run just booked when otp has taken everything
// that the others could reach for long enough.
func (s *slots) leave(now, rate, got float64, otp bool, step float64) {
	if !otp || s.next <= now+near {
		s.run = 0
		return
	}
	s.run += got
	if s.run >= max(holeEvery, rate*s.share(now)/10) {
		stop := math.Ceil(s.next + math.Floor(s.run/holeEvery)*step)
		s.holes = append(s.holes, hole{s.next, stop})
		s.next, s.run = stop, 0
	}
}

// throttle cuts the channel's rate unless that was done in this Retry-After
// period, and may block it for the whole of it.
func (s *slots) throttle(now, retry float64, block bool) {
	s.f = s.share(now)
	if now >= s.cut {
		s.f = max(cutFloor, s.f*cutTo)
		s.cut = now + max(1e6, retry)
	}
	if block {
		s.blk = max(s.blk, now+retry)
	}
	s.ft = max(now, s.blk)
}

// feed takes up to want tokens of a bucket that holds 1.5 s of the rate.
func (s *slots) feed(now, rate, want float64) float64 {
	pace := rate * s.share(now)
	full := max(1, 1.5*pace)
	s.tok = min(full, s.tok+pace*(now-s.tt)/1e6)
	if s.tt == 0 {
		s.tok = full
	}
	s.tt = now
	if s.blk > now {
		return 0
	}
	give := min(want, math.Floor(s.tok))
	s.tok -= give
	return give
}
