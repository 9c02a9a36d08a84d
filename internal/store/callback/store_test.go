package callback_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/callback"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/worker/workertest"
)

// fixture is a database with an account and a channel in it.
type fixture struct {
	*workertest.Fixture
	kept *callback.Store
	db   *pg.DB
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Fixture: workertest.Open(t)}
	f.db = f.Connect(t)
	f.kept = callback.New(f.db)
	return f
}

// number adds a channel of the business account and returns its id.
func (f *fixture) number(t *testing.T, waba string) int64 {
	t.Helper()
	ch, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account, Name: "meta " + waba, Provider: "meta", Kind: "whatsapp", Sender: "+15550000001",
		Settings: map[string]string{"waba_id": waba}, Policy: dispatch.DefaultPolicy(),
	})
	workertest.Must(t, err)
	return ch.ID
}

func (f *fixture) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	workertest.Must(t, f.db.GetContext(t.Context(), &n, query, args...))
	return n
}

// An account keeps its last 1,000 ignored callbacks, newest first, and sees no other
// account's.
func TestIgnored_LastThousand(t *testing.T) {
	t.Parallel()
	f := open(t)
	keep := func(kind string) {
		t.Helper()
		workertest.Must(t, f.kept.KeepIgnored(t.Context(), f.Account, dispatch.IgnoredCallback{
			ID: dispatch.NewID(), Channel: f.Channel, Provider: "meta", Kind: kind, Reason: "nul \x00", Body: "\xff{}",
		}))
	}
	_, err := f.db.ExecContext(t.Context(), `INSERT INTO ignored_callbacks (id, account_id, channel_id, provider, kind, reason, body)
		SELECT uuid_floor(now() - i * interval '1 second'), $1, $2, 'meta', 'old', '', '' FROM generate_series(1, 1000) i`, f.Account, f.Channel)
	workertest.Must(t, err)
	keep("first")
	keep(strings.Repeat("k", 5000))
	if n := f.count(t, `SELECT count(*) FROM ignored_callbacks`); n != 1000 {
		t.Errorf("%d are kept", n)
	}
	page, err := f.kept.Ignored(t.Context(), f.Account, nil, 2)
	workertest.Must(t, err)
	if len(page) != 2 || page[1].Kind != "first" || page[1].Reason != "nul " || len(page[0].Kind) > 1000 {
		t.Fatalf("newest %+v", page)
	}
	next, err := f.kept.Ignored(t.Context(), f.Account, &page[1].ID, 1)
	if err != nil || len(next) != 1 || next[0].Kind != "old" {
		t.Errorf("next %+v, %v", next, err)
	}
	if other, err := f.kept.Ignored(t.Context(), f.Account+1, nil, 10); err != nil || len(other) != 0 {
		t.Errorf("another account sees %+v, %v", other, err)
	}
}

// A note is added once, to the message that our id or one of the provider's names,
// and only to one of the channel.
func TestKeepNotes_OnceToTheMessage(t *testing.T) {
	t.Parallel()
	f := open(t)
	other := f.number(t, "1")
	ids := f.Messages(t, 3, nil)
	_, err := f.db.ExecContext(t.Context(), `INSERT INTO provider_refs (channel_id, ref, message_id) VALUES ($1, 'gs-1', $2), ($1, 'w-2', $3)`,
		f.Channel, ids[1].String(), ids[2].String())
	workertest.Must(t, err)
	notes := []dispatch.StatusUpdate{
		{ID: ids[0], Detail: "played"},
		{ProviderID: "gs-1", Detail: "deleted"},
		{ProviderID: "unknown", ProviderRef2: "w-2", Detail: "warning"},
		{ProviderID: "unknown", Detail: "deleted"},
		{ID: dispatch.NewID(), Detail: "deleted"},
	}
	for range 2 { // providers repeat
		workertest.Must(t, f.kept.KeepNotes(t.Context(), f.Channel, notes))
		workertest.Must(t, f.kept.KeepNotes(t.Context(), other, []dispatch.StatusUpdate{{ID: ids[0], Detail: "deleted"}}))
	}
	var got []string
	workertest.Must(t, f.db.SelectContext(t.Context(), &got, `SELECT detail FROM events WHERE kind = $1 ORDER BY message_id, detail`,
		dispatch.EventNote))
	if strings.Join(got, " ") != "played deleted warning" {
		t.Errorf("notes %v", got)
	}
	workertest.Must(t, f.kept.KeepNotes(t.Context(), f.Channel, nil))
	known, err := f.kept.Messages(t.Context(), f.Channel, []string{"gs-1", "w-2", "unknown", strings.Repeat("x", 5000)})
	if err != nil || len(known) != 2 || known["gs-1"] != ids[1] {
		t.Errorf("messages %v, %v", known, err)
	}
	if known, err := f.kept.Messages(t.Context(), other, []string{"gs-1"}); err != nil || len(known) != 0 {
		t.Errorf("of another channel %v, %v", known, err)
	}
}

// A report of a template changes it for the channels of the business account that it
// came from, and leaves those of others alone.
func TestChangeTemplates_OfTheBusinessAccount(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	one, two := f.number(t, "1"), f.number(t, "2")
	_, err := f.db.ExecContext(ctx, `INSERT INTO templates (account_id, name, language, category, status, parameter_format, components)
		VALUES ($1, 'sale', 'en', 'marketing', 'approved', 'positional', '[]')`, f.Account)
	workertest.Must(t, err)
	statuses := func(channel int64) string {
		t.Helper()
		var s string
		err := f.db.GetContext(ctx, &s, `SELECT status || ' ' || status_reason FROM templates WHERE name = 'sale'
			AND (channel_id = $1 OR channel_id IS NULL) ORDER BY channel_id NULLS LAST LIMIT 1`, channel)
		workertest.Must(t, err)
		return strings.TrimSpace(s)
	}
	pause := []dispatch.TemplateChange{{Name: "sale", Language: "en", Status: "paused", Reason: "low quality"}}
	for range 2 {
		workertest.Must(t, f.kept.ChangeTemplates(ctx, one, pause))
	}
	if statuses(one) != "paused low quality" || statuses(two) != "approved" {
		t.Errorf("at the account %q, at the other one %q", statuses(one), statuses(two))
	}
	if n := f.count(t, `SELECT count(*) FROM events WHERE kind = $1`, dispatch.EventTemplate); n != 1 {
		t.Errorf("%d events of one change", n)
	}
	foreign := []dispatch.TemplateChange{{Name: "nothing of ours", Language: "en", Status: "paused"}}
	workertest.Must(t, f.kept.ChangeTemplates(ctx, one, foreign))
	workertest.Must(t, f.kept.ChangeTemplates(ctx, one, []dispatch.TemplateChange{{Name: "sale", Language: "en", Status: "approved"}}))
	if statuses(one) != "approved" {
		t.Errorf("approved again it is %q", statuses(one))
	}
}

// The quality of a template that several business accounts share is kept for each of
// them: a report is about its own, a later change of the status loses none.
func TestChangeTemplates_Quality_OfTheBusinessAccount(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	one, two := f.number(t, "1"), f.number(t, "2")
	_, err := f.db.ExecContext(ctx, `INSERT INTO templates (account_id, name, language, category, status, components, quality, quality_at)
		VALUES ($1, 'sale', 'en', 'marketing', 'approved', '[]', 'yellow', now() - interval '1 day')`, f.Account)
	workertest.Must(t, err)
	change := func(channel int64, c dispatch.TemplateChange) {
		t.Helper()
		c.Name, c.Language = "sale", "en"
		workertest.Must(t, f.kept.ChangeTemplates(ctx, channel, []dispatch.TemplateChange{c}))
	}
	qualities := func() string {
		t.Helper()
		var all []string
		workertest.Must(t, f.db.SelectContext(ctx, &all, `SELECT coalesce(channel_id, 0) || ' ' || status || ' ' || quality ||
			CASE WHEN quality_at > now() - interval '1 hour' THEN ' now' ELSE '' END FROM templates ORDER BY coalesce(channel_id, 0)`))
		return strings.Join(all, ", ")
	}
	change(one, dispatch.TemplateChange{Quality: "red"})
	if got, want := qualities(), fmt.Sprintf("0 approved yellow, %d approved red now", one); got != want {
		t.Errorf("after a report %s; want %s", got, want)
	}
	change(two, dispatch.TemplateChange{Status: "paused"})
	if got, want := qualities(), fmt.Sprintf("0 approved yellow, %d approved red now, %d paused yellow", one, two); got != want {
		t.Errorf("after a change at the other %s; want %s", got, want)
	}
	change(two, dispatch.TemplateChange{Quality: "yellow"})
	if got, want := qualities(), fmt.Sprintf("0 approved yellow, %d approved red now, %d paused yellow now", one, two); got != want {
		t.Errorf("after the same quality again %s; want %s", got, want)
	}
}

// The newest report of a subject counts, whichever comes last; one about the account
// is kept for each of its channels.
func TestReportChannel_NewestCounts(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two, foreign := f.number(t, "1"), f.number(t, "1"), f.number(t, "2")
	now := time.Now()
	report := func(value string, at time.Time, account bool) {
		t.Helper()
		r := dispatch.ChannelReport{Subject: "quality", Level: dispatch.LevelWarning, Value: value, Detail: "x\x00", At: at, Account: account}
		workertest.Must(t, f.kept.ReportChannel(t.Context(), one, []dispatch.ChannelReport{r, r}))
	}
	values := func() string {
		t.Helper()
		var out []string
		workertest.Must(t, f.db.SelectContext(t.Context(), &out, `SELECT channel_id || ' ' || value FROM channel_reports ORDER BY channel_id`))
		return strings.Join(out, ", ")
	}
	report("yellow", now.Add(-time.Hour), false)
	report("green", now.Add(-2*time.Hour), false) // older, late
	if got, want := values(), fmt.Sprint(one, " yellow"); got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
	report("red", now, true)
	if got, want := values(), fmt.Sprintf("%d red, %d red", one, two); got != want {
		t.Errorf("kept %s, want %s (and nothing of %d)", got, want, foreign)
	}
	if n := f.count(t, `SELECT count(*) FROM events WHERE kind = $1`, dispatch.EventChannel); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}
