package dispatch

import (
	"testing"
	"time"
)

// A message that is not found is late once no commit can bring it any more.
func TestStatusUpdate_Late(t *testing.T) {
	t.Parallel()
	id := NewID()
	for _, c := range []struct {
		id    ID
		after time.Duration
		want  bool
	}{
		{id, time.Minute, false},
		{id, 23 * time.Hour, false},
		{id, 25 * time.Hour, true},
		{NoID, 25 * time.Hour, false},
	} {
		u := StatusUpdate{ID: c.id}
		if got := u.Late(time.Now().Add(c.after)); got != c.want {
			t.Errorf("%s after %s: %v, want %v", c.id, c.after, got, c.want)
		}
	}
}
