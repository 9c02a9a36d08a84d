package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/zone"
)

// Decode reads a definition strictly: unknown fields and values of a wrong
// type are faults of their field. accountZone is the zone of a campaign that
// names none. The result is valid at the time now, apart from what only the
// registry decides (Compile).
func Decode(body []byte, accountZone string, now time.Time) (*Definition, error) {
	d := &Definition{TimeZone: accountZone, Late: LateHold}
	if err := d.Patch(body, accountZone, now); err != nil {
		return nil, err
	}
	return d, nil
}

// Patch replaces the fields that body has, each as a whole; null takes one
// back to its default. On an error d is unchanged.
func (d *Definition) Patch(body []byte, accountZone string, now time.Time) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil || given == nil {
		return dispatch.Errorf(dispatch.Malformed, "the body must be a JSON object")
	}
	changed := *d
	var start string
	fields := changed.fields()
	fields["start_at"] = &start
	var f dispatch.Faults
	for _, key := range slices.Sorted(maps.Keys(given)) {
		target, known := fields[key]
		switch raw := given[key]; {
		case !known:
			f.Add(dispatch.Pointer("", key), "unknown field %q", key)
		case string(raw) == "null":
			changed.reset(key, target, accountZone)
		default:
			reflect.ValueOf(target).Elem().SetZero() // what a field had before must not show through
			before := len(f)
			decodeField(&f, dispatch.Pointer("", key), raw, target)
			if key == "audience" {
				checkFields(&f, raw)
			}
			if slices.Contains(positive, key) && reflect.ValueOf(target).Elem().IsZero() && len(f) == before {
				f.Add(dispatch.Pointer("", key), "must be more than 0")
			}
		}
	}
	found := len(f)
	changed.defaults()
	if start != "" {
		changed.setStart(&f, start)
	}
	changed.validate(&f)
	if err := changed.CheckStart(now); err != nil {
		f = append(f, dispatch.Faults(dispatch.AsError(err).Faults).Apart(f)...)
	}
	if err := slices.Concat(f[:found], apart(f[found:], f[:found])).Err(); err != nil {
		return err
	}
	*d = changed
	return nil
}

// apart returns the faults of other fields than those that have one in found, which
// they may only follow from.
func apart(faults, found dispatch.Faults) (out dispatch.Faults) {
	for _, fault := range faults {
		if !slices.ContainsFunc(found, func(by dispatch.Fault) bool { return fieldOf(by) == fieldOf(fault) }) {
			out = append(out, fault)
		}
	}
	return out
}

// fieldOf returns the field of the definition that a fault is in.
func fieldOf(f dispatch.Fault) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(f.Field, "/"), "/")
	return name
}

// positive are the numbers of which 0 stands for none: it cannot be given.
var positive = []string{"rate", "ttl_seconds", "pause_at_error_rate"}

// fields returns where each field of the JSON form is kept.
func (d *Definition) fields() map[string]any {
	v := reflect.ValueOf(d).Elem()
	out := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		out[name] = v.Field(i).Addr().Interface()
	}
	return out
}

// reset takes a field back to its default.
func (d *Definition) reset(key string, target any, accountZone string) {
	switch key {
	case "start_at":
		d.StartAt = nil
	case "time_zone":
		d.TimeZone = accountZone
	case "late":
		d.Late = LateHold
	default:
		reflect.ValueOf(target).Elem().SetZero()
	}
}

// defaults fills in what the parts of d leave open, in copies of them: d may
// share them with the definition that it changes.
func (d *Definition) defaults() {
	if d.QuietHours != nil {
		q := *d.QuietHours
		if q.Zone == "" {
			q.Zone = ZoneOfRecipient
		}
		if q.Days == nil {
			q.Days = slices.Clone(dayNames[1:])
			q.Days = append(q.Days, dayNames[0])
		}
		d.QuietHours = &q
	}
	if d.Recurrence != nil && d.Recurrence.SkipIfRunning == nil {
		d.Recurrence = &Recurrence{RRule: d.Recurrence.RRule, SkipIfRunning: new(true)}
	}
}

// setStart reads start_at, a wall time in time_zone. An instant with an offset
// is taken as the wall time that it has there, where both are the same instant.
func (d *Definition) setStart(f *dispatch.Faults, s string) {
	if w, err := zone.ParseWall(s); err == nil {
		d.StartAt = &w
		return
	}
	d.StartAt = new(zone.Wall) // given, if badly
	at, err := time.Parse(time.RFC3339, s)
	loc, zoneErr := zone.Load(d.TimeZone)
	switch {
	case err != nil:
		f.Add("/start_at", "%q is not a date and time like 2027-03-28T10:00:00", s)
	case d.LocalStart:
		f.Add("/start_at", "with local_start it is each recipient's own time and has no offset: 2027-03-28T10:00:00")
	case zoneErr == nil:
		w := zone.WallAt(at, loc)
		if !zone.Resolve(w, loc).Equal(at.Truncate(time.Second)) {
			f.Add("/start_at", "the clock in %s shows %s twice, and this is the second time: the first is meant", d.TimeZone, w)
		}
		d.StartAt = &w
	}
}

// decodeField decodes a field strictly and notes what is wrong with it.
func decodeField(f *dispatch.Faults, at string, raw []byte, target any) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(target)
	if err == nil {
		return
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		f.Add(at+find(raw, name), "unknown field %q", name)
		return
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if te.Field != "" {
			at += "/" + strings.ReplaceAll(te.Field, ".", "/")
		}
		kind, _, _ := strings.Cut(te.Value, " ")
		f.Add(at, "has the wrong type: %s", kind)
		return
	}
	f.Add(at, "%s", strings.TrimPrefix(err.Error(), "json: "))
}

// mostFaults is how many faults of contacts an answer has about.
const mostFaults = 100

// checkFields notes the fields of an audience's contacts that are no single value: a
// placeholder would take nothing for them. null is a field that a contact does not have.
func checkFields(f *dispatch.Faults, audience []byte) {
	var in struct {
		Contacts []struct {
			Fields map[string]json.RawMessage `json:"fields"`
		} `json:"contacts"`
	}
	if json.Unmarshal(audience, &in) != nil {
		return // as decodeField has noted
	}
	for i, c := range in.Contacts {
		if len(*f) >= mostFaults {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			if kind, ok := map[byte]string{'[': "a list", '{': "an object"}[c.Fields[name][0]]; ok {
				f.Add(dispatch.Pointer("/audience/contacts/"+strconv.Itoa(i)+"/fields", name), "is %s: must be a text, a number, true or false", kind)
			}
		}
	}
}

// find returns the pointer of the first member of that name in raw, or nothing.
func find(raw []byte, name string) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	found := ""
	walk(v, "", func(at, key string) {
		if found == "" && key == name {
			found = at
		}
	})
	return found
}

// walk visits every member of every object in v with its pointer.
func walk(v any, at string, visit func(at, key string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			visit(dispatch.Pointer(at, key), key)
			walk(v[key], dispatch.Pointer(at, key), visit)
		}
	case []any:
		for i := range v {
			walk(v[i], at+"/"+strconv.Itoa(i), visit)
		}
	}
}

// UnmarshalJSON takes a list or an object of texts; a number stands for its digits.
func (v *Variables) UnmarshalJSON(b []byte) error {
	*v = Variables{}
	if string(b) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	switch raw := raw.(type) {
	case []any:
		v.List = []string{}
		for i := range raw {
			s, ok := scalar(raw[i])
			if !ok {
				return errors.New("variables must be texts or numbers")
			}
			v.List = append(v.List, s)
		}
	case map[string]any:
		v.Named = map[string]string{}
		for name := range raw {
			s, ok := scalar(raw[name])
			if !ok {
				return errors.New("variables must be texts or numbers")
			}
			v.Named[name] = s
		}
	default:
		return errors.New("variables must be a list or an object of texts")
	}
	return nil
}

// MarshalJSON writes the form that was given.
func (v Variables) MarshalJSON() ([]byte, error) {
	if v.Named != nil {
		return json.Marshal(v.Named)
	}
	return json.Marshal(v.List)
}

// IsZero reports whether there are none.
func (v Variables) IsZero() bool { return v.List == nil && v.Named == nil }

// scalar returns the text of a JSON text or number.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// Row is one recipient of an API request or an import.
type Row struct {
	To       string `json:"to"`
	Name     string `json:"name,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	Fields   Fields `json:"fields,omitempty"`
}

// Fields are what a recipient's placeholders take. A field that is empty
// counts as missing.
type Fields map[string]string

// UnmarshalJSON reads an object. Numbers stand for their digits, true and
// false for themselves; null, lists and objects are left out.
func (f *Fields) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the object")
	}
	*f = make(Fields, len(raw))
	for name, v := range raw {
		switch v := v.(type) {
		case bool:
			(*f)[name] = strconv.FormatBool(v)
		default:
			if s, ok := scalar(v); ok {
				(*f)[name] = s
			}
		}
	}
	return nil
}
