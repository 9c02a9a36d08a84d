package middleware

import (
	"net/url"
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Whole returns the query parameter name, a whole number of at least 1, or 0 if it
// is missing. Another value is added to faults.
func Whole(q url.Values, name string, faults *dispatch.Faults) int64 {
	text := q.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		faults.Add("/"+name, "must be a positive whole number")
		return 0
	}
	return n
}
