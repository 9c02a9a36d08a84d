package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// evidencePiece is one piece of evidence that a message's status may follow.
type evidencePiece struct {
	status dispatch.Status
	by     dispatch.By
	worker bool // comes from our own call, not from a callback
}

func (e evidencePiece) String() string {
	return fmt.Sprintf("%s by %v (worker %v)", e.status, e.by, e.worker)
}

// pieces is all evidence there is: callbacks, an accepted call, a refused one.
var pieces = []evidencePiece{
	{dispatch.Sent, dispatch.ByUs, false},
	{dispatch.Delivered, dispatch.ByUs, false},
	{dispatch.Read, dispatch.ByUs, false},
	{dispatch.Failed, dispatch.ByProvider, false},
	{dispatch.Sent, dispatch.ByUs, true},
	{dispatch.Failed, dispatch.ByUs, true},
}

// rule is what dispatch.Status.Beats makes of evidence.
type rule struct {
	status  dispatch.Status
	by      dispatch.By
	anomaly bool
}

func (r rule) after(e evidencePiece) rule {
	if !e.status.Beats(r.status, e.by, r.by) {
		return r
	}
	return rule{
		e.status,
		map[bool]dispatch.By{true: e.by, false: dispatch.ByUs}[e.status == dispatch.Failed],
		r.anomaly || e.status.Anomalous(r.status),
	}
}

// starts are all the states that a message can be in.
var starts = []rule{
	{dispatch.Queued, dispatch.ByUs, false},
	{dispatch.Sent, dispatch.ByUs, false},
	{dispatch.Delivered, dispatch.ByUs, false},
	{dispatch.Read, dispatch.ByUs, false},
	{dispatch.Failed, dispatch.ByUs, false},
	{dispatch.Failed, dispatch.ByProvider, false},
	{dispatch.Expired, dispatch.ByUs, false},
	{dispatch.Cancelled, dispatch.ByUs, false},
	{dispatch.Unknown, dispatch.ByUs, false},
}

// put brings a message into a state, with an open call whatever the state: so
// that every statement comes as far as its rule for the status.
func (f *fixture) put(t testing.TB, id dispatch.ID, r rule) uuid.UUID {
	t.Helper()
	claim := uuid.New()
	f.exec(t, `UPDATE messages SET status = $2, final_by = $3 WHERE id = $1::uuid`, id.String(), int16(r.status), int16(r.by))
	f.exec(t, `INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane, state, claim)
		VALUES ($1::uuid, $2, $3, now(), now(), now() + interval '1 hour', 1, 1, $4::uuid)
		ON CONFLICT (message_id) DO UPDATE SET state = 1, claim = excluded.claim, maybe_sent = false`,
		id.String(), f.account, f.channel, claim.String())
	return claim
}

// give applies one piece of evidence through the statement that it comes by.
func (f *fixture) give(t testing.TB, id dispatch.ID, claim uuid.UUID, e evidencePiece) {
	t.Helper()
	switch {
	case !e.worker:
		f.callback(t, id, e.status)
	case e.status == dispatch.Sent:
		f.complete(t, outcome(id, claim, Settle, ResultAccepted))
	default:
		f.complete(t, outcome(id, claim, Fail, ResultPermanent))
	}
}

// The statements know the same rule as Status.Beats: every start state against
// every piece of evidence.
func TestStatements_FollowBeats(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, start := range starts {
		for _, e := range pieces {
			id := f.messages(t, 1)[0]
			claim := f.put(t, id, start)
			f.give(t, id, claim, e)
			got, want := f.standing(t, id), start.after(e)
			// A failure after a callback: a call of a finished message is none
			// that could fail it.
			if got.Status != want.status || got.By != want.by || got.Anomaly != want.anomaly {
				t.Errorf("%s by %v, then %v: %s by %v, anomaly %v; Beats says %s by %v, %v",
					start.status, start.by, e, got.Status, got.By, got.Anomaly, want.status, want.by, want.anomaly)
			}
		}
	}
}

// Any evidence in any order and any batches ends where Beats decides, and where
// every other order of the same evidence ends.
func TestApplyStatuses_AnyOrder_EndsAlike(t *testing.T) {
	t.Parallel()
	f := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		start := rapid.SampledFrom(starts).Draw(rt, "start")
		seq := rapid.SliceOfN(rapid.SampledFrom(pieces[:4]), 1, 6).Draw(rt, "evidence")
		cuts := rapid.SliceOfN(rapid.Bool(), len(seq), len(seq)).Draw(rt, "batches end")
		shuffled := rapid.Permutation(seq).Draw(rt, "another order")
		ids := f.messages(t, 2)
		for _, id := range ids {
			f.put(t, id, start)
		}
		want := start
		var batch []dispatch.Status
		for i, e := range seq {
			want = want.after(e)
			if batch = append(batch, e.status); cuts[i] || i == len(seq)-1 {
				f.callback(t, ids[0], batch...)
				batch = nil
			}
		}
		for _, e := range shuffled {
			f.callback(t, ids[1], e.status)
		}
		got, other := f.standing(t, ids[0]), f.standing(t, ids[1])
		if got.Status != want.status || got.By != want.by {
			rt.Fatalf("%s by %v; Beats says %s by %v", got.Status, got.By, want.status, want.by)
		}
		if got.Status != other.Status || got.By != other.By {
			rt.Fatalf("%s by %v in one order, %s by %v in another", got.Status, got.By, other.Status, other.By)
		}
		if got.State != nil {
			rt.Fatal("evidence left a dispatch row")
		}
	})
}

// Whatever is delivered has a time at which it was sent, whatever is read has
// all three, in order, however the callbacks come.
func TestApplyStatuses_TimesInOrder(t *testing.T) {
	t.Parallel()
	f := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		id := f.messages(t, 1)[0]
		f.put(t, id, starts[0])
		for range rapid.IntRange(1, 4).Draw(rt, "callbacks") {
			st := rapid.SampledFrom([]dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read}).Draw(rt, "status")
			at := time.Now().Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(rt, "seconds")) * time.Second)
			_, err := f.ApplyStatuses(t.Context(), []dispatch.StatusUpdate{{ID: id, Channel: f.channel, Status: st, At: at}})
			must(t, err)
		}
		vs, err := f.Views(t.Context(), []dispatch.ID{id})
		must(t, err)
		v := vs[0]
		if v.SentAt == nil || (v.Status >= dispatch.Delivered && v.DeliveredAt == nil) || (v.Status == dispatch.Read && v.ReadAt == nil) {
			rt.Fatalf("%s, sent at %v, delivered at %v, read at %v", v.Status, v.SentAt, v.DeliveredAt, v.ReadAt)
		}
		if v.SentAt.Before(v.CreatedAt) || (v.DeliveredAt != nil && v.ReadAt != nil && v.ReadAt.Before(*v.DeliveredAt)) {
			rt.Fatalf("made at %v, sent at %v, delivered at %v, read at %v", v.CreatedAt, v.SentAt, v.DeliveredAt, v.ReadAt)
		}
	})
}
