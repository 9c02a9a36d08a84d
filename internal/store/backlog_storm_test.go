package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Claims, all outcomes, callbacks, leases that run out, cancels and whoever opens pages, all
// at once: every message is always in one place, none is claimed again after it was
// accepted, and nobody waits in a circle.
func TestPages_ManyWriters(t *testing.T) {
	t.Parallel()
	f := open(t)
	var mu sync.Mutex
	var ids []dispatch.ID
	accepted := map[dispatch.ID]bool{}
	add := func() error {
		rs, err := f.InsertMessages(context.Background(), f.drafts(60))
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rs {
			ids = append(ids, r.ID)
		}
		return err
	}
	some := func(n int) []dispatch.ID {
		mu.Lock()
		defer mu.Unlock()
		out := make([]dispatch.ID, n)
		for i := range out {
			out[i] = ids[rand.IntN(len(ids))]
		}
		return out
	}
	must(t, add())
	sent := func() error {
		mu.Lock()
		before := len(accepted)
		known := make(map[dispatch.ID]bool, before)
		for id := range accepted {
			known[id] = true
		}
		mu.Unlock()
		claim := uuid.New()
		got, _, err := f.ClaimDue(context.Background(), f.channel, dispatch.Normal, 1+rand.IntN(80), claim, time.Minute, rand.IntN(2) == 0)
		if err != nil {
			return err
		}
		var outs []Outcome
		for i, c := range got {
			if known[c.ID] {
				return fmt.Errorf("message %s was accepted, and is claimed again", c.ID)
			}
			o := []Outcome{
				outcome(c.ID, claim, Settle, ResultAccepted), outcome(c.ID, claim, Settle, ResultAccepted), outcome(c.ID, claim, Fail, ResultPermanent),
				outcome(c.ID, claim, Retry, ResultTemporary), outcome(c.ID, claim, Resolve, ResultUnknown), outcome(c.ID, claim, Release, 0),
			}[rand.IntN(6)]
			if o.Action == Retry || o.Action == Release {
				o.Delay = 0
			}
			if o.Paged, o.TID = c.Paged, c.TID; i%7 < 6 { // some are never reported
				outs = append(outs, o)
			}
		}
		for part := range slices.Chunk(outs, 20) {
			if _, err := f.Complete(context.Background(), part); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, o := range outs {
			if o.Action == Settle {
				accepted[o.ID] = true
			}
		}
		return nil
	}
	called := func() error {
		var us []dispatch.StatusUpdate
		for _, id := range some(20) {
			us = append(us, dispatch.StatusUpdate{ID: id, Channel: f.channel, Status: dispatch.Delivered, At: time.Now()})
		}
		_, err := f.ApplyStatuses(context.Background(), us)
		return err
	}
	kept := func() error {
		ctx := context.Background()
		_, err := f.db.ExecContext(ctx, `UPDATE claims SET wake_at = now() WHERE claim = (SELECT claim FROM claims LIMIT 1)`)
		if err == nil {
			_, err = f.ExpireLeases(ctx, [3]time.Duration{})
		}
		one := some(1)
		_, cancelled := f.Cancel(ctx, one[0])
		_, ended := f.Doubtful(ctx)
		return errors.Join(err, cancelled, ended, f.SettleDoubts(ctx, some(20), make([]int, 20)), f.TidyPages(ctx),
			f.OpenOldest(ctx, f.channel, dispatch.Normal, 1))
	}
	until := time.Now().Add(4 * time.Second)
	var wg sync.WaitGroup
	for _, do := range []func() error{add, sent, sent, sent, sent, called, called, kept, kept} {
		wg.Go(func() {
			for time.Now().Before(until) && !t.Failed() {
				if err := do(); err != nil {
					if pe, ok := errors.AsType[*pq.Error](err); ok && pe.Code == "55P03" { // two seconds for a lock: a slow machine
						continue
					}
					if pe, ok := errors.AsType[*pq.Error](err); ok && pe.Code == "40P01" {
						t.Errorf("deadlock: %s", pe.Detail)
					}
					t.Errorf("%v", err)
				}
			}
		})
	}
	for time.Now().Before(until) {
		f.invariants(t)
	}
	wg.Wait()
	f.invariants(t)
	_, err := f.OpenAll(t.Context())
	must(t, err)
	if l := f.layout(t); l.pages != 0 || l.claims != 0 {
		t.Errorf("%+v is left", l)
	}
	f.invariants(t)
}
