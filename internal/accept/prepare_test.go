package accept

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A time that has passed means now, unless the dialect says how long it may.
func TestTimes_SendAtThatHasPassed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ago, grace time.Duration
		refused    bool
	}{
		"native":       {ago: 24 * time.Hour},
		"now":          {grace: time.Minute},
		"within grace": {ago: time.Minute, grace: time.Minute},
		"beyond it":    {ago: time.Minute + time.Second, grace: time.Minute, refused: true},
	} {
		var faults dispatch.Faults
		p := &prepared{}
		p.Message = &dispatch.Message{}
		times(&dispatch.Draft{SendAt: now.Add(-c.ago), SendGrace: c.grace}, p, now, &faults)
		if refused := faults.Err() != nil; refused != c.refused || !p.SendAt.IsZero() {
			t.Errorf("%s: %v, to be sent at %v", name, faults, p.SendAt)
		}
	}
}
