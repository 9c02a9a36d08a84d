package webhook

import (
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func open(t *testing.T) (*Store, *pg.DB) {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 4)
	_, err := db.ExecContext(t.Context(), `INSERT INTO accounts (id, sid, name) VALUES (1, 'AC1', 'Test')`)
	must(t, err)
	return New(db, nil), db
}

var must = storetest.Must

// An endpoint whose secret no key opens is listed beside the others, keeps its sealed
// secret when something else of it is changed, and works again with a new one.
func TestWebhooks_OneUnreadable_HindersNoOther(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	for _, secret := range []string{"whsec_1", "whsec_2"} {
		_, err := s.CreateWebhook(t.Context(), Endpoint{
			Account: 1, URL: "https://example.com", Format: "standard",
			Secret: secret, Enabled: true,
		})
		must(t, err)
	}
	// the first one's sealed value in the second one's row does not open there
	_, err := db.ExecContext(t.Context(), `UPDATE webhooks SET sealed = (SELECT sealed FROM webhooks WHERE id = 1) WHERE id = 2`)
	must(t, err)
	ws, err := s.Webhooks(t.Context(), 1)
	if err != nil || len(ws) != 2 || ws[0].Secret != "whsec_1" || ws[0].Unreadable || !ws[1].Unreadable || ws[1].Secret != "" {
		t.Fatalf("%+v, %v", ws, err)
	}
	sealed := func() (b []byte) {
		t.Helper()
		must(t, db.GetContext(t.Context(), &b, `SELECT sealed FROM webhooks WHERE id = 2`))
		return b
	}
	before := sealed()
	w, err := s.ChangeWebhook(t.Context(), 1, 2, func(w *Endpoint) error { w.Description = "ours"; return nil })
	if err != nil || w.Description != "ours" || !w.Unreadable || string(sealed()) != string(before) {
		t.Errorf("after a change: %+v, %v", w, err)
	}
	w, err = s.ChangeWebhook(t.Context(), 1, 2, func(w *Endpoint) error { w.Secret = "whsec_new"; return nil })
	if err != nil || w.Unreadable || w.Secret != "whsec_new" {
		t.Errorf("with a new secret: %+v, %v", w, err)
	}
}
