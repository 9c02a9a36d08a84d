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
			Name: "postgres-far", Fault: "answers of Postgres take 200 ms for 10 seconds, then 5 % of them are lost with their connection for 10",
			Seen: "slower answers, then a 503 for some requests; a repeat with the same Idempotency-Key makes no copy", run: postgresFar,
		},
		{
			Name: "clock-steps", Fault: "the clock of Postgres steps 60 seconds ahead, and later back",
			Seen: "calls that are open are maybe_sent until their receipt comes; what is unsent at the step back waits for so long", run: clockSteps,
		},
	}
}

// replicaHangs has one of two front doors and one of two workers stand still: the
// others go on.
func replicaHangs(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	s.alive("work", 1)
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
		way.lose(0.05)
		s.pass(10 * time.Second)
		way.lose(0)
		if way.lost.Load() == 0 {
			s.t.Errorf("no answer was lost")
		}
		s.t.Logf("%d answers lost", way.lost.Load())
	})
	x.noFaults()
	if x.repeats.Load() == 0 {
		s.t.Errorf("no request was ever repeated: the losses hit none")
	}
	r := x.once(1+unknownRetries, "delivered")
	if r.MaybeSent > 0 {
		s.t.Errorf("%d messages maybe_sent: whose claim or result was lost is asked for again", r.MaybeSent)
	}
	return r
}

// clockSteps has Postgres' clock step ahead, by which all leases run out while their
// calls are open, and later back.
func clockSteps(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":2000}`)
	step := s.steppingClock()
	x := s.SendMany(o.Messages)
	ahead := []string{"60 s", "0 s"}
	x.During([]int{30, 80}, func() {
		step(ahead[s.made])
		if s.made > 0 {
			return
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
	r := x.once(1+unknownRetries, "delivered", "unknown")
	if r.MaybeSent == 0 {
		s.t.Errorf("no message is maybe_sent: the step hit no open call")
	}
	return r
}

// steppingClock has serve and work see a clock of Postgres that step sets so much ahead
// of the real one. Every time of Sendoff's comes from statements and defaults of columns,
// so it is enough that these find functions of our own before Postgres'. It starts both anew.
func (s *Stack) steppingClock() (step func(ahead string)) {
	s.t.Helper()
	s.Work.Terminate(30 * time.Second)
	s.Serve.Terminate(30 * time.Second)
	for _, statement := range []string{
		`CREATE SCHEMA drill`,
		`CREATE TABLE drill.clock AS SELECT interval '0' AS ahead`,
		`DO $do$ DECLARE name text; c record; BEGIN
			FOREACH name IN ARRAY ARRAY['now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp'] LOOP
				EXECUTE format('CREATE FUNCTION drill.%I() RETURNS timestamptz LANGUAGE sql %s AS $f$
					SELECT pg_catalog.%1$I() + ahead FROM drill.clock $f$', name, CASE name WHEN 'clock_timestamp' THEN 'VOLATILE' ELSE 'STABLE' END);
			END LOOP;
			FOR c IN SELECT d.adrelid::regclass AS table, a.attname AS name, pg_get_expr(d.adbin, d.adrelid) AS value
				FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
				WHERE pg_get_expr(d.adbin, d.adrelid) ~ '\mnow\(\)' LOOP
				EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', c.table, c.name,
					regexp_replace(c.value, '\mnow\(\)', 'drill.now()', 'g'));
			END LOOP;
			EXECUTE format('ALTER DATABASE %I SET search_path = drill, pg_catalog, public', current_database());
		END $do$`,
	} {
		if _, err := s.DB.Exec(statement); err != nil {
			s.t.Fatalf("prepare the clock: %v", err)
		}
	}
	s.StartServe()
	s.StartWork()
	return func(ahead string) {
		if _, err := s.DB.Exec(`UPDATE drill.clock SET ahead = $1::text::interval`, ahead); err != nil {
			s.t.Fatalf("step the clock: %v", err)
		}
	}
}
