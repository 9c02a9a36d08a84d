package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Object is a JSON object that is read field by field: a field of the wrong
// type is a fault of that field, noted beside all others, and not of the whole
// body. A field that is absent or null has the zero value; other fields of the
// body are ignored. Names are matched exactly.
type Object struct {
	fields map[string]json.RawMessage
	at     string // JSON pointer of the object, empty for the body itself
	faults *dispatch.Faults
}

// ReadObject reads a JSON request. A content type may be missing, but another
// one than JSON is refused.
func ReadObject(r *http.Request, body []byte) (Object, error) {
	o := Object{faults: new(dispatch.Faults)}
	if !IsJSON(r.Header.Get("Content-Type")) {
		return o, dispatch.Errorf(dispatch.UnsupportedMedia, "Content-Type must be application/json")
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return o, dispatch.Errorf(dispatch.Malformed, "the request body is empty")
	}
	if !storable.JSONTexts(body) {
		return o, dispatch.Errorf(dispatch.Malformed, "the request body must be UTF-8 without NUL characters")
	}
	err := json.Unmarshal(body, &o.fields)
	if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); wrongType || bytes.Equal(body, []byte("null")) {
		return o, dispatch.Errorf(dispatch.Malformed, "the request body must be a JSON object")
	}
	if err != nil {
		return o, &dispatch.Error{Code: dispatch.Malformed, Msg: "the request body is not valid JSON", Err: err}
	}
	if at, fault := storable.Shape(body); fault != "" {
		o.faults.Add(at, "%s", fault)
	}
	return o, nil
}

// CheckShape returns an error if valid JSON has a name twice in one object or nests
// too deep.
func CheckShape(body []byte) error {
	if at, fault := storable.Shape(body); fault != "" {
		return dispatch.InvalidField(at, "%s", fault)
	}
	return nil
}

// Hold adds the faults that were noted to the draft's, under the native names of their
// fields: accept refuses it, as invalid, with all that it finds besides.
func (o Object) Hold(d *dispatch.Draft, fields Pointers) {
	d.FaultsFirst = len(*o.faults) > 0
	for _, f := range *o.faults {
		f.Field = fields.native(f.Field)
		if d.Faults = append(d.Faults, f); f.Field == "/type" {
			d.Content = dispatch.Content{}
		}
	}
}

// Err is nil when no fault was noted.
func (o Object) Err() error { return o.faults.Err() }

// Faults returns the faults that were noted.
func (o Object) Faults() dispatch.Faults { return *o.faults }

// Fault notes a fault of the field.
func (o Object) Fault(key, format string, args ...any) {
	o.faults.Add(o.at+"/"+key, format, args...)
}

// Note notes faults that were found elsewhere.
func (o Object) Note(err error) {
	if err == nil {
		return
	}
	if e := dispatch.AsError(err); len(e.Faults) > 0 {
		*o.faults = append(*o.faults, e.Faults...)
	}
}

// Has reports whether the field is present and not null.
func (o Object) Has(key string) bool { return o.Raw(key) != nil }

// Raw returns the JSON of the field, or nil if it is absent or null.
func (o Object) Raw(key string) json.RawMessage {
	raw := o.fields[key]
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return raw
}

// Text reads a string.
func (o Object) Text(key string) string {
	var s string
	o.fill(key, &s, "must be a string")
	return s
}

// Required reads a string that must not be blank.
func (o Object) Required(key string) string {
	if !o.Has(key) {
		o.Fault(key, "is required")
		return ""
	}
	n := len(*o.faults)
	s := o.Text(key)
	if len(*o.faults) == n && strings.TrimSpace(s) == "" {
		o.Fault(key, "is required")
	}
	return s
}

// Bool reads true or false.
func (o Object) Bool(key string) bool {
	var b bool
	o.fill(key, &b, "must be true or false")
	return b
}

// Int reads an integer.
func (o Object) Int(key string) int64 {
	var n int64
	o.fill(key, &n, "must be an integer")
	return n
}

// ID reads a positive integer that may also be written as a string.
func (o Object) ID(key string) int64 {
	raw := o.Raw(key)
	if raw == nil {
		return 0
	}
	text := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		text = strings.TrimSpace(s)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		o.Fault(key, "must be a positive integer")
		return 0
	}
	return n
}

// Object reads an object; one that is absent has no fields.
func (o Object) Object(key string) Object {
	in := Object{at: o.at + "/" + key, faults: o.faults}
	o.fill(key, &in.fields, "must be an object")
	return in
}

// Keep reads an object of any values, to be kept as JSON: written anew, since
// Postgres refuses half a surrogate pair, and without numbers beyond all
// ranges.
func (o Object) Keep(key string) json.RawMessage {
	raw := o.Raw(key)
	if raw == nil {
		return nil
	}
	var values map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&values) != nil {
		o.Fault(key, "must be an object")
		return nil
	}
	if !inRange(values) {
		o.Fault(key, "has a number that is out of range")
		return nil
	}
	out, err := json.Marshal(values)
	if err != nil {
		o.Fault(key, "cannot be stored")
	}
	return out
}

// inRange reports whether every number in v fits a float64.
func inRange(v any) bool {
	switch v := v.(type) {
	case json.Number:
		_, err := v.Float64()
		return err == nil
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !inRange(item) })
	case map[string]any:
		for _, item := range v {
			if !inRange(item) {
				return false
			}
		}
	}
	return true
}

// Strings reads an array of strings. Numbers are taken as their digits, since
// they fill a text anyway.
func (o Object) Strings(key string) []string { return o.list(key, Value, "must be a string") }

// Texts reads an array of strings that are neither numbers nor blank.
func (o Object) Texts(key string) []string {
	return o.list(key, func(raw json.RawMessage) (string, bool) {
		s, ok := text(raw)
		return s, ok && strings.TrimSpace(s) != ""
	}, "must be a non-empty string")
}

// list reads an array, in which read understands an entry or it is at fault.
func (o Object) list(key string, read func(json.RawMessage) (string, bool), fault string) []string {
	var items []json.RawMessage
	o.fill(key, &items, "must be an array")
	var out []string
	for i, raw := range items {
		s, ok := read(raw)
		if !ok {
			o.Fault(key+"/"+strconv.Itoa(i), "%s", fault)
		}
		out = append(out, s)
	}
	return out
}

// Values reads an object of strings by name; numbers as in Strings.
func (o Object) Values(key string) map[string]string {
	var items map[string]json.RawMessage
	o.fill(key, &items, "must be an object")
	if items == nil {
		return nil
	}
	out := make(map[string]string, len(items))
	for name, raw := range items {
		s, ok := Value(raw)
		if !ok {
			o.Fault(key+"/"+Escape(name), "must be a string")
		}
		out[name] = s
	}
	return out
}

// Value returns the text of a template variable: a string, or the digits of a
// number.
func Value(raw json.RawMessage) (string, bool) {
	if c := raw[0]; c == '-' || c >= '0' && c <= '9' {
		return string(raw), true
	}
	return text(raw)
}

// text returns the text of a JSON string.
func text(raw json.RawMessage) (string, bool) {
	var s string
	ok := raw[0] == '"' && json.Unmarshal(raw, &s) == nil
	return s, ok
}

// Link notes a fault of the field unless s is an address that a provider can
// fetch a file from, or blank.
func (o Object) Link(key, s string) {
	if strings.TrimSpace(s) != "" {
		o.faults.Link(o.at+"/"+key, s)
	}
}

// Fill decodes the field into v, which is tagged for JSON. A type error inside
// it becomes a fault of the inner field.
func (o Object) Fill(key string, v any) {
	raw := o.Raw(key)
	if raw == nil {
		return
	}
	err := json.Unmarshal(raw, v)
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field != "" {
			key += "/" + strings.ReplaceAll(e.Field, ".", "/")
		}
		o.Fault(key, "has the wrong type: %s", kind(e.Value))
		return
	}
	o.Fault(key, "cannot be parsed")
}

// kind shortens "number -1.5" to "number": the fault names no content.
func kind(value string) string {
	first, _, _ := strings.Cut(value, " ")
	return first
}

// fill decodes the field into v or notes the fault.
func (o Object) fill(key string, v any, fault string) {
	if raw := o.Raw(key); raw != nil && json.Unmarshal(raw, v) != nil {
		o.Fault(key, "%s", fault)
	}
}

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// Escape writes a name as one step of a JSON pointer (RFC 6901).
func Escape(name string) string {
	return escapes.Replace(name)
}
