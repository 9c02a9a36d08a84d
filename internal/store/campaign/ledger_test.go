package campaign_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/worker/workertest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a running campaign in a database of its own.
type fixture struct {
	*workertest.Fixture
	t     *testing.T
	store *campaigns.Store
	c     campaigns.Campaign
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Fixture: workertest.Open(t), t: t}
	f.store = campaigns.New(f.Connect(t))
	f.c = campaigns.Campaign{Account: f.Account, Name: "Test", Definition: "{}", Contacts: "[]"}
	workertest.Must(t, f.store.Create(t.Context(), &f.c))
	now := time.Now()
	f.c.State, f.c.Channel, f.c.Fill, f.c.StartedAt, f.c.LaunchedAt = campaign.Running, f.Channel, "{}", &now, &now
	workertest.Must(t, f.store.Save(t.Context(), &f.c))
	return f
}

// add appends n rows whose turn is at a time, and a skipped one.
func (f *fixture) add(first, n int, at time.Time) {
	f.t.Helper()
	var rows []campaigns.Recipient
	for i := range n {
		to := fmt.Sprintf("+1555%07d", first+i)
		rows = append(rows, campaigns.Recipient{Seq: first + i, WakeAt: at, To: to, Person: &to, Fields: `{"name":"A\u0000da"}`})
	}
	rows = append(rows, campaigns.Recipient{
		Seq: first + n, Status: campaign.Skipped, Reason: campaign.Duplicate, WakeAt: at, To: "+15550000001", Fields: "{}", Field: "to",
	})
	workertest.Must(f.t, f.store.Tx(f.t.Context(), func(tx *campaigns.Store) error { return tx.AddRecipients(f.t.Context(), f.c.ID, rows) }))
}

// standing returns the counts of the ledger that are not 0, and fails unless they equal
// its rows.
func (f *fixture) standing() string {
	f.t.Helper()
	wrong, err := f.store.CheckCounts(f.t.Context(), f.c.ID)
	workertest.Must(f.t, err)
	if wrong != 0 {
		f.t.Errorf("%d counts differ from the ledger", wrong)
	}
	all, err := f.store.Counts(f.t.Context(), []int64{f.c.ID})
	workertest.Must(f.t, err)
	view := all[f.c.ID].View()
	maps.DeleteFunc(view, func(_ string, n int64) bool { return n == 0 })
	return fmt.Sprint(view)
}

func (f *fixture) wants(when, want string) {
	f.t.Helper()
	if got := f.standing(); got != want {
		f.t.Errorf("%s: %s, want %s", when, got, want)
	}
}

// queue makes messages of the rows whose turn it is, at most n, and returns them.
func (f *fixture) queue(n int) (ids []dispatch.ID) {
	f.t.Helper()
	ctx := f.t.Context()
	workertest.Must(f.t, f.store.Tx(ctx, func(tx *campaigns.Store) error {
		rows, err := tx.Turn(ctx, &f.c, n)
		if err != nil {
			return err
		}
		at := 0
		ids = f.Messages(f.t, len(rows), func(m *dispatch.Message) { m.To, m.Campaign, at = rows[at].To, f.c.ID, at+1 })
		for i := range rows {
			rows[i].Status, rows[i].Message = campaign.Queued, new(ids[i].String())
		}
		return tx.Move(ctx, f.c.ID, rows)
	}))
	return ids
}

// The ledger, its counts and its messages stay in step through pages, a repeat, a
// pause and a cancel in the middle.
func TestLedger_CountsEqualRows(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	f.add(1, 6, time.Now().Add(-time.Second))
	f.add(8, 2, time.Now().Add(time.Hour))
	f.wants("filled", "map[skipped:2 total:10 waiting:8]")
	known, err := f.store.Known(ctx, f.c.ID, []string{"+15550000001", "+15550000009", "+15550000099"})
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(known)), []string{"+15550000001", "+15550000009"}) {
		t.Errorf("known: %v, %v", known, err)
	}
	ids := f.queue(4)
	f.wants("queued", "map[queued:4 skipped:2 total:10 waiting:4]")
	if next, err := f.store.NextTurn(ctx, &f.c); err != nil || next == nil || next.After(time.Now()) {
		t.Errorf("the next turn is at %v, %v", next, err)
	}
	updates := make([]dispatch.StatusUpdate, 2)
	for i, status := range []dispatch.Status{dispatch.Delivered, dispatch.Failed} {
		updates[i] = dispatch.StatusUpdate{ID: ids[i], Channel: f.Channel, Status: status, At: time.Now(), Code: dispatch.FailRecipient}
	}
	_, err = f.ApplyStatuses(ctx, updates)
	workertest.Must(t, err)
	for range 2 { // repeated, it changes nothing
		workertest.Must(t, f.store.Settled(ctx, f.c.ID, ids))
		f.wants("settled", "map[delivered:1 failed:1 queued:2 skipped:2 total:10 waiting:4]")
	}
	workertest.Must(t, f.store.Park(ctx, f.c.ID))
	if due := f.Due(t); due != 0 {
		t.Errorf("%d messages of a paused campaign are due", due)
	}
	workertest.Must(t, f.store.Unpark(ctx, f.c.ID))
	if due := f.Due(t); due != 2 {
		t.Errorf("%d messages are due after the resume, want 2", due)
	}
	for more := true; more; {
		more, err = f.store.CancelMessages(ctx, f.c.ID)
		workertest.Must(t, err)
	}
	more, err := f.store.CancelRows(ctx, &f.c)
	workertest.Must(t, err)
	if more {
		t.Error("a page of four rows was full")
	}
	f.wants("cancelled", "map[cancelled:6 delivered:1 failed:1 skipped:2 total:10]")
	if got := f.Statuses(t, ids); !slices.Equal(got, []dispatch.Status{
		dispatch.Delivered, dispatch.Failed, dispatch.Cancelled, dispatch.Cancelled,
	}) {
		t.Errorf("the messages are %v", got)
	}
	workertest.Must(t, f.store.EmptyLedger(ctx, &f.c))
	f.wants("emptied", "map[]")
}

// What a provider reported before counts no more, a template's yellow only behind
// a canary.
func TestBadQuality(t *testing.T) {
	t.Parallel()
	f := open(t)
	db := f.Connect(t)
	_, err := db.ExecContext(t.Context(), `INSERT INTO channel_reports (channel_id, subject, level, value, at)
		VALUES ($1, 'quality', 'ok', 'unflagged', now()), ($1, 'display_name', 'warning', 'pending', now())`, f.Channel)
	workertest.Must(t, err)
	since := time.Now().Add(-time.Minute)
	wants := func(strict bool, want string) {
		t.Helper()
		if got, err := f.store.BadQuality(t.Context(), &f.c, since, strict); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	wants(true, "")
	err = db.GetContext(t.Context(), &f.c.Template, `INSERT INTO templates (account_id, name, language, category, components, quality,
		quality_at)
		VALUES ($1, 'x', 'en', 'utility', '[]', 'yellow', now()) RETURNING id`, f.Account)
	workertest.Must(t, err)
	wants(false, "")
	wants(true, "quality: the provider reports that of the template as yellow")
	_, err = db.ExecContext(t.Context(), `UPDATE channel_reports SET level = 'critical', value = 'disable', detail = 'SPAM'
		WHERE subject = 'display_name'`)
	workertest.Must(t, err)
	wants(false, "quality: the provider reports of the channel: display_name disable SPAM")
	since = time.Now().Add(time.Minute)
	wants(true, "")
}
