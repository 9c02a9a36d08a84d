package campaign

import (
	"slices"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/zone"
)

// Timing answers when a campaign's recipients are due and may be written to.
// It is compiled once per campaign and safe for concurrent use; answers are
// cached by the recipient's zones, of which there are few.
type Timing struct {
	start   *zone.Wall
	local   bool
	zone    *time.Location // of start
	account []*time.Location
	fixed   []*time.Location // where the quiet hours are not the recipient's
	windows []zone.Window
	late    Late
	ttl     time.Duration // 0: none

	mu    sync.Mutex
	spans map[zone.Set]span
}

// span is a stretch of time with one answer: quiet until its end, or allowed.
type span struct {
	from, to time.Time
	quiet    bool
}

// NewTiming compiles the times of a valid definition; account is the account's
// zone, which applies where a recipient's is not known.
func NewTiming(d *Definition, account string) (*Timing, error) {
	t := &Timing{
		start: d.StartAt, local: d.LocalStart, late: d.Late, ttl: time.Duration(d.TTLSeconds) * time.Second, spans: map[zone.Set]span{},
	}
	var err error
	if t.zone, err = zone.Load(d.TimeZone); err != nil {
		return nil, err
	}
	loc, err := zone.Load(account)
	if err != nil {
		return nil, err
	}
	t.account = []*time.Location{loc}
	return t, t.setQuiet(d.QuietHours)
}

func (t *Timing) setQuiet(q *QuietHours) error {
	if q == nil {
		return nil
	}
	from, err := zone.ParseClock(q.From)
	if err != nil {
		return err
	}
	to, err := zone.ParseClock(q.To)
	if err != nil {
		return err
	}
	var days zone.Days
	for _, name := range q.Days {
		days |= 1 << slices.Index(dayNames, name)
	}
	if from != to {
		t.windows = []zone.Window{{From: from, To: to, Days: days}}
	}
	switch q.Zone {
	case ZoneOfRecipient:
	case ZoneOfAccount:
		t.fixed = t.account
	default:
		loc, err := zone.Load(q.Zone)
		t.fixed = []*time.Location{loc}
		return err
	}
	return nil
}

// OfRecipient reports whether anything depends on the zones of recipients, so
// that they must be found out (and counted where the account's stands in).
func (t *Timing) OfRecipient() bool { return t.local || (len(t.windows) > 0 && t.fixed == nil) }

// of returns the recipient's zones, or the account's where they are not known.
func (t *Timing) of(zones zone.Set) []*time.Location {
	if locs := zones.Locations(); len(locs) > 0 {
		return locs
	}
	return t.account
}

// Start returns the instant from which anybody may be due, for a campaign that
// is launched at launch.
func (t *Timing) Start(launch time.Time) time.Time {
	if t.start == nil {
		return launch
	}
	first := zone.Resolve(*t.start, t.zone)
	if t.local { // begins in the far east: UTC+14
		first = t.start.Time().Add(-14 * time.Hour)
	}
	return later(first, launch)
}

// Due returns when a recipient's message is due, in a campaign that is launched
// at launch. With local_start that is the hour in their own zone, of several
// zones the last. late reports that this hour had gone at launch: it is then
// the same hour of the next day, or with LateSkip the recipient is skipped.
func (t *Timing) Due(zones zone.Set, launch time.Time) (due time.Time, late bool) {
	if !t.local || t.start == nil {
		return t.Start(launch), false
	}
	w := *t.start
	for {
		due = time.Time{}
		for _, loc := range t.of(zones) {
			due = later(due, zone.Resolve(w, loc))
		}
		if !due.Before(launch) {
			return due, late
		}
		w, late = w.NextDay(), true
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Allowed returns the first instant from at on at which quiet hours let a
// recipient be written to. Where their zones leave no such instant the
// account's zone alone applies.
func (t *Timing) Allowed(at time.Time, zones zone.Set) time.Time {
	if len(t.windows) == 0 {
		return at
	}
	if t.fixed != nil {
		zones = ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.spans[zones]
	if !ok || at.Before(s.from) || !at.Before(s.to) {
		s = t.spanAt(at, zones)
		t.spans[zones] = s
	}
	if s.quiet {
		return s.to
	}
	return at
}

// spanAt returns the span that begins at at.
func (t *Timing) spanAt(at time.Time, zones zone.Set) span {
	locs := t.clocks(at, zones)
	if next, ok := zone.NextAllowed(at, locs, t.windows); ok && next.After(at) {
		return span{from: at, to: next, quiet: true}
	}
	end, ok := zone.NextQuiet(at, locs, t.windows)
	if !ok {
		end = at.Add(24 * time.Hour)
	}
	return span{from: at, to: end}
}

// clocks returns the zones that must allow a message.
func (t *Timing) clocks(at time.Time, zones zone.Set) []*time.Location {
	if t.fixed != nil {
		return t.fixed
	}
	locs := t.of(zones)
	if _, ok := zone.NextAllowed(at, locs, t.windows); !ok {
		return t.account
	}
	return locs
}

// Window returns the first window of a recipient who is due at due: from when
// to when quiet hours let them be written to. A zero closes means never.
func (t *Timing) Window(due time.Time, zones zone.Set) (opens, closes time.Time) {
	opens = t.Allowed(due, zones)
	if closes, ok := zone.NextQuiet(opens, t.clocks(opens, zones), t.windows); ok {
		return opens, closes
	}
	return opens, time.Time{}
}

// Expires returns when a recipient who was due at due is no longer worth
// writing to: ttl_seconds later. It is zero without one; a message then has its
// lane's time from the moment at which it is made, so that a budget may spread
// a campaign over weeks.
func (t *Timing) Expires(due time.Time) time.Time {
	if t.ttl == 0 {
		return time.Time{}
	}
	return due.Add(t.ttl)
}

// past reports whether now is at or after end; a zero end never comes.
func past(now, end time.Time) bool { return !end.IsZero() && !now.Before(end) }

// Move is what becomes of a recipient whose turn it is.
type Move int

// The moves.
const (
	Send Move = iota
	Hold      // until the time that comes with it
	Skip      // with reason late
	Expire
)

// Decide returns what becomes at now of a recipient who is due at due; gone
// reports that Due found their hour gone. Call it at every claim: it is the one
// gate for first sends, retries and fallbacks.
func (t *Timing) Decide(now, due time.Time, gone bool, zones zone.Set) (Move, time.Time) {
	switch {
	case gone && t.late == LateSkip:
		return Skip, time.Time{}
	case now.Before(due):
		return Hold, t.Allowed(due, zones)
	case past(now, t.Expires(due)):
		return Expire, time.Time{}
	}
	if t.late == LateSkip {
		if _, closes := t.Window(due, zones); past(now, closes) {
			return Skip, time.Time{}
		}
	}
	if next := t.Allowed(now, zones); next.After(now) {
		return Hold, next
	}
	return Send, time.Time{}
}
