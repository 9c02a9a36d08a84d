package limit

import (
	"context"
	_ "embed"
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

// readTimes: reads have budgets of their own, ten times those of sends.
const readTimes = 10

// Spend is a request for N requests or messages of a key. The limits are those of
// the key; 0 is none.
type Spend struct {
	Key                          int64
	N                            int
	Read                         bool // from the budget of reads
	Batch                        bool // takes as many as fit, and the limit per second doesn't apply
	NoDay                        bool // a request that sends nothing: the day doesn't count it
	PerSecond, PerMinute, PerDay int
}

// Why is the limit that refused.
type Why string

// The limits.
const (
	Second Why = "second"
	Minute Why = "minute"
	Day    Why = "day"
)

// Quota is the state of one limit of a key.
type Quota struct {
	Name      Why
	Limit     int // 0: none
	Remaining int
	Window    time.Duration
	Reset     time.Duration // until all of it is there again, or after a refusal until what was asked for is
}

// Decision is the answer to a Spend.
type Decision struct {
	Allowed    bool // all of N; of a batch at least one
	AllowedN   int  // how many were spent
	Why        Why  // what refused the rest; empty: nothing
	RetryAfter time.Duration
	Quotas     [3]Quota // second, minute, day
	Day        int64    // the day that counts it, numbered from 1970
}

// A DayStore keeps the count of each key's sends on a UTC day ("2006-01-02").
type DayStore interface {
	LoadDay(ctx context.Context, key int64, day string) (int64, error)
	AddDay(ctx context.Context, day string, counts map[int64]int64) error
}

// Spender limits API keys over all processes. Calls that arrive while Redis is
// asked are sent to it together, as one script.
type Spender struct {
	link
	days    *dayCounts
	ahead   advances
	spends  *batch.Batcher[Spend, Decision]
	persons *batch.Batcher[personSpend, personAnswer]

	mu           sync.Mutex // for both; they are empty while Redis answers
	localKeys    quotas
	localPersons quotas
}

// SpenderOptions are the dependencies of a Spender. Each may be nil; without Days
// a day's count is lost with Redis.
type SpenderOptions struct {
	Prefix Prefix // of each key in Redis
	Days   DayStore
	Lost   func(error) // Redis failed; called once each time it goes away
	Local  func()      // a page was answered without Redis; for a metric
}

// The queue is long enough for every request that a front door can hold.
// A second script beside the first waits for a page that is worth its way.
var pageOptions = batch.Options{Max: 200, Queue: 50_000, Workers: 2, More: 50, Timeout: 10 * time.Second}

// NewSpender returns the limiter of a front door.
func NewSpender(rdb redis.UniversalClient, opts SpenderOptions) *Spender {
	s := &Spender{
		days:         newDayCounts(opts.Days),
		ahead:        advances{by: map[Spend]*advance{}},
		localKeys:    quotas{fresh: keyQuota, most: 20_000, by: map[string]*quota{}},
		localPersons: quotas{fresh: recipientQuota, most: 100_000, by: map[string]*quota{}},
	}
	s.open(rdb, opts.Prefix, opts.Lost, opts.Local)
	s.spends = batch.New(pageOptions, s.page)
	s.persons = batch.New(pageOptions, s.personPage)
	return s
}

// Spend takes from a key's budgets, or refuses and takes nothing. The error is
// that of the caller's context or batch.ErrOverloaded.
func (s *Spender) Spend(ctx context.Context, ask Spend) (Decision, error) {
	if d, ok := s.spendAhead(ask); ok {
		return d, nil
	}
	d, err := s.spends.Do(ctx, ask)
	if err != nil {
		return Decision{}, fmt.Errorf("spend: %w", err)
	}
	return d, nil
}

// Return takes ask, which was spent on day, out of the day's count: it was
// refused. The second and the minute keep it. It returns the state of the limits.
func (s *Spender) Return(ctx context.Context, ask Spend, day int64) (Decision, error) {
	if !ask.Read && !ask.NoDay {
		s.days.add(ask.Key, day, -int64(ask.N))
		s.days.addAlone(ask.Key, day, -int64(ask.N)) // goes with the next page
	}
	ask.N = 0
	return s.Spend(ctx, ask)
}

// Run writes the day's counts to the DayStore about every second until ctx
// ends, and a last time then.
func (s *Spender) Run(ctx context.Context, failed func(error)) {
	s.days.run(ctx, failed)
	if err := s.giveBack(context.WithoutCancel(ctx)); err != nil && failed != nil {
		failed(err)
	}
}

// spendKey returns the name of a key's counts. Its hash tag keeps them on one
// server of a Redis Cluster.
func spendKey(a Spend) string {
	if a.Read {
		return "{key:" + strconv.FormatInt(a.Key, 10) + "}:read"
	}
	return "{key:" + strconv.FormatInt(a.Key, 10) + "}:send"
}

// single reports whether an advance may answer the spend.
func (a Spend) single() bool { return a.N == 1 && !a.Batch && !a.NoDay }

func (a Spend) request() request {
	r := request{
		n: int64(max(0, a.N)), times: 1, short: int64(a.PerSecond), long: int64(a.PerMinute), day: int64(a.PerDay),
		batch: a.Batch, seed: seedUnknown,
	}
	if a.NoDay {
		r.day = -r.day
	}
	if a.Read {
		r.short, r.long, r.day, r.seed = r.short*readTimes, r.long*readTimes, r.day*readTimes, 0
	}
	return r
}

// decision returns the Decision of a spend that gets fits of an answer, of which
// later more are still to be used.
func (a Spend) decision(got answer, fits, later, now int64) Decision {
	r := a.request()
	d := Decision{
		Allowed: fits > 0 || r.n == 0, AllowedN: int(fits), Day: got.day,
		Quotas: [3]Quota{
			{Name: Second, Limit: int(r.short), Window: time.Second, Reset: time.Second},
			{Name: Minute, Limit: int(r.long), Window: time.Minute, Reset: time.Minute},
			{Name: Day, Limit: int(max(r.day, -r.day)), Window: 24 * time.Hour, Reset: micro(dayMicros - now%dayMicros)},
		},
	}
	for i := range d.Quotas {
		if got.left[i] >= 0 {
			d.Quotas[i].Remaining = int(got.left[i] + later)
		}
	}
	if fits < r.n {
		q := &d.Quotas[got.why-whyShort]
		d.Why, d.RetryAfter = q.Name, micro(got.pause)
		q.Reset = d.RetryAfter
	}
	return d
}
