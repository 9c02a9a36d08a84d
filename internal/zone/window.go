package zone

import (
	"fmt"
	"time"
)

// Clock is a time of day in minutes since midnight, 0 to 1439.
type Clock int16

// ParseClock reads "21:00".
func ParseClock(s string) (Clock, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%q is not a time of day like 21:00", s)
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// String returns the form "21:00".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

func (c Clock) wall() Wall { return Wall(c) * 60 }

// Days is a set of days of the week: bit 0 is Sunday, as in time.Weekday.
type Days uint8

// EveryDay has all seven.
const EveryDay Days = 1<<7 - 1

// Has reports whether d contains the day.
func (d Days) Has(day time.Weekday) bool { return d&(1<<day) != 0 }

// Window is a time of quiet that comes back: from From to To, To excluded, on
// each of Days. With To before From it ends on the day after; Days are those
// on which it begins. With From = To it is empty. Its edges are wall times and
// follow the rules of Resolve, so a day that a zone skips is quiet if its
// window reports it for no longer than the skip itself.
type Window struct {
	From, To Clock
	Days     Days
}

// on returns the instants between which w is quiet when it begins on the
// calendar day that begins at midnight.
func (w Window) on(midnight Wall, loc *time.Location) (from, to time.Time, ok bool) {
	if w.From == w.To || !w.Days.Has(midnight.Time().Weekday()) {
		return from, to, false
	}
	end := midnight
	if w.To < w.From {
		end += day
	}
	from, to = Resolve(midnight+w.From.wall(), loc), Resolve(end+w.To.wall(), loc)
	return from, to, from.Before(to)
}

// until returns the end of the window that covers t; ok is false when none
// does. A clock that goes back over midnight can lie in the window of the day
// that it has just left, hence the day after.
func (w Window) until(t time.Time, loc *time.Location) (end time.Time, ok bool) {
	today := WallAt(t, loc).date()
	for d := today - day; d <= today+day; d += day {
		if from, to, some := w.on(d, loc); some && !t.Before(from) && t.Before(to) && to.After(end) {
			end, ok = to, true
		}
	}
	return end, ok
}

// horizon is how far NextAllowed looks. Windows repeat by the week; a second
// week covers one with a clock change.
const horizon = 15 * 24 * time.Hour

// NextAllowed returns the first instant from t on at which none of the windows
// is open in any of the zones. ok is false when the zones leave no such
// instant; the account's zone alone applies then. One zone with one window
// always leaves one.
func NextAllowed(t time.Time, zones []*time.Location, windows []Window) (next time.Time, ok bool) {
	next = t
	for limit := t.Add(horizon); !next.After(limit); {
		end, quiet := anyOpen(next, zones, windows)
		if !quiet {
			return next, true
		}
		next = end
	}
	return t, false
}

// anyOpen returns the end of a window that covers t in one of the zones.
func anyOpen(t time.Time, zones []*time.Location, windows []Window) (end time.Time, ok bool) {
	for _, loc := range zones {
		for _, w := range windows {
			if end, ok = w.until(t, loc); ok {
				return end, true
			}
		}
	}
	return end, false
}

// NextQuiet returns the first instant after t at which one of the windows
// opens in one of the zones; ok is false when none does.
func NextQuiet(t time.Time, zones []*time.Location, windows []Window) (next time.Time, ok bool) {
	for _, loc := range zones {
		for _, w := range windows {
			if from, some := w.opens(t, loc); some && (!ok || from.Before(next)) {
				next, ok = from, true
			}
		}
	}
	return next, ok
}

// opens returns when w opens next after t in loc.
func (w Window) opens(t time.Time, loc *time.Location) (time.Time, bool) {
	today := WallAt(t, loc).date()
	for d := today - day; d <= today+15*day; d += day {
		if from, _, ok := w.on(d, loc); ok && from.After(t) {
			return from, true
		}
	}
	return time.Time{}, false
}
