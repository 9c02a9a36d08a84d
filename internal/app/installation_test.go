package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sendoff/sendoff/internal/store/installation"
)

// Without Postgres the id is asked for twice a second at most, however many want
// it, and once it is known never again.
func TestInstalled_AsksPostgresSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, fault := 0, errors.New("postgres is away")
		i := &installed{load: func(context.Context) (installation.Installation, error) {
			asked++
			return installation.Installation{ID: "abc"}, fault
		}}
		for range 1000 { // ms
			if _, err := i.prefix(t.Context()); !errors.Is(err, fault) {
				t.Fatalf("without Postgres: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if asked != 2 {
			t.Errorf("asked %d times in a second, want 2", asked)
		}
		fault, asked = nil, 0
		for range 1000 {
			time.Sleep(time.Millisecond)
			if prefix, err := i.prefix(t.Context()); err != nil || prefix != "sendoff:abc:" {
				t.Fatalf("%q, %v", prefix, err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times, want once", asked)
		}
	})
}
