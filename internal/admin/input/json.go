package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// CheckJSON returns nil if body is one JSON value in UTF-8. What Postgres does not
// store of it is a fault that Decode finds.
func CheckJSON(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return dispatch.Errorf(dispatch.Malformed, "the body is empty; a JSON object is expected")
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return dispatch.Errorf(dispatch.Malformed, "the body must be UTF-8 without NUL characters")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	var v json.RawMessage
	if err := dec.Decode(&v); err != nil {
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			return dispatch.Errorf(dispatch.Malformed, "not valid JSON at byte %d: %s", se.Offset, se.Error())
		}
		return dispatch.Errorf(dispatch.Malformed, "not valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return dispatch.Errorf(dispatch.Malformed, "there is more after the JSON value")
	}
	return nil
}

// unstorable returns the faults of valid JSON that Postgres does not store: NUL
// characters, nesting below storable.MaxDepth, a name that stands twice in an object, and numbers that
// a float64 does not hold.
func unstorable(body []byte) (f dispatch.Faults) {
	if at, fault := storable.Shape(body); fault != "" {
		f.Add(at, "%s", fault)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) == nil {
		checkValue(&f, "", v)
	}
	return f
}

// checkValue adds a fault for every value that Postgres can not store.
func checkValue(f *dispatch.Faults, at string, v any) {
	switch v := v.(type) {
	case string:
		if !storable.Text(v) {
			f.Add(at, "must not contain NUL characters")
		}
	case json.Number:
		if !storable.Number(v.String()) {
			f.Add(at, "the number is out of range")
		}
	case []any:
		for i, item := range v {
			checkValue(f, pointer(at, strconv.Itoa(i)), item)
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			step := pointer(at, name)
			if !storable.Text(name) {
				f.Add(at, "must not have NUL characters in a field name")
				continue
			}
			checkValue(f, step, v[name])
		}
	}
}
