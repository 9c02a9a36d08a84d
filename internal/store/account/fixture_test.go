package account

import (
	"context"
	"fmt"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with an account and a channel in it.
type fixture struct {
	*Store
	account, channel int64
}

func open(t testing.TB) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 24)
	f := &fixture{Store: New(db)}
	a, err := f.CreateAccount(context.Background(), "Test")
	must(t, err)
	f.account, f.channel = a.ID, f.newChannel(t, a.ID).ID
	return f
}

// newChannel creates a WhatsApp channel of the account.
func (f *fixture) newChannel(t testing.TB, account int64) dispatch.Channel {
	t.Helper()
	c, err := f.CreateChannel(context.Background(), dispatch.Channel{
		Account: account, Name: "meta", Provider: "meta", Kind: "whatsapp", Sender: fmt.Sprintf("+1555%07d", account),
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	must(t, err)
	return c
}

var must = storetest.Must
