package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/sendoff/sendoff/internal/zone"
)

// ruleYears is how far a rule is followed.
const ruleYears = 100

// Rule is a recurrence: an RRULE (RFC 5545, 3.3.10) in floating time, whose
// wall times our own rules turn into instants. Its frequencies are daily and
// slower, so two runs are never within an hour of each other but for a day
// that a zone skips.
type Rule struct {
	rule  *rrule.RRule
	loc   *time.Location
	wall  zone.Wall // last wall time, with an UNTIL of that kind
	until time.Time // last instant, with an UNTIL in UTC
}

// Run is one occurrence of a rule.
type Run struct {
	Wall zone.Wall
	At   time.Time // in the rule's zone
}

// ParseRule reads a rule that begins at start, a wall time in loc. Parts:
// FREQ, COUNT, INTERVAL, UNTIL, BYDAY, BYMONTHDAY, BYSETPOS; their case does
// not matter. The error names what is wrong.
func ParseRule(s string, start zone.Wall, loc *time.Location) (*Rule, error) {
	parts, err := ruleParts(s)
	if err != nil {
		return nil, err
	}
	if err := checkParts(parts); err != nil {
		return nil, err
	}
	r := &Rule{loc: loc}
	if err := r.setUntil(parts["UNTIL"]); err != nil {
		return nil, err
	}
	delete(parts, "UNTIL")
	var text []string
	for name, value := range parts {
		text = append(text, name+"="+value)
	}
	option, err := rrule.StrToROption(strings.Join(text, ";"))
	if err != nil {
		return nil, fmt.Errorf("is not a recurrence rule: %w", err)
	}
	option.Dtstart = twin(start.Time())
	probe, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, fmt.Errorf("is not a recurrence rule: %w", err)
	}
	if _, ok := probe.Iterator()(); !ok {
		return nil, errors.New("names no date")
	}
	option.Dtstart = start.Time()
	option.Until = option.Dtstart.AddDate(ruleYears, 0, 0)
	if r.rule, err = rrule.NewRRule(*option); err != nil {
		return nil, fmt.Errorf("is not a recurrence rule: %w", err)
	}
	if len(r.Next(time.Time{}, 1)) == 0 {
		return nil, errors.New("names no date")
	}
	return r, nil
}

// twin returns the same day of a year with the same calendar shortly before
// 9999. rrule-go 1.8.2 searches a rule that names no date up to that year, its
// UNTIL notwithstanding, which takes seconds from a start of today.
func twin(t time.Time) time.Time {
	same := func(year int) bool {
		a, b := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		return a.Weekday() == b.Weekday() && a.AddDate(1, 0, -1).YearDay() == b.AddDate(1, 0, -1).YearDay()
	}
	year := 9972
	for !same(year) {
		year--
	}
	return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

var ruleNames = []string{"FREQ", "COUNT", "INTERVAL", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS"}

// ruleParts splits a rule; rrule-go would take a part twice and a DTSTART.
func ruleParts(s string) (map[string]string, error) {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "RRULE:")
	parts := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok || value == "":
			return nil, fmt.Errorf("%q is not a part of a rule, such as FREQ=WEEKLY", part)
		case !slices.Contains(ruleNames, name):
			return nil, fmt.Errorf("%s is not supported; use %s", name, strings.Join(ruleNames, ", "))
		case parts[name] != "":
			return nil, fmt.Errorf("%s stands twice", name)
		}
		parts[name] = value
	}
	return parts, nil
}

// checkParts refuses what rrule-go takes and reads in its own way: 0 and
// negative counts as endless, an ordinal day in a week as that day.
func checkParts(parts map[string]string) error {
	freq := parts["FREQ"]
	if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, freq) {
		return errors.New("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	for _, name := range []string{"COUNT", "INTERVAL"} {
		value, given := parts[name]
		if n, err := strconv.Atoi(value); given && (err != nil || n < 1 || n > 10_000) {
			return fmt.Errorf("%s must be between 1 and 10000", name)
		}
	}
	switch {
	case parts["COUNT"] != "" && parts["UNTIL"] != "":
		return errors.New("give COUNT or UNTIL, not both")
	case parts["BYSETPOS"] != "" && parts["BYDAY"] == "" && parts["BYMONTHDAY"] == "":
		return errors.New("BYSETPOS chooses among the days of BYDAY or BYMONTHDAY: give one of them")
	case parts["BYMONTHDAY"] != "" && freq == "WEEKLY":
		return errors.New("BYMONTHDAY does not go with FREQ=WEEKLY")
	}
	for day := range strings.SplitSeq(parts["BYDAY"], ",") {
		if len(day) > 2 && (freq == "DAILY" || freq == "WEEKLY") {
			return fmt.Errorf("BYDAY=%s needs FREQ=MONTHLY or YEARLY", day)
		}
	}
	return nil
}

// setUntil reads UNTIL: a date is its whole day, a time without Z a wall time,
// and one with Z an instant. The last occurrence may be at it.
func (r *Rule) setUntil(s string) error {
	const dayForm, wallForm = "20060102", "20060102T150405"
	if s == "" {
		return nil
	}
	if t, err := time.Parse(dayForm, s); err == nil {
		r.wall = zone.Wall(t.Unix()).NextDay() - 1
		return nil
	}
	if t, err := time.Parse(wallForm, s); err == nil {
		r.wall = zone.Wall(t.Unix())
		return nil
	}
	t, err := time.Parse(wallForm+"Z", s)
	if err != nil {
		return errors.New("UNTIL must be like 20271231, 20271231T235959 or 20271231T235959Z")
	}
	r.until = t
	return nil
}

// Next returns at most n runs after t, in order.
func (r *Rule) Next(t time.Time, n int) []Run {
	var runs []Run
	r.each(func(run Run) bool {
		if run.At.After(t) {
			runs = append(runs, run)
		}
		return len(runs) < n
	})
	return runs
}

// each visits the runs in order until visit returns false.
func (r *Rule) each(visit func(Run) bool) {
	next := r.rule.Iterator()
	for at, ok := next(); ok; at, ok = next() {
		run := Run{Wall: zone.Wall(at.Unix())}
		run.At = zone.Resolve(run.Wall, r.loc)
		if (r.wall != 0 && run.Wall > r.wall) || (!r.until.IsZero() && run.At.After(r.until)) || !visit(run) {
			return
		}
	}
}

// Due is what is to be done about a rule's runs.
type Due struct {
	Run     *Run // to be made now; nil: none
	Skipped []Run
	Why     string // why the last of Skipped was: running or missed
	Next    *Run   // nil: the rule has ended
}

// The reasons for which a run is skipped.
const (
	SkippedRunning = "running" // the run before was still going
	SkippedMissed  = "missed"  // nobody was there to make it, or its ttl was over
)

// maxSkipped bounds Due.Skipped: of more runs the newest are listed.
const maxSkipped = 100

// Due returns what is to be done at now, when every run up to last has been
// dealt with. Of several runs that are due, after a downtime, only the latest
// is made, if it is within its ttl; none is while the run before is still going
// and the rule skips these.
func (r *Rule) Due(last, now time.Time, ttl time.Duration, going bool) Due {
	var d Due
	var due []Run
	r.each(func(run Run) bool {
		switch {
		case !run.At.After(last):
		case run.At.After(now):
			d.Next = &run
			return false
		default:
			if due = append(due, run); len(due) > maxSkipped {
				due = due[1:]
			}
		}
		return true
	})
	if len(due) == 0 {
		return d
	}
	latest := due[len(due)-1]
	switch {
	case going:
		d.Skipped, d.Why = due, SkippedRunning
	case !now.Before(latest.At.Add(ttl)):
		d.Skipped, d.Why = due, SkippedMissed
	default:
		d.Run, d.Skipped = &latest, due[:len(due)-1]
		if len(d.Skipped) > 0 {
			d.Why = SkippedMissed
		}
	}
	return d
}
