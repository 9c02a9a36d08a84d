package feeder

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sendoff/sendoff/worker/workertest"
)

// restarting is a Postgres that is away at times.
type restarting struct {
	Store
	away    func() bool
	expired []time.Time // when leases were ended
}

var errRestarts = errors.New("postgres restarts")

func (r *restarting) ExpireLeases(context.Context, [3]time.Duration) (int64, error) {
	if r.away() {
		return 0, errRestarts
	}
	r.expired = append(r.expired, time.Now())
	return 0, nil
}

func (r *restarting) TakeJob(context.Context, string, time.Duration) (bool, error) {
	if r.away() {
		return false, errRestarts
	}
	return true, nil
}

// After an outage leases stay for 20 s, so that workers can write what they hold;
// Postgres that restarts again and again holds them back for 40 s at most.
func TestLeases_AfterOutages_AreHeldBackForABoundedTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away        func(since time.Duration) bool
		first, last time.Duration // of the first end of leases from the first outage on
	}{
		"none":       {func(time.Duration) bool { return false }, 0, time.Second},
		"one of 3 s": {func(d time.Duration) bool { return d < 3*time.Second }, 22 * time.Second, 26 * time.Second},
		"one of five minutes": {
			func(d time.Duration) bool { return d < 5*time.Minute }, 5*time.Minute + 19*time.Second,
			5*time.Minute + 23*time.Second,
		},
		"five in a minute": {func(d time.Duration) bool {
			return d < time.Minute && d%(12*time.Second) < 2*time.Second
		}, 20 * time.Second, 45 * time.Second},
		"whenever it is asked": {func(d time.Duration) bool {
			return d < 2*time.Second || (d > 21*time.Second && d < 25*time.Second)
		}, 40 * time.Second, 45 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := &restarting{away: func() bool { return c.away(time.Since(began)) }}
				run := New(Options{Store: r, Log: workertest.Quiet()}).leases()
				for time.Since(began) < 6*time.Minute {
					_ = run(t.Context()) // away
					time.Sleep(time.Second)
				}
				if len(r.expired) == 0 {
					t.Fatal("leases never ended")
				}
				if at := r.expired[0].Sub(began); at < c.first || at > c.last {
					t.Errorf("leases ended after %s, want %s to %s", at, c.first, c.last)
				}
			})
		})
	}
}
