package limit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/batch"
)

//go:embed keys.lua
var keysLua string

var keysScript = redis.NewScript(keysLua)

// readTimes: reads have budgets of their own, ten times those of sends (SPEC 5).
const readTimes = 10

// Spend asks for N requests or messages of a key. The limits are the key's
// configured ones; 0 is none.
type Spend struct {
	Key                          int64
	N                            int
	Read                         bool // from the budget of reads
	Batch                        bool // takes as many as fit, and the limit per second doesn't apply
	PerSecond, PerMinute, PerDay int
}

// Why says which limit refused.
type Why string

// The limits.
const (
	Second Why = "second"
	Minute Why = "minute"
	Day    Why = "day"
)

// Quota is how a key stands with one limit.
type Quota struct {
	Name      Why
	Limit     int // 0: none
	Remaining int
	Window    time.Duration
	Reset     time.Duration // until all of it is there again, or after a refusal until what was asked for is
}

// Decision answers a Spend.
type Decision struct {
	Allowed    bool // all of N; of a batch at least one
	AllowedN   int  // how many were spent
	Why        Why  // what refused the rest; empty: nothing
	RetryAfter time.Duration
	Quotas     [3]Quota // second, minute, day
}

// A DayStore keeps the count of each key's sends on a UTC day ("2006-01-02").
type DayStore interface {
	LoadDay(ctx context.Context, key int64, day string) (int64, error)
	AddDay(ctx context.Context, day string, counts map[int64]int64) error
}

// Spender keeps API keys to their limits over all processes. The calls that
// come while Redis is asked go to it together, as one script.
type Spender struct {
	link
	days    *dayCounts
	spends  *batch.Batcher[Spend, Decision]
	persons *batch.Batcher[personSpend, time.Duration]

	mu           sync.Mutex // for both; they are empty while Redis answers
	localKeys    quotas
	localPersons quotas
}

// SpenderOptions are what a Spender needs from its surroundings. All may be
// nil; without Days a day's count is lost with Redis.
type SpenderOptions struct {
	Days  DayStore
	Lost  func(error) // Redis failed; called once each time it goes away
	Local func()      // a page was answered without Redis; for a metric
}

// The queue is long enough for every request that a front door can hold.
var spendPages = batch.Options{Max: 200, Queue: 50_000, Workers: 2, Timeout: 10 * time.Second}

// NewSpender makes the limiter of a front door.
func NewSpender(rdb redis.UniversalClient, opts SpenderOptions) *Spender {
	s := &Spender{
		days:         newDayCounts(opts.Days),
		localKeys:    quotas{fresh: keyQuota, most: 20_000, by: map[string]*quota{}},
		localPersons: quotas{fresh: recipientQuota, most: 100_000, by: map[string]*quota{}},
	}
	s.open(rdb, opts.Lost, opts.Local)
	s.spends = batch.New(spendPages, s.page)
	s.persons = batch.New(spendPages, s.personPage)
	return s
}

// Spend takes from a key's budgets, or refuses and takes nothing. Its error is
// the caller's context or batch.ErrOverloaded.
func (s *Spender) Spend(ctx context.Context, ask Spend) (Decision, error) {
	d, err := s.spends.Do(ctx, ask)
	if err != nil {
		return Decision{}, fmt.Errorf("spend: %w", err)
	}
	return d, nil
}

// Run writes the day's counts to the DayStore about every second until ctx
// ends, and a last time then.
func (s *Spender) Run(ctx context.Context, failed func(error)) {
	s.days.run(ctx, failed)
}

// page asks for many spends at once, and again for those whose count of the
// day had to be loaded first: Redis has forgotten it, or the day is new.
func (s *Spender) page(ctx context.Context, asks []Spend) ([]Decision, error) {
	keys, requests := make([]string, len(asks)), make([]request, len(asks))
	today := int64(s.micros()) / dayMicros
	for i, a := range asks {
		keys[i], requests[i] = spendKey(a), a.request()
		if !a.Read && !s.away.Load() {
			requests[i].extra = s.days.takeAlone(a.Key, today)
		}
	}
	answers, alone, err := s.answer(ctx, &s.localKeys, keys, requests)
	if err != nil {
		return nil, err
	}
	for i, r := range requests {
		if alone {
			s.days.addAlone(asks[i].Key, today, r.extra)
		}
	}
	s.count(asks, answers, alone)
	if err := s.again(ctx, asks, keys, requests, answers); err != nil {
		return nil, err
	}
	out := make([]Decision, len(asks))
	for i, a := range asks {
		out[i] = a.decision(answers[i], int64(s.micros()))
	}
	return out, nil
}

// again repeats the requests that need the day's count, with it.
func (s *Spender) again(ctx context.Context, asks []Spend, keys []string, requests []request, answers []answer) error {
	var at []int
	var someAsks []Spend
	var someKeys []string
	var some []request
	seeds := map[int64]int64{}
	for i, a := range answers {
		if a.why != whyUnknown {
			continue
		}
		key := asks[i].Key
		if _, ok := seeds[key]; !ok {
			seeds[key] = s.days.load(ctx, key, a.day)
		}
		r := requests[i]
		r.seed, r.extra = seeds[key], 0 // the seed includes what was spent alone
		at, someAsks, someKeys, some = append(at, i), append(someAsks, asks[i]), append(someKeys, keys[i]), append(some, r)
	}
	if len(at) == 0 {
		return nil
	}
	got, alone, err := s.answer(ctx, &s.localKeys, someKeys, some)
	if err != nil {
		return err
	}
	s.count(someAsks, got, alone)
	for j, i := range at {
		answers[i] = got[j]
		if got[j].why == whyUnknown { // midnight, just now: refuse rather than guess
			answers[i] = answer{why: whyDay, pause: int64(time.Second / time.Microsecond)}
		}
	}
	return nil
}

// count notes what was spent of the day.
func (s *Spender) count(asks []Spend, answers []answer, alone bool) {
	for i, a := range asks {
		if a.Read {
			continue
		}
		s.days.add(a.Key, answers[i].day, answers[i].fits)
		if alone {
			s.days.addAlone(a.Key, answers[i].day, answers[i].fits)
		}
	}
}

// answer asks Redis, or the quotas of this process while it is away: alone.
func (s *Spender) answer(ctx context.Context, local *quotas, keys []string, requests []request) (answers []answer, alone bool, err error) {
	args := make([]any, 0, 7*len(requests))
	for _, r := range requests {
		args = append(args, r.n, r.short, r.long, r.day, r.batch, r.seed, r.extra)
	}
	got, err := s.runKeys(ctx, keysScript, keys, []any{s.clock()}, 7, args)
	answers = make([]answer, len(keys))
	switch {
	case errors.Is(err, errAway):
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, key := range keys {
			r := requests[i]
			r.extra = 0 // counted here already
			answers[i] = local.spend(int64(s.micros()), key, r)
		}
		return answers, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("ask redis: %w", err)
	case len(got) != 7*len(keys):
		return nil, false, fmt.Errorf("ask redis: %d values for %d requests", len(got), len(keys))
	}
	for i := range answers {
		v := got[7*i : 7*i+7]
		answers[i] = answer{why: v[0], fits: v[1], left: [3]int64(v[2:5]), pause: v[5], day: v[6]}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.localKeys.by)
	clear(s.localPersons.by)
	return answers, false, nil
}

func (a Spend) request() request {
	r := request{
		n: int64(max(0, a.N)), short: int64(a.PerSecond), long: int64(a.PerMinute), day: int64(a.PerDay),
		batch: a.Batch, seed: seedUnknown,
	}
	if a.Read {
		r.short, r.long, r.day, r.seed = r.short*readTimes, r.long*readTimes, r.day*readTimes, 0
	}
	return r
}

func (a Spend) decision(got answer, now int64) Decision {
	r := a.request()
	d := Decision{
		Allowed: got.why == whyNothing || got.fits > 0, AllowedN: int(got.fits), RetryAfter: micro(got.pause),
		Quotas: [3]Quota{
			{Name: Second, Limit: int(r.short), Window: time.Second, Reset: time.Second},
			{Name: Minute, Limit: int(r.long), Window: time.Minute, Reset: time.Minute},
			{Name: Day, Limit: int(r.day), Window: 24 * time.Hour, Reset: micro(dayMicros - now%dayMicros)},
		},
	}
	for i := range d.Quotas {
		d.Quotas[i].Remaining = int(max(0, got.left[i]))
	}
	if got.why != whyNothing {
		q := &d.Quotas[got.why-whyShort]
		d.Why, q.Reset = q.Name, d.RetryAfter
	}
	return d
}

// spendKey carries a hash tag, so that all that is known of a key lies on one
// server of a Redis Cluster.
func spendKey(a Spend) string {
	if a.Read {
		return "{key:" + strconv.FormatInt(a.Key, 10) + "}:read"
	}
	return "{key:" + strconv.FormatInt(a.Key, 10) + "}:send"
}
