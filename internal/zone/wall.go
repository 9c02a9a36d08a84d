package zone

import (
	"fmt"
	"time"
)

// Wall is a date and a time of day as a clock on the wall shows them, without
// a zone: seconds since 1970-01-01T00:00:00 on that clock. Its text form is
// "2027-03-28T10:00:00".
type Wall int64

const wallLayout = "2006-01-02T15:04:05"

// day is a calendar day on a wall clock, in seconds.
const day Wall = 24 * 60 * 60

// ParseWall reads "2027-03-28T10:00:00"; the seconds may be missing. A text
// with an offset or a Z is an error.
func ParseWall(s string) (Wall, error) {
	for _, layout := range []string{wallLayout, "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return Wall(t.Unix()), nil
		}
	}
	return 0, fmt.Errorf("%q is not a date and time like 2027-03-28T10:00:00", s)
}

// WallAt returns what a clock in loc shows at t, without fractions of a second.
func WallAt(t time.Time, loc *time.Location) Wall {
	return Wall(t.Unix() + offset(t.Unix(), loc))
}

// Time returns w as a time in UTC, for calendar arithmetic: it is not the
// instant that w names anywhere else.
func (w Wall) Time() time.Time { return time.Unix(int64(w), 0).UTC() }

// String returns the text form.
func (w Wall) String() string { return w.Time().Format(wallLayout) }

// MarshalText returns the text form.
func (w Wall) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText is ParseWall.
func (w *Wall) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWall(string(text))
	return err
}

// NextDay returns the same time of day one day later.
func (w Wall) NextDay() Wall { return w + day }

// date returns the midnight at which w's calendar day begins.
func (w Wall) date() Wall {
	d := w - w%day
	if d > w {
		d -= day
	}
	return d
}

// reach is more than any zone was ever ahead of UTC or behind it (15:56, Manila
// until 1844), and less than half the time between two clock changes.
const reach = 16 * 60 * 60

// Resolve returns the instant that w names in loc. A time that a clock change
// skips names the first instant after the gap; one that occurs twice names the
// first of the two.
//
// time.Date promises neither: in a gap it moves forward in Berlin and back in
// New York, and of two it picks the second in Berlin and the first in New York
// (Go 1.26). Time.ZoneBounds is no help either: after the years of the
// database's own table it ends leap years a day early (TestResolve_LeapYear).
func Resolve(w Wall, loc *time.Location) time.Time {
	before, after := offset(int64(w)-reach, loc), offset(int64(w)+reach, loc)
	at := int64(w) - before
	if before != after && offset(at, loc) != before { // w comes after the change, or not at all
		late := at
		if at = int64(w) - after; offset(at, loc) != after {
			at = change(at, late, loc)
		}
	}
	return time.Unix(at, 0).In(loc)
}

// offset returns by how many seconds loc is ahead of UTC at a Unix time.
func offset(unix int64, loc *time.Location) int64 {
	_, seconds := time.Unix(unix, 0).In(loc).Zone()
	return int64(seconds)
}

// change returns the second at which loc's offset changes: after low, and not
// after high.
func change(low, high int64, loc *time.Location) int64 {
	for was := offset(low, loc); high-low > 1; {
		if middle := low + (high-low)/2; offset(middle, loc) == was {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
