package limit

import (
	"net/http"
	"strconv"
	"time"
)

// The names of the headers as http.Header keeps them: Set would make these of
// the usual spelling, for each answer anew.
const (
	policyHeader = "Ratelimit-Policy"
	stateHeader  = "Ratelimit"
)

// SetHeaders sets RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-
// headers-10), and Retry-After if something was refused. Only limits that are set
// are named.
func (d *Decision) SetHeaders(h http.Header) {
	var room [256]byte
	b := room[:0]
	for i := range d.Quotas {
		if q := &d.Quotas[i]; q.Limit > 0 {
			b = appendItem(b, 0, q.Name, ";q=", int64(q.Limit), ";w=", seconds(q.Window))
		}
	}
	policy := len(b)
	for i := range d.Quotas {
		if q := &d.Quotas[i]; q.Limit > 0 {
			b = appendItem(b, policy, q.Name, ";r=", int64(q.Remaining), ";t=", seconds(q.Reset))
		}
	}
	if policy > 0 {
		both := string(b)
		values := [...]string{both[:policy], both[policy:]}
		h[policyHeader], h[stateHeader] = values[:1:1], values[1:]
	}
	if d.Why != "" {
		h.Set("Retry-After", strconv.Itoa(d.RetryAfterSeconds()))
	}
}

// RetryAfterSeconds returns RetryAfter in whole seconds, rounded up and at least
// one: a client that comes back then is not early.
func (d *Decision) RetryAfterSeconds() int { return int(max(1, seconds(d.RetryAfter))) }

// appendItem appends "name";a=1;b=2 to a structured field's list (RFC 9651) that
// begins at from.
func appendItem(b []byte, from int, name Why, a string, n int64, c string, m int64) []byte {
	if len(b) > from {
		b = append(b, ", "...)
	}
	b = append(append(append(b, '"'), name...), '"')
	b = strconv.AppendInt(append(b, a...), n, 10)
	return strconv.AppendInt(append(b, c...), m, 10)
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
