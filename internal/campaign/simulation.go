package campaign

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/zone"
)

// entry is a group's recipients who still wait.
type entry struct {
	group  zone.Set
	n      int // waiting when their window opened
	taken  int // of n
	opens  time.Time
	closes time.Time // zero: never
	ends   time.Time // of their messages' worth; zero: never
	late   bool
}

func (e *entry) left() int { return e.n - e.taken }

// batch is n messages from at on, gap apart (all at once where gap is 0).
type batch struct {
	at  time.Time
	n   int
	gap time.Duration
}

type simulation struct {
	timing *Timing
	pace   Pace
	now    time.Time // of the next call
	limit  time.Time
	gap    time.Duration
	open   []*entry
	used   []batch // of the budget, oldest first
	sent   int
	first  time.Time
	last   time.Time
	tried  bool // the canary has waited
	cause  string
	until  time.Time // to which cause held everything back
	hours  map[time.Time]int
	by     map[string]int
	late   int
	unsent int
}

// admit lets a group in.
func (s *simulation) admit(g Group, launch time.Time) {
	if g.Recipients <= 0 {
		return
	}
	due, late := s.timing.Due(g.Zones, launch)
	e := &entry{group: g.Zones, n: g.Recipients, ends: s.timing.Expires(due)}
	if late {
		s.count(e, lateHour)
		if s.timing.late == LateSkip {
			s.unsent += e.n
			return
		}
	}
	e.opens, e.closes = s.timing.Window(due, g.Zones)
	s.open = append(s.open, e)
}

// begin returns when the first window opens, not before the launch.
func (s *simulation) begin() time.Time {
	begin := s.now
	for i, e := range s.open {
		if i == 0 || e.opens.Before(begin) {
			begin = e.opens
		}
	}
	if begin.Before(s.now) {
		return s.now
	}
	return begin
}

// count notes that those of e who still wait are late.
func (s *simulation) count(e *entry, why string) {
	if !e.late {
		e.late = true
		s.late += e.left()
		s.by[why] += e.left()
	}
}

func (s *simulation) run() {
	for s.settle(); len(s.open) > 0 && s.now.Before(s.limit); s.settle() {
		cohort := s.cohort()
		if opens := cohort[0].opens; opens.After(s.now) {
			s.now = opens
			continue
		}
		if s.canary() || s.serve(cohort) {
			continue
		}
	}
	for _, e := range s.open {
		s.unsent += e.left()
	}
}

// settle moves on whoever has been served, whose window has closed, or whose
// message has lost its worth.
func (s *simulation) settle() {
	s.open = slices.DeleteFunc(s.open, func(e *entry) bool {
		for e.left() > 0 {
			switch {
			case past(s.now, e.ends) && (e.closes.IsZero() || !e.closes.Before(e.ends)):
				s.count(e, lateExpired)
				s.unsent += e.left()
				return true
			case !past(s.now, e.closes):
				return false
			}
			s.count(e, s.reason(e.closes))
			if s.timing.late == LateSkip {
				s.unsent += e.left()
				return true
			}
			e.n, e.taken = e.left(), 0
			e.opens, e.closes = s.timing.Window(e.closes, e.group)
		}
		return true
	})
}

// reason returns what kept messages from going out up to at.
func (s *simulation) reason(at time.Time) string {
	if s.cause != "" && !at.After(s.until) {
		return s.cause
	}
	return lateRate
}

// cohort returns the entries whose window opened first, in the order of groups.
func (s *simulation) cohort() []*entry {
	first := slices.MinFunc(s.open, func(a, b *entry) int { return a.opens.Compare(b.opens) }).opens
	var cohort []*entry
	for _, e := range s.open {
		if e.opens.Equal(first) {
			cohort = append(cohort, e)
		}
	}
	return cohort
}

// canary reports whether the canary's wait has moved the time.
func (s *simulation) canary() bool {
	c := s.pace.Canary
	if c == nil || s.tried || s.sent < c.First {
		return false
	}
	s.tried = true
	return s.wait(lateCanary, s.last.Add(time.Duration(c.WaitSeconds)*time.Second))
}

// wait moves the time to at, and notes the cause.
func (s *simulation) wait(cause string, at time.Time) bool {
	if !at.After(s.now) {
		return false
	}
	s.cause, s.now, s.until = cause, at, at
	return true
}

// serve sends to a cohort up to the next event, and reports whether it has
// waited instead.
func (s *simulation) serve(cohort []*entry) bool {
	n := 0
	for _, e := range cohort {
		n += e.left()
	}
	for _, e := range s.open {
		for _, edge := range []time.Time{e.closes, e.ends} {
			if edge.After(s.now) {
				n = min(n, int((edge.Sub(s.now)+s.gap-1)/s.gap))
			}
		}
	}
	if c := s.pace.Canary; c != nil && !s.tried {
		n = min(n, c.First-s.sent)
	}
	if s.pace.Budget > 0 {
		room, free := s.room(n)
		if room == 0 {
			return s.wait(lateBudget, free)
		}
		n = room
	}
	take(cohort, n)
	s.record(n)
	return false
}

// budgetSpan is the moving time in which a budget counts.
const budgetSpan = 24 * time.Hour

// room returns how many of n messages, gap apart from now on, keep within the
// budget; with none, when there is room again. What was sent at the same pace a
// day ago makes room at the same pace.
func (s *simulation) room(n int) (room int, free time.Time) {
	s.forget()
	room = s.pace.Budget
	for _, b := range s.used {
		room -= b.n
	}
	room = max(room, 0)
	for _, b := range s.used {
		at := b.at.Add(budgetSpan)
		if room >= n || at.After(s.now.Add(time.Duration(room)*s.gap)) {
			return min(room, n), at
		}
		room += b.n
	}
	return min(room, n), s.now
}

// forget drops what has left the budget.
func (s *simulation) forget() {
	for len(s.used) > 0 {
		b := &s.used[0]
		gone := b.n
		if since := s.now.Sub(b.at.Add(budgetSpan)); since < 0 {
			return
		} else if b.gap > 0 {
			gone = min(gone, int(since/b.gap)+1)
		}
		if gone < b.n {
			b.n -= gone
			b.at = b.at.Add(time.Duration(gone) * b.gap)
			return
		}
		s.used = s.used[1:]
	}
}

// record notes n messages, gap apart from now on.
func (s *simulation) record(n int) {
	if s.first.IsZero() {
		s.first = s.now
	}
	if s.pace.Budget > 0 {
		s.used = append(s.used, batch{s.now, n, s.gap})
	}
	s.sent += n
	s.last = s.now.Add(time.Duration(n-1) * s.gap)
	for n > 0 {
		hour := s.now.UTC().Truncate(time.Hour)
		in := min(n, int((hour.Add(time.Hour).Sub(s.now)+s.gap-1)/s.gap))
		s.hours[hour] += in
		s.now = s.now.Add(time.Duration(in) * s.gap)
		n -= in
	}
}

func (s *simulation) result() Forecast {
	f := Forecast{Hours: []Hour{}, Late: s.late, LateBy: s.by, Unsent: s.unsent}
	for _, hour := range slices.SortedFunc(maps.Keys(s.hours), time.Time.Compare) {
		f.Hours = append(f.Hours, Hour{hour, s.hours[hour]})
	}
	if s.sent > 0 {
		f.StartsAt, f.EndsAt = new(s.first.UTC()), new(s.last.UTC())
	}
	return f
}

// take serves n recipients of a cohort evenly: the k-th of an entry of m comes
// at (2k+1)/2m of the cohort's way, equals in the order of entries.
func take(cohort []*entry, n int) {
	const scale = 1 << 32 // the recipients of one entry are further apart than 1/scale
	upTo := func(way int64) (total int, counts []int) {
		counts = make([]int, len(cohort))
		for i, e := range cohort {
			passed := int((way*int64(2*e.n) + scale) / (2 * scale)) // k with (2k+1)/2m <= way
			counts[i] = max(min(passed, e.n)-e.taken, 0)
			total += counts[i]
		}
		return total, counts
	}
	low, high := int64(0), int64(scale) // the way after which no more than n are passed
	for high-low > 1 {
		middle := low + (high-low)/2
		if total, _ := upTo(middle); total <= n {
			low = middle
		} else {
			high = middle
		}
	}
	total, counts := upTo(low)
	for i, e := range cohort {
		e.taken += counts[i]
	}
	takeNext(cohort, n-total)
}

// takeNext serves n more, at most one of each entry: those that are next.
func takeNext(cohort []*entry, n int) {
	next := slices.DeleteFunc(slices.Clone(cohort), func(e *entry) bool { return e.left() == 0 })
	slices.SortStableFunc(next, func(a, b *entry) int {
		return cmp.Compare(int64(2*a.taken+1)*int64(b.n), int64(2*b.taken+1)*int64(a.n))
	})
	for _, e := range next[:n] {
		e.taken++
	}
}
