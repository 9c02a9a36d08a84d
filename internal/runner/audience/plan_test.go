package audience_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/runner/audience"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// A plan is made once, and anew as soon as the campaign, the account's zone, the channel or a template has changed.
func TestPlans_KeptUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := storetest.Open(t, storetest.Postgres(t), 4)
	accounts := account.New(db)
	reg := registry.New(accounts, store.New(db), nil, slog.New(slog.DiscardHandler))
	go reg.Run(ctx)
	a, err := demo.Account(ctx, accounts, "http://127.0.0.1:1")
	storetest.Must(t, err)
	chs, err := accounts.Channels(ctx, a.ID)
	storetest.Must(t, err)
	define := func(name string) string {
		b, err := json.Marshal(map[string]any{
			"name": name, "type": "template", "time_zone": "UTC", "audience": map[string]any{"contacts": []any{}},
			"template": map[string]any{"name": "order_confirmation", "language": "en", "variables": map[string]any{
				"customer_name": "{{name}}", "order_id": "1", "total": "2",
			}},
		})
		storetest.Must(t, err)
		return string(b)
	}
	c := campaigns.Campaign{ID: 1, Account: a.ID, Channel: chs[0].ID, Definition: define("x"), Contacts: "[]"}
	zone := "UTC"
	var plans audience.Plans
	plan := func() *audience.Plan {
		t.Helper()
		p, err := plans.Compile(ctx, reg, &c, zone)
		storetest.Must(t, err)
		return p
	}
	// The registry reads anew what it does not trust yet, and after every change.
	kept := func() *audience.Plan {
		t.Helper()
		var p *audience.Plan
		wait.Until(t, "a plan is kept", func() bool { p = plan(); return plan() == p })
		return p
	}
	last := kept()
	changes := func(what string) {
		t.Helper()
		p := plan()
		if p == last {
			t.Errorf("the plan is kept though %s has changed", what)
		}
		if p.Definition.Name != "y" {
			t.Errorf("the plan after a change of %s is of another definition", what)
		}
		last = kept()
	}
	c.Definition = define("y")
	changes("the definition")
	c.Contacts = `[{"to":"+15550000001"}]`
	changes("the list of contacts")
	zone = "Asia/Tokyo"
	changes("the account's zone")
	_, err = accounts.UpdateChannel(ctx, chs[0])
	storetest.Must(t, err)
	reg.Drop()
	changes("the channel")
	storetest.Must(t, accounts.DeleteChannel(ctx, a.ID, chs[0].ID))
	reg.Drop()
	if p, err := plans.Compile(ctx, reg, &c, zone); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Errorf("the plan of a campaign without its channel is %v, %v", p, err)
	}
}
