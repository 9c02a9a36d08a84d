package campaign_test

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A channel's own entry of a template stands before the account's, whichever of them
// the campaign names: what is reported of others' entries does not count.
func TestBadQuality_OwnEntry(t *testing.T) {
	t.Parallel()
	f := open(t)
	db := f.Connect(t)
	since := time.Now().Add(-time.Minute)
	insert := func(channel *int64, quality string) (id int64) {
		t.Helper()
		workertest.Must(t, db.GetContext(t.Context(), &id, `INSERT INTO templates (account_id, channel_id, name, language, category, components,
			quality, quality_at) VALUES ($1, $2, 'x', 'en', 'utility', '[]', $3, now()) RETURNING id`, f.Account, channel, quality))
		return id
	}
	wants := func(template int64, want string) {
		t.Helper()
		f.c.Template = template
		if got, err := f.store.BadQuality(t.Context(), &f.c, since, false); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	const red = "quality: the provider reports that of the template as red"
	other := f.c.Channel
	ch, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account, Name: "second", Provider: "meta", Kind: "whatsapp", Sender: "+15550000001", Policy: dispatch.DefaultPolicy(),
	})
	workertest.Must(t, err)
	f.c.Channel = ch.ID
	shared := insert(nil, "red")
	wants(shared, red)
	insert(&other, "red")
	own := insert(&f.c.Channel, "green")
	wants(shared, "")
	wants(own, "")
	_, err = db.ExecContext(t.Context(), `UPDATE templates SET quality = CASE WHEN id = $1 THEN 'red' ELSE 'green' END`, own)
	workertest.Must(t, err)
	wants(shared, red)
	wants(own, red)
}
