package limit

import (
	"context"
	"sync"
)

// advance is what a busy key may spend without asking: Redis has counted it
// already. It is good for the rest of a short bucket, at most 50 ms, and never
// more than a 64th of what is left of each limit, so that near a limit every
// request is counted by itself. What isn't used goes back with the key's next
// page.
type advance struct {
	given, left int64
	until       float64 // on our clock, microseconds
	answer      answer  // how the key stands once all of it is used
	asked       float64 // when a page went to ask for the next one; 0: none is under way
}

// A key is busy when a page has so many requests of it.
const (
	busy       = 4
	mostAhead  = 1024
	mostOfThem = 1000 // then all are forgotten, and what is left of them counts as spent
)

// advances of a process, each for requests that are alike.
type advances struct {
	mu sync.Mutex
	by map[Spend]*advance
}

// take spends one request of the advance; ok is false if none is left.
func (a *advances) take(ask Spend, now float64) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.by[ask]
	if v == nil || v.left == 0 || now >= v.until {
		return answer{}, false
	}
	v.left--
	got := v.answer
	for i := range got.left {
		if got.left[i] >= 0 {
			got.left[i] += v.left
		}
	}
	return got, true
}

// askedFor is how long a page that requests an advance may take; another page
// requests one then.
const askedFor = 1e6

// wish adds to a request the return of what is left of the last advance, and
// requests another one: a larger one if that was used up, a smaller one if most
// of it was not.
func (a *advances) wish(ask Spend, now float64, r *request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.by[ask]
	if v == nil || (v.left > 0 && now < v.until) || (v.asked > 0 && now < v.asked+askedFor) {
		return
	}
	r.back, r.backAt = v.left, v.answer.at
	switch used := v.given - v.left; {
	case v.left == 0:
		r.ahead = min(2*v.given, mostAhead)
	case used >= v.given/2:
		r.ahead = v.given
	case used >= busy:
		r.ahead = v.given / 2
	default:
		delete(a.by, ask)
		return
	}
	v.given, v.left, v.asked = r.ahead, 0, now
}

// got stores the advance that a request was granted, or marks the key as busy.
// began is when Redis was asked.
func (a *advances) got(ask Spend, began float64, r request, got answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.ahead == 0 && a.by[ask] != nil {
		return // of another page
	}
	delete(a.by, ask)
	if len(a.by) >= mostOfThem {
		clear(a.by)
	}
	switch {
	case got.ahead > 0:
		a.by[ask] = &advance{given: got.ahead, left: got.ahead, until: began + float64(got.good), answer: got}
	case r.times >= busy:
		a.by[ask] = &advance{given: r.times}
	}
}

// rest removes and returns all that is left.
func (a *advances) rest() map[Spend]*advance {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.by
	a.by = map[Spend]*advance{}
	return all
}

// spendAhead answers a spend from an advance; ok is false if there is none.
func (s *Spender) spendAhead(ask Spend) (d Decision, ok bool) {
	if !ask.single() {
		return d, false
	}
	now := s.micros()
	got, ok := s.ahead.take(ask, now)
	if !ok {
		return d, false
	}
	if !ask.Read {
		s.days.add(ask.Key, got.day, 1)
	}
	return ask.decision(got, 1, 0, int64(now)), true
}

// giveBack returns all advances to Redis: this process spends no more.
func (s *Spender) giveBack(ctx context.Context) error {
	p := new(spendPage)
	for ask, v := range s.ahead.rest() {
		if v.left == 0 {
			continue
		}
		r := ask.request()
		r.n, r.back, r.backAt = 0, v.left, v.answer.at
		p.add(ask, spendKey(ask), r)
	}
	if len(p.asks) == 0 {
		return nil
	}
	_, _, err := s.answer(ctx, &s.localKeys, p.keys, p.requests)
	return err
}
