//go:build fault

package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// A worker that is stopped for longer than its leases, and then goes on, makes no
// call for a claim that another one has taken over.
func TestWorkPaused_LongerThanItsLeases_SendsNothingThatWasTakenOver(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":50}`)
	paused := s.work
	s.work = s.launch("work2", "work")
	x := s.send()
	x.during([]int{40}, func() { paused.signal(syscall.SIGSTOP) })
	until(t, settleLimit, "all messages final without the paused worker", func() error { return x.settled([]string{"delivered", "unknown"}) })
	before := total(x.emulatorCounts())
	paused.signal(syscall.SIGCONT)
	until(t, time.Minute, "the paused worker lives", func() error {
		var live int
		err := s.db.QueryRow(`SELECT count(*) FROM instances WHERE role = 'work' AND seen_at > now() - interval '6 seconds'`).Scan(&live)
		if err == nil && live != 2 {
			err = fmt.Errorf("%d workers alive", live)
		}
		return err
	})
	paused.terminate(30 * time.Second) // what it had in hand is over
	x.check(1+unknownRetries, "delivered", "unknown")
	// Calls that were on their way when it stopped had arrived by then.
	if after := total(x.emulatorCounts()); after != before {
		t.Errorf("%d calls before, %d after the pause", before, after)
	}
}

// total sums counts.
func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Webhooks go on soon after the worker that delivers them is killed, each event
// with one id.
func TestWebhookDelivererKilled_EventsComeOnceAndInSequence(t *testing.T) {
	s := start(t)
	r := s.receive()
	x := s.send()
	x.during([]int{20, 50, 80}, func() {
		s.work.kill()
		s.startWork()
	})
	x.check(1+unknownRetries, "delivered", "unknown")
	r.check(x)
	s.events()
	if most := 45 * time.Second; r.longest > most { // notes/protocol.md: 26 s, on a busy machine
		t.Errorf("webhooks paused for %s, at most %s are allowed", r.longest, most)
	}
}

func TestPostgresRestarts_FiveTimesInAMinute_LosesNothing(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":20}`)
	x := s.send()
	began := time.Now()
	x.during([]int{10, 30, 50, 70, 90}, s.crashPostgres)
	t.Logf("five restarts in %.0f s", time.Since(began).Seconds())
	x.check(1+unknownRetries, "delivered", "unknown")
	s.events()
}

// seed returns the seed of the random faults: a new one, or that of the environment
// to repeat a run.
func seed(t *testing.T) uint64 {
	text := os.Getenv("SENDOFF_FAULT_SEED")
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Faults of every kind at random moments: the promises hold, and what customers are
// told of a message comes in its sequence and once.
func TestRandomFaults_EventsComeOnceAndInSequence(t *testing.T) {
	s := start(t)
	s.configure(`{"latency_ms":20,"error_rate":0.01,"reset_rate":0.005,"timeout_rate":0.002,"throttle_rate":0.01}`)
	r := s.receive()
	n := seed(t)
	random := rand.New(rand.NewPCG(n, n))
	t.Logf("SENDOFF_FAULT_SEED=%d SENDOFF_FAULT_MESSAGES=%d", n, messages)
	faults := []func(){
		func() { s.work.kill(); s.startWork() },
		func() { s.serve.kill(); s.startServe() },
		s.crashPostgres,
		s.wipeRedis,
		func() { s.pauseWork(time.Duration(random.IntN(25)) * time.Second) },
	}
	x := s.send()
	var at []int
	for p := 3 + random.IntN(10); p < 95; p += 5 + random.IntN(15) {
		at = append(at, p)
	}
	for _, p := range at {
		x.reach(p)
		if x.accepted.Load() < int64(messages) {
			faults[random.IntN(len(faults))]()
		}
	}
	<-x.done
	x.check(1+unknownRetries, "delivered", "unknown", "failed")
	r.check(x)
	s.events()
	t.Log("attempts without a good end:", s.reasons())
}

// pauseWork stops the worker for d, while a second one works.
func (s *stack) pauseWork(d time.Duration) {
	s.t.Helper()
	old := s.work
	old.signal(syscall.SIGSTOP)
	s.startWork()
	over := time.Now().Add(d)
	until(s.t, d+time.Minute, "the pause is over", func() error {
		if time.Now().Before(over) {
			return errors.New("not yet")
		}
		return nil
	})
	old.signal(syscall.SIGCONT)
	old.terminate(30 * time.Second)
}
