package drill

import (
	"fmt"
	"time"
)

// wayScenarios are faults of what lies between the parts: the network, a replica that
// stands still, and the clock.
func wayScenarios() []Scenario {
	return []Scenario{
		{
			Name: "replica-hangs", Fault: "SIGSTOP of one of two serve and one of two work for 20 seconds",
			Seen: "requests without an answer until the client or balancer takes the other serve; messages go out meanwhile", run: replicaHangs,
		},
		{
			Name: "redis-away", Fault: "no way to Redis for most of a minute, a third of the messages being one-time passwords",
			Seen: "nothing: messages go out from Postgres meanwhile", run: redisAway,
		},
		{
			Name: "postgres-far", Fault: "answers of Postgres take 200 ms for 10 seconds, then 1 % of them are lost with their connection for 10",
			Seen: "slower answers, then a 503 for some requests; a repeat with the same Idempotency-Key makes no copy", run: postgresFar,
		},
		{
			Name: "clock-steps", Fault: "the clock of Postgres steps 60 seconds ahead, twice",
			Seen: "calls that are open are maybe_sent until their receipt comes", run: clockSteps,
		},
	}
}

// replicaHangs has one of two front doors and one of two workers stand still: the
// others go on.
func replicaHangs(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	s.Launch("work2", "work")
	second := freeAddress(s.t)
	s.Launch("serve2", "serve", "--listen", second)
	s.fronts = []string{s.Dev.BaseURL, "http://" + second}
	Until(s.t, 30*time.Second, "the second serve is ready", func() error { return s.Get(s.fronts[1]+"/readyz", nil) })
	x := s.SendMany(o.Messages)
	x.During([]int{40}, func() {
		before, sent := x.accepted.Load(), s.sentSince(0)
		s.hang([]int{s.Serve.PID(), s.Work.PID()}, 20*time.Second)
		if n := x.accepted.Load(); n < int64(o.Messages)*9/10 {
			s.t.Errorf("%d messages accepted before the pause, %d at its end: the other serve does not go on", before, n)
		}
		if n := s.sentSince(0); n < o.Messages*3/4 {
			s.t.Errorf("%d messages sent before the pause, %d at its end: the other work does not go on", sent, n)
		}
	})
	return x.once(1+unknownRetries, "delivered", "unknown")
}

// sentSince returns how many messages that were accepted in the last d, or ever, have
// been sent.
func (s *Stack) sentSince(d time.Duration) (n int) {
	s.t.Helper()
	Until(s.t, 30*time.Second, "count what is sent", func() error {
		return s.DB.QueryRow(`SELECT count(*) FROM messages WHERE sent_at IS NOT NULL
			AND ($1 = 0 OR created_at > now() - make_interval(secs => $1))`, d.Seconds()).Scan(&n)
	})
	return n
}

// redisAway cuts the way to Redis: one-time passwords have five minutes, and none
// expires.
func redisAway(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	way := s.linked("SENDOFF_REDIS_URL", s.Dev.RedisURL, o.Seed)
	s.lasts, s.passwords = time.Minute, 3
	x := s.SendMany(o.Messages)
	x.During([]int{10}, func() {
		way.cutNow()
		x.reach(0.85)
		if n := s.sentSince(0); n < o.Messages/2 {
			s.t.Errorf("%d of %d accepted messages sent while Redis was away", n, x.accepted.Load())
		}
		way.cut.Store(false)
		if way.refused.Load() == 0 {
			s.t.Errorf("nobody looked for Redis while it was away")
		}
	})
	return x.once(1+unknownRetries, "delivered")
}

// postgresFar has every answer of Postgres come late, then some never.
func postgresFar(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	way := s.linked("SENDOFF_POSTGRES_URL", s.Dev.PostgresURL, o.Seed)
	s.lasts = 40 * time.Second
	x := s.SendMany(o.Messages)
	x.During([]int{10}, func() {
		before := x.accepted.Load()
		way.delay.Store(int64(200 * time.Millisecond))
		s.pass(10 * time.Second)
		if n := x.accepted.Load(); n == before {
			s.t.Errorf("nothing was accepted at 200 ms")
		}
		way.delay.Store(0)
		way.lose(0.01)
		s.pass(10 * time.Second)
		way.lose(0)
		if way.lost.Load() == 0 {
			s.t.Errorf("no answer was lost")
		}
		s.t.Logf("%d answers lost", way.lost.Load())
	})
	return x.once(1+unknownRetries, "delivered")
}

// clockSteps moves every time that dispatch goes by 60 seconds back, which is a step of
// Postgres' clock ahead: all leases run out while their calls are open.
func clockSteps(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":2000}`)
	x := s.SendMany(o.Messages)
	x.During([]int{30, 80}, func() {
		for _, statement := range []string{
			`UPDATE dispatch SET wake_at = wake_at - interval '60 s', due_at = due_at - interval '60 s', expires_at = expires_at - interval '60 s'`,
			`UPDATE jobs SET next_at = next_at - interval '60 s'`,
			`UPDATE instances SET seen_at = seen_at - interval '60 s'`,
			`UPDATE webhook_deliveries SET wake_at = wake_at - interval '60 s'`,
		} {
			Until(s.t, 30*time.Second, "the clock steps", func() error { _, err := s.DB.Exec(statement); return err })
		}
		Until(s.t, 15*time.Second, "leases run out", func() error {
			var n int
			err := s.DB.QueryRow(`SELECT count(*) FROM attempts WHERE detail LIKE 'lease ran out%'`).Scan(&n)
			if err == nil && n == 0 {
				err = fmt.Errorf("%d leases", n)
			}
			return err
		})
	})
	r := x.Check(1+unknownRetries, "delivered", "unknown")
	if r.MaybeSent == 0 {
		s.t.Errorf("no message is maybe_sent: the step hit no open call")
	}
	return r
}
