package middleware

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// maxLimit is the most entries of a page of a list.
const maxLimit = 1000

// Limit returns the value of the query parameter limit, or 50 if it is empty. Another
// value than 1 to 1000 is added to faults, as lists of huma's refuse it.
func Limit(q url.Values, faults *dispatch.Faults) int {
	n := Whole(q, "limit", faults)
	if n > maxLimit {
		faults.Add("/limit", "must be at most %d", maxLimit)
	}
	return int(min(cmp.Or(n, 50), maxLimit))
}

// Time returns the time of RFC 3339 in text, the value of the query parameter
// name, or the zero time if it is empty. A + of the offset may have been sent as
// it is, which in a query means a space. Another value is added to faults.
func Time(text, name string, faults *dispatch.Faults) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
	if err != nil {
		faults.Add("/"+name, "is not a time like 2026-01-02T15:04:05Z")
	}
	return t
}
