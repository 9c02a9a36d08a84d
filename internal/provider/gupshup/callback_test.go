package gupshup

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// callbacks are the events of section 4 of the contract.
func callbacks() []providertest.Callback {
	at, outer := time.Unix(1580546677, 0), time.UnixMilli(1580546677791)
	v2 := func(name, payload string, u dispatch.StatusUpdate) providertest.Callback {
		u.Channel, u.Recipient = 7, "+919888800000"
		return providertest.Callback{
			Name: name, Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{u}}},
			Body: `{"app":"MyApp","timestamp":1580546677791,"version":2,"type":"message-event","payload":{"destination":"919888800000",` + payload +
				`}}`,
		}
	}
	failed := func(code string, reason dispatch.ErrorCode, text string, suppress bool) dispatch.StatusUpdate {
		return dispatch.StatusUpdate{
			ProviderID: messageID, ProviderRef2: "gBEGabc", Status: dispatch.Failed, At: at, ProviderCode: code, Code: reason,
			Detail: text, Suppress: suppress,
		}
	}
	async := `"id":"gBEGabc","gsId":"` + messageID + `",`
	early := failed("1002", dispatch.FailRecipient, "Number Does Not Exist On WhatsApp", false)
	early.ProviderRef2, early.At = messageID, outer
	return append(
		inbounds(),
		v2("enqueued", `"id":"`+messageID+`","type":"enqueued","payload":{"whatsappMessageId":"gBEGabc","type":"session"}`,
			dispatch.StatusUpdate{ProviderID: messageID, ProviderRef2: "gBEGabc", Status: dispatch.Sent, At: outer}),
		v2("sent", async+`"type":"sent","payload":{"ts":1580546677}`,
			dispatch.StatusUpdate{ProviderID: messageID, ProviderRef2: "gBEGabc", Status: dispatch.Sent, At: at}),
		v2("delivered", async+`"type":"delivered","payload":{"ts":"1580546677"},"conversation":{"id":"x"},"pricing":{}`,
			dispatch.StatusUpdate{ProviderID: messageID, ProviderRef2: "gBEGabc", Status: dispatch.Delivered, At: at}),
		v2("read", async+`"type":"read","payload":{"ts":1580546677}`,
			dispatch.StatusUpdate{ProviderID: messageID, ProviderRef2: "gBEGabc", Status: dispatch.Read, At: at}),
		v2("read after a week, without gsId", `"id":"gBEGabc","type":"read","payload":{"ts":1580546677}`,
			dispatch.StatusUpdate{ProviderID: "gBEGabc", ProviderRef2: "gBEGabc", Status: dispatch.Read, At: at}),
		v2(
			"failed early",
			`"id":"`+messageID+`","type":"failed","payload":{"code":1002,"reason":"Number Does Not Exist On WhatsApp"}`,
			early,
		),
		v2("opted out", async+`"type":"failed","payload":{"ts":1580546677,"code":"1012","reason":"opted out"}`,
			failed("1012", dispatch.FailSuppressed, "opted out", true)),
		v2("Meta's code", async+`"type":"failed","payload":{"ts":1580546677,"code":131047,"reason":"Re-engagement"}`,
			failed("131047", dispatch.FailWindow, "Re-engagement", false)),
		v2("unknown code", async+`"type":"failed","payload":{"ts":1580546677,"code":7777,"reason":"?"}`,
			failed("7777", dispatch.FailUndelivered, "?", false)),
		v2(
			"wrong types cost their field",
			async+`"type":"failed","payload":{"ts":{},"code":[],"reason":7}`,
			dispatch.StatusUpdate{
				ProviderID:   messageID,
				ProviderRef2: "gBEGabc",
				Status:       dispatch.Failed,
				At:           outer,
				Code:         dispatch.FailUndelivered,
				Detail:       "7",
			},
		),
		providertest.Callback{
			Name: "deleted",
			Body: `{"type":"message-event","payload":{"id":"gBEGabc","type":"deleted","destination":"919888800000"}}`,
		},
		providertest.Callback{
			Name: "another event",
			Body: `{"app":"MyApp","timestamp":1,"version":2,"type":"user-event","payload":{"type":"opted-in"}}`,
		},
		providertest.Callback{
			Name: "opted out at Gupshup", Body: `{"app":"MyApp","timestamp":1580546677791,"version":2,"type":"user-event",` +
				`"payload":{"phone":"919888800000","type":"opted-out"}}`,
			Want: provider.Callback{Part: provider.Part{
				Consents: []dispatch.Consent{{Person: "+919888800000", Scope: dispatch.ScopeAll, Detail: "Gupshup: opted-out", At: outer}},
			}},
		},
		providertest.Callback{
			Name: "opted in at Gupshup", Body: `{"app":"MyApp","timestamp":1580546677791,"version":2,"type":"user-event",` +
				`"payload":{"phone":"919888800000","type":"opted-in"}}`,
			Want: provider.Callback{Part: provider.Part{Consents: []dispatch.Consent{
				{Person: "+919888800000", Start: true, Scope: dispatch.ScopeAll, Detail: "Gupshup: opted-in", At: outer},
			}}},
		},
		providertest.Callback{Name: "account event", Body: `{"app":"MyApp","type":"account-event","payload":"text"}`},
		version3Statuses(),
	)
}

func version3Statuses() providertest.Callback {
	return providertest.Callback{
		Name: "version 3",
		Body: `{"entry":[{"changes":[{"field":"messages","value":{"messaging_product":"whatsapp","statuses":[
			{"gs_id":"` + messageID + `","id":"wamid.1","recipient_id":"919888800000","status":"enqueued","timestamp":1710941393420},
			{"gs_id":"` + messageID + `","id":"wamid.1","recipient_id":"919888800000","status":"delivered","timestamp":"1710941394"},
			{"id":"wamid.2","recipient_id":"919888800000","status":"failed","timestamp":"1710941394","errors":[{"code":131026,
			"title":"undeliverable","error_data":{"details":"not on WhatsApp"}},{"code":131000,"message":"again"}]},
			{"gs_id":"x","id":"wamid.3","status":"deleted"}]}}]},
			{"changes":[{"field":"message_template_status_update","value":{}}]}],"gs_app_id":"82ed52f4","object":"whatsapp_business_account"}`,
		Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{
			{
				Channel:      7,
				ProviderID:   messageID,
				ProviderRef2: "wamid.1",
				Recipient:    "+919888800000",
				WaID:         "919888800000",
				Status:       dispatch.Sent,
				At:           time.UnixMilli(1710941393420),
			},
			{
				Channel:      7,
				ProviderID:   messageID,
				ProviderRef2: "wamid.1",
				Recipient:    "+919888800000",
				WaID:         "919888800000",
				Status:       dispatch.Delivered,
				At:           time.Unix(1710941394, 0),
			},
			{
				Channel: 7, ProviderID: "wamid.2", ProviderRef2: "wamid.2", Recipient: "+919888800000", WaID: "919888800000",
				Status: dispatch.Failed, At: time.Unix(1710941394, 0),
				ProviderCode: "131026", Code: dispatch.FailRecipient, Detail: "undeliverable: not on WhatsApp; 131000 again",
			},
		}}},
	}
}

// inbounds are messages from contacts, in both versions.
func inbounds() []providertest.Callback {
	v2 := func(name, kind, payload string, in dispatch.Inbound) providertest.Callback {
		raw := `{"id":"ABEG1","source":"919888800000","type":"` + kind + `","payload":` + payload +
			`,"sender":{"phone":"919888800000","name":"Ann"}}`
		in.Channel, in.From, in.WaID, in.Name, in.ProviderID = 7, "+919888800000", "919888800000", "Ann", "ABEG1"
		in.Raw, in.At = raw, time.UnixMilli(1580227766370)
		return providertest.Callback{
			Name: name, Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{in}}},
			Body: `{"app":"MyApp","timestamp":1580227766370,"version":2,"type":"message","payload":` + raw + `}`,
		}
	}
	const msg3 = `{"from":"919888800000","id":"wamid.9","timestamp":"1710941394","type":"interactive","interactive":{"type":"button_reply",` +
		`"button_reply":{"id":"1","title":"Stop"}}}`
	return []providertest.Callback{
		v2("inbound text", "text", `{"text":"hi"}`, dispatch.Inbound{Type: "text", Text: "hi"}),
		v2("inbound file", "file", `{"caption":"bill","url":"https://f"}`, dispatch.Inbound{Type: "document", Text: "bill"}),
		v2("inbound list", "list_reply", `{"title":"First","id":"1"}`, dispatch.Inbound{Type: "interactive", Text: "First"}),
		v2("inbound quick reply", "quick_reply", `{"text":"Yes","type":"button"}`, dispatch.Inbound{Type: "button", Text: "Yes"}),
		{
			Name: "inbound version 3",
			Body: `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{
				"contacts":[{"wa_id":"919888800000","profile":{"name":"Ann"}}],"messages":[` + msg3 + `]}}]}]}`,
			Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{{
				Channel: 7, From: "+919888800000", WaID: "919888800000", Name: "Ann", ProviderID: "wamid.9", Type: "interactive", Text: "Stop",
				Raw: msg3, At: time.Unix(1710941394, 0).UTC(),
			}}}},
		},
		{
			Name: "version 3, Meta's other fields",
			Body: `{"object":"whatsapp_business_account","entry":[{"changes":[
				{"field":"user_preferences","value":{"user_preferences":[{"wa_id":"919888800000",
					"category":"marketing_messages","value":"stop","timestamp":1710941394}]}},
				{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_id":1,
					"message_template_name":"t","message_template_language":"en"}},
				{"field":"account_update","value":{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SPAM"}}}]}]}`,
			Want: provider.Callback{Part: provider.Part{
				Consents:  []dispatch.Consent{{Person: "+919888800000", Scope: dispatch.ScopeMarketing, At: time.Unix(1710941394, 0).UTC()}},
				Templates: []dispatch.TemplateChange{{Name: "t", Language: "en", Status: "paused"}},
				Reports: []dispatch.ChannelReport{
					{Subject: "account", Level: dispatch.LevelWarning, Value: "account_violation", Detail: "SPAM", Account: true, At: client(nil).now()},
				},
			}},
		},
	}
}

func TestParseCallback_NoJSON_Malformed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "a=b", `{"type":`, "\xff"} {
		r := httptest.NewRequest("POST", "https://sendoff.test/callbacks/gupshup/key/secret", nil)
		r.SetPathValue("secret", "callback-secret-of-tests")
		if _, err := client(nil).ParseCallback(channel(""), r, "", []byte(body)); dispatch.CodeOf(err) != dispatch.Malformed {
			t.Errorf("%q: %v", body, err)
		}
	}
}
