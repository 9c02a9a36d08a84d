package api_test

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// front adds this package's helpers to a running API server.
type front struct{ *apitest.Front }

func newFront(t *testing.T) *front {
	t.Helper()
	return &front{apitest.New(t)}
}

type (
	reply  = apitest.Reply
	object = apitest.Object
	m      = apitest.M
)

// sms returns a new SMS channel of the account.
func (f *front) sms(sender string) dispatch.Channel {
	f.T.Helper()
	ch, err := f.Accounts.CreateChannel(f.T.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: sender,
		Enabled: true, Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		f.T.Fatal(err)
	}
	return ch
}
