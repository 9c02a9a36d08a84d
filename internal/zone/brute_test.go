package zone

import (
	"archive/zip"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everyZone returns the names of Go's own copy of the tz database.
func everyZone(t testing.TB) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	}()
	var names []string
	for _, f := range z.File {
		if wellFormed(f.Name) && !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	if len(names) < 400 {
		t.Fatalf("the tz database has %d zones", len(names))
	}
	return names
}

// minutes is a stretch of time in one zone, minute by minute: what the wall
// shows and whether it is quiet, independent of Resolve.
type minutes struct {
	start time.Time
	wall  []Wall
	quiet []bool
}

func newMinutes(start time.Time, days int, loc *time.Location) *minutes {
	m := &minutes{start: start, wall: make([]Wall, days*24*60), quiet: make([]bool, days*24*60)}
	at := func(i int) Wall { return WallAt(start.Add(time.Duration(i)*time.Minute), loc) }
	for hour := 0; hour < len(m.wall); hour += 60 {
		// A lookup is slow, so the minutes of an hour without a clock change are counted.
		first := at(hour)
		steady := first+60*60 == at(hour+60)
		for i := range 60 {
			m.wall[hour+i] = first + Wall(60*i)
			if !steady {
				m.wall[hour+i] = at(hour + i)
			}
		}
	}
	return m
}

// find returns the first minute at which the wall shows w, or in a gap the
// first after it.
func (m *minutes) find(w Wall) int {
	gap := len(m.wall)
	for i, shown := range m.wall {
		if shown == w {
			return i
		}
		if shown > w && gap == len(m.wall) {
			gap = i
		}
	}
	return gap
}

// mark makes quiet what the windows say, for every day that the walls show.
func (m *minutes) mark(windows []Window) {
	for d := m.wall[0].date() + day; d < m.wall[len(m.wall)-1]-2*day; d += day {
		for _, w := range windows {
			if !w.Days.Has(d.Time().Weekday()) || w.From == w.To {
				continue
			}
			last := d
			if w.To < w.From {
				last += day
			}
			to := m.find(last + w.To.wall())
			for i := m.find(d + w.From.wall()); i < to; i++ {
				m.quiet[i] = true
			}
		}
	}
}

// transitionNear returns a clock change of loc after t, or t.
func transitionNear(t time.Time, loc *time.Location) time.Time {
	if _, end := t.In(loc).ZoneBounds(); !end.IsZero() && end.Year() < 2100 {
		return end
	}
	return t
}

func randomWindow(r *rand.Rand) Window {
	w := Window{From: Clock(r.IntN(24 * 60)), To: Clock(r.IntN(24 * 60)), Days: EveryDay}
	if r.IntN(2) == 0 { // clocks change at night: put an edge there
		w.To = Clock(r.IntN(4 * 60))
	}
	if r.IntN(3) == 0 {
		w.Days = Days(r.IntN(1 << 7))
	}
	return w
}

// agree compares NextAllowed with the minutes of all zones, around their middle.
func agree(t *testing.T, r *rand.Rand, middle time.Time, zones []*time.Location, windows []Window) {
	t.Helper()
	const days = 10
	start := middle.Add(-4 * 24 * time.Hour).Truncate(time.Minute)
	quiet := make([]bool, days*24*60)
	for _, loc := range zones {
		m := newMinutes(start, days, loc)
		m.mark(windows)
		for i, q := range m.quiet {
			quiet[i] = quiet[i] || q
		}
	}
	check := func(i int) {
		want := i
		for want < len(quiet) && quiet[want] {
			want++
		}
		if want > (days-2)*24*60 {
			return // beyond what the minutes show
		}
		got, ok := NextAllowed(start.Add(time.Duration(i)*time.Minute), zones, windows)
		if wanted := start.Add(time.Duration(want) * time.Minute); !ok || !got.Equal(wanted) {
			t.Errorf("zones %v, windows %v, from %s: %s, %v, want %s", zones, windows, start.Add(time.Duration(i)*time.Minute), got.UTC(), ok,
				wanted)
		}
	}
	for i := 3 * 24 * 60; i < 5*24*60 && !t.Failed(); i++ {
		if quiet[i] != quiet[i-1] { // each edge, and the minutes beside it
			check(i - 1)
			check(i)
		} else if r.IntN(60) == 0 {
			check(i)
		}
	}
}

func TestNextAllowed_AgreesWithMinutes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 2026))
	from := time.Date(1975, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range everyZone(t) {
		loc := location(t, name)
		near := from.Add(time.Duration(r.IntN(124*365*24)) * time.Hour)
		windows := []Window{randomWindow(r)}
		if r.IntN(4) == 0 {
			windows = append(windows, randomWindow(r))
		}
		agree(t, r, transitionNear(near, loc), []*time.Location{loc}, windows)
	}
}

// The clock changes that break schedulers, each with windows on all sides.
func TestNextAllowed_AgreesAtKnownChanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 28))
	for name, at := range map[string][]string{
		"Europe/Berlin":       {"2027-03-28T01:00:00Z", "2026-10-25T01:00:00Z"},
		"America/New_York":    {"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
		"Australia/Lord_Howe": {"2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"},
		"Pacific/Apia":        {"2011-12-30T10:00:00Z"},
		"Pacific/Kwajalein":   {"1993-08-21T12:00:00Z"},
		"America/St_Johns":    {"2006-10-29T02:31:00Z"}, // at 00:01, back to the day before
		"America/Havana":      {"2026-11-01T05:00:00Z", "2026-03-08T05:00:00Z"},
		"Africa/Casablanca":   {"2026-02-15T02:00:00Z"},
	} {
		for _, s := range at {
			middle, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			for range 6 {
				agree(t, r, middle, []*time.Location{location(t, name)}, []Window{randomWindow(r)})
			}
			agree(t, r, middle, []*time.Location{location(t, name)}, []Window{{From: 21 * 60, To: 8 * 60, Days: EveryDay}})
		}
	}
}

// With several zones a message waits for all of them.
func TestNextAllowed_AgreesForSeveralZones(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	names := everyZone(t)
	for range 40 {
		zones := make([]*time.Location, 2+r.IntN(MaxZones-1))
		for i := range zones {
			zones[i] = location(t, names[r.IntN(len(names))])
		}
		middle := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(2*365*24)) * time.Hour)
		agree(t, r, transitionNear(middle, zones[0]), zones, []Window{{
			From: Clock(19*60 + r.IntN(300)), To: Clock(r.IntN(9 * 60)),
			Days: EveryDay,
		}})
	}
}
