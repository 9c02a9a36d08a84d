package store

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// later is a draft that is scheduled for in that time.
func (f *fixture) later(in time.Duration) Accept {
	a := f.draft("+15550000001")
	a.SendAt = time.Now().Add(in)
	return a
}

// change changes a message that must be scheduled.
func (f *fixture) change(t *testing.T, id dispatch.ID, e Edit) error {
	t.Helper()
	done, err := f.Reschedule(t.Context(), id, e)
	if err == nil && !done {
		t.Fatal("the message is not scheduled")
	}
	return err
}

// The fallback that follows when no delivery came in time is counted from the
// new time to send, wherever the message waits.
func TestReschedule_SendAt_MovesTheFallback(t *testing.T) {
	t.Parallel()
	f := open(t)
	times := []time.Duration{time.Minute, 2 * time.Hour, 3 * time.Minute, time.Hour}
	for i, in := range times {
		a := f.later(in)
		a.Fallback, a.FallbackAfter = `[{"type":"text","text":{"body":"x"}}]`, 10*time.Second
		id := f.accept(t, a)[0]
		at := time.Now().Add(times[(i+1)%len(times)])
		must(t, f.change(t, id, Edit{SendAt: &at}))
		var after float64
		must(t, f.db.GetContext(t.Context(), &after, `SELECT extract(epoch FROM f.wake_at - m.send_at)::float8 FROM fallbacks f JOIN messages m ON m.id = f.message_id WHERE m.id = $1::uuid AND m.send_at = $2`, id.String(), at))
		if after != 10 {
			t.Errorf("from %v to %v: the fallback comes %v s after send_at, want 10", in, times[(i+1)%len(times)], after)
		}
	}
	f.invariants(t)
}
