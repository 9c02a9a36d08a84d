// Package input reads the inputs of the use cases of package admin and checks
// them against the limits that stand in their struct tags: minLength,
// maxLength, minimum, maximum, minItems, maxItems, enum and pattern (with its rule in words). The OpenAPI
// description is made of the same tags, so that a limit is written once.
package input

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Decode reads a JSON object into the struct that in points to. It returns a
// fault with a JSON pointer for every unknown field, every value that is of the
// wrong type or that Postgres does not store, every name that stands twice and every
// limit that is exceeded. Names are matched exactly; null is for fields of the
// type Optional and for entries of a map.
//
// What only breaks a limit is left to Check: the use case reports it together
// with its own findings.
func Decode(body []byte, in any) dispatch.Faults {
	var f dispatch.Faults
	v := reflect.ValueOf(in).Elem()
	decode(&f, "", body, v)
	f = append(f, unstorable(body).Apart(f)...)
	if len(f) == 0 {
		return nil
	}
	for _, limit := range Check(in) {
		if !slices.ContainsFunc(f, func(have dispatch.Fault) bool { return within(limit.Field, have.Field) }) {
			f = append(f, limit)
		}
	}
	return f
}

// within reports whether the pointer at is at or below above.
func within(at, above string) bool { return at == above || strings.HasPrefix(at, above+"/") }

// decoder is a value that decodes itself and reports faults below at.
type decoder interface {
	decode(f *dispatch.Faults, at string, raw json.RawMessage)
}

func decode(f *dispatch.Faults, at string, raw json.RawMessage, v reflect.Value) {
	if d, ok := v.Addr().Interface().(decoder); ok {
		d.decode(f, at, raw)
		return
	}
	if string(bytes.TrimSpace(raw)) == "null" && at != "" {
		f.Add(at, "must not be null")
		return
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(raw); err != nil {
			f.Add(at, "%s", wrongType(v.Type(), err))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		decode(f, at, raw, v.Elem())
	case reflect.Struct:
		decodeStruct(f, at, raw, v)
	case reflect.Slice:
		decodeSlice(f, at, raw, v)
	case reflect.Map:
		decodeMap(f, at, raw, v)
	case reflect.Int, reflect.Int64:
		n, ok := dispatch.WholeNumber(bytes.TrimSpace(raw))
		if !ok || v.OverflowInt(n) {
			f.Add(at, "%s", wrongType(v.Type(), nil))
			return
		}
		v.SetInt(n)
	default:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			f.Add(at, "%s", wrongType(v.Type(), err))
		}
	}
}

func decodeStruct(f *dispatch.Faults, at string, raw json.RawMessage, v reflect.Value) {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given == nil {
		f.Add(at, "must be an object")
		return
	}
	for name, field := range fields(v) {
		if part, ok := given[name]; ok {
			delete(given, name)
			decode(f, pointer(at, name), part, field.value)
		}
	}
	for _, name := range sortedKeys(given) {
		f.Add(pointer(at, name), "unknown field")
	}
}

func decodeSlice(f *dispatch.Faults, at string, raw json.RawMessage, v reflect.Value) {
	var given []json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		f.Add(at, "must be an array")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(given), len(given)))
	for i, part := range given {
		decode(f, pointer(at, strconv.Itoa(i)), part, v.Index(i))
	}
}

func decodeMap(f *dispatch.Faults, at string, raw json.RawMessage, v reflect.Value) {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		f.Add(at, "must be an object")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, name := range sortedKeys(given) {
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() != reflect.Pointer || string(bytes.TrimSpace(given[name])) != "null" {
			decode(f, pointer(at, name), given[name], item)
		}
		v.SetMapIndex(reflect.ValueOf(name), item)
	}
}

// wrongType returns the rule for a value of the type, in words. The error's own text is used
// where a type of this package made it.
func wrongType(t reflect.Type, err error) string {
	if rule, ok := err.(Rule); ok { //nolint:errorlint // made by our UnmarshalJSON
		return string(rule)
	}
	if t == reflect.TypeFor[time.Time]() {
		return "must be a time such as 2026-01-02T15:04:05Z"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int64:
		return "must be a whole number"
	case reflect.Float64:
		return "must be a number"
	case reflect.String:
		return "must be a string"
	}
	return "has the wrong type"
}

// Rule is what a value must be, as an error: "must be ...".
type Rule string

func (r Rule) Error() string { return string(r) }

// field is a field of a struct under its name in JSON.
type field struct {
	value reflect.Value
	tag   reflect.StructTag
}

// fields iterates over the fields of a struct, those of embedded ones included.
func fields(v reflect.Value) func(yield func(string, field) bool) {
	return func(yield func(string, field) bool) { eachField(v, yield) }
}

func eachField(v reflect.Value, yield func(string, field) bool) bool {
	t := v.Type()
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case sf.Anonymous && name == "":
			if !eachField(v.Field(i), yield) {
				return false
			}
		case name == "" || name == "-" || !sf.IsExported():
		case !yield(name, field{v.Field(i), sf.Tag}):
			return false
		}
	}
	return true
}

func pointer(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
