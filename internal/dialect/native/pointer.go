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

// faultIn returns the first fault that a value of type t has for encoding/json,
// with its JSON pointer, or nil. Names are matched exactly.
func faultIn(at string, raw json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case string(bytes.TrimSpace(raw)) == "null":
		return nil
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return faultInOne(at, raw, t)
	case t.Kind() == reflect.Struct:
		return faultInStruct(at, raw, t)
	case t.Kind() == reflect.Slice:
		return faultInList(at, raw, t)
	}
	return faultInOne(at, raw, t)
}

func faultInStruct(at string, raw json.RawMessage, t reflect.Type) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return dispatch.InvalidField(at, "must be an object")
	}
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			known[name] = f.Type
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
			return dispatch.InvalidField(below, "unknown field %q", name)
		}
		if err := faultIn(below, given[name], in); err != nil {
			return err
		}
	}
	return nil
}

func faultInList(at string, raw json.RawMessage, t reflect.Type) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return dispatch.InvalidField(at, "must be a list")
	}
	for i, item := range items {
		if err := faultIn(at+"/"+strconv.Itoa(i), item, t.Elem()); err != nil {
			return err
		}
	}
	return nil
}

func faultInOne(at string, raw json.RawMessage, t reflect.Type) error {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	switch {
	case err == nil:
		return nil
	case t == reflect.TypeFor[time.Time]():
		return dispatch.InvalidField(at, "must be a time like 2026-01-02T15:04:05Z")
	case t == reflect.TypeFor[whole]():
		return dispatch.InvalidField(at, "must be a whole number")
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return dispatch.InvalidField(at, "must be %s, not %s", kindName(te), te.Value)
	}
	return dispatch.InvalidField(at, "cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
}
