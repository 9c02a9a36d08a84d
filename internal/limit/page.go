package limit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// spendPage is a page of spends on its way through the script. Equal ones
// are one entry, so that a busy key costs the script no more than a quiet one.
type spendPage struct {
	asks     []Spend   // each different one
	keys     []string  // in Redis
	requests []request // what they ask for
	answers  []answer
}

// page takes many spends at once: from advances that came while they waited,
// and the rest from Redis.
func (s *Spender) page(ctx context.Context, asks []Spend) ([]Decision, error) {
	out, rest, at := make([]Decision, len(asks)), make([]Spend, 0, len(asks)), make([]int, 0, len(asks))
	for i, a := range asks {
		var ok bool
		if out[i], ok = s.spendAhead(a); !ok {
			rest, at = append(rest, a), append(at, i)
		}
	}
	if len(rest) == 0 {
		return out, nil
	}
	ds, err := s.askPage(ctx, rest)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		out[i] = ds[k]
	}
	return out, nil
}

// askPage requests many spends at once, and again those whose count of the day
// had to be loaded first: Redis has forgotten it, or the day is new.
func (s *Spender) askPage(ctx context.Context, asks []Spend) ([]Decision, error) {
	began := s.micros()
	p, of := s.gather(asks)
	var err error
	var alone bool
	if p.answers, alone, err = s.answer(ctx, &s.localKeys, p.keys, p.requests); err != nil {
		return nil, err
	}
	s.count(p, alone)
	if err := s.again(ctx, p); err != nil {
		return nil, err
	}
	s.advanced(p, began)
	now, out, given := int64(s.micros()), make([]Decision, len(asks)), make([]int64, len(p.asks))
	for i, a := range asks {
		got, n := p.answers[of[i]], int64(max(0, a.N))
		left := got.fits - given[of[i]]
		if left < n && !a.Batch {
			n = 0
		}
		n = min(n, left)
		given[of[i]] += n
		out[i] = a.decision(got, n, left-n+got.ahead, now)
	}
	return out, nil
}

// gather merges equal spends into requests; of[i] is the request of spend i. What
// was spent without Redis is added to the first request of its key.
func (s *Spender) gather(asks []Spend) (p *spendPage, of []int) {
	p, of = new(spendPage), make([]int, len(asks))
	entries := make(map[Spend]int, 8)
	today := int64(s.micros()) / dayMicros
	for i, a := range asks {
		at, ok := entries[a]
		if ok && !a.Batch {
			p.requests[at].times++
			of[i] = at
			continue
		}
		r := a.request()
		if !s.away.Load() {
			if !a.Read && !a.NoDay {
				r.extra = s.days.takeAlone(a.Key, today)
			}
			if a.single() {
				s.ahead.wish(a, s.micros(), &r)
			}
		}
		of[i] = p.add(a, spendKey(a), r)
		entries[a] = of[i]
	}
	return p, of
}

// advanced notes what was given in advance.
func (s *Spender) advanced(p *spendPage, began float64) {
	for i, a := range p.asks {
		if a.single() {
			s.ahead.got(a, began, p.requests[i], p.answers[i])
		}
	}
}

func (p *spendPage) add(a Spend, key string, r request) int {
	p.asks, p.keys, p.requests = append(p.asks, a), append(p.keys, key), append(p.requests, r)
	return len(p.asks) - 1
}

// again repeats the requests that need the day's count, with it.
func (s *Spender) again(ctx context.Context, p *spendPage) error {
	var at []int
	some := new(spendPage)
	seeds := map[int64]int64{}
	for i, got := range p.answers {
		if got.why != whyUnknown {
			continue
		}
		key := p.asks[i].Key
		if _, ok := seeds[key]; !ok {
			seeds[key] = s.days.load(ctx, key, got.day)
		}
		r := p.requests[i]
		r.seed, r.seedDay, r.extra = seeds[key], got.day, 0 // the seed includes what was spent alone
		r.back = 0                                          // that came back the first time
		some.add(p.asks[i], p.keys[i], r)
		at = append(at, i)
	}
	if len(at) == 0 {
		return nil
	}
	var err error
	var alone bool
	if some.answers, alone, err = s.answer(ctx, &s.localKeys, some.keys, some.requests); err != nil {
		return err
	}
	s.count(some, alone)
	for j, i := range at {
		p.answers[i] = some.answers[j]
		if some.answers[j].why == whyUnknown { // midnight has just passed: refuse for a second rather than guess
			p.answers[i] = answer{why: whyDay, pause: int64(time.Second / time.Microsecond)}
		}
	}
	return nil
}

// count notes what was spent of the day, and what of it Redis doesn't know.
func (s *Spender) count(p *spendPage, alone bool) {
	today := int64(s.micros()) / dayMicros
	for i, a := range p.asks {
		if a.Read || a.NoDay {
			continue
		}
		s.days.add(a.Key, p.answers[i].day, p.answers[i].fits)
		if alone {
			s.days.addAlone(a.Key, p.answers[i].day, p.answers[i].fits)
			s.days.addAlone(a.Key, today, p.requests[i].extra) // not told after all
		}
	}
}

// The arguments of a request to keys.lua, and the numbers of its answer.
const (
	requestWidth = 12
	answerWidth  = 10
)

// moved are the times of a request whose key is one of the others of the next one.
const moved = -1

// arguments appends those of keys.lua.
func (r request) arguments(args []any) []any {
	return append(args, r.n, r.times, r.short, r.long, r.day, r.batch, r.seed, r.seedDay, r.extra, r.ahead, r.back, r.backAt)
}

// answer spends at Redis, or in the quotas of this process while it is away: alone.
func (s *Spender) answer(ctx context.Context, local *quotas, keys []string, requests []request) (answers []answer, alone bool, err error) {
	names, ends, args := make([]string, 0, len(keys)), make([]int, len(keys)), make([]any, 0, requestWidth*len(keys))
	for i, r := range requests {
		for _, other := range r.others {
			names, args = append(names, other), request{times: moved}.arguments(args)
		}
		names, args = append(names, keys[i]), r.arguments(args)
		ends[i] = len(names)
	}
	got, err := s.runKeys(ctx, keysScript, names, ends, []any{s.clock()}, requestWidth, args)
	answers = make([]answer, len(keys))
	switch {
	case errors.Is(err, errAway):
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, key := range keys {
			r := requests[i]
			r.extra, r.ahead, r.back = 0, 0, 0 // counted here already
			answers[i] = local.spend(int64(s.micros()), key, r)
		}
		return answers, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("ask redis: %w", err)
	case len(got) != answerWidth*len(keys):
		return nil, false, fmt.Errorf("ask redis: %d values for %d requests", len(got), len(keys))
	}
	for i := range answers {
		v := got[answerWidth*i : answerWidth*(i+1)]
		answers[i] = answer{why: v[0], fits: v[1], left: [3]int64(v[2:5]), pause: v[5], day: v[6], ahead: v[7], good: v[8], at: v[9]}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.localKeys.by)
	clear(s.localPersons.by)
	return answers, false, nil
}
