package zone

import (
	"testing"
	"time"
)

func TestNextAllowed(t *testing.T) {
	t.Parallel()
	night := []Window{{From: 21 * 60, To: 8 * 60, Days: EveryDay}}
	for _, c := range []struct {
		name    string
		zones   []string
		windows []Window
		from    string
		want    string
	}{
		{"by day", []string{"Europe/Berlin"}, night, "2027-01-05T12:00:00Z", "2027-01-05T12:00:00Z"},
		{"at its first minute", []string{"Europe/Berlin"}, night, "2027-01-05T20:00:00Z", "2027-01-06T07:00:00Z"},
		{"a second before", []string{"Europe/Berlin"}, night, "2027-01-05T19:59:59Z", "2027-01-05T19:59:59Z"},
		{"after midnight", []string{"Europe/Berlin"}, night, "2027-01-06T02:00:00Z", "2027-01-06T07:00:00Z"},
		{"at its end", []string{"Europe/Berlin"}, night, "2027-01-06T07:00:00Z", "2027-01-06T07:00:00Z"},
		{"the night the clock goes forward", []string{"Europe/Berlin"}, night, "2027-03-27T21:00:00Z", "2027-03-28T06:00:00Z"},
		{"the night it goes back", []string{"Europe/Berlin"}, night, "2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z"},
		{"from 00:00", []string{"UTC"}, []Window{{0, 8 * 60, EveryDay}}, "2027-01-05T00:00:00Z", "2027-01-05T08:00:00Z"},
		{"00-00 is none", []string{"UTC"}, []Window{{0, 0, EveryDay}}, "2027-01-05T00:00:00Z", "2027-01-05T00:00:00Z"},
		{"07-07 is none", []string{"UTC"}, []Window{{420, 420, EveryDay}}, "2027-01-05T07:00:00Z", "2027-01-05T07:00:00Z"},
		{
			"it begins on Fridays only",
			[]string{"UTC"},
			[]Window{{21 * 60, 8 * 60, 1 << time.Friday}},
			"2027-01-09T03:00:00Z",
			"2027-01-09T08:00:00Z",
		},
		{"and not on Saturdays", []string{"UTC"}, []Window{{21 * 60, 8 * 60, 1 << time.Friday}}, "2027-01-09T22:00:00Z", "2027-01-09T22:00:00Z"},
		{
			"windows that touch",
			[]string{"UTC"},
			[]Window{{60, 120, EveryDay}, {120, 180, EveryDay}},
			"2027-01-05T01:30:00Z",
			"2027-01-05T03:00:00Z",
		},
		{"both coasts", []string{"America/Los_Angeles", "America/New_York"}, night, "2027-01-05T13:00:00Z", "2027-01-05T16:00:00Z"},
		{"no zones", nil, night, "2027-01-05T22:00:00Z", "2027-01-05T22:00:00Z"},
		{"Apia, the evening before the day that is skipped", []string{"Pacific/Apia"}, night, "2011-12-30T08:00:00Z", "2011-12-30T18:00:00Z"},
		{
			"Lord Howe, an end in the half hour that is skipped",
			[]string{"Australia/Lord_Howe"},
			[]Window{{60, 135, EveryDay}},
			"2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z",
		},
		{
			"an end that occurs twice: the first",
			[]string{"Europe/Berlin"},
			[]Window{{60, 150, EveryDay}},
			"2026-10-25T00:29:00Z",
			"2026-10-25T00:30:00Z",
		},
		{"so the second is free", []string{"Europe/Berlin"}, []Window{{60, 150, EveryDay}}, "2026-10-25T01:29:00Z", "2026-10-25T01:29:00Z"},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		var zones []*time.Location
		for _, name := range c.zones {
			zones = append(zones, location(t, name))
		}
		next, ok := NextAllowed(from, zones, c.windows)
		if got := next.UTC().Format(time.RFC3339); got != c.want || !ok {
			t.Errorf("%s: %s, %v, want %s", c.name, got, ok, c.want)
		}
	}
}

func TestNextAllowed_ZonesThatNeverAgree(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{location(t, "UTC"), location(t, "Etc/GMT-12")}
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if next, ok := NextAllowed(at, zones, []Window{{20 * 60, 8 * 60, EveryDay}}); ok {
		t.Errorf("they agree at %s", next)
	}
}

func TestNextQuiet(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{location(t, "Europe/Berlin"), location(t, "Europe/London")}
	at := time.Date(2027, 1, 5, 12, 0, 0, 0, time.UTC)
	night := []Window{{From: 21 * 60, To: 8 * 60, Days: EveryDay}}
	if next, ok := NextQuiet(at, zones, night); !ok || !next.Equal(at.Add(8*time.Hour)) {
		t.Errorf("%s, %v", next, ok)
	}
	if next, ok := NextQuiet(at, zones, []Window{{60, 60, EveryDay}}); ok {
		t.Errorf("an empty window opens at %s", next)
	}
	if next, ok := NextQuiet(at, zones, []Window{{60, 120, 1 << time.Tuesday}}); !ok || !next.Equal(time.Date(2027, 1, 12, 0, 0, 0, 0,
		time.UTC)) {
		t.Errorf("%s, %v", next, ok)
	}
}

func TestParseClock(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Clock{"00:00": 0, "08:05": 485, "23:59": 1439} {
		if got, err := ParseClock(in); err != nil || got != want || got.String() != in {
			t.Errorf("%s is %d, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "24:00", "8:05", "08:5", "08:05:00", "ab:cd", "-1:00"} {
		if _, err := ParseClock(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
