package campaign_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/worker/workertest"
)

// due makes the campaign due for a step.
func (f *fixture) due() {
	f.t.Helper()
	now := time.Now().Add(-time.Second)
	f.c.NextAt = &now
	workertest.Must(f.t, f.store.Save(f.t.Context(), &f.c))
}

// A step keeps other steps away, and nobody else: a campaign that is paused during
// a step is paused at once, and the step must not be saved.
func TestStep_Overtaken(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	f.add(1, 3, time.Now().Add(-time.Second))
	f.due()
	err := f.store.Tx(ctx, func(tx *campaigns.Store) error {
		c, ok, err := tx.TakeDue(ctx)
		if err != nil || !ok || c.ID != f.c.ID {
			t.Fatalf("took %d, %t, %v", c.ID, ok, err)
		}
		rows, err := tx.Turn(ctx, &c, 10)
		workertest.Must(t, err)
		for i := range rows {
			rows[i].Status = campaign.Expired
		}
		workertest.Must(t, tx.Move(ctx, c.ID, rows))
		workertest.Must(t, f.store.Tx(ctx, func(other *campaigns.Store) error {
			if _, ok, err := other.TakeDue(ctx); ok || err != nil {
				t.Errorf("the same campaign was taken twice, %v", err)
			}
			paused, err := other.Campaign(ctx, f.Account, c.ID)
			workertest.Must(t, err)
			paused.State = campaign.Paused
			return other.Save(ctx, &paused)
		}))
		return tx.Hold(ctx, &c)
	})
	if !errors.Is(err, campaigns.ErrOvertaken) {
		t.Errorf("a step of a campaign that was paused meanwhile ends with %v", err)
	}
	f.wants("undone", "map[skipped:1 total:4 waiting:3]")
	workertest.Must(t, f.store.Tx(ctx, func(tx *campaigns.Store) error {
		c, ok, err := tx.TakeDue(ctx)
		if err != nil || !ok || c.State != campaign.Paused {
			t.Fatalf("the next step has %v, %t, %v", c.State, ok, err)
		}
		workertest.Must(t, tx.Hold(ctx, &c))
		return tx.Save(ctx, &c)
	}))
}

// A row that somebody has moved since it was read is not moved again.
func TestMove_Moved_IsOvertaken(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	f.add(1, 3, time.Now().Add(-time.Second))
	rows, err := f.store.Turn(ctx, &f.c, 10)
	workertest.Must(t, err)
	f.queue(1)
	for i := range rows {
		rows[i].Status = campaign.Expired
	}
	slices.Reverse(rows)
	err = f.store.Tx(ctx, func(tx *campaigns.Store) error { return tx.Move(ctx, f.c.ID, rows) })
	if !errors.Is(err, campaigns.ErrOvertaken) {
		t.Errorf("moved with %v", err)
	}
	f.wants("as before", "map[queued:1 skipped:1 total:4 waiting:2]")
}

// Whoever moves rows waits for nobody who has counted others: messages settle while
// a transaction that has moved rows of the same campaign is open, and their receipts
// come in any order.
func TestCounts_NobodyWaits(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	const n = 60
	f.add(1, 2*n, time.Now().Add(-time.Second))
	ids := f.queue(n)
	err := f.store.Tx(ctx, func(tx *campaigns.Store) error {
		rows, err := tx.Turn(ctx, &f.c, n)
		workertest.Must(t, err)
		for i := range rows {
			rows[i].Status = campaign.Expired
		}
		workertest.Must(t, tx.Move(ctx, f.c.ID, rows))
		quick, cancel := context.WithTimeout(ctx, time.Second) // a lock is waited for twice as long
		defer cancel()
		_, err = f.ApplyStatuses(quick, []dispatch.StatusUpdate{
			{ID: ids[0], Channel: f.Channel, Status: dispatch.Delivered, At: time.Now()},
		})
		return err
	})
	workertest.Must(t, err)
	f.wants("delivered during a step", "map[delivered:1 expired:60 queued:59 skipped:1 total:121]")

	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 20 {
				us := make([]dispatch.StatusUpdate, 0, 8)
				for k := range 8 {
					status := []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read}[(i+k)%3]
					us = append(us, dispatch.StatusUpdate{ID: ids[(w*7+i*13+k*29)%n], Channel: f.Channel, Status: status, At: time.Now()})
				}
				if _, err := f.ApplyStatuses(ctx, us); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Go(func() {
		for range 20 {
			if err := errors.Join(f.store.AddUp(ctx), f.store.Tx(ctx, func(tx *campaigns.Store) error {
				c, err := tx.Campaign(ctx, f.Account, f.c.ID)
				workertest.Must(t, err)
				_, err = tx.Sweep(ctx, &c, campaigns.Mark{}, true)
				return errors.Join(err, tx.Save(ctx, &c))
			})); err != nil {
				t.Error(err)
			}
			f.standing()
		}
	})
	group.Wait()
	f.standing()
	workertest.Must(t, f.store.AddUp(ctx))
	f.standing()
	var left int
	workertest.Must(t, f.Connect(t).GetContext(ctx, &left, `SELECT count(*) FROM campaign_changes`))
	if left != 0 {
		t.Errorf("%d changes are not added up", left)
	}
}

// A message that was settled without anybody moving its row is found by a sweep; one
// that is under way is not, and a tally has the same rows as the counts.
func TestSweep_FindsWhatWasSettled(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	f.add(1, 4, time.Now().Add(-time.Second))
	ids := f.queue(3)
	db := f.Connect(t)
	sweep := func(want string) {
		t.Helper()
		next, err := f.store.Sweep(ctx, &f.c, campaigns.Mark{}, true)
		workertest.Must(t, err)
		if next.At != nil {
			t.Error("three messages are more than a sweep takes")
		}
		f.wants("swept", want)
	}
	sweep("map[queued:3 skipped:1 total:5 waiting:1]")
	_, err := db.ExecContext(ctx, `WITH d AS (DELETE FROM dispatch WHERE message_id = $1)
		UPDATE messages SET status = $2 WHERE id = $1`, ids[0].String(), int64(dispatch.Expired))
	workertest.Must(t, err)
	_, err = db.ExecContext(ctx, `UPDATE dispatch SET state = 1 WHERE message_id = $1`, ids[1].String())
	workertest.Must(t, err)
	sweep("map[expired:1 queued:1 sending:1 skipped:1 total:5 waiting:1]")
	all, err := f.store.Tally(ctx, []int64{f.c.ID})
	workertest.Must(t, err)
	if c := all[f.c.ID]; c.By[campaign.Queued] != 2 || c.Sending != 0 || c.InFlight != 0 || c.Unfinished() != 3 || c.Done() != 1 {
		t.Errorf("the tally is %+v", c)
	}
}

// Of a ledger that is longer than a piece, sweeps find what was settled long ago too, in
// bounded pieces that they read one after the other; alone in the queue it is found at once.
func TestSweep_GoesThroughALongLedger(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	const sent = 45_000
	f.add(1, 3, time.Now().Add(-time.Second))
	ids := f.queue(3)
	db := f.Connect(t)
	_, err := db.ExecContext(ctx, `INSERT INTO campaign_recipients (campaign_id, seq, status, indexed_status, wake_at, recipient, message_id)
		SELECT $1, 100 + i, 30, NULL, now(), '', uuid_floor(now() + i * interval '1 ms') FROM generate_series(1, $2::integer) i`, f.c.ID, sent)
	workertest.Must(t, err)
	settle := func(id dispatch.ID) {
		t.Helper()
		_, err := db.ExecContext(ctx, `WITH d AS (DELETE FROM dispatch WHERE message_id = $1)
			UPDATE messages SET status = $2 WHERE id = $1`, id.String(), int64(dispatch.Expired))
		workertest.Must(t, err)
	}
	expired := func() int64 {
		t.Helper()
		all, err := f.store.Tally(ctx, []int64{f.c.ID})
		workertest.Must(t, err)
		return all[f.c.ID].By[campaign.Expired]
	}
	settle(ids[0])
	var at campaigns.Mark
	for i, ends := range []bool{false, false, true} {
		at, err = f.store.Sweep(ctx, &f.c, at, true)
		workertest.Must(t, err)
		if ends != (at.At == nil) || ends != (expired() == 1) {
			t.Fatalf("after piece %d: to go on before %v, %d are expired", i+1, at, expired())
		}
	}
	settle(ids[1])
	settle(ids[2])
	if at, err = f.store.Sweep(ctx, &f.c, at, true); err != nil || at.At != nil || expired() != 3 {
		t.Errorf("with an empty queue: %v, %v, %d are expired", at, err, expired())
	}
}
