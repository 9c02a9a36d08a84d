package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const doubtedRecipient = "+15550001234"

// guess is an event of a provider that echoes no id of ours, with an id that we
// do not know.
func (f *fixture) guess(ref string, at time.Time) dispatch.StatusUpdate {
	return dispatch.StatusUpdate{
		Channel: f.channel, ProviderID: ref, ByRecipient: true, Recipient: doubtedRecipient, Status: dispatch.Delivered, At: at,
	}
}

// receive applies an event, and parks it if it has no message, as callbacks do.
func (f *fixture) receive(t testing.TB, u dispatch.StatusUpdate) (matched bool) {
	t.Helper()
	unmatched, err := f.ApplyStatuses(context.Background(), []dispatch.StatusUpdate{u})
	must(t, err)
	if len(unmatched) > 0 {
		must(t, f.Park(context.Background(), u))
	}
	return len(unmatched) == 0
}

// lookAgain retries every parked event.
func (f *fixture) lookAgain(t testing.TB) {
	t.Helper()
	f.exec(t, `UPDATE parked_callbacks SET wake_at = now()`)
	_, err := f.RetryParked(context.Background())
	must(t, err)
}

func (f *fixture) wants(t testing.TB, id dispatch.ID, status dispatch.Status, state int16) {
	t.Helper()
	s := f.standing(t, id)
	if s.Status != status || (s.State == nil) != (state < 0) || (s.State != nil && *s.State != state) {
		t.Errorf("message is %v with dispatch row %v, want %v and %d", s.Status, s.State, status, state)
	}
}

// An event with an unknown id that arrives during a call does not settle it: the
// provider then answers that it took nothing, and the message is sent again.
func TestApply_UnknownID_LeavesOpenCallToItsAnswer(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]Result{"500": ResultTemporary, "429": ResultThrottled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			id := f.accept(t, f.draft(doubtedRecipient))[0]
			claim := f.claim(t, id)
			if f.receive(t, f.guess("foreign", time.Now())) {
				t.Error("an open call was settled")
			}
			f.wants(t, id, dispatch.Queued, stateClaimed)
			o := outcome(id, claim, Retry, result)
			o.Channel, o.KeepRef = f.channel, true
			f.complete(t, o)
			f.lookAgain(t)
			f.wants(t, id, dispatch.Queued, stateReady)
		})
	}
}

// A parked event settles no message that was accepted after it arrived, not even
// when it names a later time.
func TestRetryParked_UnknownID_LeavesLaterMessages(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.receive(t, f.guess("early", time.Now().Add(time.Hour)))
	f.exec(t, `UPDATE parked_callbacks SET created_at = now() - interval '2 seconds'`)
	id := f.doubted(t)
	f.lookAgain(t)
	f.wants(t, id, dispatch.Queued, stateResolving)
}

// doubted returns a message whose call ended without an answer.
func (f *fixture) doubted(t testing.TB) dispatch.ID {
	t.Helper()
	id := f.accept(t, f.draft(doubtedRecipient))[0]
	o := outcome(id, f.claim(t, id), Resolve, ResultUnknown)
	o.Channel, o.KeepRef = f.channel, true
	f.complete(t, o)
	return id
}

// The event may name another id of the recipient.
func TestApply_UnknownID_OfAnotherIDOfThePerson(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.doubted(t)
	u := f.guess("gs-1", time.Now())
	u.Recipient = "+15550009999"
	if f.receive(t, u) {
		t.Error("a stranger's event settled the message")
	}
	must(t, f.Link(t.Context(), f.account, doubtedRecipient, u.Recipient))
	f.lookAgain(t)
	if s := f.standing(t, id); s.Status != dispatch.Delivered {
		t.Errorf("the message is %v", s.Status)
	}
}

// An event that arrives during a call whose outcome is then unknown settles it,
// without waiting for the next retry of parked events.
func TestRetryParked_UnknownID_SettlesCallWithoutAnswer(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.accept(t, f.draft(doubtedRecipient))[0]
	claim := f.claim(t, id)
	o := outcome(id, claim, Resolve, ResultUnknown)
	o.Channel, o.KeepRef = f.channel, true
	f.receive(t, f.guess("gs-1", time.Now()))
	f.exec(t, `UPDATE parked_callbacks SET wake_at = now() + interval '1 hour'`)
	f.complete(t, o)
	_, err := f.RetryParked(t.Context())
	must(t, err)
	f.wants(t, id, dispatch.Delivered, -1)
}

// An event that arrives before the answer to an accepted call finds it by the id
// that the answer brought.
func TestRetryParked_AcceptedID_IsFoundByIt(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.accept(t, f.draft(doubtedRecipient))[0]
	claim := f.claim(t, id)
	f.receive(t, f.guess("gs-1", time.Now()))
	o := outcome(id, claim, Settle, ResultAccepted)
	o.Channel, o.KeepRef, o.ProviderID = f.channel, true, "gs-1"
	f.complete(t, o)
	f.lookAgain(t)
	f.wants(t, id, dispatch.Delivered, -1)
}

func TestApply_UnknownID_Doubts(t *testing.T) {
	t.Parallel()
	over := func(t *testing.T, f *fixture, id dispatch.ID) {
		f.hour(t, id)
		must(t, f.SettleDoubts(t.Context(), []dispatch.ID{id}, []int{0}))
		f.wants(t, id, dispatch.Unknown, -1)
	}
	for name, c := range map[string]struct {
		at      time.Duration // of the event, from now
		prepare func(*testing.T, *fixture, dispatch.ID)
		matched bool
	}{
		"in the window":                     {matched: true},
		"after the window":                  {prepare: over, matched: true},
		"before the call":                   {at: -time.Hour},
		"before the call, after the window": {at: -time.Hour, prepare: over},
		"a second doubt":                    {prepare: func(t *testing.T, f *fixture, _ dispatch.ID) { f.doubted(t) }},
		"a second doubt after the window":   {prepare: func(t *testing.T, f *fixture, id dispatch.ID) { over(t, f, id); f.doubted(t) }},
		"an open call to the same recipient": {prepare: func(t *testing.T, f *fixture, _ dispatch.ID) {
			f.claim(t, f.accept(t, f.draft(doubtedRecipient))...)
		}},
		"waiting for its second call": {prepare: func(t *testing.T, f *fixture, id dispatch.ID) {
			f.hour(t, id)
			must(t, f.SettleDoubts(t.Context(), []dispatch.ID{id}, []int{1}))
			f.wants(t, id, dispatch.Queued, stateReady)
		}, matched: true},
		"a message that an event settled before": {prepare: func(t *testing.T, f *fixture, id dispatch.ID) {
			f.receive(t, f.guess("gs-0", time.Now()))
			f.wants(t, id, dispatch.Delivered, -1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			id := f.doubted(t)
			if c.prepare != nil {
				c.prepare(t, f, id)
			}
			before := f.standing(t, id)
			if got := f.receive(t, f.guess("gs-1", time.Now().Add(c.at))); got != c.matched {
				t.Fatalf("matched %v, want %v", got, c.matched)
			}
			if c.matched {
				f.wants(t, id, dispatch.Delivered, -1)
			} else if after := f.standing(t, id); after.Status != before.Status {
				t.Errorf("message went from %v to %v", before.Status, after.Status)
			}
			f.invariants(t)
		})
	}
}

// Two unknown ids in one batch are two copies; one message is not both.
func TestApply_TwoUnknownIDsInOneBatch_SettleOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.doubted(t)
	unmatched, err := f.ApplyStatuses(t.Context(), []dispatch.StatusUpdate{f.guess("gs-1", time.Now()), f.guess("gs-2", time.Now())})
	must(t, err)
	if len(unmatched) != 1 {
		t.Errorf("%d events without a message, want 1", len(unmatched))
	}
}

// What the emulator reports settles no message of a live key.
func TestApply_TestEvent_LeavesLiveMessages(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.doubted(t)
	u := f.guess("gs-1", time.Now())
	u.Test = true
	if f.receive(t, u) {
		t.Error("a live message was settled by the emulator")
	}
	f.wants(t, id, dispatch.Queued, stateResolving)
}

// A status that a provider repeats within one batch of callbacks is one event.
func TestApply_SameStatusTwiceInOneBatch_MakesOneEvent(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.messages(t, 1)[0]
	f.complete(t, outcome(id, f.claim(t, id), Settle, ResultAccepted))
	f.callback(t, id, dispatch.Delivered, dispatch.Read, dispatch.Delivered)
	var kinds []int64
	must(
		t,
		f.db.SelectContext(
			t.Context(),
			&kinds,
			`SELECT kind FROM events WHERE message_id = $1::uuid AND cause = 'callback' ORDER BY seq`,
			id.String(),
		),
	)
	if !slices.Equal(kinds, []int64{int64(dispatch.Delivered), int64(dispatch.Read)}) {
		t.Errorf("events %v, want delivered and read, once each", kinds)
	}
}
