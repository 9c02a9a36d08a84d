package zone

import (
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// OfNumber returns the zones in which a phone number in E.164 may be. It is
// empty where nothing is known, as for satellite phones. A toll-free number of
// North America has some forty.
func OfNumber(e164 string) Set {
	// GetTimezonesForNumber is this lookup behind a parse that takes ten times
	// as long; TestOfNumber_AgreesWithLibrary compares the two.
	names, err := phonenumbers.GetTimezonesForPrefix(e164)
	if err != nil {
		return ""
	}
	return newSet(names)
}

// Person is the data from which a person's zone is derived.
type Person struct {
	Contact string   // the contact's own zone; empty: not set
	Lists   []string // the default zones of the lists it was taken from
	Number  string   // E.164; empty: none
}

// Zones returns the zones that p may live in: the contact's own zone, else
// those of its lists, else those of its number. ok is false when there is none
// or more than MaxZones; then the account's zone applies.
func (p Person) Zones() (s Set, ok bool) {
	if p.Contact != "" {
		if s = newSet([]string{p.Contact}); s != "" {
			return s, true
		}
	}
	if s = newSet(slices.DeleteFunc(slices.Clone(p.Lists), func(name string) bool { return name == "" })); s == "" {
		s = OfNumber(p.Number)
	}
	if n := len(s.Locations()); n == 0 || n > MaxZones {
		return "", false
	}
	return s, true
}
