package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
)

// lib/pq repeats a statement whose connection broke before the answer, and
// callers repeat one whose outcome they don't know: every write is held to
// leave the state of one run after two.
func TestWrites_RunTwice_LeaveTheStateOfOne(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	u := []int{1}
	for _, c := range []struct {
		name    string
		without []string                                // columns of time that the second run may set anew
		write   func(*testing.T, *fixture) func() error // makes the start state and gives the write
	}{
		{"accept", nil, func(_ *testing.T, f *fixture) func() error {
			page := []NewMessage{f.draft("+15550000001"), f.draft("+15550000002")}
			return insert(f, page)
		}},
		{"accept with idempotency key", nil, func(_ *testing.T, f *fixture) func() error {
			a := f.draft("+15550000001")
			a.IdemKey, a.IdemFingerprint = "key", "print"
			return insert(f, []NewMessage{a})
		}},
		{"accept scheduled", nil, func(_ *testing.T, f *fixture) func() error {
			near, far := f.draft("+15550000001"), f.draft("+15550000002")
			near.SendAt, far.SendAt = time.Now().Add(time.Minute), time.Now().Add(time.Hour)
			return insert(f, []NewMessage{near, far})
		}},
		{"accept and claim", []string{"wake_at"}, func(t *testing.T, f *fixture) func() error {
			a := f.draft("+15550000001")
			f.claim(t, f.accept(t, a)...)
			return insert(f, []NewMessage{a}) // a late second run
		}},
		{"claim", []string{"wake_at"}, func(t *testing.T, f *fixture) func() error {
			ids, claim := f.messages(t, 2), uuid.New()
			return func() error {
				got, err := f.ClaimPage(ctx, ids, claim, 20*time.Second)
				if err == nil && (len(got) != 2 || got[0].Attempts != 1) {
					t.Errorf("claimed %+v", got)
				}
				return err
			}
		}},
		{"postpone", []string{"wake_at"}, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 2)
			return func() error { return f.Postpone(ctx, ids, time.Minute) }
		}},
		{"due", nil, func(t *testing.T, f *fixture) func() error {
			f.messages(t, 2)
			return func() error {
				_, err := f.DueMessages(ctx, dispatch.Normal, map[int64]int{f.channel: 10})
				return err
			}
		}},
		{"settle", nil, completes(Settle, ResultAccepted)},
		{"retry throttled", nil, completes(Retry, ResultThrottled)},
		{"retry not sent", nil, completes(Retry, ResultNotSent)},
		{"retry doubtful", nil, completes(Retry, ResultDoubtful)},
		{"resolve", nil, completes(Resolve, ResultUnknown)},
		{"fail", nil, completes(Fail, ResultPermanent)},
		{"fail doubtful", nil, completes(Fail, ResultDoubtful)},
		{"release", nil, completes(Release, 0)},
		{"settle after a callback", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 1)
			claim := f.claim(t, ids...)
			f.callback(t, ids[0], dispatch.Delivered)
			o := outcome(ids[0], claim, Settle, ResultAccepted)
			return func() error { _, err := f.Complete(ctx, []Outcome{o}); return err }
		}},
		{"settle over another claim", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 1)
			first := f.claim(t, ids...)
			f.complete(t, outcome(ids[0], first, Resolve, ResultUnknown))
			must(t, f.SettleDoubts(ctx, ids, u))
			f.claim(t, ids...)
			o := outcome(ids[0], first, Settle, ResultAccepted)
			return func() error { _, err := f.Complete(ctx, []Outcome{o}); return err }
		}},
		{"settle keeps a reference", []string{"created_at"}, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 1)
			o := outcome(ids[0], f.claim(t, ids...), Settle, ResultAccepted)
			o.KeepRef, o.Channel = true, f.channel
			return func() error { _, err := f.Complete(ctx, []Outcome{o}); return err }
		}},
		{"leases", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 2)
			f.claim(t, ids...)
			f.hour(t, ids...)
			return func() error {
				_, err := f.ExpireLeases(ctx, [3]time.Duration{time.Minute, time.Minute, time.Minute})
				return err
			}
		}},
		{"doubtful", nil, func(t *testing.T, f *fixture) func() error {
			f.hour(t, f.inDoubt(t)...)
			return func() error { _, err := f.Doubtful(ctx); return err }
		}},
		{"reopen", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.inDoubt(t)
			return func() error { return f.SettleDoubts(ctx, ids, u) }
		}},
		{"give up", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.inDoubt(t)
			return func() error { return f.SettleDoubts(ctx, ids, []int{0}) }
		}},
		{"expire", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 2)
			f.exec(t, `UPDATE dispatch SET expires_at = now() - interval '1 second'`)
			return func() error { _, err := f.Expire(ctx, ids); return err }
		}},
		{"cancel", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.messages(t, 1)
			return func() error { _, err := f.Cancel(ctx, ids[0]); return err }
		}},
		{"cancel scheduled", nil, func(t *testing.T, f *fixture) func() error {
			a := f.draft("+15550000001")
			a.SendAt = time.Now().Add(time.Hour)
			ids := f.accept(t, a)
			return func() error { _, err := f.Cancel(ctx, ids[0]); return err }
		}},
		{"cancel in doubt", nil, func(t *testing.T, f *fixture) func() error {
			ids := f.inDoubt(t)
			return func() error { _, err := f.Cancel(ctx, ids[0]); return err }
		}},
		{"move scheduled", nil, func(t *testing.T, f *fixture) func() error {
			a := f.draft("+15550000001")
			a.SendAt = time.Now().Add(horizon + 10*time.Second)
			f.accept(t, a)
			f.exec(t, `UPDATE scheduled SET due_at = due_at - interval '1 minute'`)
			return func() error { _, err := f.MoveScheduled(ctx); return err }
		}},
		{"wake offered", nil, func(t *testing.T, f *fixture) func() error {
			f.messages(t, 3)
			_, err := f.DueMessages(ctx, dispatch.Normal, map[int64]int{f.channel: 10})
			must(t, err)
			return func() error { _, err := f.WakeOffered(ctx); return err }
		}},
		{"return fallbacks", nil, func(t *testing.T, f *fixture) func() error {
			a := f.draft("+15550000001")
			a.Fallback = `[{}]`
			ids := f.accept(t, a)
			f.complete(t, outcome(ids[0], f.claim(t, ids...), Fail, ResultPermanent))
			fs, err := f.DueFallbacks(ctx)
			must(t, err)
			return func() error { return f.ReturnFallbacks(ctx, fs) }
		}},
		{"park", nil, func(_ *testing.T, f *fixture) func() error {
			return func() error {
				return f.Park(ctx, dispatch.StatusUpdate{Channel: f.channel, ProviderID: "x", Status: dispatch.Sent})
			}
		}},
		{"close circuit", nil, func(t *testing.T, f *fixture) func() error {
			must(t, f.OpenCircuit(ctx, f.channel, "trouble", time.Second))
			return func() error { return f.CloseCircuit(ctx, f.channel, false) }
		}},
		{"pause", nil, func(_ *testing.T, f *fixture) func() error {
			return func() error { return f.PauseChannel(ctx, f.channel, "by hand") }
		}},
		{"inbound", nil, func(_ *testing.T, f *fixture) func() error {
			in := dispatch.Inbound{
				From: "+15550000001", WaID: "15550000001", ProviderID: "x", Type: "text", Text: "stop", Raw: "{}", Stop: true,
				At: time.Now().Add(-time.Minute),
			}
			return func() error {
				_, err := f.InsertInbound(ctx, f.channel, []dispatch.Inbound{in})
				return err
			}
		}},
		{"wa_id", nil, func(_ *testing.T, f *fixture) func() error {
			return func() error {
				return f.NoteAll(ctx, f.account, []people.Seen{{Recipient: "+15550000001", WaID: "1555000"}})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			write := c.write(t, f)
			must(t, write())
			once := f.dump(t, c.without...)
			must(t, write())
			if diff := cmp.Diff(once, f.dump(t, c.without...)); diff != "" {
				t.Errorf("the second run changed (-first +second):\n%s", diff)
			}
			f.invariants(t)
		})
	}
}

func insert(f *fixture, page []NewMessage) func() error {
	var first []dispatch.Receipt
	return func() error {
		rs, err := f.InsertMessages(context.Background(), page)
		for i := range rs {
			if rs[i].Err != nil {
				return rs[i].Err
			}
			if first != nil &&
				(rs[i].ID != first[i].ID || rs[i].Status != first[i].Status || !rs[i].CreatedAt.Equal(first[i].CreatedAt) || rs[i].Replayed) {
				return dispatch.Errorf(dispatch.Internal, "second receipt %+v, first %+v", rs[i], first[i])
			}
		}
		if first == nil {
			first = rs
		}
		return err
	}
}

// completes ends the calls of a page of two in one way.
func completes(action Action, result Result) func(*testing.T, *fixture) func() error {
	return func(t *testing.T, f *fixture) func() error {
		ids := f.messages(t, 2)
		claim := f.claim(t, ids...)
		outs := []Outcome{outcome(ids[0], claim, action, result), outcome(ids[1], claim, action, result)}
		return func() error { _, err := f.Complete(context.Background(), outs); return err }
	}
}

// inDoubt returns a message whose call's outcome is being resolved.
func (f *fixture) inDoubt(t *testing.T) []dispatch.ID {
	t.Helper()
	ids := f.messages(t, 1)
	f.complete(t, outcome(ids[0], f.claim(t, ids...), Resolve, ResultUnknown))
	return ids
}

// A repeated callback adds a note to the timeline, and nothing else.
func TestApplyStatuses_Repeated_AddsANote(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.messages(t, 1)[0]
	f.complete(t, outcome(id, f.claim(t, id), Settle, ResultAccepted))
	f.callback(t, id, dispatch.Sent, dispatch.Delivered)
	v, err := f.Views(t.Context(), []dispatch.ID{id})
	must(t, err)
	f.callback(t, id, dispatch.Sent, dispatch.Delivered)
	f.callback(t, id, dispatch.Failed)
	w, err := f.Views(t.Context(), []dispatch.ID{id})
	must(t, err)
	w[0].Version, w[0].UpdatedAt = v[0].Version, v[0].UpdatedAt
	if diff := cmp.Diff(v, w); diff != "" {
		t.Errorf("a repeated callback changed (-before +after):\n%s", diff)
	}
	events, err := f.Timeline(t.Context(), id)
	must(t, err)
	kinds := map[string]int{}
	for _, e := range events {
		kinds[e.Type]++
	}
	if want := map[string]int{"queued": 1, "sent": 1, "delivered": 1, "note": 4, "attempt": 1}; !cmp.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}
