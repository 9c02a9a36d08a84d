// Package wait lets tests wait for a condition instead of for a time.
package wait

import (
	"errors"
	"testing"
	"time"
)

const (
	// patience is for what should take less than a second: the machine may be
	// busy.
	patience = 30 * time.Second
	// often is how often a condition is looked at.
	often = 10 * time.Millisecond
)

// Until asks ok until it is true, or fails the test with what it waited for.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	For(t, patience, func() error {
		if !ok() {
			return errors.New("waited in vain until " + what)
		}
		return nil
	})
}

// For asks f until it succeeds, or fails the test after most with what f said
// last.
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
		case <-deadline.C:
			t.Fatalf("not within %v: %v", most, err)
		case <-tick.C:
		}
	}
}
