package zone

import (
	"encoding/json"
	"testing"
	"time"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func wall(t testing.TB, s string) Wall {
	t.Helper()
	w, err := ParseWall(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "2027-07-01T10:00:00", "2027-07-01T08:00:00Z"},
		{"Europe/Berlin", "2027-03-28T01:59:59", "2027-03-28T00:59:59Z"},
		{"Europe/Berlin", "2027-03-28T02:00:00", "2027-03-28T01:00:00Z"}, // gap from 02:00 to 03:00
		{"Europe/Berlin", "2027-03-28T02:30:00", "2027-03-28T01:00:00Z"},
		{"Europe/Berlin", "2027-03-28T03:00:00", "2027-03-28T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // the first of two
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"},
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"}, // half an hour: 02:00 becomes 02:30
		{"Australia/Lord_Howe", "2026-10-04T02:30:00", "2026-10-03T15:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"}, // the first of two
		{"Pacific/Apia", "2011-12-29T23:59:00", "2011-12-30T09:59:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30T10:00:00Z"}, // the whole day is skipped
		{"Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"},
		{"Europe/Berlin", "2090-03-26T02:30:00", "2090-03-26T01:00:00Z"}, // beyond the database's own table
		{"UTC", "1969-12-31T23:59:59", "1969-12-31T23:59:59Z"},
		{"Asia/Kathmandu", "2026-01-01T00:00:00", "2025-12-31T18:15:00Z"},
	} {
		if got := Resolve(wall(t, c.wall), location(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}

// A loop over Time.ZoneBounds never ends on the last day of a leap year.
func TestResolve_LeapYear(t *testing.T) {
	t.Parallel()
	for _, w := range []string{"2028-12-31T12:00:00", "2040-12-31T12:00:00"} {
		if got := Resolve(wall(t, w), location(t, "Europe/Berlin")).UTC().Format(wallLayout); got != w[:11]+"11:00:00" {
			t.Errorf("%s is %s", w, got)
		}
	}
}

func TestWall_TextForm(t *testing.T) {
	t.Parallel()
	var w Wall
	if err := json.Unmarshal([]byte(`"2027-03-28T10:00"`), &w); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(w); string(got) != `"2027-03-28T10:00:00"` {
		t.Errorf("it comes back as %s", got)
	}
	for _, bad := range []string{
		"", "2027-03-28", "2027-02-29T10:00:00", "2027-03-28T10:00:00Z", "2027-03-28T10:00:00+01:00",
		"2027-03-28T25:00", "x",
	} {
		if _, err := ParseWall(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if got := wall(t, "1969-12-31T10:00").date().String(); got != "1969-12-31T00:00:00" {
		t.Errorf("its day begins at %s", got)
	}
}

// What Resolve names is what the wall shows, except in a gap.
func FuzzResolve(f *testing.F) {
	f.Add(int64(0), "Europe/Berlin")
	f.Add(int64(1e11), "Pacific/Apia")
	f.Add(int64(-6e10), "Africa/Monrovia")
	f.Fuzz(func(t *testing.T, seconds int64, name string) {
		loc, err := Load(name)
		if err != nil || seconds < -6e10 || seconds > 1e11 {
			return
		}
		w := Wall(seconds)
		at := Resolve(w, loc)
		shown := WallAt(at, loc)
		if shown < w || (shown > w && WallAt(at.Add(-time.Second), loc) >= w) {
			t.Errorf("%s in %s is %s, where the wall shows %s", w, name, at, shown)
		}
	})
}
