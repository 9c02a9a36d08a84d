package meta_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// at is 1760000000, the time in golden callbacks.
var at = time.Date(2025, 10, 9, 8, 53, 20, 0, time.UTC)

// envelope wraps values of the field messages, of our number.
func envelope(values ...string) string {
	changes := make([]string, len(values))
	for i, v := range values {
		changes[i] = `{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550002222",` +
			`"phone_number_id":"106540352242922"},` + v + `}}`
	}
	return `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[` + strings.Join(changes, ",") + `]}]}`
}

func golden(name, body string, want provider.Callback) providertest.Callback {
	return providertest.Callback{Name: name, Body: body, Want: want}
}

func callbacks() []providertest.Callback {
	update := func(s dispatch.Status) dispatch.StatusUpdate {
		return dispatch.StatusUpdate{
			ID: id, Channel: 7, ProviderID: "wamid.A", Recipient: "15550001111", WaID: "15550001111", Status: s, At: at,
		}
	}
	one := func(u dispatch.StatusUpdate) provider.Callback {
		return provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{u}}}
	}
	status := func(word, more string) string {
		return envelope(
			`"statuses":[{"id":"wamid.A","status":"` + word +
				`","timestamp":"1760000000","recipient_id":"15550001111","biz_opaque_callback_data":"` + id.String() + `"` + more + `}]`,
		)
	}
	failed := func(provider, code, detail string, suppress bool) dispatch.StatusUpdate {
		u := update(dispatch.Failed)
		u.ProviderCode, u.Code, u.Detail, u.Suppress = provider, code, detail, suppress
		return u
	}
	failure := func(code, message, details string) string {
		return status(
			"failed",
			fmt.Sprintf(`,"errors":[{"code":%s,"title":"title","message":%q,"error_data":{"details":%q}}]`, code, message, details),
		)
	}
	strange := update(dispatch.Delivered)
	strange.ID = dispatch.ID{}
	timeless := update(dispatch.Sent)
	timeless.At = time.Time{}
	return append([]providertest.Callback{
		golden(
			"sent",
			status("sent", `,"conversation":{"id":"c","origin":{"type":"utility"}},"pricing":{"billable":true,"pricing_model":"PMP"}`),
			one(update(dispatch.Sent)),
		),
		golden("delivered", status("delivered", ""), one(update(dispatch.Delivered))),
		golden("read", status("read", ""), one(update(dispatch.Read))),
		golden("played", status("played", ""), provider.Callback{}),
		golden(
			"failed",
			failure("131026", "Message undeliverable", "not on WhatsApp"),
			one(failed("131026", dispatch.FailRecipient, "Message undeliverable: not on WhatsApp", false)),
		),
		golden(
			"failed, code as text",
			failure(`"131047"`, "Re-engagement message", ""),
			one(failed("131047", dispatch.FailWindow, "Re-engagement message", false)),
		),
		golden("failed, stopped", failure("131050", "", "stopped"), one(failed("131050", dispatch.FailSuppressed, "title: stopped", true))),
		golden("failed, unknown code", failure("999", "x", "x"), one(failed("999", dispatch.FailUndelivered, "x", false))),
		golden("failed without errors", status("failed", ""), one(failed("", dispatch.FailUndelivered, provider.NoReason, false))),
		golden("another's reference", strings.Replace(status("delivered", ""), id.String(), "msg_01J", 1), one(strange)),
		golden(
			"numbers as numbers, milliseconds",
			strings.Replace(status("delivered", ""), `"1760000000"`, "1760000000000", 1),
			one(update(dispatch.Delivered)),
		),
		golden("no time", strings.Replace(status("sent", ""), `"1760000000"`, `"soon"`, 1), one(timeless)),
		golden("unknown status", status("deleted", ""), provider.Callback{}),
		golden("account error", envelope(`"errors":[{"code":130429,"title":"t"}]`), provider.Callback{Part: provider.Part{
			Reports: []dispatch.ChannelReport{{Subject: "error", Level: dispatch.LevelWarning, Value: "130429", Detail: "t"}},
		}}),
		golden(
			"another number of the business account",
			strings.Replace(status("sent", ""), "106540352242922", "999", 1),
			provider.Callback{},
		),
		golden(
			"another field",
			strings.Replace(status("sent", ""), `"field":"messages"`, `"field":"message_template_status_update"`, 1),
			provider.Callback{},
		),
		golden(
			"the messaging limit",
			`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"business_capability_update",`+
				`"value":{"max_daily_conversations_per_business":2000,"max_phone_numbers_per_business":2}}]}]}`,
			provider.Callback{Part: provider.Part{MessagingLimit: 2000, Reports: []dispatch.ChannelReport{
				{Subject: "messaging_limit", Level: dispatch.LevelOK, Value: "2000", Account: true},
			}}},
		),
		golden("another object", `{"object":"page","entry":[]}`, provider.Callback{}),
		golden(
			"a field of another type",
			strings.Replace(status("sent", `,"errors":{}`), `"conversation"`, `"c"`, 1),
			one(update(dispatch.Sent)),
		),
		golden(
			"several entries",
			strings.Replace(envelope(statusesOf("sent"), statusesOf("delivered")), `"entry":[`, `"entry":[{"id":"0","changes":[]},`, 1),
			provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{update(dispatch.Sent), update(dispatch.Delivered)}}},
		),
	}, inboundCallbacks()...)
}

func statusesOf(word string) string {
	return `"statuses":[{"id":"wamid.A","status":"` + word +
		`","timestamp":"1760000000","recipient_id":"15550001111","biz_opaque_callback_data":"` + id.String() + `"}]`
}

func inboundCallbacks() []providertest.Callback {
	var cs []providertest.Callback
	for _, m := range []struct{ name, kind, body, text string }{
		{"text", "text", `"text":{"body":"STOP"}`, "STOP"},
		{"escaped text", "text", `"text":{"body":"caf\u00e9 \ud83d\ude00"}`, "café 😀"},
		{"quick reply", "button", `"button":{"payload":"P","text":"Yes"},"context":{"from":"15550002222","id":"wamid.Q"}`, "Yes"},
		{"button reply", "interactive", `"interactive":{"type":"button_reply","button_reply":{"id":"y","title":"Yes"}}`, "Yes"},
		{"list reply", "interactive", `"interactive":{"type":"list_reply","list_reply":{"id":"1","title":"One","description":"d"}}`, "One"},
		{
			"flow reply", "interactive", `"interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{}"}}`,
			"Sent",
		},
		{"image", "image", `"image":{"id":"1","mime_type":"image/png","sha256":"s","caption":"look"}`, "look"},
		{"audio", "audio", `"audio":{"id":"1","mime_type":"audio/ogg","voice":true}`, ""},
		{"location", "location", `"location":{"latitude":52.5,"longitude":13.4,"name":"Berlin"}`, "Berlin"},
		{"reaction", "reaction", `"reaction":{"message_id":"wamid.A","emoji":"👍"}`, "👍"},
		{"unsupported", "unsupported", `"errors":[{"code":131051,"title":"Message type unknown"}]`, ""},
	} {
		raw := `{"from":"15550001111","id":"wamid.IN","timestamp":"1760000000","type":"` + m.kind + `",` + m.body + `}`
		cs = append(cs, providertest.Callback{
			Name: "inbound " + m.name,
			Body: envelope(`"contacts":[{"profile":{"name":"Ann"},"wa_id":"15550001111"}],"messages":[` + raw + `]`),
			Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{{
				Channel: 7, From: "+15550001111", WaID: "15550001111", Name: "Ann", ProviderID: "wamid.IN", Type: m.kind,
				Text: m.text, Raw: raw, At: at,
			}}}},
		})
	}
	return append(cs, providertest.Callback{
		Name: "inbound notice of Meta",
		Body: envelope(
			`"messages":[{"from":"15550001111","id":"wamid.S","timestamp":"1760000000","type":"system","system":{"type":"user_changed_number"}}]`,
		),
	})
}

func TestParseCallback_BatchOfThousand_IsReadWhole(t *testing.T) {
	t.Parallel()
	list := make([]string, 1000)
	for i := range list {
		list[i] = fmt.Sprintf(`{"id":"wamid.%d","status":"delivered","timestamp":"1760000000","recipient_id":"15550001111"}`, i)
	}
	body := []byte(envelope(`"statuses":[` + strings.Join(list, ",") + `]`))
	ch := channel("")
	cb, err := meta.New(nil).ParseCallback(ch, sign(ch, providertest.CallbackAddress, body), providertest.CallbackAddress, body)
	if err != nil || len(cb.Statuses) != 1000 || cb.Statuses[999].ProviderID != "wamid.999" {
		t.Errorf("%d statuses, err %v", len(cb.Statuses), err)
	}
}

func TestParseCallback_PublishedVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Meta []struct {
			Name      string `json:"name"`
			Secret    string `json:"app_secret"`
			Body      string `json:"raw_body"`
			Signature string `json:"x_hub_signature_256"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(providertest.Contract(t, "signature-test-vectors.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Meta) < 3 {
		t.Fatalf("%d vectors", len(file.Meta))
	}
	for _, v := range file.Meta {
		ch := &dispatch.Channel{Secrets: map[string]string{"app_secret": v.Secret}}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(v.Body))
		r.Header.Set("X-Hub-Signature-256", v.Signature)
		// A body that is no callback is refused as malformed, after its signature.
		if _, err := meta.New(nil).ParseCallback(ch, r, "", []byte(v.Body)); errors.Is(err, provider.ErrBadSignature) {
			t.Errorf("%s: refused", v.Name)
		}
		r.Header.Set("X-Hub-Signature-256", strings.Replace(v.Signature, "sha256=", "sha1=", 1))
		if _, err := meta.New(nil).ParseCallback(ch, r, "", []byte(v.Body)); !errors.Is(err, provider.ErrBadSignature) {
			t.Errorf("%s: taken under another name", v.Name)
		}
		r.Header.Set("X-Hub-Signature-256", v.Signature[:len(v.Signature)-2])
		if _, err := meta.New(nil).ParseCallback(ch, r, "", []byte(v.Body)); !errors.Is(err, provider.ErrBadSignature) {
			t.Errorf("%s: taken with half a signature", v.Name)
		}
	}
}

func TestParseCallback_SignedGarbage_IsMalformed(t *testing.T) {
	t.Parallel()
	ch := channel("")
	_, err := meta.New(nil).ParseCallback(ch, sign(ch, "/", []byte("test")), "", []byte("test"))
	if dispatch.CodeOf(err) != dispatch.Malformed {
		t.Errorf("got %v", err)
	}
}

func TestVerify_Handshake(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"hub.mode=subscribe&hub.verify_token=verify-of-tests&hub.challenge=1158201444": "1158201444",
		"hub.mode=subscribe&hub.verify_token=other&hub.challenge=1":                    "",
		"hub.mode=unsubscribe&hub.verify_token=verify-of-tests&hub.challenge=1":        "",
		"hub.verify_token=verify-of-tests&hub.challenge=1":                             "",
		"": "",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := meta.New(nil).Verify(channel(""), q); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", query, got, ok)
		}
	}
	if _, ok := meta.New(nil).Verify(&dispatch.Channel{}, url.Values{
		"hub.mode": {"subscribe"}, "hub.verify_token": {""},
		"hub.challenge": {"1"},
	}); ok {
		t.Error("a channel without a token takes an empty one")
	}
}
