// Package wait lets tests wait for a condition instead of for a time.
package wait

import (
	"errors"
	"testing"
	"time"
)

const (
	// patience is for conditions that should hold within a second: the machine may be
	// busy.
	patience = time.Minute
	// often is the interval at which a condition is checked.
	often = 10 * time.Millisecond
)

// Until waits until ok returns true. It ends the test after patience.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	For(t, patience, func() error {
		if !ok() {
			return errors.New("waited in vain until " + what)
		}
		return nil
	})
}

// For waits until f returns nil. It ends the test after most, with f's last
// error.
func For(t testing.TB, most time.Duration, f func() error) {
	t.Helper()
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C: // of a machine that stood still it says nothing
			if err = f(); err != nil {
				t.Fatalf("not within %v: %v", most, err)
			}
			return
		case <-tick.C:
		}
	}
}
