package campaign

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/zone"
)

func TestTiming_Due(t *testing.T) {
	t.Parallel()
	w := zone.Wall(instant(t, "2027-03-28T02:30:00Z").Unix()) // Berlin's gap
	local := timing(t, &Definition{StartAt: &w, LocalStart: true})
	fixed := timing(t, &Definition{StartAt: &w, TimeZone: "America/New_York"})
	atOnce := timing(t, &Definition{})
	launch := "2027-03-27T15:00:00Z"
	for _, c := range []struct {
		name  string
		t     *Timing
		zones zone.Set
		want  string
		late  bool
	}{
		{"a gap: the first instant after it", local, "Europe/Berlin", "2027-03-28T01:00:00Z", false},
		{"a zone that is not known: the account's", local, "", "2027-03-28T01:00:00Z", false},
		{"of several zones the last", local, "America/Los_Angeles America/New_York", "2027-03-28T09:30:00Z", false},
		{"an hour that has gone: the day after", local, "Pacific/Auckland", "2027-03-28T13:30:00Z", true},
		{"one start for all", fixed, "Pacific/Auckland", "2027-03-28T06:30:00Z", false},
		{"no start: at launch", atOnce, "Pacific/Auckland", launch, false},
	} {
		due, late := c.t.Due(c.zones, instant(t, launch))
		if got := due.UTC().Format(time.RFC3339); got != c.want || late != c.late {
			t.Errorf("%s: %s, late %v", c.name, got, late)
		}
	}
	if !local.OfRecipient() || fixed.OfRecipient() {
		t.Error("recipients' zones are asked for where they do not count, or not where they do")
	}
	if got := local.Start(instant(t, launch)); !got.Equal(instant(t, launch)) {
		t.Errorf("it starts at %s", got)
	}
}

func TestTiming_Allowed(t *testing.T) {
	t.Parallel()
	q := func(zoneName string) *Definition {
		return &Definition{QuietHours: &QuietHours{From: "21:00", To: "08:00", Zone: zoneName}}
	}
	for _, c := range []struct {
		name  string
		quiet string
		zones zone.Set
		want  string
	}{
		{"the recipient's", "", "Asia/Kolkata", "2027-01-06T02:30:00Z"},
		{"both coasts", "", "America/Los_Angeles America/New_York", "2027-01-05T22:00:00Z"},
		{"not known: the account's", "", "", "2027-01-06T07:00:00Z"},
		{"zones that never agree: the account's", "", "America/New_York Asia/Shanghai Europe/Moscow Pacific/Honolulu", "2027-01-06T07:00:00Z"},
		{"the account's for all", ZoneOfAccount, "Asia/Kolkata", "2027-01-06T07:00:00Z"},
		{"one zone for all", "America/New_York", "Asia/Kolkata", "2027-01-05T22:00:00Z"},
	} {
		times := timing(t, q(c.quiet))
		for range 2 { // looked up, then from the cache
			if got := times.Allowed(instant(t, "2027-01-05T22:00:00Z"), c.zones).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	}
}

// The cache never changes an answer, in whatever order it is asked.
func TestTiming_AllowedIsCachedRight(t *testing.T) {
	t.Parallel()
	d := &Definition{QuietHours: &QuietHours{From: "21:00", To: "08:00", Days: []string{"sat", "sun"}}}
	cached := timing(t, d)
	start := instant(t, "2026-10-23T00:00:00Z")
	for i := range 2000 {
		at := start.Add(time.Duration(i*7919%(6*24*60)) * time.Minute)
		zones := someZones[i%len(someZones)]
		if got, want := cached.Allowed(at, zones), timing(t, d).Allowed(at, zones); !got.Equal(want) {
			t.Fatalf("at %s in %q: %s, want %s", at, zones, got, want)
		}
	}
}

func TestTiming_Decide(t *testing.T) {
	t.Parallel()
	due := instant(t, "2027-01-05T12:00:00Z") // 13:00 in Berlin
	hold := timing(t, &Definition{TTLSeconds: 24 * 60 * 60, QuietHours: &QuietHours{From: "21:00", To: "08:00"}})
	skip := timing(t, &Definition{Late: LateSkip, QuietHours: &QuietHours{From: "21:00", To: "08:00"}})
	for _, c := range []struct {
		name  string
		t     *Timing
		now   string
		gone  bool
		want  Move
		until string
	}{
		{"before it is due", hold, "2027-01-05T11:00:00Z", false, Hold, "2027-01-05T12:00:00Z"},
		{"in its window", hold, "2027-01-05T19:59:00Z", false, Send, ""},
		{"at its end", hold, "2027-01-05T20:00:00Z", false, Hold, "2027-01-06T07:00:00Z"},
		{"in the next", hold, "2027-01-06T07:00:00Z", false, Send, ""},
		{"when it has expired", hold, "2027-01-06T12:00:00Z", false, Expire, ""},
		{"its hour had gone, and that is no harm", hold, "2027-01-05T13:00:00Z", true, Send, ""},
		{"its hour had gone, and that is too late", skip, "2027-01-05T13:00:00Z", true, Skip, ""},
		{"in the only window", skip, "2027-01-05T19:59:00Z", false, Send, ""},
		{"after the only window", skip, "2027-01-05T20:00:00Z", false, Skip, ""},
		{"and on the next day too", skip, "2027-01-06T10:00:00Z", false, Skip, ""},
	} {
		move, until := c.t.Decide(instant(t, c.now), due, c.gone, "Europe/Berlin")
		got := ""
		if !until.IsZero() {
			got = until.UTC().Format(time.RFC3339)
		}
		if move != c.want || got != c.until {
			t.Errorf("%s: %d until %q", c.name, move, got)
		}
	}
	early := instant(t, "2027-01-05T03:00:00Z") // at night: the window is still to come
	if move, until := skip.Decide(early, early, false, "Europe/Berlin"); move != Hold || !until.Equal(instant(t, "2027-01-05T07:00:00Z")) {
		t.Errorf("before the first window: %d until %s", move, until)
	}
}

func TestNewTiming_Refuses(t *testing.T) {
	t.Parallel()
	if _, err := NewTiming(&Definition{TimeZone: "UTC"}, "Mars/Base"); err == nil {
		t.Error("an account's zone that is none is taken")
	}
	if _, err := NewTiming(&Definition{TimeZone: "UTC", QuietHours: &QuietHours{From: "x", To: "08:00"}}, "UTC"); err == nil {
		t.Error("a time that is none is taken")
	}
}
