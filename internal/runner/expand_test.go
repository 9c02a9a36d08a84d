package runner

import (
	"testing"
	"time"
)

// A campaign that its channel holds is looked at again when there is room for a page, in a
// second at the latest, whatever becomes of the messages that are unfinished.
func TestRefillIn_RoomForAPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		window, room int
		rate         float64
		want         time.Duration
	}{
		{1000, 0, 200, time.Second},
		{1000, 150, 200, 250 * time.Millisecond},
		{1000, 400, 200, 100 * time.Millisecond},
		{5000, 0, 10_000, 100 * time.Millisecond},
		{5000, -100, 1000, 600 * time.Millisecond},
		{20, 0, 0.2, time.Second},
		{20, 0, 0, time.Second},
	} {
		if got := refillIn(c.window, c.room, c.rate); got != c.want {
			t.Errorf("window %d, room %d, rate %v: %v, want %v", c.window, c.room, c.rate, got, c.want)
		}
	}
}
