package drill

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"syscall"
	"time"
)

// unknownRetries is U of the normal lane: the number of further attempts after
// an unknown outcome.
const unknownRetries = 1

// Scenario is a fault, with what Sendoff must do about it.
type Scenario struct {
	Name  string `json:"name"`
	Fault string `json:"fault"` // what is done
	Seen  string `json:"seen"`  // what a user sees of it
	run   func(s *Stack, o Options) Result
}

// Scenarios returns all of them but the long one.
func Scenarios() []Scenario {
	return slices.Concat(processScenarios(), serverScenarios(), wayScenarios(), diskScenarios(), providerScenarios(), []Scenario{{
		Name: "mixed", Fault: "kills, pauses, crashes and wipes at random, with a provider that fails, throttles and times out",
		Seen: "all of the above", run: mixed,
	}})
}

// seeded are the scenarios whose faults depend on Options.Seed.
var seeded = []string{"postgres-far", "mixed"}

// Seeded reports whether the faults of the scenario depend on the seed.
func (c Scenario) Seeded() bool { return slices.Contains(seeded, c.Name) }

// processScenarios end or stop Sendoff's own processes, and empty what they use.
func processScenarios() []Scenario {
	return []Scenario{
		{
			"redis-wiped", "FLUSHALL seven times, a third of the messages being one-time passwords",
			"nothing: what waited in Redis comes from Postgres again within seconds",
			func(s *Stack, o Options) Result {
				s.Configure(`{"latency_ms":20}`)
				s.passwords = 3 // the others wait in Postgres, in pages
				x := s.SendMany(o.Messages)
				x.During([]int{10, 20, 35, 50, 65, 80, 95}, s.wipeRedis)
				return x.once(1+unknownRetries, "delivered")
			},
		},
		{
			"work-killed", "kill -9 of the worker, five times", "calls that were open are maybe_sent until their receipt comes",
			func(s *Stack, o Options) Result {
				s.Configure(`{"latency_ms":50}`)
				x := s.SendMany(o.Messages)
				x.During([]int{15, 35, 55, 75, 95}, s.killWork)
				return x.Check(1+unknownRetries, "delivered", "unknown")
			},
		},
		{
			"work-killed-silent-provider", "kill -9 of the worker three times; the provider sends no receipts",
			"calls that were open are tried once more; every possible copy is maybe_sent", silentProvider,
		},
		{
			"backlog-killed", "kill -9 of the worker, seven times, while a backlog drains that came in one request",
			"calls that were open are maybe_sent until their receipt comes", backlogKilled,
		},
		{
			"serve-killed", "kill -9 of the front door, five times", "refused connections; a repeat with the same Idempotency-Key makes no copy",
			func(s *Stack, o Options) Result {
				x := s.SendMany(o.Messages)
				x.During([]int{15, 35, 55, 75, 95}, s.killServe)
				if x.repeats.Load() == 0 {
					s.t.Errorf("no request was ever repeated: the kills hit nothing")
				}
				return x.once(1+unknownRetries, "delivered")
			},
		},
		{
			"postgres-crashes", "an immediate stop of Postgres, three times", "503 with Retry-After for some seconds",
			func(s *Stack, o Options) Result {
				s.Configure(`{"latency_ms":20}`)
				x := s.SendMany(o.Messages)
				x.During([]int{20, 50, 80}, s.crashPostgres)
				return x.Check(1+unknownRetries, "delivered")
			},
		},
		{
			"postgres-restarts", "five immediate stops of Postgres within a minute", "503 with Retry-After for some seconds, five times",
			func(s *Stack, o Options) Result {
				s.Configure(`{"latency_ms":20}`)
				x := s.SendMany(o.Messages)
				x.During([]int{10, 30, 50, 70, 90}, s.crashPostgres)
				r := x.Check(1+unknownRetries, "delivered", "unknown")
				s.events()
				return r
			},
		},
		{"work-paused", "SIGSTOP of a worker for longer than its leases, then SIGCONT", "nothing: another worker takes over", workPaused},
		{
			"webhooks-killed", "kill -9 of the worker that delivers webhooks, three times",
			"webhooks pause for up to 26 s; none is missing, each keeps its id",
			webhooksKilled,
		},
		{
			"rolling-restart", "SIGTERM of two work and two serve, replaced one by one, three times", "nothing: no error, no copy",
			rollingRestart,
		},
	}
}

// long is the scenario of Options.Long.
func long() Scenario {
	return Scenario{
		Name: "long", Fault: "at least 60 faults of every kind at random, with a provider that fails, throttles and times out",
		Seen: "all of the above", run: mixed,
	}
}

// once is Check for faults that must make no copy.
func (x *Sending) once(most int, finals ...string) Result {
	r := x.Check(most, finals...)
	if r.Duplicates > 0 {
		x.t.Errorf("%d duplicates: this fault makes none", r.Duplicates)
	}
	return r
}

// Without callbacks the outcome of calls that a killed worker had open stays
// unknown: policy allows one more attempt, and the copies are visible.
func silentProvider(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":100,"callbacks":false}`)
	x := s.SendMany(o.Messages)
	x.During([]int{20, 50, 80}, s.killWork)
	r := x.Check(1+unknownRetries, "sent", "unknown")
	// At 100 ms a call, with dozens open at any moment, no kill falls between calls.
	if r.Duplicates == 0 || r.MaybeSent < r.Duplicates {
		s.t.Errorf("%d duplicates, %d messages maybe_sent: the kills hit no open call", r.Duplicates, r.MaybeSent)
	}
	return r
}

// A backlog waits in pages, and each kill leaves claims of them.
func backlogKilled(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":50}`)
	s.Ask(http.MethodPatch, "/v1/channels/1", "application/json", []byte(`{"policy":{"rate":1000,"concurrency":200}}`), nil)
	s.Work.Kill()
	x := s.SendBatch(o.Messages)
	var paged int
	if err := s.DB.QueryRow(`SELECT coalesce(sum(n), 0) FROM backlog`).Scan(&paged); err != nil || paged < o.Messages/2 {
		s.t.Errorf("%d of %d messages wait in pages, %v", paged, o.Messages, err)
	}
	s.StartWork()
	for i := range 7 {
		Until(s.t, settleLimit, "a part of the backlog is sent", func() error {
			if n := s.sentSince(0); n < o.Messages*(i+1)/10 {
				return fmt.Errorf("%d of %d", n, o.Messages)
			}
			return nil
		})
		s.killWork()
		s.made++
	}
	return x.Check(1+unknownRetries, "delivered", "unknown")
}

// A worker that is stopped for longer than its leases, and then goes on, makes no
// call for a claim that another one has taken over.
func workPaused(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":50}`)
	paused := s.Work
	s.Work = s.Launch("work2", "work")
	x := s.SendMany(o.Messages)
	x.During([]int{40}, func() { paused.Signal(syscall.SIGSTOP) })
	finals := []string{"delivered", "unknown"}
	Until(s.t, settleLimit, "all messages final without the paused worker", func() error { return x.settled(finals) })
	before := total(x.emulatorCounts())
	paused.Signal(syscall.SIGCONT)
	s.alive("work", 2)
	paused.Terminate(30 * time.Second) // what it had in hand is over
	r := x.Check(1+unknownRetries, finals...)
	// Calls that were on their way when it stopped had arrived by then.
	if after := total(x.emulatorCounts()); after != before {
		s.t.Errorf("%d calls before, %d after the pause", before, after)
	}
	return r
}

// alive waits until so many processes of a role are.
func (s *Stack) alive(role string, n int) {
	s.t.Helper()
	Until(s.t, time.Minute, fmt.Sprintf("%d %s live", n, role), func() error {
		var live int
		err := s.DB.QueryRow(`SELECT count(*) FROM instances WHERE role = $1 AND seen_at > now() - interval '6 seconds'`, role).Scan(&live)
		if err == nil && live != n {
			err = fmt.Errorf("%d alive", live)
		}
		return err
	})
}

// Webhooks go on soon after the worker that delivers them is killed, each event
// with one id.
func webhooksKilled(s *Stack, o Options) Result {
	hook := s.receive()
	x := s.SendMany(o.Messages)
	x.During([]int{20, 50, 80}, s.killWork)
	r := x.Check(1+unknownRetries, "delivered", "unknown")
	hook.check(x)
	s.events()
	if most := 45 * time.Second; hook.longest > most { // 26 s, on a busy machine
		s.t.Errorf("webhooks paused for %s, at most %s are allowed", hook.longest, most)
	}
	return r
}

// rollingRestart replaces two work and two serve one by one, behind a balancer that
// takes the other serve when a connection is refused, and repeats nothing else.
func rollingRestart(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":50}`)
	second := freeAddress(s.t)
	addresses := []string{s.Dev.BaseURL, "http://" + second}
	startServe := func(i int) *Process {
		var other []string
		if i == 1 {
			other = []string{"--listen", second}
		}
		p := s.Launch(fmt.Sprintf("serve%d", i+1), append([]string{"serve"}, other...)...)
		Until(s.t, 30*time.Second, "serve ready", func() error { return s.Get(addresses[i]+"/readyz", nil) })
		return p
	}
	serve, work := []*Process{s.Serve, startServe(1)}, []*Process{s.Work, s.Launch("work2", "work")}
	s.alive("work", 2)
	s.fronts, s.strict, s.lasts, s.most = addresses, true, 40*time.Second, 500
	x := s.SendMany(o.Messages)
	x.During([]int{10, 40, 70}, func() {
		var longest time.Duration
		for i, old := range work {
			old.Old()
			longest = max(longest, old.Terminate(10*time.Second))
			work[i] = s.Launch(fmt.Sprintf("work%d", i+1), "work")
			work[i].Old()
		}
		for i, old := range serve {
			old.Old()
			longest = max(longest, old.Terminate(10*time.Second))
			serve[i] = startServe(i)
		}
		s.t.Logf("the slowest of two work and two serve took %.1f s to stop", longest.Seconds())
	})
	r := x.once(1, "delivered")
	if r.MaybeSent > 0 {
		s.t.Errorf("%d messages maybe_sent: a drained worker leaves none", r.MaybeSent)
	}
	if r.Repeats == 0 {
		s.t.Errorf("no connection was refused: the restarts hit nothing")
	}
	return r
}

// moments returns when faults happen, as shares of the send, with a mean distance.
func moments(random *rand.Rand, distance float64) (out []float64) {
	for at := 0.02 + distance*random.Float64(); at < 0.95; at += distance * (0.5 + random.Float64()) {
		out = append(out, at)
	}
	return out
}

// mixed makes faults of every kind at random moments: the promises hold, and what
// customers are told of a message comes in its sequence and once.
func mixed(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20,"error_rate":0.01,"reset_rate":0.005,"timeout_rate":0.002,"throttle_rate":0.01}`)
	hook := s.receive()
	random := rand.New(rand.NewPCG(o.Seed, o.Seed))
	faults := []struct {
		name string
		make func()
	}{
		{"kill -9 of work", s.killWork},
		{"kill -9 of serve", s.killServe},
		{"an immediate stop of Postgres", s.crashPostgres},
		{"FLUSHALL", s.wipeRedis},
		{"SIGSTOP of work", func() { s.pauseWork(time.Duration(random.IntN(25)) * time.Second) }},
	}
	x := s.SendMany(o.Messages)
	for _, at := range moments(random, o.every()) {
		x.reach(at)
		f := faults[random.IntN(len(faults))]
		s.t.Logf("%d of %d accepted: %s", x.accepted.Load(), x.n, f.name)
		f.make()
		s.made++
	}
	<-x.done
	r := x.Check(1+unknownRetries, "delivered", "unknown", "failed")
	hook.check(x)
	s.events()
	return r
}
