package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// pick returns the quick or the full number.
func (s *stage) pick(quick, full int) int {
	n := full
	if s.o.Quick {
		n = quick
	}
	return max(1, n/max(1, s.o.divide))
}

// seconds returns the quick or the full time.
func (s *stage) seconds(quick, full int) time.Duration {
	d := time.Duration(full) * time.Second
	if s.o.Quick {
		d = time.Duration(quick) * time.Second
	}
	return d / time.Duration(max(1, s.o.divide))
}

// page is the number of messages of one NDJSON request.
func (s *stage) page() int { return 10_000 / max(1, s.o.divide) }

// backlog has at least n messages accepted, in NDJSON requests, and returns how
// many were.
func (s *stage) backlog(ctx context.Context, channel int64, lane string, n int) (accepted int, err error) {
	for accepted < n {
		if _, err := s.postBatch(ctx, channel, lane, s.sent, s.page()); err != nil {
			return accepted, err
		}
		accepted += s.page()
	}
	return accepted, nil
}

// stopWork and startWork keep the worker away while accept alone is measured.
func (s *stage) stopWork() { s.end(s.work) }

func (s *stage) startWork() (err error) {
	s.work, err = s.spawn("work")
	return err
}

func measureAccept(ctx context.Context, s *stage) error {
	d := s.seconds(3, 15)
	raw, err := s.rawEcho(ctx, http.MethodPost, 64, d)
	if err != nil {
		return err
	}
	if err := s.drained(ctx); err != nil {
		return err
	}
	s.stopWork()
	before := s.cpu()
	l, err := s.shootMessages(ctx, 64, d, s.base)
	if err != nil {
		return err
	}
	cpu := s.cpu().since(before, l.done)
	p50, p99 := l.p(.5), l.p(.99)
	s.add(Figure{
		Name: "accept", How: "one message a request, 64 connections", Raw: raw, RawIs: "bare echo answering 202",
		Value: l.rate(), Unit: "messages/s",
		Must: "0.20 x, p99 < 50 ms", Reach: l.rate() >= .2*raw && p99 < 50*time.Millisecond,
		Detail: fmt.Sprintf("p50 %s p99 %s", ms(p50), ms(p99)), CPU: cpu,
	})
	return s.drainAfter(ctx)
}

// drainAfter has what was accepted sent.
func (s *stage) drainAfter(ctx context.Context) error {
	if err := s.startWork(); err != nil {
		return err
	}
	return s.drained(ctx)
}

func measureBatch(ctx context.Context, s *stage) error {
	raw, err := s.rawCopy(ctx, s.pick(50_000, 100_000))
	if err != nil {
		return err
	}
	s.stopWork()
	n, runs := s.page(), s.pick(4, 10)
	var took time.Duration
	before := s.cpu()
	for range runs {
		t, err := s.postBatch(ctx, s.channels[0].ID, "bulk", s.sent, n)
		if err != nil {
			return err
		}
		took += t
	}
	rate, cpu := float64(n*runs)/took.Seconds(), s.cpu().since(before, n*runs)
	s.add(Figure{
		Name: "batch", How: fmt.Sprintf("NDJSON of %d", n), Raw: raw, RawIs: "COPY of the same rows", Value: rate, Unit: "messages/s",
		Must: "0.35 x", Reach: rate >= .35*raw, CPU: cpu,
	})
	if err := s.redisPerMessage(ctx); err != nil {
		return err
	}
	return s.drainAfter(ctx)
}

// redisPerMessage looks at what a waiting message costs in Redis, with the
// backlog of the batches waiting.
func (s *stage) redisPerMessage(ctx context.Context) error {
	waiting, err := s.waiting(ctx)
	if err != nil || waiting == 0 {
		return err
	}
	rc, err := s.redisClient()
	if err != nil {
		return err
	}
	defer func() { _ = rc.Close() }()
	var used int64
	keys, err := rc.Keys(ctx, "asynq:*").Result()
	for _, k := range keys {
		if err == nil {
			var n int64
			n, err = rc.MemoryUsage(ctx, k, 0).Result()
			used += n
		}
	}
	if err != nil {
		return fmt.Errorf("measure redis: %w", err)
	}
	per := float64(used) / float64(waiting)
	s.add(Figure{
		Name: "redis", How: fmt.Sprintf("%d messages waiting", waiting), Value: per, Unit: "bytes a waiting message", Must: "100",
		Reach: per <= 100,
	})
	return nil
}

func measureDispatch(ctx context.Context, s *stage) error {
	raw, err := s.rawAsynq(ctx, s.pick(20_000, 50_000))
	if err != nil {
		return err
	}
	s.stopWork()
	n, err := s.backlog(ctx, s.channels[0].ID, "normal", s.pick(60_000, 100_000))
	if err != nil {
		return err
	}
	before := s.cpu()
	rate, err := s.drainRate(ctx, n, 1)
	if err != nil {
		return err
	}
	s.add(Figure{
		Name: "dispatch", How: fmt.Sprintf("backlog of %d, provider with 0 ms", n), Raw: raw, RawIs: "asynq running empty tasks", Value: rate,
		Unit: "messages/s", Must: "1.0 x", Reach: rate >= raw, CPU: s.cpu().since(before, n),
	})
	return nil
}

// drainRate starts workers on a backlog of n and measures until the provider has
// all of it. The clock starts when the first message arrives.
func (s *stage) drainRate(ctx context.Context, n, workers int) (float64, error) {
	before, err := s.received(ctx)
	if err != nil {
		return 0, err
	}
	if err := s.startWork(); err != nil {
		return 0, err
	}
	for range workers - 1 {
		cmd, err := s.spawn("work")
		if err != nil {
			return 0, err
		}
		defer s.end(cmd)
	}
	var began time.Time
	err = s.until(ctx, 5*time.Minute, "the backlog", func() (bool, error) {
		got, err := s.received(ctx)
		if err == nil && got > before && began.IsZero() {
			began, before, n = time.Now(), got, n-(got-before)
		}
		return got-before >= n, err
	})
	rate := float64(n) / time.Since(began).Seconds()
	if err != nil {
		return 0, err
	}
	return rate, s.drained(ctx)
}

func measureSlowProvider(ctx context.Context, s *stage) error {
	st := s.settings()
	st["latency_ms"] = 100
	if err := s.configure(ctx, st); err != nil {
		return err
	}
	s.stopWork()
	n, err := s.backlog(ctx, s.channels[0].ID, "normal", s.pick(60_000, 100_000))
	if err != nil {
		return err
	}
	rate, err := s.drainRate(ctx, n, 1)
	if err != nil {
		return err
	}
	limit := float64(s.channels[0].Policy.Concurrency) / .1
	s.add(Figure{
		Name: "latency", How: "provider with 100 ms, 1,000 concurrent", Raw: limit, RawIs: "the concurrency's own limit", Value: rate,
		Unit: "messages/s", Must: "0.95 x", Reach: rate >= .95*limit,
	})
	return s.configure(ctx, s.settings())
}

// settings of the emulator: it counts what arrives, but keeps the requests only while times
// are measured.
func (s *stage) settings() map[string]any {
	return map[string]any{"latency_ms": 0, "callbacks": false, "record": false}
}

func measureSteady(ctx context.Context, s *stage) error {
	if err := s.forget(ctx); err != nil {
		return err
	}
	l, err := s.timed(ctx, s.channels[0].ID, "normal", 500, s.seconds(4, 20))
	if err != nil {
		return err
	}
	p50, p99 := l.p(.5), l.p(.99)
	s.add(Figure{
		Name: "steady", How: "500/s, accept to provider's receipt", Value: float64(p99.Microseconds()) / 1000, Unit: "ms (p99)",
		Must: "p50 < 25 ms, p99 < 150 ms", Reach: p50 < 25*time.Millisecond && p99 < 150*time.Millisecond,
		Detail: fmt.Sprintf("p50 %s p99 %s", ms(p50), ms(p99)),
	})
	return nil
}

func measureOTP(ctx context.Context, s *stage) error {
	if err := s.forget(ctx); err != nil {
		return err
	}
	ch := s.channels[0]
	ch.Policy.Rate = 200
	if _, err := s.accounts.UpdateChannel(ctx, ch); err != nil {
		return err
	}
	alone, err := s.timed(ctx, ch.ID, "otp", 20, s.seconds(3, 20))
	if err != nil {
		return err
	}
	n, err := s.backlog(ctx, ch.ID, "bulk", s.pick(20_000, 200_000))
	if err != nil {
		return err
	}
	l, err := s.timed(ctx, ch.ID, "otp", 20, s.seconds(3, 20))
	if err != nil {
		return err
	}
	p50, p99 := l.p(.5), l.p(.99)
	s.add(Figure{
		Name: "otp", How: fmt.Sprintf("behind %d bulk messages, channel at 200/s", n), Value: float64(p99.Microseconds()) / 1000,
		Unit: "ms (p99)", Must: "1000", Reach: p99 < time.Second,
		Detail: fmt.Sprintf("p50 %s p99 %s; without them p50 %s p99 %s", ms(p50), ms(p99), ms(alone.p(.5)), ms(alone.p(.99))),
	})
	if _, err := s.accounts.UpdateChannel(ctx, s.channels[0]); err != nil {
		return err
	}
	return s.drained(ctx)
}

// timed sends at a steady rate and measures from the request to the provider's
// receipt of the message.
func (s *stage) timed(ctx context.Context, channel int64, lane string, perSecond int, d time.Duration) (*load, error) {
	st := s.settings()
	st["record"] = true
	if err := s.configure(ctx, st); err != nil {
		return nil, err
	}
	l, err := s.shootTimed(ctx, channel, lane, perSecond, d)
	return l, cmp.Or(err, s.configure(ctx, s.settings()))
}

// shootTimed is timed while the emulator keeps the requests.
func (s *stage) shootTimed(ctx context.Context, channel int64, lane string, perSecond int, d time.Duration) (*load, error) {
	n := int(d.Seconds() * float64(perSecond))
	sent := make(map[string]time.Time, n)
	errs := make(chan error, n)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for i := range n {
		<-tick.C
		to := recipient(s.sent + i)
		sent[to] = time.Now()
		body := message(channel, lane, s.sent+i)
		go func() {
			errs <- one(s.client, http.MethodPost, s.base+"/v1/messages", s.key, http.StatusAccepted, body)
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	s.sent += n
	return s.arrivals(ctx, sent)
}

// arrivals waits until the provider has everything in sent and returns the times.
func (s *stage) arrivals(ctx context.Context, sent map[string]time.Time) (*load, error) {
	l := &load{}
	err := s.until(ctx, time.Minute, "the provider to have everything", func() (bool, error) {
		l.times = l.times[:0]
		var got struct {
			Requests []struct {
				Body string    `json:"body"`
				At   time.Time `json:"at"`
			} `json:"requests"`
		}
		if err := s.get(ctx, s.emURL+"/_emulator/requests", &got); err != nil {
			return false, err
		}
		for _, r := range got.Requests {
			var m struct {
				To string `json:"to"`
			}
			if json.Unmarshal([]byte(r.Body), &m) != nil {
				continue
			}
			if t, ok := sent["+"+strings.TrimPrefix(m.To, "+")]; ok {
				l.times = append(l.times, r.At.Sub(t))
			}
		}
		return len(l.times) >= len(sent), nil
	})
	return l, err
}

func measurePoll(ctx context.Context, s *stage) error {
	d := s.seconds(3, 10)
	raw, err := s.rawEcho(ctx, http.MethodGet, 64, d)
	if err != nil {
		return err
	}
	l, err := s.reads(ctx, d, func(id string) string { return "/v1/messages/" + id })
	if err != nil {
		return err
	}
	s.add(Figure{
		Name: "poll", How: "GET /v1/messages/{id}, 64 connections", Raw: raw, RawIs: "bare echo", Value: l.rate(), Unit: "requests/s",
		Must: "0.15 x", Reach: l.rate() >= .15*raw, Detail: "p99 " + ms(l.p(.99)),
	})
	return nil
}

// reads sends GET requests for the paths of the newest messages.
func (s *stage) reads(ctx context.Context, d time.Duration, path func(id string) string) (*load, error) {
	all, err := s.newest(ctx, 1000)
	if err != nil {
		return nil, err
	}
	o := shots{Method: http.MethodGet, Key: s.key, Conns: 64, For: d, Want: http.StatusOK}
	for _, m := range all {
		o.URLs = append(o.URLs, s.base+path(m.id))
	}
	return s.shoot(ctx, o)
}

func measureMemory(_ context.Context, s *stage) error {
	for name, pid := range map[string]int{"serve": s.serve.Process.Pid, "work": s.work.Process.Pid} {
		mib, err := resident(pid)
		if err != nil {
			return err
		}
		s.add(Figure{Name: "memory " + name, How: "most resident under the loads above", Value: mib, Unit: "MiB", Must: "150", Reach: mib <= 150})
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
