package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// channelState is one worker process's state of a channel: how many calls are
// open, when the last one started, how many failed in a row.
type channelState struct {
	mu       sync.Mutex
	open     int
	early    int // reserved before they are free, not started; not in open
	waiting  int
	freed    chan struct{}
	failures int            // in a row
	blocked  time.Time      // a recipient of this channel is blocked until then
	draining [3]atomic.Bool // by lane
	line     line
	last     time.Time // when the newest call may start; of run
	begun    begun     // of run

	// Calls that ended in this half second and in the one before.
	half     int64
	ended    int
	endedOld int
}

func newChannelState() *channelState {
	return &channelState{freed: make(chan struct{}, 1), line: line{sooner: make(chan struct{}, 1)}}
}

// take reserves up to n of at most limit concurrent calls and returns how many. When none is free it
// waits up to patience, together with at most one other page of the channel: a
// dead provider must not occupy the handlers that other channels need.
func (s *channelState) take(ctx context.Context, n, limit int, patience time.Duration) int {
	if got := s.tryTake(n, limit); got > 0 {
		return got
	}
	s.mu.Lock()
	if s.waiting >= 2 {
		s.mu.Unlock()
		return 0
	}
	s.waiting++
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.waiting--; s.mu.Unlock() }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-timer.C:
			return s.tryTake(n, limit)
		case <-s.freed:
			if got := s.tryTake(n, limit); got > 0 {
				return got
			}
		}
	}
}

// gather reserves up to n calls for a drain and returns how many. When few are
// free it waits for more, since a page of one costs as much as one of fifty; if
// none comes free within patience it returns 0.
//
// An early route reserves more calls than are free: as many as end while a page is gathered and
// claimed, when the calls of a slow provider would be idle. Each starts when another one has
// ended (startEarly).
func (r route) gather(ctx context.Context, n int) int {
	until := time.Now().Add(patience)
	for {
		spare, enough := r.look(n)
		if spare >= enough || ctx.Err() != nil || time.Now().After(until) {
			break
		}
		sleep(ctx, gatherFor)
		if spare, _ = r.look(n); spare > 0 && r.state.idle(r.concurrency()) {
			break
		}
	}
	return r.reserve(n)
}

// look returns how many calls the route may reserve, and how many are worth a page of n.
func (r route) look(n int) (spare, enough int) {
	s := r.state
	s.mu.Lock()
	defer s.mu.Unlock()
	enough = min(n/4, max(1, r.concurrency()/8))
	if r.early {
		enough = max(enough, min(n, s.ahead())/2)
	}
	return r.spare(), enough
}

// spare returns how many calls the route may reserve. The caller holds mu.
func (r route) spare() int {
	n := r.concurrency() - r.state.open
	if r.early {
		n += r.state.ahead() - r.state.early
	}
	return n
}

// reserve reserves up to n calls and returns how many.
func (r route) reserve(n int) int {
	s := r.state
	s.mu.Lock()
	defer s.mu.Unlock()
	got := max(0, min(n, r.spare()))
	if r.early {
		s.early += got
	} else {
		s.open += got
	}
	return got
}

const (
	// aheadFor is how long it may take to gather and claim a page.
	aheadFor = 50 * time.Millisecond
	// mostEarly bounds the calls that are reserved early: after a kill the lease of their
	// messages must run out, too.
	mostEarly = 384
)

// ahead returns how many calls end in aheadFor or somewhat less. The caller holds mu.
func (s *channelState) ahead() int {
	s.slide()
	return min(mostEarly, (s.ended+s.endedOld)*int(aheadFor/time.Millisecond)/1000)
}

// idle reports whether a call is free for which nothing is reserved.
func (s *channelState) idle(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return limit-s.open > s.early
}

// startEarly has a call that was reserved early start, if one is free.
func (s *channelState) startEarly(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= limit {
		return false
	}
	s.open, s.early = s.open+1, s.early-1
	return true
}

// undoStart undoes startEarly.
func (s *channelState) undoStart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.early = s.open-1, s.early+1
}

// giveEarly is give of calls that were reserved early.
func (s *channelState) giveEarly(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.early -= n
}

// tryTake is take without waiting.
func (s *channelState) tryTake(n, limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := max(0, min(n, limit-s.open))
	s.open += got
	return got
}

// end notes that a call has ended.
func (s *channelState) end() { s.free(1, 1) }

// give returns n reserved calls that have not started.
func (s *channelState) give(n int) { s.free(n, 0) }

// free frees n calls, of which some have ended.
func (s *channelState) free(n, ended int) {
	s.mu.Lock()
	s.open -= n
	s.slide()
	s.ended += ended
	waits := s.early > 0
	s.mu.Unlock()
	if waits {
		s.line.wake()
	}
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// slide moves the window of ended calls. The caller holds mu.
func (s *channelState) slide() {
	now := time.Now().UnixMilli() / 500
	switch now - s.half {
	case 0:
		return
	case 1:
		s.endedOld, s.ended = s.ended, 0
	default:
		s.endedOld, s.ended = 0, 0
	}
	s.half = now
}

// room returns how many messages of the channel this worker can start soon: its
// free calls, and as many as ended in the last second. A channel whose calls
// hang has none: its backlog is not offered, only to be put off again.
func (s *channelState) room(limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slide()
	return max(0, limit-s.open-s.early) + s.ended + s.endedOld
}

// late is how much later than at its slot a call may start without holding up those
// behind it: the limiter's slots are wide enough for that.
const late = 10 * time.Millisecond

// pace returns when the next call may start: at its slot, and not sooner after
// the previous one than the channel's interval, so that calls do not bunch up
// after a slow claim. in is when the slot came into the line: calls catch up what has
// been lost since then, by late at most. Intervals below a millisecond are too short for
// timers; there calls may always catch up by 5 ms. Only run calls it.
func (s *channelState) pace(slot, in time.Time, interval time.Duration) time.Time {
	now := time.Now()
	at := slot
	if next := s.last.Add(interval); next.After(at) {
		at = next
	}
	floor := now.Add(-late)
	if in.After(floor) {
		floor = in
	}
	if interval < time.Millisecond {
		floor = now.Add(-5 * time.Millisecond)
	}
	if at.Before(floor) {
		at = floor
	}
	return at
}

// worked notes a call that shows that the provider works.
func (s *channelState) worked() {
	s.mu.Lock()
	s.failures = 0
	s.mu.Unlock()
}

// broke notes a failed call and reports whether it is the limit-th in a row.
func (s *channelState) broke(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	if s.failures < limit {
		return false
	}
	s.failures = 0
	return true
}

// block notes that a recipient of the channel is blocked for d.
func (s *channelState) block(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(d); until.After(s.blocked) {
		s.blocked = until
	}
}

// anyBlocked reports whether a recipient of the channel may be blocked.
func (s *channelState) anyBlocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.blocked)
}
