package limit

import "math"

// Times in this file are whole microseconds since 1970.

const dayMicros = 86_400_000_000

// The reasons in a script's answer.
const (
	whyNothing = 0
	whyShort   = 1
	whyLong    = 2
	whyDay     = 3
	whyUnknown = 9 // the day's count must be loaded first
)

// What stands for the day's count in a request.
const (
	seedUnknown = -1 // say so if it is needed
	seedWithout = -2 // it can't be had: go on without
)

// request is what keys.lua reads for each of its keys.
type request struct {
	n, times         int64 // how many, and how often so many
	short, long, day int64 // the limits (0: none); a negative day is only told
	batch            bool  // takes what fits, and knows no short window
	seed             int64 // the day's count, should it be missing
	seedDay          int64 // the day that seed is of; 0: of any
	extra            int64 // spent elsewhere today
	ahead            int64 // how many are wished in advance
	back, backAt     int64 // how many of those counted earlier come back unused, and when that was
	// others are further keys of the same person: what they counted in the long
	// window moves to the request's key first.
	others []string
}

// answer is what keys.lua returns for a request.
type answer struct {
	why, fits int64
	left      [3]int64 // of short, long and day; -1: no limit
	pause     int64    // until the rest fits, microseconds
	day       int64    // its number
	ahead     int64    // how many are given in advance
	good      int64    // for so long, microseconds
	at        int64    // when all of it was
}

// window counts over a sliding time in buckets of equal width. A bucket counts
// until the last entry in it has left the window, so that in no stretch of the
// window's length is there ever more than the limit.
type window struct {
	width, count int64
	n            int64 // in all buckets
	top          int64 // the newest bucket
	buckets      []bucket
}

type bucket struct{ n, last int64 }

// newWindow has one bucket more than fit the window: the oldest of them lies
// partly outside.
func newWindow(width, count int64) window {
	return window{width: width, count: count, buckets: make([]bucket, count+1)}
}

func (w *window) at(id int64) *bucket { return &w.buckets[id%(w.count+1)] }

// slide forgets what no longer counts.
func (w *window) slide(now int64) {
	b := max(now/w.width, w.top)
	for id := max(0, w.top-w.count); id <= min(b-w.count, w.top); id++ {
		if v := w.at(id); v.last <= now-w.width*w.count {
			w.n -= v.n
			*v = bucket{}
		}
	}
	w.top = b
}

func (w *window) add(at, n int64) {
	if n == 0 || w.count == 0 {
		return
	}
	v := w.at(w.top)
	w.n, v.n, v.last = w.n+n, v.n+n, max(at, v.last)
}

// takeOut takes n out of the bucket in which they were counted at some time.
func (w *window) takeOut(at, n int64) {
	id := at / w.width
	if id > w.top || id < w.top-w.count {
		return
	}
	if v := w.at(id); v.n >= n {
		w.n, v.n = w.n-n, v.n-n
	}
}

// merge adds the buckets of o, a window of the same form.
func (w *window) merge(now int64, o *window) {
	w.slide(now)
	o.slide(now)
	for i := range o.buckets { // both have the same newest one now
		w.buckets[i].n, w.buckets[i].last = w.buckets[i].n+o.buckets[i].n, max(w.buckets[i].last, o.buckets[i].last)
	}
	w.n += o.n
}

// wait is how long until the window has need more places.
func (w *window) wait(now, need int64) int64 {
	for id := max(0, w.top-w.count); id <= w.top; id++ {
		v := w.at(id)
		need -= v.n
		if v.n > 0 && need <= 0 {
			return v.last + w.width*w.count - now
		}
	}
	return w.width * w.count
}

// quota is what one key has spent: keys.lua in Go. It is the limiter of a
// process without Redis, and the model that the script is tested against.
type quota struct {
	short, long window
	made        int64 // when
	day, dn     int64 // the day's number and its count
}

// keyQuota has the windows of a key: a second of 50 ms, a minute of seconds.
func keyQuota() *quota {
	return &quota{short: newWindow(50_000, 20), long: newWindow(1_000_000, 60)}
}

// recipientQuota has that of a key's recipient: an hour of five minutes.
func recipientQuota() *quota {
	return &quota{short: newWindow(1_000_000, 0), long: newWindow(300_000_000, 12)}
}

func (q *quota) spend(now int64, r request) answer {
	q.short.slide(now)
	q.long.slide(now)
	q.giveBack(now, r)
	today := now / dayMicros
	counted := r.day > 0
	r.day = max(r.day, -r.day)
	if r.day > 0 {
		switch {
		case q.day == today:
			q.dn += r.extra
		case r.seed >= 0 && (r.seedDay == 0 || r.seedDay == today):
			q.day, q.dn = today, r.seed
		case r.seed != seedWithout:
			return answer{why: whyUnknown, day: today}
		default:
			r.day = 0
		}
	}
	free := [3]int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}
	if r.short > 0 && !r.batch {
		free[0] = r.short - q.short.n // below 0 after a limit was lowered, or two persons became one
	}
	if r.long > 0 {
		free[1] = r.long - q.long.n
	}
	if counted && r.day > 0 {
		free[2] = max(0, r.day-q.dn)
	}
	a := answer{fits: max(0, min(r.n*r.times, free[0], free[1], free[2])), day: today, at: now}
	cut := a.fits < r.n*r.times
	if cut && !r.batch {
		a.fits -= a.fits % r.n
	}
	if !r.batch {
		q.short.add(now, a.fits)
	}
	q.long.add(now, a.fits)
	if counted && q.day == today {
		q.dn += a.fits
	}
	if cut {
		a.why, a.pause = q.blame(now, r, a.fits, free)
	} else {
		q.giveAhead(now, r, &a)
	}
	a.left = [3]int64{left(r.short, q.short.n), left(r.long, q.long.n), left(r.day, q.dn)}
	return a
}

// giveBack takes back what isn't used, unless what was counted then has been
// lost.
func (q *quota) giveBack(now int64, r request) {
	if q.made == 0 {
		q.made = now
	}
	if r.back == 0 || r.backAt < q.made {
		return
	}
	q.short.takeOut(r.backAt, r.back)
	q.long.takeOut(r.backAt, r.back)
	if q.day == r.backAt/dayMicros {
		q.dn = max(0, q.dn-r.back)
	}
}

// plenty is how many advances must fit into what is left of each limit.
const plenty = 64

// giveAhead counts an advance as spent at the last moment of its short bucket,
// which is how long it is good for: no window ever has too many.
func (q *quota) giveAhead(now int64, r request, a *answer) {
	n := r.ahead
	for _, l := range [...][2]int64{{r.short, q.short.n}, {r.long, q.long.n}, {r.day, q.dn}} {
		if l[0] > 0 {
			n = min(n, (l[0]-l[1])/plenty)
		}
	}
	if n < 1 || q.short.count == 0 {
		return
	}
	ends := (q.short.top + 1) * q.short.width
	q.short.add(ends-1, n)
	q.long.add(ends-1, n)
	if q.day == a.day {
		q.dn += n
	}
	a.ahead, a.good, a.at = n, min(ends-now, q.short.width), max(now, q.short.top*q.short.width)
}

// blame returns, of the limits that refused, the one that refuses longest: until
// what was refused fits, or the next message of a batch.
func (q *quota) blame(now int64, r request, fits int64, free [3]int64) (why, pause int64) {
	need := fits + r.n
	if r.batch {
		need = fits + 1
	}
	for i, wait := range [...]func(int64) int64{
		func(n int64) int64 { return q.short.wait(now, n) },
		func(n int64) int64 { return q.long.wait(now, n) },
		func(int64) int64 { return (now/dayMicros+1)*dayMicros - now },
	} {
		if free[i] < need {
			if p := wait(need - free[i]); p >= pause {
				why, pause = int64(i)+whyShort, p
			}
		}
	}
	return why, pause
}

func left(limit, spent int64) int64 {
	if limit <= 0 {
		return -1
	}
	return max(0, limit-spent)
}

// quotas are those of a process without Redis.
type quotas struct {
	fresh func() *quota
	most  int // then all are forgotten: an outage must not fill the memory
	by    map[string]*quota
}

func (q *quotas) spend(now int64, key string, r request) answer {
	one := q.of(key)
	for _, other := range r.others {
		if o, ok := q.by[other]; ok && o != one {
			one.long.merge(now, &o.long)
			delete(q.by, other)
		}
	}
	return one.spend(now, r)
}

// of returns the quota of a key, which is a new one if there is none.
func (q *quotas) of(key string) *quota {
	one, ok := q.by[key]
	if !ok {
		if len(q.by) >= q.most {
			clear(q.by)
		}
		one = q.fresh()
		q.by[key] = one
	}
	return one
}
