package emulator

import (
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// outcome is what becomes of a call.
type outcome int

const (
	accepted  outcome = iota
	throttled         // 429 with Retry-After: 1
	failing           // the provider's explicit 500
	invalid           // the provider's "invalid recipient"
	silent            // accepted, but the answer never comes
	cut               // read, then the connection reset; not accepted
)

// taken says that the provider has the message.
func (o outcome) taken() bool { return o == accepted || o == silent }

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
	first []outcome
	then  outcome
	plan  []step
}

var ordinary = script{plan: delivers}

var scripts = map[string]script{
	"0101": {first: []outcome{throttled, throttled}, plan: delivers},
	"0102": {first: []outcome{failing, failing}, plan: delivers},
	"0103": {then: failing},
	"0104": {then: invalid},
	"0105": {then: silent, plan: delivers},
	"0106": {plan: reads},
	"0107": {},
	"0108": {plan: fails},
	"0109": {plan: muddled},
	"0110": {first: []outcome{cut}, plan: delivers},
}

// scriptFor gives the script of a recipient.
func scriptFor(to string) script {
	if len(to) >= 4 {
		if sc, ok := scripts[to[len(to)-4:]]; ok {
			return sc
		}
	}
	return ordinary
}

// due is when a step's callback is made.
func (m *send) due(i int) time.Time {
	return m.base.Add(time.Duration(m.plan[i].after) * m.gap)
}

// event is what the step's callback reports. Its time is when it happened, not
// when it is told: out of order, a message was still sent before its delivery.
func (m *send) event(i uint8) event {
	st := m.plan[i].status
	when := m.base
	switch st {
	case dispatch.Delivered:
		when = when.Add(m.gap)
	case dispatch.Read:
		when = when.Add(2 * m.gap)
	}
	return event{send: m, step: i, status: st, when: when}
}

// statusAt is how the message stands: the furthest of what has happened. Zero
// is accepted and no more. One that never calls back was sent all the same.
func (m *send) statusAt(now time.Time) dispatch.Status {
	if len(m.plan) == 0 {
		if now.Before(m.base.Add(m.gap)) {
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
