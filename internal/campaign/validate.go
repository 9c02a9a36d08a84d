package campaign

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/zone"
)

// Limits of a definition.
const (
	maxName    = 200
	maxRate    = 100_000 // messages a second
	maxInline  = 10_000  // recipients in the body; more come by import
	maxLists   = 100
	maxSeconds = 366 * 24 * 60 * 60
	maxDays    = 31 // of a cap
	maxCount   = 1_000_000
	startGrace = time.Minute               // as for a message's send_at
	maxAhead   = 10 * 366 * 24 * time.Hour // as there
)

// dayNames are the days of QuietHours, by time.Weekday.
var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// validate notes every fault of d and puts zone names into their canonical form.
func (d *Definition) validate(f *dispatch.Faults) {
	d.validateName(f)
	d.validateType(f)
	d.validateAudience(f)
	d.validateTimes(f)
	d.validateLimits(f)
	if d.Recurrence != nil {
		d.validateRecurrence(f)
	}
}

func (d *Definition) validateName(f *dispatch.Faults) {
	switch n := utf8.RuneCountInString(d.Name); {
	case strings.TrimSpace(d.Name) == "":
		f.Add("/name", "is required")
	case n > maxName:
		f.Add("/name", "has %d characters, at most %d are allowed", n, maxName)
	}
}

// validateType checks that the message has the one object of its type. What
// that object holds is checked by Compile.
func (d *Definition) validateType(f *dispatch.Faults) {
	switch {
	case d.Type == "":
		f.Add("/type", "is required")
		return
	case d.Type == dispatch.TypeReaction || !slices.Contains(dispatch.Types, d.Type):
		f.Add("/type", "%q cannot be sent by a campaign", d.Type)
		return
	case d.Template != nil && len(d.Template.Components) > 0 && !d.Template.Variables.IsZero():
		f.Add("/template/variables", "give components or variables, not both")
	}
	fields := d.fields()
	for _, t := range dispatch.Types {
		target, ok := fields[string(t)]
		switch has := ok && !reflect.ValueOf(target).Elem().IsZero(); {
		case has && t != d.Type:
			f.Add("/"+string(t), "does not belong to a message of type %q", d.Type)
		case !has && t == d.Type:
			f.Add("/"+string(t), "is required for a message of type %q", d.Type)
		}
	}
}

func (d *Definition) validateAudience(f *dispatch.Faults) {
	a := &d.Audience
	if len(a.Lists) > maxLists {
		f.Add("/audience/lists", "has %d lists, at most %d are allowed", len(a.Lists), maxLists)
	}
	for i, id := range a.Lists {
		if id <= 0 {
			f.Add("/audience/lists/"+strconv.Itoa(i), "must be a list's id")
		}
	}
	if a.Import < 0 {
		f.Add("/audience/import", "must be an import's id")
	}
	if len(a.Contacts) > maxInline {
		f.Add("/audience/contacts", "has %d recipients, at most %d are allowed: import more of them", len(a.Contacts), maxInline)
	}
	for i := range a.Contacts {
		if name := a.Contacts[i].TimeZone; name != "" {
			validateZone(f, "/audience/contacts/"+strconv.Itoa(i)+"/time_zone", name)
		}
	}
}

// validateZone notes a fault for an unknown zone and returns its current name.
func validateZone(f *dispatch.Faults, at, name string) string {
	current, err := zone.Canonical(name)
	if err != nil {
		f.Add(at, "%s", err)
		return name
	}
	return current
}

func (d *Definition) validateTimes(f *dispatch.Faults) {
	d.TimeZone = validateZone(f, "/time_zone", d.TimeZone)
	if d.LocalStart && d.StartAt == nil {
		f.Add("/start_at", "is required with local_start")
	}
	if d.Late != LateHold && d.Late != LateSkip {
		f.Add("/late", "must be hold or skip")
	}
	if d.TTLSeconds < 0 || d.TTLSeconds > maxSeconds {
		f.Add("/ttl_seconds", "must be between 1 and %d", maxSeconds)
	}
	q := d.QuietHours
	if q == nil {
		return
	}
	for at, s := range map[string]string{"/quiet_hours/from": q.From, "/quiet_hours/to": q.To} {
		if _, err := zone.ParseClock(s); err != nil {
			f.Add(at, "%s", err)
		}
	}
	if q.Zone != ZoneOfRecipient && q.Zone != ZoneOfAccount {
		q.Zone = validateZone(f, "/quiet_hours/zone", q.Zone)
	}
	if len(q.Days) == 0 {
		f.Add("/quiet_hours/days", "must name a day")
	}
	for i, name := range q.Days {
		if !slices.Contains(dayNames, name) {
			f.Add("/quiet_hours/days/"+strconv.Itoa(i), "must be one of mon, tue, wed, thu, fri, sat, sun")
		}
	}
}

func (d *Definition) validateLimits(f *dispatch.Faults) {
	if d.Rate < 0 || d.Rate > maxRate || (d.Rate > 0 && d.Rate < 0.001) {
		f.Add("/rate", "must be between 0.001 and %d messages a second", maxRate)
	}
	if d.PauseAtErrorRate < 0 || d.PauseAtErrorRate > 1 {
		f.Add("/pause_at_error_rate", "must be between 0 and 1")
	}
	if c := d.Canary; c != nil {
		between(f, "/canary/first", c.First, 1, maxCount)
		between(f, "/canary/wait_seconds", c.WaitSeconds, 0, maxSeconds)
	}
	if c := d.Cap; c != nil {
		between(f, "/cap/messages", c.Messages, 1, maxCount)
		between(f, "/cap/days", c.Days, 1, maxDays)
	}
}

func between(f *dispatch.Faults, at string, n, least, most int) {
	if n < least || n > most {
		f.Add(at, "must be between %d and %d", least, most)
	}
}

func (d *Definition) validateRecurrence(f *dispatch.Faults) {
	var start zone.Wall // as for one that can't be read
	if d.StartAt == nil {
		f.Add("/start_at", "is required with a recurrence")
	} else {
		start = *d.StartAt
	}
	loc, err := zone.Load(d.TimeZone)
	if err != nil {
		return // noted already
	}
	if _, err := ParseRule(d.Recurrence.RRule, start, loc); err != nil {
		f.Add("/recurrence/rrule", "%s", err)
	}
}

// CheckStart returns the refusal of a start that has gone by. It is asked when
// a campaign is made, changed and launched. With local_start it is the wall
// time in time_zone that counts; whose own hour has gone follows Late.
func (d *Definition) CheckStart(now time.Time) error {
	if d.StartAt == nil {
		return nil
	}
	loc, err := zone.Load(d.TimeZone)
	if err != nil {
		return dispatch.InvalidField("/time_zone", "%s", err)
	}
	var f dispatch.Faults
	switch at := zone.Resolve(*d.StartAt, loc); {
	case now.Sub(at) > startGrace:
		f.AddWith([]string{"/time_zone"}, "/start_at", "%s in %s has passed", d.StartAt, d.TimeZone)
	case at.Sub(now) > maxAhead:
		f.AddWith([]string{"/time_zone"}, "/start_at", "is more than ten years ahead")
	}
	return f.Err()
}

// message returns the content of d's messages, placeholders and all, and the
// values of their template.
func (d *Definition) message() (*dispatch.Content, *dispatch.Variables) {
	c := &dispatch.Content{
		Type: d.Type, Text: d.Text, Image: d.Image, Video: d.Video, Audio: d.Audio, Document: d.Document, Sticker: d.Sticker,
		Location: d.Location, Contacts: d.Contacts, Interactive: d.Interactive, MoreMedia: d.MoreMedia,
	}
	t := d.Template
	if t == nil {
		return c, nil
	}
	c.Template = &dispatch.TemplateUse{
		TemplateID: t.ID, Name: t.Name, Language: dispatch.Language{Code: string(t.Language)},
		ProviderTemplateID: t.ProviderTemplateID, Components: t.Components,
	}
	return c, &dispatch.Variables{List: t.Variables.List, Named: t.Variables.Named, HeaderMediaURL: t.HeaderMediaURL}
}
