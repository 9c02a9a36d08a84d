package dispatch

import (
	"math"
	"strconv"
)

// WholeNumber parses a JSON number without a fraction: 100, 100.0 and 1e2 are the
// same. It reports false for anything else, and beyond 2^53 for what is not
// written in digits alone.
func WholeNumber(raw []byte) (int64, bool) {
	s := string(raw)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}
