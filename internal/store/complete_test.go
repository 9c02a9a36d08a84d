package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
)

// written is what settling writes of a message.
type written struct {
	Version  int `db:"version"`
	Attempts int `db:"attempts"`
	Events   int `db:"events"`
}

func (f *fixture) written(t *testing.T, id dispatch.ID) (w written) {
	t.Helper()
	must(t, f.db.GetContext(t.Context(), &w, `SELECT m.version, (SELECT count(*) FROM attempts WHERE message_id = m.id) AS attempts,
		(SELECT count(*) FROM `+eventlog.OfMessages("ARRAY[m.id]")+` e) AS events FROM messages m WHERE m.id = $1::uuid`, id.String()))
	return w
}

// One message that a callback has settled before its answer does not make the
// others of its page be settled twice: theirs would get a second version where the
// provider returns no id.
func TestComplete_OneSettledByACallback_OthersOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 3)
	claim := f.claim(t, ids...)
	var before [3]written
	for i, id := range ids {
		before[i] = f.written(t, id)
	}
	f.callback(t, ids[1], dispatch.Delivered)
	var outs []Outcome
	for _, id := range ids {
		o := outcome(id, claim, Settle, ResultAccepted)
		o.ProviderID = ""
		outs = append(outs, o)
	}
	f.complete(t, outs...)
	for _, i := range []int{0, 2} {
		want := written{before[i].Version + 1, 1, before[i].Events + 1}
		if got := f.written(t, ids[i]); got != want {
			t.Errorf("message %d: %+v, want %+v", i, got, want)
		}
	}
	if got := f.standing(t, ids[1]); got.Status != dispatch.Delivered || got.State != nil {
		t.Errorf("the message that the callback settled: %+v", got)
	}
	f.invariants(t)
}

// The age of a message counts from when it was due: a hold before its first call moves
// that, a retry does not.
func TestClaim_Since_AfterHolds_SurvivesRetries(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.messages(t, 1)[0]
	f.exec(t, `UPDATE messages SET created_at = now() - interval '3 hours' WHERE id = $1::uuid`, id.String())
	f.exec(t, `UPDATE dispatch SET due_at = now() - interval '3 hours' WHERE message_id = $1::uuid`, id.String())
	began := time.Now().Add(-2 * time.Hour)
	for _, step := range []struct {
		end    Action
		result Result
		want   time.Duration // the age at the claim before
	}{
		{Release, 0, 3 * time.Hour},
		{Retry, ResultThrottled, time.Second}, // it was held until now
		{Release, 0, 2 * time.Hour},           // its first call
		{Retry, ResultTemporary, 2 * time.Hour},
		{Settle, ResultAccepted, 2 * time.Hour},
	} {
		claimed, _, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, 10, uuid.New(), 20*time.Second, true)
		must(t, err)
		if len(claimed) != 1 || (time.Since(claimed[0].Since)-step.want).Abs() > time.Minute {
			t.Fatalf("before %s: claimed %+v, want one that was due %s ago", step.result, claimed, step.want)
		}
		out := outcome(id, f.claimOf(t, id), step.end, step.result)
		out.Delay, out.StartedAt = time.Minute, began
		f.complete(t, out)
		f.hour(t, id)
	}
}

func (f *fixture) claimOf(t *testing.T, id dispatch.ID) (claim uuid.UUID) {
	t.Helper()
	must(t, f.db.GetContext(t.Context(), &claim, `SELECT claim FROM dispatch WHERE message_id = $1::uuid`, id.String()))
	return claim
}

// A lease that has run out leaves the same marks as an unknown outcome: a receipt
// without our id is matched with messages that may have been sent.
func TestLeases_MarkTheMessage_AsAnUnknownOutcomeDoes(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 2)
	f.complete(t, outcome(ids[0], f.claim(t, ids[0]), Resolve, ResultUnknown))
	f.claim(t, ids[1])
	f.hour(t, ids[1])
	if n, err := f.ExpireLeases(t.Context(), [3]time.Duration{time.Minute, time.Minute, time.Minute}); err != nil || n != 1 {
		t.Fatalf("%d leases ended, %v", n, err)
	}
	want, got := f.standing(t, ids[0]), f.standing(t, ids[1])
	if !want.MaybeSent || got.MaybeSent != want.MaybeSent || *got.State != *want.State {
		t.Errorf("after its lease %+v, after an unknown outcome %+v", got, want)
	}
	if a, b := f.written(t, ids[0]), f.written(t, ids[1]); a.Version != b.Version {
		t.Errorf("versions %d and %d", a.Version, b.Version)
	}
}

// An answer that comes when another call is under way leaves that one's mark, which a repeat of
// the answer keeps: two copies may have been sent.
func TestComplete_AcceptedUnderAnotherClaim_LeavesATombstone(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.messages(t, 1)[0]
	first := outcome(id, f.claim(t, id), Settle, ResultAccepted)
	f.hour(t, id)
	if n, err := f.ExpireLeases(t.Context(), [3]time.Duration{time.Minute, time.Minute, time.Minute}); err != nil || n != 1 {
		t.Fatalf("%d leases ended, %v", n, err)
	}
	must(t, f.SettleDoubts(t.Context(), []dispatch.ID{id}, []int{1}))
	f.hour(t, id)
	f.claim(t, id)
	for range 2 {
		f.complete(t, first)
		if s, w := f.standing(t, id), f.written(t, id); s.Status != dispatch.Sent || !s.MaybeSent || w.Attempts != 2 {
			t.Errorf("%+v, %+v", s, w)
		}
	}
	const tombstones = `SELECT count(*) FROM attempts WHERE outcome = $1 AND detail = 'cut off: an earlier call was accepted'`
	if n := f.number(t, tombstones, ResultUnknown); n != 1 {
		t.Errorf("%d tombstones", n)
	}
	f.invariants(t)
}

// The event of a message that is sent late says so, unless the message is bulk.
func TestComplete_SentLate_IsMarked(t *testing.T) {
	t.Parallel()
	f := open(t)
	soon, late, bulk, scheduled, doubted := f.draft("+15550000001"), f.draft("+15550000002"), f.draft("+15550000003"),
		f.draft("+15550000004"), f.draft("+15550000005")
	ids := f.accept(t, soon, late, bulk, scheduled, doubted)
	f.exec(t, `UPDATE messages SET created_at = now() - interval '31 seconds' WHERE id <> $1`, ids[0])
	f.exec(t, `UPDATE messages SET lane = $2 WHERE id = $1`, ids[2], dispatch.Bulk)
	f.exec(t, `UPDATE messages SET send_at = now() - interval '29 seconds' WHERE id = $1`, ids[3])
	f.exec(t, `UPDATE dispatch SET maybe_sent = true WHERE message_id = $1`, ids[4])
	for _, id := range ids {
		_, err := f.Complete(t.Context(), []Outcome{{ID: id, Claim: f.claim(t, id), Action: Settle, Result: ResultAccepted, Channel: f.channel}})
		must(t, err)
	}
	var got []dispatch.ID
	must(t, f.db.SelectContext(t.Context(), &got, `SELECT message_id FROM events WHERE kind = $1 AND late ORDER BY id`, dispatch.Sent))
	if want := []dispatch.ID{ids[1], ids[4]}; !slices.Equal(got, want) {
		t.Errorf("late are %v, want %v", got, want)
	}
}
