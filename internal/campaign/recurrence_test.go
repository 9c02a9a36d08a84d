package campaign

import (
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/zone"
)

func rule(t testing.TB, s, start, name string) *Rule {
	t.Helper()
	w, err := zone.ParseWall(start)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := zone.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRule(s, w, loc)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return r
}

func TestRule_Next(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rule, start, zone, want string }{
		{
			"over the last Sunday of March: the gap", "FREQ=WEEKLY;BYDAY=SU;COUNT=3", "2027-03-21T02:30:00", "Europe/Berlin",
			"2027-03-21T02:30:00+01:00 2027-03-28T03:00:00+02:00 2027-04-04T02:30:00+02:00",
		},
		{
			"over the last Sunday of October: the first of two", "freq=daily;count=3", "2026-10-24T02:30:00", "Europe/Berlin",
			"2026-10-24T02:30:00+02:00 2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00",
		},
		{
			"the same in New York", "FREQ=DAILY;COUNT=2", "2026-11-01T01:30:00", "America/New_York",
			"2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00",
		},
		{
			"Lord Howe's half hour", "FREQ=DAILY;COUNT=2", "2026-10-04T02:15:00", "Australia/Lord_Howe",
			"2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00",
		},
		{
			"Apia's skipped day", "FREQ=DAILY;COUNT=3", "2011-12-29T10:00:00", "Pacific/Apia",
			"2011-12-29T10:00:00-10:00 2011-12-31T00:00:00+14:00 2011-12-31T10:00:00+14:00",
		},
		{
			"a start that the rule does not name", "FREQ=WEEKLY;BYDAY=MO,FR", "2026-10-07T10:00:00", "UTC",
			"2026-10-09T10:00:00Z 2026-10-12T10:00:00Z 2026-10-16T10:00:00Z 2026-10-19T10:00:00Z 2026-10-23T10:00:00Z",
		},
		{
			"the last Friday of the month", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", "2026-10-01T10:00:00", "UTC",
			"2026-10-30T10:00:00Z 2026-11-27T10:00:00Z",
		},
		{
			"the last working day", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2026-10-01T10:00:00", "UTC",
			"2026-10-30T10:00:00Z 2026-11-30T10:00:00Z",
		},
		{
			"months without a 31st are passed over", "FREQ=MONTHLY;COUNT=3", "2027-01-31T10:00:00", "UTC",
			"2027-01-31T10:00:00Z 2027-03-31T10:00:00Z 2027-05-31T10:00:00Z",
		},
		{"the 29th of February", "FREQ=YEARLY;COUNT=2", "2028-02-29T10:00:00", "UTC", "2028-02-29T10:00:00Z 2032-02-29T10:00:00Z"},
		{
			"a date as UNTIL is its whole day", "FREQ=DAILY;UNTIL=20261002", "2026-10-01T10:00:00", "UTC",
			"2026-10-01T10:00:00Z 2026-10-02T10:00:00Z",
		},
		{"a wall time as UNTIL", "FREQ=DAILY;UNTIL=20261002T095959", "2026-10-01T10:00:00", "UTC", "2026-10-01T10:00:00Z"},
		{
			"an UNTIL in UTC is an instant", "FREQ=DAILY;UNTIL=20261002T080000Z", "2026-10-01T10:00:00", "Europe/Berlin",
			"2026-10-01T10:00:00+02:00 2026-10-02T10:00:00+02:00",
		},
		{"every second week", "FREQ=WEEKLY;INTERVAL=2;COUNT=2", "2026-10-01T10:00:00", "UTC", "2026-10-01T10:00:00Z 2026-10-15T10:00:00Z"},
	} {
		var got []string
		for _, run := range rule(t, c.rule, c.start, c.zone).Next(time.Time{}, 5) {
			got = append(got, run.At.Format(time.RFC3339))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, s, c.want)
		}
	}
}

func TestParseRule_Refuses(t *testing.T) {
	t.Parallel()
	for s, why := range map[string]string{
		"":                                  "is not a part of a rule",
		"FREQ=HOURLY":                       "FREQ must be",
		"FREQ=SECONDLY":                     "FREQ must be",
		"COUNT=3":                           "FREQ must be",
		"FREQ=DAILY;":                       "is not a part",
		"FREQ=DAILY;BYDAY=":                 "is not a part",
		"FREQ=DAILY;COUNT=0":                "COUNT must be",
		"FREQ=DAILY;COUNT=-1":               "COUNT must be",
		"FREQ=DAILY;INTERVAL=0":             "INTERVAL must be",
		"FREQ=DAILY;INTERVAL=x":             "INTERVAL must be",
		"FREQ=DAILY;COUNT=99999999999999":   "COUNT must be",
		"FREQ=DAILY;FREQ=WEEKLY":            "stands twice",
		"FREQ=DAILY;BYHOUR=9,10":            "BYHOUR is not supported",
		"FREQ=DAILY;DTSTART=20270101":       "DTSTART is not supported",
		"FREQ=DAILY;BYMONTH=1":              "BYMONTH is not supported",
		"FREQ=DAILY;X=1":                    "X is not supported",
		"FREQ=DAILY;COUNT=2;UNTIL=20270101": "not both",
		"FREQ=DAILY;BYSETPOS=2":             "give one of them",
		"FREQ=WEEKLY;BYDAY=2MO":             "needs FREQ=MONTHLY",
		"FREQ=WEEKLY;BYMONTHDAY=3":          "does not go with",
		"FREQ=MONTHLY;BYMONTHDAY=32":        "is not a recurrence rule",
		"FREQ=MONTHLY;BYDAY=XX":             "is not a recurrence rule",
		"FREQ=MONTHLY;BYDAY=6MO":            "names no date",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9":  "names no date",
		"FREQ=DAILY;UNTIL=20200101":         "names no date",
		"FREQ=DAILY;UNTIL=tomorrow":         "UNTIL must be",
	} {
		begin := time.Now()
		_, err := ParseRule(s, zone.Wall(1790000000), time.UTC)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", s, err, why)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%q took %s", s, took)
		}
	}
}

func TestRule_Due(t *testing.T) {
	t.Parallel()
	r := rule(t, "FREQ=DAILY;COUNT=5", "2026-10-01T10:00:00", "UTC")
	on := func(day, hour int) time.Time { return time.Date(2026, 10, day, hour, 0, 0, 0, time.UTC) }
	const ttl = 20 * time.Hour
	for _, c := range []struct {
		name      string
		last, now time.Time
		going     bool
		run       int // day, 0: none
		skipped   int
		why       string
		next      int
	}{
		{"before the first", time.Time{}, on(1, 9), false, 0, 0, "", 1},
		{"at the first", time.Time{}, on(1, 10), false, 1, 0, "", 2},
		{"dealt with", on(1, 10), on(1, 11), false, 0, 0, "", 2},
		{"the next, while the first is going", on(1, 10), on(2, 10), true, 0, 1, SkippedRunning, 3},
		{"after a downtime over three: the latest alone", on(1, 10), on(4, 12), false, 4, 2, SkippedMissed, 5},
		{"after one over its ttl", on(1, 10), on(3, 6), false, 0, 1, SkippedMissed, 3},
		{"the last", on(4, 10), on(5, 10), false, 5, 0, "", 0},
		{"the end", on(5, 10), on(9, 10), false, 0, 0, "", 0},
	} {
		d := r.Due(c.last, c.now, ttl, c.going)
		run, next := 0, 0
		if d.Run != nil {
			run = d.Run.At.Day()
		}
		if d.Next != nil {
			next = d.Next.At.Day()
		}
		if run != c.run || len(d.Skipped) != c.skipped || d.Why != c.why || next != c.next {
			t.Errorf("%s: run %d, skipped %v %s, next %d", c.name, run, d.Skipped, d.Why, next)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{
		"FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=1;COUNT=3",
		"freq=yearly;bymonthday=-1;until=20991231T000000Z", ";=;", "FREQ=WEEKLY;INTERVAL=9999",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s, zone.Wall(1790000000), time.UTC)
		if err != nil {
			return
		}
		runs := r.Next(time.Time{}, 5)
		if len(runs) == 0 {
			t.Errorf("%q names no date", s)
		}
		for i := 1; i < len(runs); i++ {
			if runs[i].At.Sub(runs[i-1].At) < time.Hour {
				t.Errorf("%q runs at %s and %s", s, runs[i-1].At, runs[i].At)
			}
		}
	})
}
