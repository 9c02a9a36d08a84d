package limit

import (
	"net/http"
	"strconv"
	"time"
)

// SetHeaders tells a client how it stands: RateLimit-Policy and RateLimit as in
// draft-ietf-httpapi-ratelimit-headers-10, and Retry-After when something was
// refused. A limit that isn't set isn't named.
func (d Decision) SetHeaders(h http.Header) {
	var policy, state []byte
	for _, q := range d.Quotas {
		if q.Limit <= 0 {
			continue
		}
		policy = appendItem(policy, q.Name, ";q=", int64(q.Limit), ";w=", seconds(q.Window))
		state = appendItem(state, q.Name, ";r=", int64(q.Remaining), ";t=", seconds(q.Reset))
	}
	if len(policy) > 0 {
		h.Set("RateLimit-Policy", string(policy))
		h.Set("RateLimit", string(state))
	}
	if d.Why != "" {
		h.Set("Retry-After", strconv.Itoa(d.RetryAfterSeconds()))
	}
}

// RetryAfterSeconds is RetryAfter in whole seconds, rounded up and at least
// one: a client that comes back then isn't early.
func (d Decision) RetryAfterSeconds() int { return int(max(1, seconds(d.RetryAfter))) }

// appendItem adds "name";a=1;b=2 to a structured field's list (RFC 9651).
func appendItem(b []byte, name Why, a string, n int64, c string, m int64) []byte {
	if len(b) > 0 {
		b = append(b, ", "...)
	}
	b = strconv.AppendQuote(b, string(name))
	b = strconv.AppendInt(append(b, a...), n, 10)
	return strconv.AppendInt(append(b, c...), m, 10)
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
