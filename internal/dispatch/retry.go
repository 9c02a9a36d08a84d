package dispatch

import "time"

// Backoff returns how long to wait before the next attempt, with full jitter: a
// random part of base·2ᵃᵗᵗᵉᵐᵖᵗ, which is at most ceiling. attempt is 0 before
// the first retry; rnd returns a number in [0, 1). A ceiling below base counts
// as base. Jitter keeps messages that failed together from being retried
// together
// (aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter).
func Backoff(base, ceiling time.Duration, attempt int, rnd func() float64) time.Duration {
	if base <= 0 {
		return 0
	}
	ceiling = max(ceiling, base)
	most := base
	for range attempt {
		if most > ceiling/2 { // doubling would pass the ceiling, or overflow
			most = ceiling
			break
		}
		most *= 2
	}
	return time.Duration(rnd() * float64(most))
}
