package dispatch

import "time"

// Lane is the priority of a message. Lanes do not wait for each other.
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

// SlowAfter is how long after its time a message is sent that counts as slow, unless it
// is bulk.
const SlowAfter = 30 * time.Second

// String returns the name used in the API, in Redis and in metrics.
func (l Lane) String() string { return laneNames[l] }

// ParseLane returns the lane of that name, or false.
func ParseLane(name string) (Lane, bool) {
	for i, n := range laneNames {
		if n == name {
			return Lane(i), true
		}
	}
	return 0, false
}

// TTL returns how long after send_at a message of the lane expires if its
// sender sets no expiry.
func (l Lane) TTL() time.Duration {
	return [...]time.Duration{5 * time.Minute, 24 * time.Hour, 72 * time.Hour}[l]
}

// CallTimeout returns the longest duration of one provider call.
func (l Lane) CallTimeout() time.Duration {
	return [...]time.Duration{5 * time.Second, 10 * time.Second, 10 * time.Second}[l]
}

// Lease returns how long a claim is valid. It exceeds CallTimeout by the time
// that storing the outcome may take. After it another worker resolves the
// outcome.
func (l Lane) Lease() time.Duration {
	return [...]time.Duration{12 * time.Second, 20 * time.Second, 30 * time.Second}[l]
}
