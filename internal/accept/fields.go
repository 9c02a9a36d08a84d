package accept

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

var errFields = errors.New("must be a JSON object of texts and numbers that can be stored")

// storable rewrites a JSON object so that a jsonb column accepts it: without NUL
// and halves of surrogate pairs, and with numbers within float64. A page is
// committed as a whole, so what Postgres would refuse must not get there.
func storable(raw json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, errFields
	}
	if !clean(m) {
		return nil, errFields
	}
	return json.Marshal(m)
}

func clean(v any) bool {
	switch v := v.(type) {
	case string:
		return !strings.ContainsRune(v, 0)
	case json.Number:
		_, err := strconv.ParseFloat(v.String(), 64)
		return err == nil && len(v) < 400 && exponent(v.String()) < 400
	case []any:
		for _, e := range v {
			if !clean(e) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if !clean(k) || !clean(e) {
				return false
			}
		}
	}
	return true
}

// exponent is the size of a number's exponent, positive or negative: 1e-20000
// is a zero for Go and too long for Postgres.
func exponent(number string) int {
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return 0
	}
	n, err := strconv.Atoi(number[i+1:])
	if err != nil {
		return math.MaxInt
	}
	return max(n, -n)
}
