package engine

import (
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Outcome is the result of a call.
type Outcome int

// The outcomes that a vendor answers.
const (
	Accepted  Outcome = iota
	Throttled         // 429 with Retry-After: 1
	Failing           // the provider's explicit 500
	Invalid           // the provider's "invalid recipient"
	silent            // accepted, but the answer never comes
	cut               // read, then the connection reset; not accepted
)

// taken reports whether the provider has the message.
func (o Outcome) taken() bool { return o == Accepted || o == silent }

// step is a callback: its status, and its time as a multiple of the delay.
type step struct {
	status dispatch.Status
	after  int
}

var (
	delivers = []step{{dispatch.Sent, 1}, {dispatch.Delivered, 2}}
	reads    = []step{{dispatch.Sent, 1}, {dispatch.Delivered, 2}, {dispatch.Read, 3}}
	fails    = []step{{dispatch.Failed, 1}}
	muddled  = []step{{dispatch.Delivered, 1}, {dispatch.Delivered, 2}, {dispatch.Sent, 3}, {dispatch.Sent, 4}}
)

// script is what a recipient's last four digits ask for: the outcomes of the
// first calls for a message, that of all later ones, and the callbacks.
type script struct {
	first []Outcome
	then  Outcome
	plan  []step
}

var ordinary = script{plan: delivers}

var scripts = map[string]script{
	"0101": {first: []Outcome{Throttled, Throttled}, plan: delivers},
	"0102": {first: []Outcome{Failing, Failing}, plan: delivers},
	"0103": {then: Failing},
	"0104": {then: Invalid},
	"0105": {then: silent, plan: delivers},
	"0106": {plan: reads},
	"0107": {},
	"0108": {plan: fails},
	"0109": {plan: muddled},
	"0110": {first: []Outcome{cut}, plan: delivers},
}

// scriptFor returns the script of a recipient.
func scriptFor(to string) script {
	if len(to) >= 4 {
		if sc, ok := scripts[to[len(to)-4:]]; ok {
			return sc
		}
	}
	return ordinary
}

// The callbacks of messages to sharedTo arrive at the address of the first number
// of the same app, those that are due within sharedFor in one.
const (
	sharedTo  = "0114"
	sharedFor = 250 * time.Millisecond
)

// shared reports whether the callbacks of m share an address with those of other
// numbers.
func (m *Send) shared() bool { return m.vendor.App != nil && strings.HasSuffix(m.To, sharedTo) }

// due is when a step's callback is made.
func (m *Send) due(i int) time.Time {
	due := m.Base.Add(time.Duration(m.plan[i].after) * m.gap)
	if m.shared() {
		return due.Truncate(sharedFor).Add(sharedFor)
	}
	return due
}

// event is what the step's callback reports. Its time is when it happened, not
// when it is reported: out of order, a message was still sent before its delivery.
func (m *Send) event(i uint8) Event {
	st := m.plan[i].status
	when := m.Base
	switch st {
	case dispatch.Delivered:
		when = when.Add(m.gap)
	case dispatch.Read:
		when = when.Add(2 * m.gap)
	}
	return Event{Send: m, step: i, Status: st, When: when}
}

// StatusAt is how the message stands: the furthest of what has happened. Zero
// is accepted and no more. One that never calls back was sent all the same.
func (m *Send) StatusAt(now time.Time) dispatch.Status {
	if len(m.plan) == 0 {
		if now.Before(m.Base.Add(m.gap)) {
			return 0
		}
		return dispatch.Sent
	}
	var st dispatch.Status
	for i := range m.plan {
		if !m.due(i).After(now) {
			st = max(st, m.plan[i].status)
		}
	}
	return st
}
