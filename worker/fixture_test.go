package worker

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with a channel in it.
type fixture struct {
	*store.Store
	accounts *account.Store
	url      string
	account  int64
	channel  int64
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{url: storetest.Postgres(t)}
	db := f.connect(t)
	f.Store, f.accounts = store.New(db), account.New(db)
	a, err := f.accounts.CreateAccount(t.Context(), "Test")
	must(t, err)
	c, err := f.accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: a.ID, Name: "meta", Provider: "meta", Kind: "whatsapp", Sender: "+15550000000",
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	must(t, err)
	f.account, f.channel = a.ID, c.ID
	return f
}

// connect opens the database once more.
func (f *fixture) connect(t *testing.T) *pg.DB {
	t.Helper()
	box, err := pg.NewBox("a secret key of the tests")
	must(t, err)
	db, err := pg.Open(pg.Options{URL: f.url, MaxConns: 8, Application: "worker-test", Box: box})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// messages accepts n messages, each with what more says of it.
func (f *fixture) messages(t *testing.T, n int, more func(*dispatch.Message)) []dispatch.ID {
	t.Helper()
	page := make([]store.Accept, n)
	for i := range page {
		m := &dispatch.Message{ID: dispatch.NewID(), Account: f.account, Channel: f.channel, Lane: dispatch.Normal, To: fmt.Sprintf("+1555%07d", i+1), Raw: `{"type":"text","text":{"body":"x"}}`}
		m.Content.Type = dispatch.TypeText
		if more != nil {
			more(m)
		}
		page[i] = store.Accept{Message: m, TTL: time.Hour}
	}
	receipts, err := f.InsertMessages(t.Context(), page)
	must(t, err)
	ids := make([]dispatch.ID, n)
	for i, r := range receipts {
		must(t, r.Err)
		ids[i] = r.ID
	}
	return ids
}

// due takes what is due for an offer.
func (f *fixture) due(t *testing.T) int {
	t.Helper()
	due, err := f.DueMessages(t.Context(), dispatch.Normal, map[int64]int{f.channel: 100})
	must(t, err)
	return len(due)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
