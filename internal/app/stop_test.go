package app

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// Steps that hang, as with a Postgres that does not answer, share the time of the
// whole stop, and each still gets a moment.
func TestStop_HangingSteps_EndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &parts{log: slog.New(slog.DiscardHandler), stopTime: serveStopTime}
		ran := 0
		for range 5 {
			p.onStop("hanging", 4*time.Second, func(ctx context.Context) error {
				ran++
				<-ctx.Done()
				return ctx.Err()
			})
		}
		began := time.Now()
		if err := p.stop(); err == nil {
			t.Error("a step that hung is no error")
		}
		if took := time.Since(began); ran != 5 || took > serveStopTime+3*leastStep {
			t.Errorf("%d steps in %s", ran, took)
		}
	})
}
