package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// metaNumber adds a number of a Meta app.
func (f *front) metaNumber(account int64, sender, numberID, appSecret string) dispatch.Channel {
	f.T.Helper()
	ch, err := f.Accounts.CreateChannel(f.T.Context(), dispatch.Channel{
		Account: account, Name: sender, Provider: "meta", Kind: "whatsapp", Sender: sender, Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{
			"phone_number_id": numberID,
			"waba_id":         "102290129340398",
		}, Secrets: map[string]string{"access_token": "t", "app_secret": appSecret, "verify_token": "v"},
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
		"messages":[{"from":"15550000001","id":"wamid.IN` + text + `","timestamp":"1760000000",
		"type":"text","text":{"body":"` + text + `"}}]}}]}]}`
	f.signed(at, appSecret, body)
}

// signed posts a callback of Meta to the address of the channel at.
func (f *front) signed(at *dispatch.Channel, appSecret, body string) {
	f.T.Helper()
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
	if got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(got) != 2 ||
		!strings.Contains(got[0].Text("reason"), "no channel") {
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
	if len(got) != 1 || !strings.Contains(got[0].Text("reason"), "teleported") ||
		len(f.Do("GET", "/v1/inbound", nil).Want(200).Data()) != 1 {
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

// ownTemplate registers an approved template of the account and returns its path.
func (f *front) ownTemplate(name string) string {
	f.T.Helper()
	made := f.Do("POST", "/v1/templates", m{
		"name": name, "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello"}},
	}).Want(201)
	return "/v1/templates/" + made.ID()
}

// What Meta reports of a template changes the registry: one that is paused or
// rejected is refused at once, with the reason, and can be sent when it is
// approved again. A message that failed because of it does the same.
func TestCallback_TemplatePaused_IsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch := f.metaNumber(f.Account.ID, "+15550000201", "101", "s1")
	path := f.ownTemplate("spring")
	report := func(field, value string) {
		t.Helper()
		f.signed(
			&ch,
			"s1",
			`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"`+field+`","value":`+value+`}]}]}`,
		)
	}
	send := func() *reply {
		return f.Do(
			"POST",
			"/v1/messages",
			m{"channel": ch.ID, "to": "+15550000101", "type": "template", "template": m{"name": "spring", "language": "en"}},
		)
	}
	send().Want(202)
	report(
		"message_template_status_update",
		`{"event":"PAUSED","message_template_id":594425479261596,"message_template_name":"spring","message_template_language":"en",`+
			`"reason":"NONE","other_info":{"title":"FIRST_PAUSE","description":"low quality"}}`,
	)
	wait.Until(t, "the paused template is refused with its reason", func() bool {
		got := send()
		return got.Status == 422 && strings.Contains(string(got.Body), "paused") && strings.Contains(string(got.Body), "low quality")
	})
	got := f.Do("GET", path, nil).Want(200)
	if since, err := time.Parse(time.RFC3339, got.Text("status_at")); err != nil || time.Since(since).Abs() > time.Hour ||
		got.Text("status") != "paused" || !strings.Contains(got.Text("status_reason"), "FIRST_PAUSE") {
		t.Errorf("registered as %v", got)
	}
	report(
		"message_template_status_update",
		`{"event":"APPROVED","message_template_name":"spring","message_template_language":"en","reason":null}`,
	)
	var id string
	wait.Until(t, "the approved template is accepted", func() bool {
		got := send()
		if got.Status == 202 {
			id = got.Want(202).Text("message_id")
		}
		return id != ""
	})
	report(
		"template_category_update",
		`{"message_template_name":"spring","message_template_language":"en","previous_category":"UTILITY","new_category":"MARKETING"}`,
	)
	report(
		"message_template_quality_update",
		`{"message_template_name":"spring","message_template_language":"en","previous_quality_score":"GREEN","new_quality_score":"RED"}`,
	)
	if got := f.Do("GET", path, nil).Want(200); got.Text("status") != "approved" || got.Text("category") != "marketing" ||
		got.Text("quality") != "red" {
		t.Errorf("registered as %v", got)
	}
	f.signed(
		&ch,
		"s1",
		`{"entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"101"},"statuses":[{"id":"wamid.x",
		"status":"failed",
		"timestamp":"1760000000","recipient_id":"15550000101","biz_opaque_callback_data":"`+id+`",
		"errors":[{"code":132015,"title":"Template is paused"}]}]}}]}]}`,
	)
	wait.Until(t, "a template that was refused is refused at once", func() bool {
		got := send()
		return got.Status == 422 && strings.Contains(string(got.Body), "132015 Template is paused")
	})
	var events int
	if err := f.DB.QueryRow(`SELECT count(*) FROM events WHERE kind = $1`, dispatch.EventTemplate).Scan(&events); err != nil ||
		events != 5 {
		t.Errorf("%d events of templates, %v", events, err)
	}
	if got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(got) != 0 {
		t.Errorf("ignored %v", got)
	}
}

// A status that names only the provider's id shows as much of the template: vendors
// that pass WhatsApp's codes on echo nothing.
func TestCallback_RefusedTemplate_WithoutOurID(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	gupshup, address := f.gupshup("+919999900000")
	for i, c := range []struct {
		channel    int64
		code, want string
	}{
		{f.Channel.ID, "132015", "paused"},
		{f.Channel.ID, "132001", "disabled"},
		{gupshup.ID, "4005", "paused"},
		{gupshup.ID, "132016", "disabled"},
	} {
		name, id := fmt.Sprint("spring", i), fmt.Sprint("id-of-the-provider-", i)
		template := m{"name": name, "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello"}}}
		raw := m{"name": name, "language": m{"code": "en"}}
		if c.channel == gupshup.ID {
			template["channel_id"], template["provider_template_id"] = gupshup.ID, name
			raw["provider_template_id"] = name
		}
		f.Do("POST", "/v1/templates", template).Want(201)
		f.sentAs(c.channel, id, encoded(m{"type": "template", "template": raw}))
		if c.channel == gupshup.ID {
			f.Ask("POST", address, apitest.Sent{Body: encoded(m{"type": "message-event", "payload": m{
				"id": "wamid." + name, "gsId": id, "type": "failed", "destination": "15550000001", "payload": m{"code": c.code, "reason": "no"},
			}})}).Want(200)
		} else {
			f.meta("messages", m{"statuses": []m{{"id": id, "status": "failed", "errors": []m{{"code": c.code, "title": "no"}}}}})
		}
		got := f.Do("GET", "/v1/templates?search="+name, nil).Want(200).Data()
		if len(got) != 1 || got[0].Text("status") != c.want || !strings.HasPrefix(got[0].Text("status_reason"), c.code) {
			t.Errorf("%s: %v", c.code, got)
		}
	}
}
