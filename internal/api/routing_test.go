package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// metaNumber adds a number of a Meta app.
func (f *front) metaNumber(account int64, sender, numberID, appSecret string) dispatch.Channel {
	f.T.Helper()
	ch, err := f.Accounts.CreateChannel(f.T.Context(), dispatch.Channel{
		Account: account, Name: sender, Provider: "meta", Kind: "whatsapp", Sender: sender, Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"phone_number_id": numberID, "waba_id": "1"}, Secrets: map[string]string{"access_token": "t", "app_secret": appSecret, "verify_token": "v"},
	})
	if err != nil {
		f.T.Fatal(err)
	}
	return ch
}

// metaCallback posts a signed callback with a status of ref, and a message, about
// the number.
func (f *front) metaCallback(at *dispatch.Channel, appSecret, numberID, word, ref, text string) {
	f.T.Helper()
	body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"phone_number_id":"` + numberID + `"},
		"contacts":[{"wa_id":"15550000001","profile":{"name":"Ann"}}],
		"statuses":[{"id":"` + ref + `","status":"` + word + `","timestamp":"1760000000","recipient_id":"15550000001"}],
		"messages":[{"from":"15550000001","id":"wamid.IN` + text + `","timestamp":"1760000000","type":"text","text":{"body":"` + text + `"}}]}}]}]}`
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(body))
	r, err := http.NewRequestWithContext(f.T.Context(), http.MethodPost, f.URL+"/callbacks/meta/"+at.Key, strings.NewReader(body))
	if err != nil {
		f.T.Fatal(err)
	}
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.T.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		f.T.Fatalf("answered %d", resp.StatusCode)
	}
}

// One address serves all numbers of an app, within the account: what it reports
// of a second number reaches that number's channel.
func TestCallback_SecondNumberOfTheApp_IsHeard(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	first := f.metaNumber(f.Account.ID, "+15550000201", "101", "s1")
	second := f.metaNumber(f.Account.ID, "+15550000202", "102", "s1")
	foreign := f.metaNumber(f.Account.ID, "+15550000203", "103", "another app's")
	id := f.sent(second.ID, "wamid.two")
	theirs := f.sent(foreign.ID, "wamid.three")

	f.metaCallback(&first, "s1", "102", "delivered", "wamid.two", "hello")
	if got := f.Do("GET", "/v1/messages/"+id.String(), nil).Want(200).Text("status"); got != "delivered" {
		t.Errorf("the second number's message is %s", got)
	}
	in := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	if len(in) != 1 || in[0]["channel_id"] != float64(second.ID) || in[0].Text("text") != "hello" {
		t.Errorf("received %v, want one of channel %d", in, second.ID)
	}

	f.metaCallback(&first, "s1", "103", "delivered", "wamid.three", "forged")
	f.metaCallback(&first, "s1", "999", "delivered", "wamid.three", "nobody's")
	if got := f.Do("GET", "/v1/messages/"+theirs.String(), nil).Want(200).Text("status"); got != "sent" {
		t.Errorf("another app's secret made the message %s", got)
	}
	if got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(got) != 2 || !strings.Contains(got[0].Text("reason"), "no channel") {
		t.Errorf("ignored %v", got)
	}
}

// A word that we don't know is counted and listed, whatever else is read; what
// changes no status is an event, once.
func TestCallback_UnknownWordBesideKnownOnes_IsListed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch := f.metaNumber(f.Account.ID, "+15550000201", "101", "s1")
	id := f.sent(ch.ID, "wamid.one")
	f.metaCallback(&ch, "s1", "101", "teleported", "wamid.one", "hello")
	got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data()
	if len(got) != 1 || !strings.Contains(got[0].Text("reason"), "teleported") || len(f.Do("GET", "/v1/inbound", nil).Want(200).Data()) != 1 {
		t.Errorf("ignored %v", got)
	}
	for _, word := range []string{"played", "deleted", "warning", "played"} {
		f.metaCallback(&ch, "s1", "101", word, "wamid.one", "hello")
	}
	if got := f.Do("GET", "/v1/messages/"+id.String(), nil).Want(200).Text("status"); got != "sent" {
		t.Errorf("the message is %s", got)
	}
	var notes []string
	for _, e := range f.Do("GET", "/v1/messages/"+id.String()+"/events", nil).Want(200).Data() {
		if e.Text("type") == "note" || e.Text("event") == "note" || e.Text("status") == "note" {
			notes = append(notes, e.Text("detail"))
		}
	}
	if strings.Join(notes, " ") != "played deleted warning" {
		t.Errorf("notes %q", notes)
	}
	if got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(got) != 1 {
		t.Errorf("known words are ignored: %v", got)
	}
}
