package store

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

func TestTakeJob_OneTurnForAll(t *testing.T) {
	t.Parallel()
	f := open(t)
	for i, want := range []bool{true, false, false} {
		got, err := f.TakeJob(t.Context(), "receipts", time.Minute)
		must(t, err)
		if got != want {
			t.Errorf("turn %d: got %v, want %v", i, got, want)
		}
	}
	f.exec(t, `UPDATE jobs SET next_at = now()`)
	if got, err := f.TakeJob(t.Context(), "receipts", time.Minute); err != nil || !got {
		t.Errorf("after its time: got %v, %v; want the turn", got, err)
	}
}

func TestSentWithoutReceipt_OnlyWhatStaysSent(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 2)
	claim := f.claim(t, ids...)
	for _, id := range ids {
		o := outcome(id, claim, Settle, ResultAccepted)
		o.ProviderID = "SM" + id.String()
		f.complete(t, o)
	}
	f.callback(t, ids[1], dispatch.Delivered)
	now := time.Now()
	got, err := f.SentWithoutReceipt(t.Context(), []int64{f.channel}, now.Add(-time.Hour), now.Add(time.Hour))
	must(t, err)
	if len(got) != 1 || got[0].ID != ids[0] || got[0].ProviderID != "SM"+ids[0].String() {
		t.Errorf("got %+v, want only %s", got, ids[0])
	}
	if got, err := f.SentWithoutReceipt(t.Context(), []int64{f.channel + 1}, now.Add(-time.Hour), now.Add(time.Hour)); err != nil ||
		len(got) != 0 {
		t.Errorf("another channel: got %+v, %v; want nothing", got, err)
	}
}

// A window that has been closed for a day is no longer needed; an open one is, and one
// that somebody writes to at this moment is left.
func TestPrune_DropsClosedWindows(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(t, `INSERT INTO windows (channel_id, phone, opened_at) SELECT $1, '+1555' || lpad(n::text, 7, '0'),
		now() - CASE WHEN n % 2 = 0 THEN interval '3 days' ELSE interval '1 hour' END FROM generate_series(1, 11000) n`, f.channel)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE windows SET opened_at = now() WHERE phone IN ('+15550000002', '+15550010998')`)
		must(t, err)
		return f.Prune(t.Context())
	}))
	must(t, f.Prune(t.Context())) // a second run finds nothing
	var open, closed int
	must(t, f.db.GetContext(t.Context(), &open, `SELECT count(*) FROM windows WHERE opened_at > now() - interval '24 hours'`))
	must(t, f.db.GetContext(t.Context(), &closed, `SELECT count(*) FROM windows WHERE opened_at < now() - interval '24 hours'`))
	if open != 5502 || closed != 0 {
		t.Errorf("%d open windows, want 5502; %d closed ones, want none", open, closed)
	}
}

func TestPrune_DropsOldProviderIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.messages(t, 1)[0]
	f.exec(
		t,
		`INSERT INTO provider_refs (channel_id, ref, message_id, created_at) VALUES ($1, 'old', $2, now() - interval '9 days'), ($1, 'new', `+
			`$2, now())`,
		f.channel,
		id.String(),
	)
	must(t, f.Prune(t.Context()))
	must(t, f.Prune(t.Context())) // a second run finds nothing
	var left []string
	must(
		t,
		f.db.SelectContext(
			t.Context(),
			&left,
			`SELECT ref FROM provider_refs`,
		),
	)
	if len(left) != 1 || left[0] != "new" {
		t.Errorf("left %v, want only the new provider id", left)
	}
}
