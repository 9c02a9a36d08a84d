package app

import (
	"net"
	"testing"
	"time"
)

// written notes the deadline of writes.
type written struct {
	net.Conn

	deadline time.Time
}

func (w *written) Write(b []byte) (int, error)        { return len(b), nil }
func (w *written) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

// Every write has a deadline of its own; that of a handler stands.
func TestPacedConn_Write_HasADeadline(t *testing.T) {
	t.Parallel()
	w := &written{}
	c := &pacedConn{Conn: w}
	write := func() time.Duration {
		t.Helper()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		return time.Until(w.deadline)
	}
	if left := write(); left < writeTime-5*time.Second || left > writeTime {
		t.Errorf("a write may take %v", left)
	}
	for at, want := range map[time.Duration]bool{time.Second: true, time.Hour: false} {
		if err := c.SetWriteDeadline(time.Now().Add(at)); err != nil {
			t.Fatal(err)
		}
		if left := write(); (left <= time.Second) != want {
			t.Errorf("a handler's deadline in %v became %v", at, left)
		}
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if left := write(); left > writeTime {
		t.Errorf("after a handler's: %v", left)
	}
}
