package store

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

// What becomes of one message of a page does not become of the others.
func TestComplete_Paged_OneIsNotAccepted(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]struct {
		action Action
		result Result
		status dispatch.Status
		state  int16 // of its row, -1: none
	}{
		"retry":   {Retry, ResultTemporary, dispatch.Queued, stateReady},
		"release": {Release, 0, dispatch.Queued, stateReady},
		"resolve": {Resolve, ResultUnknown, dispatch.Queued, stateResolving},
		"fail":    {Fail, ResultPermanent, dispatch.Failed, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.paged(t, 20)
			claim, got := f.due(t, 20)
			outs := ends(got, claim, Settle, ResultAccepted)
			odd := ends(got[7:8], claim, to.action, to.result)
			f.complete(t, append(slices.Clone(outs[:7]), odd...)...)
			f.complete(t, odd...)
			f.invariants(t)
			s := f.standing(t, got[7].ID)
			state := int16(-1)
			if s.State != nil {
				state = *s.State
			}
			if s.Status != to.status || state != to.state || s.Paged {
				t.Errorf("%+v, want %s in state %d", s, to.status, to.state)
			}
			must(t, f.TidyPages(t.Context()))
			if l := f.layout(t); l.claims != 1 {
				t.Errorf("%+v: the claim is gone, and 12 of its messages wait", l)
			}
			f.complete(t, outs[8:]...)
			must(t, f.TidyPages(t.Context()))
			if l := f.layout(t); l.claims != 0 {
				t.Errorf("%+v: the claim is over", l)
			}
			f.invariants(t)
		})
	}
}

// A callback that comes before the answer of its call settles the message, and shows in the
// attempts as a call; the answer, later, changes nothing but that.
func TestApply_Paged_BeforeTheAnswer(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	claim, got := f.due(t, 20)
	f.callback(t, got[0].ID, dispatch.Delivered)
	if s := f.standing(t, got[0].ID); s.Status != dispatch.Delivered || !s.MaybeSent || s.State != nil {
		t.Errorf("%+v", s)
	}
	f.invariants(t)
	f.complete(t, ends(got, claim, Settle, ResultAccepted)...)
	s, w := f.standing(t, got[0].ID), f.written(t, got[0].ID)
	if s.Status != dispatch.Delivered || s.MaybeSent || w.Attempts != 1 {
		t.Errorf("%+v, %+v", s, w)
	}
	must(t, f.TidyPages(t.Context()))
	if l := f.layout(t); l != (layout{}) {
		t.Errorf("%+v is left", l)
	}
	f.invariants(t)
}

// A message is settled also where its row is elsewhere than at the claim, and where another message's
// stands now.
func TestSettle_Paged_MovedSinceTheClaim(t *testing.T) {
	t.Parallel()
	for what, move := range map[string]func(*fixture, []Outcome){
		"changed": func(f *fixture, _ []Outcome) { f.exec(t, `UPDATE messages SET version = version`) },
		"some changed": func(f *fixture, outs []Outcome) {
			f.exec(t, `UPDATE messages SET version = version WHERE id = $1`, outs[3].ID.String())
		},
		"rewritten": func(f *fixture, _ []Outcome) {
			f.exec(t, `DELETE FROM messages WHERE reference = 'first'`)
			f.exec(t, `VACUUM FULL messages`)
		},
		"another's place": func(_ *fixture, outs []Outcome) { outs[3].TID, outs[4].TID = outs[4].TID, outs[3].TID },
		"no place":        func(_ *fixture, outs []Outcome) { outs[3].TID = pg.TID{} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			first := f.draft("+15550001000")
			first.Reference = "first"
			f.callback(t, f.accept(t, first)[0], dispatch.Delivered)
			f.paged(t, 20)
			claim, got := f.due(t, 20)
			outs := ends(got, claim, Settle, ResultAccepted)
			move(f, outs)
			f.complete(t, outs...)
			for _, c := range got {
				if s, w := f.standing(t, c.ID), f.written(t, c.ID); s.Status != dispatch.Sent || s.MaybeSent || w.Attempts != 1 || w.Events != 2 {
					t.Errorf("%s: %+v, %+v", c.ID, s, w)
				}
			}
			must(t, f.TidyPages(t.Context()))
			if l := f.layout(t); l != (layout{}) {
				t.Errorf("%+v is left", l)
			}
			f.invariants(t)
		})
	}
}

// A message that only moved since its claim, and whose claim is opened while its answer is settled, has
// ended: nothing of it wakes again.
func TestSettle_Paged_MovedAndOpenedMeanwhile(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	claim, got := f.due(t, 20)
	id, done := got[0].ID, make(chan error, 1)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		if _, err := f.In(tx).openClaims(t.Context(), sqlOpenClaims, lockClaims+`true`+inOrderOfClaim); err != nil {
			return err
		}
		go func() { done <- f.settleOdd(context.Background(), ends(got[:1], claim, Settle, ResultAccepted)) }()
		wait.Until(t, "the answer waits", func() bool {
			return f.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		})
		return nil
	}))
	must(t, <-done)
	if s, w := f.standing(t, id), f.written(t, id); s.Status != dispatch.Sent || s.State != nil || s.MaybeSent || w.Attempts != 1 {
		t.Errorf("%+v, %+v", s, w)
	}
	f.invariants(t)
}

// A page that is opened while a callback waits for one of its messages leaves no row of it.
func TestApply_Paged_OpenedMeanwhile(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	_, got := f.due(t, 20)
	id := got[3].ID
	var opened sync.WaitGroup
	done := make(chan error, 1)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		if _, err := f.In(tx).openClaims(t.Context(), sqlOpenClaims, lockClaims+`true`+inOrderOfClaim); err != nil {
			return err
		}
		opened.Go(func() {
			_, err := f.ApplyStatuses(context.Background(), []dispatch.StatusUpdate{
				{ID: id, Channel: f.channel, Status: dispatch.Delivered, At: time.Now()},
			})
			done <- err
		})
		wait.Until(t, "the callback waits", func() bool {
			return f.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		})
		return nil
	}))
	must(t, <-done)
	if s := f.standing(t, id); s.Status != dispatch.Delivered || s.State != nil {
		t.Errorf("%+v", s)
	}
	f.invariants(t)
}

// Settling locks messages in the order of their ids, as callbacks do, although their rows stand
// in another one, with and without statistics: or both wait in a circle.
func TestSettle_Paged_LocksInOrder(t *testing.T) {
	t.Parallel()
	for _, analyzed := range []bool{false, true} {
		settlesInOrder(t, analyzed)
	}
}

func settlesInOrder(t *testing.T, analyzed bool) {
	t.Helper()
	f := open(t)
	older, newer := f.drafts(40), f.drafts(40)
	f.accept(t, newer...)
	ids := append(f.accept(t, older...), f.accept(t, f.drafts(1)...)...)
	if analyzed {
		f.exec(t, `VACUUM ANALYZE messages`)
	}
	claim, got := f.due(t, 200)
	for _, a := range newer {
		ids = append(ids, a.ID)
	}
	slices.SortFunc(ids, func(a, b dispatch.ID) int { return bytes.Compare(a[:], b[:]) })
	settled := make(chan error, 1)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		_, err := tx.ExecContext(t.Context(), `SELECT 1 FROM messages WHERE id = $1::uuid FOR UPDATE`, ids[50].String())
		must(t, err)
		go func() {
			_, err := f.Complete(context.Background(), ends(got, claim, Settle, ResultAccepted))
			settled <- err
		}()
		wait.Until(t, "it waits for the one that is locked", func() bool {
			return f.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
		})
		var free []dispatch.ID
		must(t, f.db.SelectContext(t.Context(), &free, `SELECT id FROM messages ORDER BY id FOR UPDATE SKIP LOCKED`))
		if !slices.Equal(free, ids[51:]) {
			t.Errorf("analyzed %v: %d messages are not locked, want the %d behind it", analyzed, len(free), len(ids[51:]))
		}
		return nil
	}))
	must(t, <-settled)
	f.invariants(t)
}
