package worker

import (
	"time"

	"github.com/sendoff/sendoff/internal/limit"
)

// mostAhead bounds ahead on slow channels.
const mostAhead = 50 * time.Millisecond

// ahead returns how long before its slot a call of otp may start: one interval, so that
// it does not wait for the slot that it takes from others. The slots around it stay where
// they are, so there are no more calls. Intervals below a millisecond are too short for
// timers anyway.
func ahead(interval time.Duration) time.Duration {
	if interval < time.Millisecond {
		return 0
	}
	return min(interval, mostAhead)
}

// begun has the times of the newest calls of a line, oldest first: as many as a second may
// have of them at most.
type begun []time.Time

// inSecond returns how many calls a second may have: the rate and one more, as the limiter
// has it.
func inSecond(interval time.Duration) int { return int(limit.PerSecond(interval)) + 1 }

// add notes that a call starts.
func (b *begun) add(interval time.Duration) {
	if ahead(interval) == 0 {
		*b = nil
		return
	}
	*b = append((*b)[max(0, len(*b)+1-inSecond(interval)):], time.Now())
}

// earliest returns when a call may start whose slot is at a time: ahead of it as long as
// the second before has room.
func (b begun) earliest(at time.Time, interval time.Duration) time.Time {
	from := at.Add(-ahead(interval))
	if most := inSecond(interval); len(b) >= most {
		if room := b[len(b)-most].Add(time.Second); room.After(from) {
			from = room
		}
	}
	if from.After(at) {
		return at
	}
	return from
}
