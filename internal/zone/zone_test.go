package zone

import (
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestLoad_Refuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "Factory", "Etc/Unknown", "europe/berlin", "../UTC",
		"right/UTC", "posix/UTC", "CET+1", strings.Repeat("a", 100),
	} {
		if _, err := Load(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// Every zone has a name that it keeps, and a legacy one behaves as it.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, name := range everyZone(t) {
		current, err := Canonical(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := Canonical(current); err != nil || again != current {
			t.Errorf("%s is %s is %s, %v", name, current, again, err)
		}
	}
	for legacy, want := range map[string]string{
		"Asia/Calcutta": "Asia/Kolkata", "Europe/Kiev": "Europe/Kyiv", "US/Eastern": "America/New_York",
		"UTC": "UTC", "Etc/UTC": "UTC", "Europe/Stockholm": "Europe/Stockholm",
	} {
		if got, err := Canonical(legacy); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", legacy, got, err, want)
		}
	}
}

func TestOfNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]Set{
		"+919876543210":  "Asia/Kolkata",
		"+9779812345":    "Asia/Kathmandu",
		"+4917012345678": "Europe/Berlin",
		"+12125551234":   "America/New_York",
		"+87012345678":   "", // a satellite: Etc/Unknown
		"+800123456789":  "",
		"":               "",
		"x":              "",
	} {
		if got := OfNumber(number); got != want {
			t.Errorf("%s is in %q, want %q", number, got, want)
		}
	}
	if n := len(OfNumber("+18005550100").Locations()); n < 30 {
		t.Errorf("a toll-free number has %d zones", n)
	}
}

func TestOfNumber_AgreesWithLibrary(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		number := phonenumbers.GetExampleNumber(region)
		names, err := phonenumbers.GetTimezonesForNumber(number)
		if err != nil {
			t.Fatal(err)
		}
		if got := OfNumber(phonenumbers.Format(number, phonenumbers.E164)); got != newSet(names) {
			t.Errorf("%s: %q, want %q", region, got, newSet(names))
		}
	}
}

// Every zone that the library's table names is one of ours under its current name.
func TestOfNumber_EveryPrefix(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for prefix := 1; prefix < 100_000; prefix++ {
		names, err := phonenumbers.GetTimezonesForPrefix(strconv.Itoa(prefix))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			seen[name] = true
		}
	}
	delete(seen, "Etc/Unknown")
	if len(seen) < 200 {
		t.Errorf("%d zones found", len(seen))
	}
	for name := range seen {
		if _, err := Canonical(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPerson_Zones(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		person Person
		want   Set
		ok     bool
	}{
		{"the contact's own", Person{"Asia/Calcutta", []string{"Europe/Berlin"}, "+12125551234"}, "Asia/Kolkata", true},
		{
			"else the lists'",
			Person{"", []string{"Europe/Berlin", "", "Asia/Tokyo", "Europe/Berlin"}, "+12125551234"},
			"Asia/Tokyo Europe/Berlin", true,
		},
		{"else the number's", Person{"", []string{""}, "+12125551234"}, "America/New_York", true},
		{"a name that no database has does not count", Person{"Mars/Base", nil, "+12125551234"}, "America/New_York", true},
		{"too many", Person{"", nil, "+18005550100"}, "", false},
		{"a Mexican number that cannot be assigned", Person{"", nil, "+5215512345678"}, "", false},
		{"none", Person{"", nil, "+87012345678"}, "", false},
		{"nothing known", Person{}, "", false},
	} {
		got, ok := c.person.Zones()
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %q, %v, want %q", c.name, got, ok, c.want)
		}
	}
	if got := Set("Asia/Tokyo Europe/Berlin").Locations(); len(got) != 2 || got[0].String() != "Asia/Tokyo" {
		t.Errorf("a set has %v", got)
	}
}
