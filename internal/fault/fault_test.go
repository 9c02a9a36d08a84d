//go:build fault

package fault

import (
	"context"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
)

// unknownRetries is U of the normal lane: the number of further attempts after
// an unknown outcome.
const unknownRetries = 1

// wipeRedis empties Redis.
func (s *stack) wipeRedis() {
	s.t.Helper()
	rc, err := queue.Open(s.dev.RedisURL, 2)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rc.Close() }()
	if err := rc.FlushAll(context.Background()).Err(); err != nil {
		s.t.Errorf("flushall: %v", err)
	}
}

func TestRedisWiped_LosesNothing(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":20}`)
	x := s.send()
	x.during([]int{10, 20, 35, 50, 65, 80, 95}, s.wipeRedis)
	if r := x.check(1+unknownRetries, "delivered"); r.duplicates > 0 {
		t.Errorf("%d duplicates: a wiped queue makes none", r.duplicates)
	}
}

func TestWorkKilled_LosesNothing(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":50}`)
	x := s.send()
	x.during([]int{15, 35, 55, 75, 95}, func() {
		s.work.kill()
		s.startWork()
	})
	x.check(1+unknownRetries, "delivered", "unknown")
	t.Log("attempts without a good end:", s.reasons())
}

// Without callbacks the outcome of calls that a killed worker had open stays
// unknown: policy allows one more attempt, and the copies are visible.
func TestWorkKilled_SilentProvider_DuplicatesAreVisible(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":100,"callbacks":false}`)
	x := s.send()
	x.during([]int{20, 50, 80}, func() {
		s.work.kill()
		s.startWork()
	})
	// At 100 ms a call, with dozens open at any moment, no kill falls between calls.
	if r := x.check(1+unknownRetries, "sent", "unknown"); r.duplicates == 0 || r.maybeSent < r.duplicates {
		t.Errorf("%d duplicates, %d messages maybe_sent: the kills hit no open call", r.duplicates, r.maybeSent)
	}
	t.Log("attempts without a good end:", s.reasons())
}

func TestServeKilled_ClientRepeats_LosesNothing(t *testing.T) {
	s := start(t)
	x := s.send()
	x.during([]int{15, 35, 55, 75, 95}, func() {
		s.serve.kill()
		s.startServe()
	})
	if r := x.check(1+unknownRetries, "delivered"); r.duplicates > 0 {
		t.Errorf("%d duplicates: a repeat with the same Idempotency-Key makes none", r.duplicates)
	}
	if x.repeats.Load() == 0 {
		t.Error("no request was ever repeated: the kills hit nothing")
	}
}

func TestPostgresCrashes_LosesNothing(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":20}`)
	x := s.send()
	x.during([]int{20, 50, 80}, s.crashPostgres)
	x.check(1+unknownRetries, "delivered")
	t.Log("attempts without a good end:", s.reasons())
}

func TestRollingRestart_LosesNothingAndSendsNothingTwice(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":50}`)
	x := s.send()
	x.during([]int{15, 35, 55, 75, 95}, func() {
		old := s.work
		s.startWork()
		took := old.terminate(10 * time.Second)
		tookServe := s.serve.terminate(10 * time.Second)
		s.startServe()
		t.Logf("work drained in %.1f s, serve in %.1f s", took.Seconds(), tookServe.Seconds())
	})
	if r := x.check(1, "delivered"); r.maybeSent > 0 {
		t.Errorf("%d messages maybe_sent: a drained worker leaves none", r.maybeSent)
	}
}
