package engine

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// entry is one recorded request.
type entry struct {
	to       uint64 // 0: not a send
	at       time.Time
	method   string
	path     string
	header   string // see compact
	body     []byte
	accepted bool
}

// entryOverhead is the memory of an entry besides its texts.
const entryOverhead = 160

func (e *entry) size() int {
	return entryOverhead + len(e.path) + len(e.header) + len(e.body)
}

// ledger is what the emulator received: counts of all of it, the requests as
// long as their bytes fit the budget, and the rate by second.
type ledger struct {
	accepted *tally // by recipient

	mu      sync.Mutex
	budget  int
	bytes   int
	entries []entry // entries[head:] are live
	head    int
	total   int // accepted sends
	rates   map[string]*seconds
}

func newLedger(budget int) *ledger {
	return &ledger{budget: budget, accepted: newTally(maxCounts), rates: make(map[string]*seconds)}
}

// add notes a request of a channel ("" for one that isn't a send).
func (l *ledger) add(e entry, channel string) {
	if e.accepted {
		l.accepted.add(e.to)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.accepted {
		l.total++
	}
	if channel != "" {
		r := l.rates[channel]
		if r == nil {
			r = new(seconds)
			l.rates[channel] = r
		}
		r.add(e.at, e.accepted)
	}
	if e.method != "" {
		l.keep(e)
	}
}

func (l *ledger) keep(e entry) {
	l.entries = append(l.entries, e)
	l.bytes += e.size()
	for l.bytes > l.budget && l.head < len(l.entries) {
		l.bytes -= l.entries[l.head].size()
		l.entries[l.head] = entry{}
		l.head++
	}
	if l.head > 1024 && l.head > len(l.entries)/2 {
		l.entries = slices.Delete(l.entries, 0, l.head)
		l.head = 0
	}
}

// find returns the recorded requests to a recipient, or all for 0, oldest first.
func (l *ledger) find(to uint64) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var es []entry
	for i := l.head; i < len(l.entries); i++ {
		if to == 0 || l.entries[i].to == to {
			es = append(es, l.entries[i])
		}
	}
	return es
}

// sum returns the number of accepted sends.
func (l *ledger) sum() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// rate returns a channel's sends by second.
func (l *ledger) rate(channel string) []second {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rates[channel]; r != nil {
		return r.list()
	}
	return nil
}

// clear forgets everything.
func (l *ledger) clear() {
	l.accepted.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.head, l.bytes, l.total = nil, 0, 0, 0
	l.rates = make(map[string]*seconds)
}

// second is what a channel sent in one second.
type second struct {
	Second   time.Time `json:"second"`
	Received int       `json:"received"`
	Accepted int       `json:"accepted"`
}

// seconds are the last keptSeconds of a channel in which anything came.
type seconds struct {
	ring []second
	next int // where the oldest is once the ring is full
}

const keptSeconds = 3600

func (s *seconds) add(at time.Time, accepted bool) {
	sec := at.UTC().Truncate(time.Second)
	last := s.last()
	// Requests are noted a little out of order: one of the second before counts there.
	if last == nil || sec.After(last.Second) {
		last = s.push(second{Second: sec})
	} else if sec.Before(last.Second) {
		if p := s.before(); p != nil && p.Second.Equal(sec) {
			last = p
		}
	}
	last.Received++
	if accepted {
		last.Accepted++
	}
}

func (s *seconds) push(x second) *second {
	if len(s.ring) < keptSeconds {
		s.ring = append(s.ring, x)
		return &s.ring[len(s.ring)-1]
	}
	p := &s.ring[s.next]
	*p = x
	s.next = (s.next + 1) % keptSeconds
	return p
}

func (s *seconds) at(fromEnd int) *second {
	if len(s.ring) < fromEnd {
		return nil
	}
	return &s.ring[(s.next+len(s.ring)-fromEnd)%len(s.ring)]
}

func (s *seconds) last() *second   { return s.at(1) }
func (s *seconds) before() *second { return s.at(2) }

func (s *seconds) list() []second {
	return append(slices.Clone(s.ring[s.next:]), s.ring[:s.next]...)
}

// compact keeps a request's headers in one string, credentials masked.
func compact(r *http.Request) string {
	var b strings.Builder
	b.Grow(256)
	for k, vs := range r.Header {
		v := strings.Join(vs, ", ")
		if secretHeader(k) {
			v = mask(v)
		}
		b.WriteString(k)
		b.WriteByte(0)
		b.WriteString(v)
		b.WriteByte(0)
	}
	return b.String()
}

// secretHeader names the headers in which providers' clients prove who they are.
func secretHeader(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "Apikey", "Api-Key", "X-Api-Key", "Cookie":
		return true
	}
	return false
}

// mask keeps the scheme of a credential and nothing of the credential.
func mask(v string) string {
	if scheme, _, ok := strings.Cut(v, " "); ok && (scheme == "Bearer" || scheme == "Basic") {
		return scheme + " ***"
	}
	return "***"
}

// headers reads what compact wrote.
func headers(s string) map[string]string {
	m := make(map[string]string)
	parts := strings.Split(s, "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		m[parts[i]] = parts[i+1]
	}
	return m
}
