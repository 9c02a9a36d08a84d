package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// envelope names the vendor in whose form an error is written.
func envelope(r *reply) string {
	r.T.Helper()
	o := object{}
	if err := json.Unmarshal(r.Body, &o); err != nil {
		r.T.Errorf("%s: %v: %s", r.What, err, r.Body)
	}
	_, list := o["errors"].([]any)
	switch {
	case o.At("title") != nil:
		return "native"
	case o.At("success") != nil:
		return "external"
	case o.At("error.fbtrace_id") != nil:
		return "meta"
	case o.At("more_info") != nil:
		return "twilio"
	case o.At("data") != nil:
		return "kaleyra"
	case list:
		return "sociocs"
	case o.At("errors") != nil:
		return "socialone"
	}
	return "aisoule"
}

// A path of a dialect is answered in that dialect's form, whatever the method
// and with or without a key; a path of nobody's in that of the key header.
func TestDialects_WrongPathOrMethod_OwnEnvelope(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const external, meta, twilio = "/api/v1/external", "/v25.0/106540352242922/messages", "/2010-04-01/Accounts/AC1/Messages.json"
	for _, c := range []struct {
		method, path, header string
		status               int
		envelope, allow      string
	}{
		{"PUT", "/api/v1/messages/api/send-message/", "", 405, "socialone", "OPTIONS, POST"},
		{"PUT", external + "/templates", "", 405, "external", "GET, HEAD, OPTIONS"},
		{"GET", external + "/messages/template/send", "X-API-Key", 405, "external", "OPTIONS, POST"},
		{"GET", "/api/messages/send", "", 405, "aisoule", "OPTIONS, POST"},
		{"GET", "/message", "", 405, "sociocs", "OPTIONS, POST"},
		{"GET", "/message", "api-key", 405, "sociocs", "OPTIONS, POST"},
		{"DELETE", "/v2/AC1/whatsapp/+1555/messages", "", 405, "kaleyra", "OPTIONS, POST"},
		{"GET", meta, "", 405, "meta", "OPTIONS, POST"},
		{"PUT", twilio, "", 405, "twilio", "GET, HEAD, OPTIONS, POST"},
		{"POST", external + "/messages/template/send/more", "X-API-Key", 404, "external", ""},
		{"POST", external + "/messages/template/send/", "X-API-Key", 404, "external", ""},
		{"GET", external + "/messages/a/b", "X-API-Key", 404, "external", ""},
		{"POST", "/api/v1/messages", "x-api-key", 404, "socialone", ""},
		{"POST", "/v2/AC1/messages", "api-key", 404, "kaleyra", ""},
		{"POST", "/some/more/messages", "apikey", 404, "sociocs", ""},
		{"POST", "/some/more/messages", "", 404, "native", ""},
		{"GET", "/nothing", "", 404, "native", ""},
	} {
		in := apitest.Sent{}
		if c.header != "" {
			in.Headers = []string{c.header, f.Key}
		}
		r := f.Ask(c.method, c.path, in)
		if got := envelope(r); r.Status != c.status || got != c.envelope || r.Header.Get("Allow") != c.allow {
			t.Errorf(
				"%s %s with %q: got %d in %s's form, Allow %q: %s",
				c.method,
				c.path,
				c.header,
				r.Status,
				got,
				r.Header.Get("Allow"),
				r.Body,
			)
		}
	}
	for _, at := range []string{"PUT /v1/messages", "POST /v1/keys/1", "DELETE /v1/messages/status"} {
		method, path, _ := strings.Cut(at, " ")
		f.Do(method, path, nil).Refused(http.StatusMethodNotAllowed, dispatch.MethodNotAllowed)
	}
	for _, at := range []string{"/v1", "/v1/", "/v1/nothing"} {
		f.Ask("GET", at, apitest.Sent{Headers: []string{"X-API-Key", f.Key}}).Refused(http.StatusNotFound, dispatch.NotFound)
	}
}

// OPTIONS names the methods of a path that has some, with or without a key; no
// other path has it.
func TestOptions_NamesTheMethods(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const id = "0198c0de-0000-7000-8000-000000000001"
	for path, allow := range map[string]string{
		"/v1/messages":                              "GET, HEAD, OPTIONS, POST",
		"/v1/messages/batch":                        "GET, HEAD, OPTIONS, PATCH, POST", // as /v1/messages/{id} it has GET and PATCH
		"/v1/messages/" + id:                        "GET, HEAD, OPTIONS, PATCH",
		"/v1/messages/" + id + "/cancel":            "OPTIONS, POST",
		"/v1/keys/1":                                "DELETE, GET, HEAD, OPTIONS, PATCH",
		"/v1/webhooks":                              "GET, HEAD, OPTIONS, POST",
		"/openapi.json":                             "GET, HEAD, OPTIONS",
		"/healthz":                                  "GET, HEAD, OPTIONS",
		"/callbacks/meta/a-channel":                 "GET, OPTIONS, POST, PUT",
		"/api/v1/messages/api/send-message/":        "OPTIONS, POST",
		"/api/v1/external/templates":                "GET, HEAD, OPTIONS",
		"/api/v1/external/messages/template/send":   "OPTIONS, POST",
		"/api/v1/external/messages/" + id:           "GET, HEAD, OPTIONS",
		"/api/messages/send":                        "OPTIONS, POST",
		"/message":                                  "OPTIONS, POST",
		"/team-members":                             "GET, HEAD, OPTIONS",
		"/v2/AC1/whatsapp/+1555/messages":           "OPTIONS, POST",
		"/v25.0/106540352242922/messages":           "OPTIONS, POST",
		"/v25.0/106540352242922":                    "DELETE, GET, HEAD, OPTIONS",
		"/106540352242922":                          "DELETE, GET, HEAD, OPTIONS",
		"/106540352242922/media":                    "OPTIONS, POST",
		"/v25.0/106540352242922/message_templates":  "DELETE, GET, HEAD, OPTIONS, POST",
		"/2010-04-01/Accounts/AC1/Messages.json":    "GET, HEAD, OPTIONS, POST",
		"/2010-04-01/Accounts/AC1/Messages/SM" + id: "DELETE, GET, HEAD, OPTIONS, POST",
	} {
		for _, key := range []string{f.Key, ""} {
			r := f.As(key, http.MethodOptions, path, nil)
			if r.Status != http.StatusNoContent || r.Header.Get("Allow") != allow || len(r.Header.Values("Allow")) != 1 || len(r.Body) > 0 {
				t.Errorf("OPTIONS %s: got %d, Allow %q: %s", path, r.Status, r.Header.Values("Allow"), r.Body)
			}
		}
	}
	for _, path := range []string{"/nothing", "/v1/nothing", "/some/more/messages", "/api/v1/external/messages/a/b"} {
		if r := f.Do(http.MethodOptions, path, nil); r.Status != http.StatusNotFound || r.Header.Get("Allow") != "" {
			t.Errorf("OPTIONS %s: got %d, Allow %q", path, r.Status, r.Header.Get("Allow"))
		}
	}
}

// Every answer to a key has headers of its limits, and every request
// counts, also one that is refused before its messages are known.
func TestRefusedRequests_CountAndSayLimits(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	secret := auth.Generate(false)
	hash := auth.Hash(secret)
	_, err := f.Accounts.CreateKey(t.Context(), account.Key{
		Account: f.Account.ID, Name: "test", Prefix: auth.Prefix(secret), Permissions: []string{"send_media"}, Active: true,
		PerMinute: 3, PerDay: 1000,
	}, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	in := func(body string) apitest.Sent {
		return apitest.Sent{Headers: []string{"X-API-Key", secret, "Content-Type", "application/json"}, Body: body}
	}
	const send = "/api/messages/send"
	for i, c := range []struct {
		path, body string
		status     int
	}{
		{send, `{"to":`, 400},
		{send, `{"to":"+15550000100","type":"text","text":"x"}`, 401}, // lacks the permission
		{"/v1/messages", `{"to":1}`, 422},
		{send, `{`, 429},
		{"/v1/messages", `{`, 429},
		{"/api/v1/external/messages/019bb128-0000-7000-8000-000000000000", "", 403}, // reads have limits of their own
	} {
		method := "POST"
		if c.body == "" {
			method = "GET"
		}
		r := f.Ask(method, c.path, in(c.body))
		if r.Status != c.status || !strings.Contains(r.Header.Get("RateLimit"), `"minute";r=`) || r.Header.Get("RateLimit-Policy") == "" {
			t.Errorf("request %d: got %d, RateLimit %q: %s", i, r.Status, r.Header.Get("RateLimit"), r.Body)
		}
		if (r.Status == 429) != (r.Header.Get("Retry-After") != "") {
			t.Errorf("request %d: Retry-After %q with %d", i, r.Header.Get("Retry-After"), r.Status)
		}
	}
}

// A 401 names the way in that the client's format has.
func TestUnauthorized_SaysHow(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for path, want := range map[string]string{
		"/2010-04-01/Accounts/AC1/Messages.json": `Basic realm="Twilio API"`,
		"/v25.0/1/messages":                      `Bearer realm="sendoff"`,
	} {
		if r := f.Ask("POST", path, apitest.Sent{}); r.Status != 401 || r.Header.Get("WWW-Authenticate") != want {
			t.Errorf("%s: got %d, WWW-Authenticate %q", path, r.Status, r.Header.Get("WWW-Authenticate"))
		}
	}
}

// A path that names another account is refused before its body is looked at.
func TestDialects_ForeignSID_BeforeBody(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	other, _ := f.NewAccount("Two")
	r := f.Ask("POST", "/v2/"+other.SID+"/whatsapp/+15550002222/messages", apitest.Sent{Headers: []string{"api-key", f.Key}, Body: "{"})
	if got := r.Want(http.StatusUnauthorized).Text("code"); got != "RBC001" {
		t.Errorf("kaleyra: got %s", r.Body)
	}
	r = f.Ask("POST", "/2010-04-01/Accounts/"+other.SID+"/Messages.json", apitest.Sent{Basic: f.Key, Body: "%"})
	if got := r.Want(http.StatusUnauthorized).Text("code"); got != "20003" {
		t.Errorf("twilio: got %s", r.Body)
	}
}

// The WhatsApp formats send through WhatsApp channels, however they are named.
func TestWhatsAppDialects_SMSChannel_NotFound(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Default: true,
		Policy:   dispatch.DefaultPolicy(),
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := object{"id": float64(sms.ID)}.ID()
	template := f.Do("POST", "/v1/templates", m{
		"name": "hello", "language": "en", "category": "utility",
		"components": []m{{"type": "body", "text": "Hello"}},
	}).
		Want(http.StatusCreated).
		ID()
	for _, c := range []struct {
		path, header, body string
		status             int
		said               string
	}{
		{
			"/api/messages/send", "X-API-Key", `{"to":"+15550000100","type":"text","text":"x","whatsapp_account":` + id + `}`, 404,
			"WhatsApp account not found.",
		},
		{"/api/messages/send", "X-API-Key", `{"to":"+15550000100","type":"text","text":"x"}`, 404, "WhatsApp account not found."},
		{"/api/v1/messages/api/send-message/", "x-api-key", `{"country_code":"1","phone_number":"5550000100","template_id":` + template +
			`,"social_account_id":` + id + `,"variables":[]}`, 404, "WhatsApp account not found."},
		{
			"/api/v1/external/messages/template/send", "X-API-Key", `{"to":"+15550000100","template_name":"hello"}`, 400,
			"The account has no default WhatsApp channel",
		},
		{
			"/v25.0/" + id + "/messages", "Authorization", `{"messaging_product":"whatsapp","to":"15550000100","text":{"body":"x"}}`,
			400, "does not exist",
		},
	} {
		key := f.Key
		if c.header == "Authorization" {
			key = "Bearer " + key
		}
		if r := f.Ask("POST", c.path, apitest.Sent{Headers: []string{c.header, key}, Body: c.body}); r.Status != c.status ||
			!strings.Contains(string(r.Body), c.said) {
			t.Errorf("%s: got %d %s", c.path, r.Status, r.Body)
		}
	}
}

// A contact that comes with a message is held to what /v1/contacts allows.
func TestContactSaving_LongName_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]int{200: http.StatusOK, 201: http.StatusBadRequest} {
		r := f.Ask(
			"POST",
			"/message",
			apitest.Sent{Headers: []string{"apikey", f.Key}, Body: `{"provider":"twlo","channel_key":"` + sms.Key +
				`","to":"+15550000100","text":"x","name":"` + strings.Repeat("é", length) + `","contact_saving":{"save":true}}`},
		)
		if r.Status != want ||
			(want != http.StatusOK && !strings.Contains(string(r.Body), "name has 201 characters, at most 200 are allowed.")) {
			t.Errorf("%d characters: got %d %s", length, r.Status, r.Body)
		}
	}
}
