// Package workertest prepares a database with messages for the tests of workers
// and feeders.
package workertest

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Fixture is a database with one account and one channel.
type Fixture struct {
	*store.Store
	Accounts *account.Store
	Account  int64
	Channel  int64
	Paged    bool // messages wait in pages
	url      string
}

// Open returns a Fixture on a database of its own. The channel's provider is
// meta, its policy the default one.
func Open(t *testing.T) *Fixture {
	t.Helper()
	f := &Fixture{url: storetest.Postgres(t)}
	db := f.Connect(t)
	f.Store, f.Accounts = store.New(db), account.New(db)
	a, err := f.Accounts.CreateAccount(t.Context(), "Test")
	Must(t, err)
	c, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: a.ID, Name: "meta", Provider: "meta", Kind: "whatsapp", Sender: "+15550000000",
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	Must(t, err)
	f.Account, f.Channel = a.ID, c.ID
	return f
}

// URL returns the address of the database.
func (f *Fixture) URL() string { return f.url }

// Connect opens the database once more.
func (f *Fixture) Connect(t *testing.T) *pg.DB {
	t.Helper()
	return storetest.Open(t, f.url, 8)
}

// Messages accepts n messages on the channel, each changed by more, and returns
// their ids.
func (f *Fixture) Messages(t *testing.T, n int, more func(*dispatch.Message)) []dispatch.ID {
	t.Helper()
	page := make([]store.NewMessage, n)
	for i := range page {
		m := &dispatch.Message{
			ID: dispatch.NewID(), Account: f.Account, Channel: f.Channel, Lane: dispatch.Normal, To: fmt.Sprintf("+1555%07d", i+1),
			Raw: `{"type":"text","text":{"body":"x"}}`,
		}
		m.Content.Type = dispatch.TypeText
		if more != nil {
			more(m)
		}
		page[i] = store.NewMessage{Message: m, TTL: time.Hour, Paged: f.Paged && m.Lane != dispatch.OTP}
	}
	receipts, err := f.InsertMessages(t.Context(), page)
	Must(t, err)
	ids := make([]dispatch.ID, n)
	for i, r := range receipts {
		Must(t, r.Err)
		ids[i] = r.ID
	}
	return ids
}

// Due takes the messages that are due for an offer and returns their number.
func (f *Fixture) Due(t *testing.T) int {
	t.Helper()
	due, err := f.DueMessages(t.Context(), dispatch.Normal, map[int64]int{f.Channel: 100})
	Must(t, err)
	return len(due)
}

// Change changes the channel.
func (f *Fixture) Change(t *testing.T, change func(ch *dispatch.Channel)) {
	t.Helper()
	ch, err := f.Accounts.Channel(t.Context(), f.Channel)
	Must(t, err)
	change(&ch)
	_, err = f.Accounts.UpdateChannel(t.Context(), ch)
	Must(t, err)
}

// Statuses returns the statuses of messages, in the order of ids.
func (f *Fixture) Statuses(t *testing.T, ids []dispatch.ID) []dispatch.Status {
	t.Helper()
	vs, err := f.Views(t.Context(), ids)
	Must(t, err)
	by := map[dispatch.ID]dispatch.Status{}
	for i := range vs {
		by[vs[i].ID] = vs[i].Status
	}
	out := make([]dispatch.Status, len(ids))
	for i, id := range ids {
		out[i] = by[id]
	}
	return out
}

// Must ends the test on an error.
var Must = storetest.Must

// Quiet returns a logger that discards everything.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
