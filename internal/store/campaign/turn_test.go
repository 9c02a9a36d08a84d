package campaign_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// turns reads the rows whose turn it is, at most n, and returns their numbers.
func (f *fixture) turns(n int) (seqs []int, rows []campaigns.Recipient) {
	f.t.Helper()
	rows, err := f.store.Turn(f.t.Context(), &f.c, n)
	workertest.Must(f.t, err)
	for _, r := range rows {
		seqs = append(seqs, r.Seq)
	}
	return seqs, rows
}

func (f *fixture) turnsAre(when string, want ...int) []campaigns.Recipient {
	f.t.Helper()
	seqs, rows := f.turns(100)
	if !slices.Equal(seqs, want) {
		f.t.Errorf("%s: the turn is that of rows %v, want %v", when, seqs, want)
	}
	return rows
}

// had expires rows and notes that they had their turn.
func (f *fixture) had(rows []campaigns.Recipient) {
	f.t.Helper()
	moved := slices.Clone(rows)
	for i := range moved {
		moved[i].Status = campaign.Expired
	}
	moved = slices.DeleteFunc(moved, func(r campaigns.Recipient) bool { return r.Campaign == 0 })
	workertest.Must(f.t, f.store.Move(f.t.Context(), f.c.ID, moved))
	f.c.Had(rows)
}

// Rows have their turn once, in the order of their times. One that stays as it was is read again, one that is held gets
// another turn, and one that is added behind the last turn gets its own.
func TestTurn_GoesOnBehindTheLast(t *testing.T) {
	t.Parallel()
	f := open(t)
	at := time.Now().Add(-time.Minute)
	f.add(1, 6, at)
	f.add(10, 2, at.Add(-time.Second))
	rows := f.turnsAre("filled", 10, 11, 1, 2, 3, 4, 5, 6)
	rows[3].Campaign = 0 // row 2 has no room
	f.had(rows[:5])
	rows = f.turnsAre("row 2 stays", 2, 4, 5, 6)
	rows[0].Status, rows[0].WakeAt = campaign.Held, time.Now().Add(50*time.Millisecond)
	workertest.Must(t, f.store.Move(t.Context(), f.c.ID, rows[:1]))
	f.c.Had(rows[:1])
	f.turnsAre("row 2 is held", 4, 5, 6)
	if next, err := f.store.NextTurn(t.Context(), &f.c); err != nil || next == nil || !next.Equal(rows[1].WakeAt) {
		t.Errorf("the next turn is at %v, %v", next, err)
	}
	f.had(rows[1:])
	f.add(20, 1, at.Add(-time.Hour))
	f.c.Waits(&campaigns.Recipient{Seq: 20, WakeAt: at.Add(-time.Hour)})
	wait.For(t, 10*time.Second, func() error {
		if seqs, _ := f.turns(100); len(seqs) < 2 {
			return errors.New("row 2 is held")
		}
		return nil
	})
	rows = f.turnsAre("in the end", 20, 2)
	f.had(rows)
	f.turnsAre("nobody is left")
	workertest.Must(t, f.store.Save(t.Context(), &f.c))
	saved, err := f.store.ByID(t.Context(), f.c.ID)
	if err != nil || saved.TurnAt == nil || !saved.TurnAt.Equal(*f.c.TurnAt) || saved.TurnSeq != f.c.TurnSeq {
		t.Errorf("saved as %v %d, %v", saved.TurnAt, saved.TurnSeq, err)
	}
	f.wants("the ledger", "map[expired:9 skipped:3 total:12]")
}

// The next turn is noted as the place behind which rows wait, but never a time to come: until then rows may be held.
func TestNextTurn_NotesWhatWasHad(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	f.add(1, 1, time.Now().Add(-time.Minute))
	f.had(f.turnsAre("filled", 1))
	f.c.TurnAt = nil // as after an upgrade
	f.add(10, 1, time.Now().Add(time.Hour))
	next, err := f.store.NextTurn(ctx, &f.c)
	if err != nil || next == nil || f.c.TurnAt == nil || f.c.TurnAt.After(time.Now()) || f.c.TurnAt.Before(time.Now().Add(-10*time.Second)) {
		t.Errorf("the next turn is at %v, had are those until %v, %v", next, f.c.TurnAt, err)
	}
	if missed, err := f.store.Missed(ctx, &f.c); err != nil || !missed {
		t.Errorf("a row that waits is missed: %t, %v", missed, err) // only asked when there is no next turn
	}
	if f.turnsAre("before its time"); f.c.TurnAt != nil {
		t.Error("rows do not have their turn again")
	}
}

// Rows that a worker of the binary before has added behind the last turn are found when no other is left.
func TestMissed_RowsOfTheBinaryBefore(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	missed := func(want bool) {
		t.Helper()
		if next, err := f.store.NextTurn(ctx, &f.c); err != nil || next != nil {
			t.Errorf("the next turn is at %v, %v", next, err)
		}
		if missed, err := f.store.Missed(ctx, &f.c); err != nil || missed != want {
			t.Errorf("missed: %t, %v", missed, err)
		}
	}
	f.add(1, 3, time.Now().Add(-time.Minute))
	f.had(f.turnsAre("filled", 1, 2, 3))
	missed(false)
	f.add(10, 2, time.Now().Add(-time.Hour)) // without Waits
	missed(true)
	f.had(f.turnsAre("again", 10, 11))
	missed(false)
	f.add(20, 2, time.Now().Add(-time.Hour))
	workertest.Must(t, f.store.Tx(ctx, func(tx *campaigns.Store) error { return tx.EmptyLedger(ctx, &f.c) }))
	if f.c.TurnAt != nil {
		t.Error("an empty ledger has had turns")
	}
}

// A row that gets its message moves in no index, and a page has room for all of its rows at once (HOT updates).
func TestMove_IsHOT(t *testing.T) {
	t.Parallel()
	f := open(t)
	const n = 200
	f.add(1, n, time.Now().Add(-time.Minute))
	_, rows := f.turns(n)
	for i := range rows {
		rows[i].Status, rows[i].Message = campaign.Queued, new(ledger.NewID(rows[i].Seq).String())
	}
	workertest.Must(t, f.Connect(t).Tx(t.Context(), func(tx *pg.DB) error {
		workertest.Must(t, campaigns.New(tx).Move(t.Context(), f.c.ID, rows))
		var got struct {
			Updated int64 `db:"updated"`
			Hot     int64 `db:"hot"`
			Noted   int64 `db:"noted"`
		}
		err := tx.GetContext(t.Context(), &got, `SELECT pg_stat_get_xact_tuples_updated(oid) AS updated,
			pg_stat_get_xact_tuples_hot_updated(oid) AS hot, (SELECT count(*) FROM campaign_messages) AS noted
			FROM pg_class WHERE oid = 'campaign_recipients'::regclass`)
		if got.Updated != n || got.Hot != n || got.Noted != 0 {
			t.Errorf("%d updates, %d of them HOT, %d rows are noted; want %d, %d and 0", got.Updated, got.Hot, got.Noted, n, n)
		}
		return err
	}))
}
