package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
)

// line holds the calls of a channel that this process has claimed, and the slots that it
// has booked for them: as many of the one as of the other. At each slot the next call
// starts, those of otp before all others. So a one-time password, for which a slot behind
// those of a bulk page was booked, takes the first of these, and the page's last call the
// slot that it leaves: the channel's slots stay what they are. It does not wait for that
// slot either, as long as it is the next one (see ahead).
type line struct {
	mu      sync.Mutex
	runs    []slotRun
	urgent  []waiting // of otp
	others  []waiting
	early   []waiting     // for which no call is free yet, perhaps
	running bool          // somebody is in run
	sooner  chan struct{} // a slot was added that may be before all others
}

// slotRun is the rest of a grant.
type slotRun struct {
	next     time.Time
	in       time.Time // when it came
	interval time.Duration
	n        int
}

// waiting is the rest of a claim.
type waiting struct {
	f     *flight
	calls []store.Claimed
}

// add puts a claim and its slots into the line. It reports whether the caller must call
// run, since nobody does.
func (l *line) add(f *flight, claimed []store.Claimed) (idle bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs = append(l.runs, slotRun{f.booked.Add(f.grant.First), time.Now(), f.grant.Interval, len(claimed)})
	of := &l.others
	switch {
	case f.lane == dispatch.OTP:
		of = &l.urgent
	case f.early:
		of = &l.early
	}
	*of = append(*of, waiting{f, claimed})
	idle, l.running = !l.running, true
	if !idle {
		l.wake()
	}
	return idle
}

// wake has run look again what comes next.
func (l *line) wake() {
	select {
	case l.sooner <- struct{}{}:
	default:
	}
}

// first returns the run of the earliest slot and the claim whose call takes it; f is nil
// when there is none, and run ends.
func (l *line) first() (slot slotRun, f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.runs) == 0 {
		l.running = false
		return slot, nil
	}
	return l.runs[l.earliest()], (*l.next())[0].f
}

// next returns the claims of which one has the next call. The caller holds mu.
func (l *line) next() *[]waiting {
	switch {
	case len(l.urgent) > 0:
		return &l.urgent
	case len(l.others) > 0:
		return &l.others
	}
	return &l.early
}

// earliest returns the run of the earliest slot. The caller holds mu.
func (l *line) earliest() int {
	at := 0
	for i := range l.runs {
		if l.runs[i].next.Before(l.runs[at].next) {
			at = i
		}
	}
	return at
}

// mostClaimed is how far ahead calls of other lanes than otp may be claimed; their slots
// are booked limit.Ahead.
const mostClaimed = 2 * limit.Ahead

// behind returns how long no more calls of other lanes than otp should be claimed, because
// those in the line are late: after a process that was late often their slots are over long
// before they start, and what a pause or a kill concerns is what was claimed.
func (l *line) behind() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ahead time.Duration
	for _, of := range [][]waiting{l.others, l.early} {
		for i := range of {
			ahead += time.Duration(len(of[i].calls)) * of[i].f.grant.Interval
		}
	}
	if ahead > mostClaimed {
		return ahead - limit.Ahead
	}
	return 0
}

// pop takes the earliest slot and the call that starts at it.
func (l *line) pop() (*flight, *store.Claimed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.earliest()
	r := &l.runs[i]
	r.next, r.n = r.next.Add(r.interval), r.n-1
	if r.n == 0 {
		l.runs = slices.Delete(l.runs, i, i+1)
	}
	of := l.next()
	b := &(*of)[0]
	f, c := b.f, &b.calls[0]
	if b.calls = b.calls[1:]; len(b.calls) == 0 {
		(*of)[0] = waiting{}
		*of = (*of)[1:]
	}
	return f, c
}

// empty takes everything out of the line.
func (l *line) empty() []waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Concat(l.urgent, l.others, l.early)
	l.runs, l.urgent, l.others, l.early, l.running = nil, nil, nil, nil, false
	return out
}

// emptyEarly takes the early claims out of the line, with the latest slots.
func (l *line) emptyEarly() []waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, left := l.early, 0
	for _, of := range [][]waiting{l.urgent, l.others} {
		for i := range of {
			left += len(of[i].calls)
		}
	}
	slices.SortStableFunc(l.runs, func(a, b slotRun) int { return a.next.Compare(b.next) })
	for i := range l.runs {
		l.runs[i].n = min(l.runs[i].n, left)
		left -= l.runs[i].n
	}
	l.runs = slices.DeleteFunc(l.runs, func(r slotRun) bool { return r.n == 0 })
	l.early = nil
	return out
}

// await waits for a time. It returns early, and false, when an earlier slot may have come
// or ctx ends.
func (l *line) await(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.sooner:
	case <-t.C:
		return true
	}
	return false
}

// awaitEnd waits until a call may have ended. It returns false when none does for restFor, or ctx ends.
func (l *line) awaitEnd(ctx context.Context) bool {
	t := time.NewTimer(restFor)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.sooner:
		return true
	case <-t.C:
	}
	return false
}

// run hands the calls of the line to start, each at its slot, those of otp up to an
// interval ahead of it, until none is left. Early ones wait until a call is free, and are handed
// to giveUp when none is for long. It returns those that have not started when ctx ends.
func (s *channelState) run(ctx context.Context, start func(*flight, *store.Claimed), giveUp func([]waiting)) []waiting {
	for {
		slot, next := s.line.first()
		if next == nil {
			return nil
		}
		at := s.pace(slot.next, slot.in, slot.interval)
		from := at
		if next.lane == dispatch.OTP {
			from = s.begun.earliest(at, slot.interval)
		}
		if !s.line.await(ctx, from) {
			if ctx.Err() != nil {
				return s.line.empty()
			}
			continue
		}
		if next.early && !s.startEarly(next.concurrency()) {
			if !s.line.awaitEnd(ctx) && ctx.Err() == nil {
				giveUp(s.line.emptyEarly())
			}
			continue
		}
		s.last = at
		f, c := s.line.pop()
		if next.early && !f.early { // another one has come
			s.undoStart()
		}
		start(f, c)
		s.begun.add(slot.interval)
	}
}

// launch starts the calls of a channel until none is left. It releases the messages whose calls
// do not start since the worker stops, or since those before them don't end.
func (w *Worker) launch(s *channelState) {
	giveUp := func(rest []waiting) {
		for _, r := range rest {
			w.giveUp(r.f, r.calls)
		}
	}
	giveUp(s.run(w.quit, func(f *flight, c *store.Claimed) {
		w.pool.run(func() { w.sendOne(f, c) })
	}, giveUp))
}
