package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A template that the provider has paused is one template for all channels of its
// business account, under whichever entry a campaign sends it; another account's,
// another language and another business account's are others.
func TestWithTemplate_EveryEntry(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx, db := t.Context(), f.Connect(t)
	channel := func(name, waba string) *int64 {
		t.Helper()
		ch, err := f.Accounts.CreateChannel(ctx, dispatch.Channel{
			Account: f.Account, Name: name, Provider: "meta", Kind: "whatsapp", Sender: "+1555000000" + name, Policy: dispatch.DefaultPolicy(),
			Settings: map[string]string{"waba_id": waba},
		})
		workertest.Must(t, err)
		return &ch.ID
	}
	template := func(channel *int64, language, provider string) (id int64) {
		t.Helper()
		workertest.Must(t, db.GetContext(ctx, &id, `INSERT INTO templates (account_id, channel_id, name, language, category, components,
			provider_template_id) VALUES ($1, $2, 'x', $3, 'utility', '[]', $4) RETURNING id`, f.Account, channel, language, provider))
		return id
	}
	names := map[int64]string{}
	running := func(name string, channel *int64, template int64) int64 {
		t.Helper()
		now := time.Now()
		c := campaigns.Campaign{Account: f.Account, Name: name, Definition: "{}", Contacts: "[]"}
		workertest.Must(t, f.store.Create(ctx, &c))
		c.State, c.Channel, c.Template, c.Fill, c.StartedAt, c.LaunchedAt = campaign.Running, *channel, template, "{}", &now, &now
		workertest.Must(t, f.store.Save(ctx, &c))
		names[c.ID] = name
		return c.ID
	}
	one, two, other, unknown := channel("1", "A"), channel("2", "A"), channel("3", "B"), channel("4", "")
	shared, own, german, far := template(nil, "en", ""), template(two, "en", "77"), template(two, "de", "78"), template(other, "en", "79")
	alone := template(unknown, "en", "")
	id := map[string]int64{
		"shared": running("shared", one, shared), "beside": running("beside", two, shared), "own": running("own", two, own),
		"german": running("german", two, german), "far": running("far", other, far), "farshared": running("farshared", other, shared),
		"unknown": running("unknown", unknown, shared), "alone": running("alone", unknown, alone),
	}
	_, err := db.ExecContext(ctx, `UPDATE campaigns SET state = $1 WHERE id = $2`, int(campaign.Paused), id["beside"])
	workertest.Must(t, err)
	for of, want := range map[string]string{
		"shared": "shared own unknown ", "own": "shared own ", "german": "german ", "far": "far farshared ",
		"farshared": "far farshared unknown ", "unknown": "shared farshared unknown alone ", "alone": "unknown alone ",
		"beside": "shared own unknown ",
	} {
		all, err := f.store.WithTemplate(ctx, id[of])
		workertest.Must(t, err)
		var got strings.Builder
		for i := range all {
			got.WriteString(names[all[i].ID] + " ")
		}
		if got.String() != want {
			t.Errorf("%s: %q, want %q", of, got.String(), want)
		}
	}
}
