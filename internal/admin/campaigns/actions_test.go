package campaigns_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	campaignstore "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// database is the database as campaigns see it.
type database struct {
	*campaignstore.Store
	accounts *account.Store
}

// Change implements campaigns.Store.
func (d database) Change(ctx context.Context, actor string, f func(campaigns.Tx) (account.Note, error)) error {
	return d.accounts.Change(ctx, actor, func(tx *account.Store) (account.Note, error) { return f(campaignstore.New(tx.Tx())) })
}

// fixture is the use cases on a database with the demo account and no worker.
type fixture struct {
	*campaigns.Service
	t   *testing.T
	db  *pg.DB
	who admin.Actor
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 4)
	accounts := account.New(db)
	a, err := demo.Account(t.Context(), accounts, "http://127.0.0.1:1")
	must(t, err)
	return &fixture{
		t: t, db: db, who: admin.KeyActor(a.ID, 7, false, auth.AllPermissions), Service: campaigns.New(campaigns.Options{
			Store: database{campaignstore.New(db), accounts}, Registry: registry.New(accounts, store.New(db), nil, slog.New(slog.DiscardHandler)),
		}),
	}
}

// create creates a campaign to the numbers that end so.
func (f *fixture) create(ends ...string) int64 {
	f.t.Helper()
	contacts := make([]string, len(ends))
	for i, end := range ends {
		contacts[i] = fmt.Sprintf(`{"to":"+1555%s"}`, end)
	}
	var in campaigns.Input
	must(f.t, in.UnmarshalJSON([]byte(`{"name":"Test","type":"text","text":{"body":"Hi"},"rate":1,"audience":{"contacts":[`+
		strings.Join(contacts, ",")+`]}}`)))
	c, err := f.Create(f.t.Context(), f.who, in)
	must(f.t, err)
	return c.ID
}

func (f *fixture) get(into any, query string, args ...any) {
	f.t.Helper()
	must(f.t, f.db.GetContext(f.t.Context(), into, query, args...))
}

// notes returns how many entries the audit log has of an action, and how many events
// there are of campaigns.
func (f *fixture) notes(action string) (audit, events int) {
	f.t.Helper()
	f.get(&audit, `SELECT count(*) FROM audit_log WHERE action = $1`, action)
	f.get(&events, `SELECT count(*) FROM events WHERE kind = $1`, int(dispatch.EventCampaign))
	return audit, events
}

// Every state allows the actions that it should, a repeat changes nothing, and what a
// state forbids leaves the campaign as it was. An action that is taken is in the
// audit log and an event.
func TestActions_EveryState(t *testing.T) {
	t.Parallel()
	f := open(t)
	actions := map[string]func(context.Context, admin.Actor, int64) (*campaigns.Campaign, error){
		"launch": f.Launch, "pause": f.Pause, "resume": f.Resume, "cancel": f.Cancel,
	}
	for from, row := range map[campaign.State]string{
		campaign.Draft:     "launch running, pause -, resume -, cancel cancelled",
		campaign.Scheduled: "launch =, pause paused, resume =, cancel cancelled",
		campaign.Running:   "launch =, pause paused, resume =, cancel cancelled",
		campaign.Paused:    "launch -, pause =, resume running, cancel cancelled",
		campaign.Cancelled: "launch -, pause -, resume -, cancel =",
		campaign.Finished:  "launch -, pause -, resume -, cancel -",
	} {
		for cell := range strings.SplitSeq(row, ", ") {
			action, want, _ := strings.Cut(cell, " ")
			id := f.create("0000100")
			if from != campaign.Draft {
				_, err := f.Launch(t.Context(), f.who, id)
				must(t, err)
			}
			_, err := f.db.ExecContext(t.Context(), `UPDATE campaigns SET state = $2 WHERE id = $1`, id, int(from))
			must(t, err)
			audit, events := f.notes("campaign." + action)
			c, err := actions[action](t.Context(), f.who, id)
			taken := 0
			switch {
			case want == "-":
				if dispatch.CodeOf(err) != dispatch.InvalidState {
					t.Errorf("%s of %v: %v", action, from, err)
				}
			case want == "=" && (err != nil || c.Status != from.String()), want != "=" && (err != nil || c.Status != want):
				t.Errorf("%s of %v: %+v, %v", action, from, c, err)
			case want != "=":
				taken = 1
			}
			if a, e := f.notes("campaign." + action); a-audit != taken || e-events != taken {
				t.Errorf("%s of %v: %d entries and %d events", action, from, a-audit, e-events)
			}
			var state int
			f.get(&state, `SELECT state FROM campaigns WHERE id = $1`, id)
			if taken == 0 && state != int(from) {
				t.Errorf("%s of %v has made it %v", action, from, campaign.State(state))
			}
		}
	}
}

// A launch writes the ledger with a row for each of the audience; one without anybody
// to send to is refused and leaves a draft without a ledger.
func TestLaunch_WritesTheLedger(t *testing.T) {
	t.Parallel()
	f := open(t)
	c, err := f.Launch(t.Context(), f.who, f.create("0000100", "0000101", "0000100", "1"))
	must(t, err)
	by := c.SkippedBy
	if n := c.Counts; n.Total != 4 || n.Waiting != 2 || n.Skipped != 2 || by["duplicate"] != 1 || by["bad_number"] != 1 {
		t.Errorf("%+v, %v", n, by)
	}
	nobody := f.create("1", "2")
	if _, err := f.Launch(t.Context(), f.who, nobody); dispatch.CodeOf(err) != dispatch.EmptyAudience {
		t.Errorf("launched to nobody: %v", err)
	}
	var rows int
	f.get(&rows, `SELECT count(*) FROM campaign_recipients WHERE campaign_id = $1`, nobody)
	if c, err = f.Get(t.Context(), f.who, nobody); err != nil || c.Status != "draft" || rows != 0 || !slices.Contains(c.Can, "launch") {
		t.Errorf("%+v with %d rows, %v", c, rows, err)
	}
}

// Campaigns of another account are not found, by any way.
func TestCampaigns_OfOthers(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.create("0000100")
	var other int64
	f.get(&other, `INSERT INTO accounts (sid, name) VALUES ('AC2', 'Two') RETURNING id`)
	who := admin.KeyActor(other, 8, false, auth.AllPermissions)
	for name, do := range map[string]func() error{
		"get":      func() error { _, err := f.Get(t.Context(), who, id); return err },
		"launch":   func() error { _, err := f.Launch(t.Context(), who, id); return err },
		"pause":    func() error { _, err := f.Pause(t.Context(), who, id); return err },
		"cancel":   func() error { _, err := f.Cancel(t.Context(), who, id); return err },
		"retry":    func() error { _, err := f.Retry(t.Context(), who, id); return err },
		"validate": func() error { _, err := f.Validate(t.Context(), who, id); return err },
		"delete":   func() error { return f.Delete(t.Context(), who, id) },
		"report":   func() error { _, err := f.Report(t.Context(), who, id); return err },
		"problems": func() error { _, err := f.Problems(t.Context(), who, id); return err },
		"preview":  func() error { _, err := f.Preview(t.Context(), who, id, campaigns.PreviewOf{Recipient: 1}); return err },
		"recipients": func() error {
			_, err := f.Recipients(t.Context(), who, id, campaigns.RecipientFilter{Paging: admin.Paging{Limit: 1}})
			return err
		},
	} {
		if err := do(); dispatch.CodeOf(err) != dispatch.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := f.List(t.Context(), who, campaigns.Filter{Paging: admin.Paging{Limit: 10}}); err != nil || len(list.Data) != 0 {
		t.Errorf("%d campaigns, %v", len(list.Data), err)
	}
	if c, err := f.Get(t.Context(), f.who, id); err != nil || c.Status != "draft" {
		t.Errorf("%+v, %v", c, err)
	}
}
