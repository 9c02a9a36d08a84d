// Package zone holds the rules for time in the zones of people: which zone a
// person is in, which instant a wall time names there, and when a message
// may reach them. It uses the standard library's tz database, which
// cmd/sendoff embeds; where the machine has a tz database of its own, Go
// prefers that one.
package zone

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// locations caches what Load has found. It holds at most the names of the tz
// database.
var locations sync.Map

// Load returns the zone of that name. Names are those of the IANA tz database,
// in their exact case; "Local", an empty name and the private parts of a
// machine's database ("posix/...", "right/...") are errors.
func Load(name string) (*time.Location, error) {
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if !wellFormed(name) {
		return nil, fmt.Errorf("%q is not a time zone of the IANA database, such as Europe/Berlin", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone of the IANA database, such as Europe/Berlin", name)
	}
	locations.Store(name, loc)
	return loc, nil
}

// Canonical returns today's name of a zone ("Asia/Kolkata" for
// "Asia/Calcutta"): legacy names are not part of every tz database. The error
// is Load's.
func Canonical(name string) (string, error) {
	if current, ok := legacy()[name]; ok {
		name = current
	}
	_, err := Load(name)
	return name, err
}

// wellFormed reports whether name can be a zone's. time.LoadLocation would also
// take the machine's own zone and, on Linux, any file below its database.
func wellFormed(name string) bool {
	if name == "" || len(name) > 64 || strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") {
		return false
	}
	return !slices.Contains([]string{"Local", "localtime", "posixrules", "Factory"}, name)
}

// Set is one or more zones by their canonical names, sorted and joined by
// spaces: all zones that a person may live in. It is the form in which they
// are stored. The empty Set stands for "not known".
type Set string

// MaxZones is how many candidate zones a person may have; with more of them
// the account's zone applies.
const MaxZones = 6

// newSet returns the set of names, which are made canonical; names that no
// database has are left out.
func newSet(names []string) Set {
	if len(names) == 1 {
		name, err := Canonical(names[0])
		if err != nil {
			return ""
		}
		return Set(name)
	}
	known := make([]string, 0, len(names))
	for _, name := range names {
		if name, err := Canonical(name); err == nil && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return Set(strings.Join(known, " "))
}

// sets caches the zones of each set met. There are few: a number's zones come
// from a table of a few hundred rows.
var sets sync.Map

// Locations returns the zones of s. Names that cannot be loaded are left out.
func (s Set) Locations() []*time.Location {
	if locs, ok := sets.Load(s); ok {
		return locs.([]*time.Location)
	}
	var locs []*time.Location
	for name := range strings.FieldsSeq(string(s)) {
		if loc, err := Load(name); err == nil {
			locs = append(locs, loc)
		}
	}
	if len(locs) > 0 && len(locs) <= MaxZones {
		sets.Store(s, locs)
	}
	return locs
}
