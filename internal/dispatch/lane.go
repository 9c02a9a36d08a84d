package dispatch

import "time"

// Lane separates traffic that must not wait for other traffic.
type Lane int16

// The lanes, most urgent first.
const (
	OTP    Lane = 0
	Normal Lane = 1
	Bulk   Lane = 2
)

// Lanes lists every lane, most urgent first.
var Lanes = []Lane{OTP, Normal, Bulk}

var laneNames = [...]string{"otp", "normal", "bulk"}

// String is the name used in the API, in Redis and in metrics.
func (l Lane) String() string { return laneNames[l] }

// ParseLane finds a lane by name.
func ParseLane(name string) (Lane, bool) {
	for i, n := range laneNames {
		if n == name {
			return Lane(i), true
		}
	}
	return 0, false
}

// TTL is how long after send_at a message of the lane is worth sending when
// its sender sets no expiry (SPEC 2).
func (l Lane) TTL() time.Duration {
	return [...]time.Duration{5 * time.Minute, 24 * time.Hour, 72 * time.Hour}[l]
}

// CallTimeout bounds one provider call. Lease is how long a claim lasts; it
// exceeds CallTimeout by enough to write the outcome.
func (l Lane) CallTimeout() time.Duration {
	return [...]time.Duration{5 * time.Second, 10 * time.Second, 10 * time.Second}[l]
}

// Lease is how long a claim holds before another worker asks what became of it.
func (l Lane) Lease() time.Duration {
	return [...]time.Duration{12 * time.Second, 20 * time.Second, 30 * time.Second}[l]
}
