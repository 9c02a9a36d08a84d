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
	if f.lane == dispatch.OTP {
		l.urgent = append(l.urgent, waiting{f, claimed})
	} else {
		l.others = append(l.others, waiting{f, claimed})
	}
	idle, l.running = !l.running, true
	if !idle {
		select {
		case l.sooner <- struct{}{}:
		default:
		}
	}
	return idle
}

// first returns the run of the earliest slot, and whether a call of otp takes it; ok is
// false when there is none, and run ends.
func (l *line) first() (slot slotRun, urgent, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.runs) == 0 {
		l.running = false
		return slot, false, false
	}
	return l.runs[l.earliest()], len(l.urgent) > 0, true
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
	for i := range l.others {
		ahead += time.Duration(len(l.others[i].calls)) * l.others[i].f.grant.Interval
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
	of := &l.urgent
	if len(*of) == 0 {
		of = &l.others
	}
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
	out := slices.Concat(l.urgent, l.others)
	l.runs, l.urgent, l.others, l.running = nil, nil, nil, false
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

// run hands the calls of the line to start, each at its slot, those of otp up to an
// interval ahead of it, until none is left. It returns those that have not started when
// ctx ends.
func (s *channelState) run(ctx context.Context, start func(*flight, *store.Claimed)) []waiting {
	for {
		slot, urgent, ok := s.line.first()
		if !ok {
			return nil
		}
		at := s.pace(slot.next, slot.in, slot.interval)
		from := at
		if urgent {
			from = s.begun.earliest(at, slot.interval)
		}
		if s.line.await(ctx, from) {
			s.last = at
			start(s.line.pop())
			s.begun.add(slot.interval)
		} else if ctx.Err() != nil {
			return s.line.empty()
		}
	}
}

// launch starts the calls of a channel until none is left. When the worker stops it
// returns the messages whose calls have not started.
func (w *Worker) launch(s *channelState) {
	for _, rest := range s.run(w.quit, func(f *flight, c *store.Claimed) {
		w.pool.run(func() { w.sendOne(f, c) })
	}) {
		w.giveUp(rest.f, rest.calls)
	}
}
