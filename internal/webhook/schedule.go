package webhook

import (
	"math/rand/v2"
	"time"
)

// waits are the times between the tries of a delivery: ten tries over about 75
// hours (Standard Webhooks' schedule).
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// maxRetryAfter bounds what an endpoint can ask for.
const maxRetryAfter = 24 * time.Hour

// waitAfter is how long a delivery waits when try n (from 0) has failed; false:
// that was the last. Retry-After makes it longer, never shorter. Jitter of 10 %
// either way keeps a crowd from coming back as one.
func (d *Deliverer) waitAfter(n int, retryAfter time.Duration) (time.Duration, bool) {
	if n >= len(waits) {
		return 0, false
	}
	wait := time.Duration(float64(waits[n]) * d.Scale * (0.9 + 0.2*rand.Float64()))
	return max(wait, min(retryAfter, maxRetryAfter)), true
}

const (
	// trip is how many failures in a row open an endpoint's breaker.
	trip = 5
	// holdMost is the longest wait between the probes of an open breaker.
	holdMost = time.Minute
	// holdAsked bounds how long a 429 or 503 with Retry-After holds up all
	// deliveries of its endpoint.
	holdAsked = time.Hour
)

// hold is how long an endpoint is left alone after so many failures in a row:
// what is pending then waits without using its tries up.
func (d *Deliverer) hold(failures int) time.Duration {
	if failures < trip {
		return 0
	}
	wait := min(2*time.Second<<min(failures-trip, 10), holdMost)
	return time.Duration(float64(wait) * d.Scale)
}
