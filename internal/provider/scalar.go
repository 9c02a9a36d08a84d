package provider

import "encoding/json"

// Scalar is a JSON text or number, kept as text; anything else is empty. Vendors
// and their partners write ids, codes and times now as one, now as the other.
type Scalar string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	*s = Scalar(ScalarOf(b))
	return nil
}

// ScalarOf returns a JSON text or number as text, and "" for anything else.
func ScalarOf(raw json.RawMessage) string {
	if n := len(raw) - 1; n > 0 && raw[0] == '"' && raw[n] == '"' && plain(raw[1:n]) {
		return string(raw[1:n])
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// plain reports whether the inside of a JSON text stands for itself.
func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
