package kaleyra

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// whatsAppCallbacks are those of section 6 of the contract.
func whatsAppCallbacks() []providertest.Callback {
	status := func(name, fields string, s dispatch.Status, change func(*dispatch.StatusUpdate)) providertest.Callback {
		u := dispatch.StatusUpdate{
			ID: id, Channel: 7, ProviderID: messageID, Recipient: "+919888800000", Status: s, At: time.Unix(1760000000, 0),
		}
		if change != nil {
			change(&u)
		}
		return providertest.Callback{
			Name: name, Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{u}}},
			Body: `{"id":"` + messageID + `","mobile":"919888800000","ref":"` + id.String() + `","ref1":"","phone_number":"919999900000",` + fields +
				`}`,
		}
	}
	failed := func(code string, reason dispatch.ErrorCode, text string, suppress bool) func(*dispatch.StatusUpdate) {
		return func(u *dispatch.StatusUpdate) {
			u.ProviderCode, u.Code, u.Detail, u.Suppress = code, reason, text, suppress
		}
	}
	const raw = `{"body":"STOP","created_at":"1760000000","from":"919888800000","id":"in1","mobile":"919999900000","name":"Ann",` +
		`"type":"text","wanumber":"919999900000"}`
	return []providertest.Callback{
		status("sent", `"status":"sent","timestamp":"1760000000","error":"","error_code":""`, dispatch.Sent, nil),
		status("delivered", `"status":"delivered","timestamp":1760000000,"error":null`, dispatch.Delivered, nil),
		status("read in milliseconds", `"status":"READ","timestamp":"1760000000000"`, dispatch.Read, nil),
		status("read, other time", `"status":"read","timestamp":"2025-10-09 08:53:20"`, dispatch.Read, func(u *dispatch.StatusUpdate) {
			u.At = time.Unix(1760000000, 0).UTC()
		}),
		status("no time", `"status":"read","timestamp":"just now"`, dispatch.Read, func(u *dispatch.StatusUpdate) { u.At = now }),
		status(
			"time ahead",
			`"status":"read","timestamp":"2099-01-01T00:00:00Z"`,
			dispatch.Read,
			func(u *dispatch.StatusUpdate) { u.At = now },
		),
		status("failed", `"status":"failed","timestamp":1760000000,"error":"window","error_code":"131047"`, dispatch.Failed,
			failed("131047", dispatch.FailWindow, "window", false)),
		status("stopped", `"status":"failed","timestamp":1760000000,"error":"stop","error_code":131050`, dispatch.Failed,
			failed("131050", dispatch.FailSuppressed, "stop", true)),
		status("not sent", `"status":"not-sent","timestamp":1760000000,"error":"low","error_code":"E110"`, dispatch.Failed,
			failed("E110", dispatch.FailBalance, "low", false)),
		status(
			"failed without a reason",
			`"status":"failed","timestamp":1760000000`,
			dispatch.Failed,
			failed("", dispatch.FailUndelivered, "status failed", false),
		),
		status(
			"rejected",
			`"status":"REJECTD","timestamp":1760000000`,
			dispatch.Failed,
			failed("", dispatch.FailUndelivered, "status REJECTD", false),
		),
		status(
			"a number",
			`"status":0,"timestamp":1760000000,"reason":"no route"`,
			dispatch.Failed,
			failed("", dispatch.FailUndelivered, "no route", false),
		),
		status(
			"a number as text",
			`"status":"0","timestamp":1760000000`,
			dispatch.Failed,
			failed("", dispatch.FailUndelivered, "status 0", false),
		),
		status(
			"another spelling",
			`"status":"NOT_SENT","timestamp":1760000000`,
			dispatch.Failed,
			failed("", dispatch.FailUndelivered, "status NOT_SENT", false),
		),
		status(
			"opted out",
			`"status":"OPT-OUT","timestamp":1760000000`,
			dispatch.Failed,
			failed("OPT-OUT", dispatch.FailSuppressed, "status OPT-OUT", true),
		),
		status("opted out, by code", `"status":"FAILED","timestamp":1760000000,"error_code":"opt-out","error":"opted out"`, dispatch.Failed,
			failed("opt-out", dispatch.FailSuppressed, "opted out", true)),
		status("opted out, by error", `"status":"not-sent","timestamp":1760000000,"error":"opt_out"`, dispatch.Failed,
			failed("OPT_OUT", dispatch.FailSuppressed, "opt_out", true)),
		status("an error that is an object", `"status":0,"timestamp":1760000000,"error":{"code":"CON-DND","message":"do not disturb"}`,
			dispatch.Failed, failed("CON-DND", dispatch.FailSuppressed, "do not disturb", true)),
		status("an error that names a field", `"status":0,"timestamp":1760000000,"error":{"to":"invalid number"}`, dispatch.Failed,
			failed("", dispatch.FailUndelivered, `{"to":"invalid number"}`, false)),
		status("a trace as status", `"status":"invalid-sub","timestamp":1760000000`, dispatch.Failed,
			failed("INVALID-SUB", dispatch.FailRecipient, "status invalid-sub", false)),
		{
			Name: "another name of the id", Body: `{"message_id":"` + messageID + `","status":"UNDELIVERABLE","timestamp":1760000000}`,
			Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{{
				Channel: 7, ProviderID: messageID, Status: dispatch.Failed, At: time.Unix(1760000000, 0),
				Code: dispatch.FailUndelivered, Detail: "status UNDELIVERABLE",
			}}}},
		},
		{Name: "unknown status", Body: `{"id":"x","status":"pondering"}`},
		{Name: "nothing", Body: `{}`},
		{Name: "inbound", Body: raw, Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{{
			Channel: 7, From: "+919888800000", WaID: "919888800000", Name: "Ann", ProviderID: "in1", Type: "text", Text: "STOP",
			Raw: raw, At: time.Unix(1760000000, 0),
		}}}}},
		{
			Name: "a list", Body: `[{"id":"a","status":"sent","timestamp":1760000000},{"id":"b:1","status":"delivered","timestamp":1760000000}]`,
			Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{
				{Channel: 7, ProviderID: "a", Status: dispatch.Sent, At: time.Unix(1760000000, 0)},
				{Channel: 7, ProviderID: "b", Status: dispatch.Delivered, At: time.Unix(1760000000, 0)},
			}}},
		},
	}
}

// smsCallbacks come as a form here.
func smsCallbacks() []providertest.Callback {
	status := func(name, word, trace string, s dispatch.Status, reason dispatch.ErrorCode, suppress bool) providertest.Callback {
		detail := trace
		if s == dispatch.Failed && trace == "" {
			detail = "status " + word
		}
		return providertest.Callback{
			Name: name,
			Body: url.Values{
				"id": {messageID + ":1"}, "recipient": {"919888800000"}, "source": {"SENDOF"}, "status": {word}, "status_trace": {trace},
				"timestamp": {"1760000000"}, "ref_custom": {id.String()}, "parts": {"1"},
			}.Encode(),
			Want: provider.Callback{Part: provider.Part{Statuses: []dispatch.StatusUpdate{{
				ID: id, Channel: 7, ProviderID: messageID, Recipient: "+919888800000", Status: s, At: time.Unix(1760000000, 0),
				ProviderCode: trace, Detail: detail, Code: reason, Suppress: suppress,
			}}}},
		}
	}
	return []providertest.Callback{
		status("submitted", "SUBMITTED", "", dispatch.Sent, "", false),
		status("sent, never a receipt", "SENT - NO DLR", "", dispatch.Sent, "", false),
		status("delivered", "DELIVRD", "", dispatch.Delivered, "", false),
		status("delivered in full", "Delivered", "", dispatch.Delivered, "", false),
		status("expired", "EXPIRED", "", dispatch.Failed, dispatch.FailExpired, false),
		status("switched off", "Undelivered", "MOB-OFF", dispatch.Failed, dispatch.FailUndelivered, false),
		status("no such number", "Failed", "INVALID-SUB", dispatch.Failed, dispatch.FailRecipient, false),
		status("no credits", "NOT-SENT", "NO-CREDITS", dispatch.Failed, dispatch.FailBalance, false),
		status("country", "NOT-SENT", "BLOCKED-COUNTRY", dispatch.Failed, dispatch.FailAccount, false),
		status("template", "NOT-SENT", "TEMPLATE-NOT-FOUND", dispatch.Failed, dispatch.FailTemplate, false),
		status("do not disturb", "Failed", "CON-DND", dispatch.Failed, dispatch.FailSuppressed, true),
		status("opted out", "Failed", "OPT-OUT", dispatch.Failed, dispatch.FailSuppressed, true),
		status("blacklisted", "Failed", "BLACKLIST", dispatch.Failed, dispatch.FailSuppressed, true),
		status("unknown trace", "Failed", "STARS-ALIGNED", dispatch.Failed, dispatch.FailUndelivered, false),
		{
			Name: "inbound", Body: "id=in1&source=919888800000&recipient=SENDOF&message=STOP&keyword=STOP&timestamp=1760000000",
			Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{{
				Channel: 7, From: "+919888800000", ProviderID: "in1", Type: "text", Text: "STOP", At: time.Unix(1760000000, 0),
				Raw: `{"id":"in1","keyword":"STOP","message":"STOP","recipient":"SENDOF","source":"919888800000","timestamp":"1760000000"}`,
			}}}},
		},
		{Name: "inbound from nobody", Body: "message=STOP"},
	}
}

// SMS's callbacks have no field that surely brings our id back: it rides in the
// address that the request named. A profile may also put all in the query.
func TestParseCallback_Query(t *testing.T) {
	t.Parallel()
	want := []dispatch.StatusUpdate{{ID: id, Channel: 7, ProviderID: messageID, Status: dispatch.Delivered, At: now}}
	for query, body := range map[string]string{
		"?ref=" + id.String(): `{"id":"` + messageID + `:1","status":"Delivered"}`,
		"?ref=" + id.String() + "&status=DELIVRD&id=" + messageID: "",
	} {
		r := httptest.NewRequest("GET", "https://sendoff.test/callbacks/kaleyra/key/secret"+query, nil)
		r.SetPathValue("secret", "callback-secret-of-tests")
		got, err := client(nil).ParseCallback(smsChannel(""), r, "", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Statuses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestParseCallback_NoJSONOrForm_Malformed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"status":`, `[1`, "a=%zz"} {
		r := httptest.NewRequest("POST", "https://sendoff.test/callbacks/kaleyra/key/secret", nil)
		r.SetPathValue("secret", "callback-secret-of-tests")
		if _, err := client(nil).ParseCallback(whatsAppChannel(""), r, "", []byte(body)); dispatch.CodeOf(err) != dispatch.Malformed {
			t.Errorf("%q: %v", body, err)
		}
	}
}
