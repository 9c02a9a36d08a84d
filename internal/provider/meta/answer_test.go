package meta_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// send returns what a message becomes that is answered so.
func send(t *testing.T, status int, body string) (provider.Accepted, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	ch := &dispatch.Channel{Provider: "meta", Kind: "whatsapp", Settings: map[string]string{"base_url": s.URL, "phone_number_id": "1"}}
	m := &dispatch.Message{ID: dispatch.NewID(), To: "+15550001111", Raw: `{"type":"text","text":{"body":"x"}}`}
	m.Content.Type = dispatch.TypeText
	return meta.New(outbound.New(outbound.Options{})).Send(t.Context(), ch, m)
}

func TestSend_OddFieldsOfAYes(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"contacts":[{"input":"15550001111","wa_id":15550001111}],"messages":[{"id":"wamid.1"}]}`,
		`{"contacts":"none","messages":[{"id":"wamid.1","message_status":{"x":1}}]}`,
		`{"contacts":[7],"messages":[{"id":"wamid.1"}]}`,
	} {
		if got, err := send(t, 200, body); err != nil || got.ProviderID != "wamid.1" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestSend_RefusalsAndReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, code string
		kind       provider.Kind
		reason     string
	}{
		{200, `{"error":{"code":131026,"message":"Undeliverable"}}`, "131026", provider.Permanent, "Undeliverable"},
		{200, `{"error":{"code":99999,"message":"New"}}`, "99999", provider.Permanent, "New"},
		{
			400, `{"error":{"code":100,"message":"Invalid","error_user_title":"Title","error_user_msg":"Do this"}}`, "100",
			provider.Permanent, "Title: Do this",
		},
		{400, "the number is gone\n", "", provider.Permanent, "the number is gone"},
	} {
		_, err := send(t, c.status, c.body)
		e := provider.AsError(err)
		if err == nil || e.Kind != c.kind || e.Provider != c.code || !strings.Contains(e.Msg, c.reason) || e.HTTP != c.status {
			t.Errorf("%d %s: %+v", c.status, c.body, e)
		}
	}
}
