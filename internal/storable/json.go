package storable

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrObject is returned for JSON that is no object, or has a value that Postgres
// does not store.
var ErrObject = errors.New("must be a JSON object of texts and numbers that can be stored")

// Object returns a JSON object as a jsonb column accepts it: halves of surrogate
// pairs are replaced by U+FFFD. The error is ErrObject.
func Object(raw json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil || m == nil || !value(m) {
		return nil, ErrObject
	}
	return json.Marshal(m)
}

// value reports whether Postgres stores a decoded JSON value.
func value(v any) bool {
	switch v := v.(type) {
	case string:
		return Text(v)
	case json.Number:
		return Number(v.String())
	case []any:
		for _, e := range v {
			if !value(e) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if !Text(k) || !value(e) {
				return false
			}
		}
	}
	return true
}
