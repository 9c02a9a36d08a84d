package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// whole is a whole number, however it is written: 100 and 100.0 are the same.
type whole int64

// UnmarshalJSON takes 100, 100.0 and 1e2.
func (w *whole) UnmarshalJSON(b []byte) error {
	n, ok := dispatch.WholeNumber(b)
	if !ok {
		return errNotWhole
	}
	*w = whole(n)
	return nil
}

var errNotWhole = errors.New("must be a whole number")

// oddName reports whether a member of body may have a name that encoding/json
// takes for one of ours although its letters differ in case.
func oddName(body []byte) bool {
	for i := 0; i < len(body); i++ {
		if body[i] != '"' {
			continue
		}
		odd := false
		for i++; i < len(body) && body[i] != '"'; i++ {
			c := body[i]
			odd = odd || c >= 'A' && c <= 'Z' || c >= 0x80 || c == '\\'
			if c == '\\' {
				i++
			}
		}
		if odd && i < len(body) && bytes.HasPrefix(bytes.TrimLeft(body[i+1:], " \t\r\n"), []byte(":")) {
			return true
		}
	}
	return false
}

// maxFaults is the number of faults after which a list is not read on.
const maxFaults = 100

// faultIn returns the faults that a value of type t has for encoding/json, each
// with its JSON pointer, or nil. Names are matched exactly.
func faultIn(raw json.RawMessage, t reflect.Type) error {
	var f finder
	f.value("", raw, t)
	return f.faults.Err()
}

// finder collects the faults of a body.
type finder struct{ faults dispatch.Faults }

func (f *finder) value(at string, raw json.RawMessage, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case string(bytes.TrimSpace(raw)) == "null":
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		f.one(at, raw, t)
	case t.Kind() == reflect.Struct:
		f.object(at, raw, t)
	case t.Kind() == reflect.Slice:
		f.list(at, raw, t)
	default:
		f.one(at, raw, t)
	}
}

func (f *finder) object(at string, raw json.RawMessage, t reflect.Type) {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		f.faults.Add(at, "must be an object")
		return
	}
	known := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			known[name] = field.Type
		}
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		below := at + "/" + dialect.Escape(name)
		in, ok := known[name]
		if !ok {
			f.faults.Add(below, "unknown field %q", name)
			continue
		}
		f.value(below, given[name], in)
	}
}

func (f *finder) list(at string, raw json.RawMessage, t reflect.Type) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		f.faults.Add(at, "must be a list")
		return
	}
	for i, item := range items {
		if len(f.faults) >= maxFaults {
			return
		}
		f.value(at+"/"+strconv.Itoa(i), item, t.Elem())
	}
}

func (f *finder) one(at string, raw json.RawMessage, t reflect.Type) {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	switch {
	case err == nil:
		return
	case t == reflect.TypeFor[time.Time]():
		f.faults.Add(at, "must be a time like 2026-01-02T15:04:05Z")
		return
	case t == reflect.TypeFor[whole]():
		f.faults.Add(at, "must be a whole number")
		return
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		f.faults.Add(at, "must be %s, not %s", kindName(te), te.Value)
		return
	}
	f.faults.Add(at, "cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
}
