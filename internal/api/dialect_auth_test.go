package api_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// answered is an answer's status and, from the vendor's envelope, what distinguishes
// the reason: its code, or where it has none its sentence.
type answered struct {
	status int
	said   string
}

// vendorCase is a dialect: how a key is sent, where an error has its reason,
// and what a key that is refused gets.
type vendorCase struct {
	name                              string
	key                               func(r *http.Request, key string)
	said                              []string // paths into the error's body, joined by a space
	missing, wrong, disabled, expired answered
	forbidden                         answered // the key lacks the permission of a send
	ok                                int      // of a send
	sends, reads                      []dialectAsk
	changes                           []dialectAsk // of a message that is not finished: refused with want
	foreign                           []dialectAsk // that name what isn't the asking account's
}

// dialectAsk is a request. In path and body {ours.x} and {theirs.x} stand for
// what belongs to the two accounts, see property; {SID} is the asking account's.
type dialectAsk struct {
	name, method, path, body string
	want                     answered // of foreign: what a key of the other account gets
	lacks                    answered // of a read: what a key without the permission gets
}

func sending(name, path, body string) dialectAsk {
	return dialectAsk{name: name, method: http.MethodPost, path: path, body: body}
}

func reading(name, path string, status int, said string) dialectAsk {
	return dialectAsk{name: name, method: http.MethodGet, path: path, lacks: answered{status, said}}
}

func foreign(name, method, path, body string, status int, said string) dialectAsk {
	return dialectAsk{name: name, method: method, path: path, body: body, want: answered{status, said}}
}

func headerOf(name string) func(*http.Request, string) {
	return func(r *http.Request, key string) {
		if key != "" {
			r.Header.Set(name, key)
		}
	}
}

func basic(r *http.Request, key string) {
	if key != "" {
		r.SetBasicAuth("", key)
	}
}

func bearer(r *http.Request, key string) {
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
}

// unauthorized is what the four ways to fail say with one sentence each.
func (v vendorCase) unauthorized(prefix, missing, wrong, disabled, expired string) vendorCase {
	for at, text := range map[*answered]string{&v.missing: missing, &v.wrong: wrong, &v.disabled: disabled, &v.expired: expired} {
		*at = answered{http.StatusUnauthorized, prefix + text}
	}
	return v
}

// one answers the same whatever is wrong with a key.
func (v vendorCase) one(text string) vendorCase { return v.unauthorized("", text, text, text, text) }

// graphPasses are the routes whose requests go on to Meta, which nobody plays here.
func graphPasses() []dialectAsk {
	var out []dialectAsk
	for _, route := range []string{
		"POST /{ours.phone_number_id}/media", "GET /77", "DELETE /77", "GET /{ours.waba_id}/message_templates",
		"POST /{ours.waba_id}/message_templates", "DELETE /{ours.waba_id}/message_templates", "GET /{ours.waba_id}/phone_numbers",
		"GET /{ours.phone_number_id}/whatsapp_business_profile", "POST /{ours.phone_number_id}/whatsapp_business_profile",
	} {
		method, path, _ := strings.Cut(route, " ")
		unanswered := answered{500, "131016 (#131016) Service unavailable"}
		lacks := answered{403, "10 (#10) Application does not have permission for this action"}
		if strings.HasSuffix(path, "/media") || method == http.MethodDelete && path == "/77" {
			lacks = unanswered // the key may send media
		}
		for _, version := range []string{"", "/v25.0"} {
			out = append(out, dialectAsk{
				name: "pass on " + route, method: method, path: version + path, body: "{}",
				lacks: lacks, want: unanswered,
			})
		}
	}
	return out
}

const (
	aisouleTemplate = `{"to":"+15550000100","type":"template","whatsapp_account":"{CHANNEL}","template":{"name":"{TEMPLATE}",` +
		`"language":"en","components":[{"type":"body","parameters":[{"type":"text","text":"x"}]}]}}`
	kaleyraTemplate = `{"messaging_object":{"messaging_product":"whatsapp","to":"+15550000100","type":"template",` +
		`"template":{"name":"{TEMPLATE}","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"x"}]}]}}}`
	metaTemplate = `{"messaging_product":"whatsapp","to":"15550000100","type":"template","template":{"name":"{TEMPLATE}",` +
		`"language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"x"}]}]}}`
	graphNoObject = `Unsupported post request. Object with ID '{ID}' does not exist, cannot be loaded due to missing permissions, or ` +
		`does not support this operation`
)

// fill puts values into a request's text, given in pairs.
func fill(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

func vendorCases() []vendorCase {
	const external, twilio = "/api/v1/external", "/2010-04-01/Accounts"
	externalBody := `{"to":"+15550000100","template_name":"{ours.template}","language":"en","variables":{"name":"x"}}`
	socialone := `{"country_code":"1","phone_number":"5550000100","template_id":{TEMPLATE},"social_account_id":{CHANNEL},"variables":["x"]}`
	sociocs := `{"provider":"twlo","channel_key":"{CHANNEL}","to":"+15550000100","text":"x"{MORE}}`
	sms := `To=%2B15550000100&From={FROM}&Body=x`
	return []vendorCase{
		vendorCase{
			name: "socialone", key: headerOf("x-api-key"), said: []string{"message"}, ok: 202,
			forbidden: answered{403, "This API key lacks the send_template permission."},
			sends: []dialectAsk{
				sending(
					"slash",
					"/api/v1/messages/api/send-message/",
					fill(socialone, "{TEMPLATE}", "{ours.template_id}", "{CHANNEL}", "{ours.channel_id}"),
				),
				sending(
					"no slash",
					"/api/v1/messages/api/send-message",
					fill(socialone, "{TEMPLATE}", "{ours.template_id}", "{CHANNEL}", "{ours.channel_id}"),
				),
			},
			foreign: []dialectAsk{
				foreign(
					"channel",
					"POST",
					"/api/v1/messages/api/send-message/",
					fill(socialone, "{TEMPLATE}", "{theirs.template_id}", "{CHANNEL}", "{ours.channel_id}"),
					404,
					"WhatsApp account not found.",
				),
				foreign(
					"template",
					"POST",
					"/api/v1/messages/api/send-message/",
					fill(socialone, "{TEMPLATE}", "{ours.template_id}", "{CHANNEL}", "{theirs.channel_id}"),
					404,
					"Template not found.",
				),
			},
		}.unauthorized("", "API key is missing. Send it in the x-api-key header.", "Invalid API key.", "API key is inactive.",
			"API key has expired."),
		vendorCase{
			name: "external", key: headerOf("X-API-Key"), said: []string{"error.code", "error.message"}, ok: 202,
			forbidden: answered{403, "FORBIDDEN This API key lacks the send_template permission."},
			sends:     []dialectAsk{sending("send", external+"/messages/template/send", externalBody)},
			reads: []dialectAsk{
				reading("message", external+"/messages/{ours.message}", 403, "FORBIDDEN This API key lacks the view_messages permission."),
				reading("templates", external+"/templates", 403, "FORBIDDEN This API key lacks the view_templates permission."),
			},
			foreign: []dialectAsk{
				foreign(
					"template",
					"POST",
					external+"/messages/template/send",
					externalBody,
					404,
					"TEMPLATE_NOT_FOUND Template not found: no template {ours.template} for this channel",
				),
				foreign("message", "GET", external+"/messages/{ours.message}", "", 404, "MESSAGE_NOT_FOUND Message not found"),
				foreign("templates", "GET", external+"/templates", "", 200, ""),
			},
		}.unauthorized("UNAUTHORIZED ", "API key is missing. Send it in the X-API-Key header.", "Invalid API key.", "API key is inactive.",
			"API key has expired."),
		vendorCase{
			name: "aisoule", key: headerOf("X-API-Key"), said: []string{"message"}, ok: 202,
			forbidden: answered{401, "This API key lacks the send_template permission."},
			sends: []dialectAsk{
				sending(
					"send",
					"/api/messages/send",
					fill(aisouleTemplate, "{TEMPLATE}", "{ours.template}", "{CHANNEL}", "{ours.channel_id}"),
				),
			},
			foreign: []dialectAsk{
				foreign(
					"channel id",
					"POST",
					"/api/messages/send",
					fill(aisouleTemplate, "{TEMPLATE}", "{theirs.template}", "{CHANNEL}", "{ours.channel_id}"),
					404,
					"WhatsApp account not found.",
				),
				foreign(
					"channel key",
					"POST",
					"/api/messages/send",
					fill(aisouleTemplate, "{TEMPLATE}", "{theirs.template}", "{CHANNEL}", "{ours.channel_key}"),
					404,
					"WhatsApp account not found.",
				),
				foreign(
					"template",
					"POST",
					"/api/messages/send",
					fill(aisouleTemplate, "{TEMPLATE}", "{ours.template}", "{CHANNEL}", "{theirs.channel_id}"),
					404,
					"Template not found: no template {ours.template} for this channel",
				),
			},
		}.unauthorized("", "API key is missing. Send it in the X-API-Key header.", "Invalid API key.", "API key is inactive.",
			"API key has expired."),
		vendorCase{
			name: "sociocs", key: headerOf("apikey"), said: []string{"errors.0.msg"}, ok: 200,
			forbidden: answered{401, "This API key lacks the send_text permission."},
			sends:     []dialectAsk{sending("send", "/message", fill(sociocs, "{CHANNEL}", "{ours.sms_key}", "{MORE}", ""))},
			// Any key may look up the user_id that a send names.
			reads: []dialectAsk{reading("team", "/team-members", 200, "")},
			foreign: []dialectAsk{
				foreign(
					"channel",
					"POST",
					"/message",
					fill(sociocs, "{CHANNEL}", "{ours.sms_key}", "{MORE}", ""),
					400,
					"Invalid channel_key.",
				),
				foreign(
					"template",
					"POST",
					"/message",
					`{"provider":"twlowa","channel_key":"{theirs.wa_key}","to":"+15550000100","template":{"id":"{ours.content_sid}",`+
						`"variables":{"1":"x"}}}`,
					400,
					"Invalid template id.",
				),
				foreign(
					"user",
					"POST",
					"/message",
					fill(sociocs, "{CHANNEL}", "{theirs.sms_key}", "{MORE}", `,"user_id":"{ours.user}"`),
					400,
					"user_id is not a team member's id.",
				),
				foreign(
					"list",
					"POST",
					"/message",
					fill(sociocs, "{CHANNEL}", "{theirs.sms_key}", "{MORE}", `,"contact_saving":{"save":true,"list_id":{ours.list}}`),
					400,
					"contact_saving.list_id: there is no list {ours.list}.",
				),
				foreign("team", "GET", "/team-members", "", 200, ""),
			},
		}.unauthorized("", "API key is missing. Send it in the apikey header.", "Invalid API key.", "API key is inactive.",
			"API key has expired."),
		vendorCase{
			name: "kaleyra", key: headerOf("api-key"), said: []string{"code"}, ok: 202, forbidden: answered{401, "WA-401"},
			sends: []dialectAsk{
				sending("send", "/v2/{SID}/whatsapp/{ours.sender}/messages", fill(kaleyraTemplate, "{TEMPLATE}", "{ours.template}")),
			},
			foreign: []dialectAsk{
				foreign(
					"sid",
					"POST",
					"/v2/{ours.sid}/whatsapp/{theirs.sender}/messages",
					fill(kaleyraTemplate, "{TEMPLATE}", "{theirs.template}"),
					401,
					"RBC001",
				),
				foreign(
					"channel",
					"POST",
					"/v2/{SID}/whatsapp/{ours.sender}/messages",
					fill(kaleyraTemplate, "{TEMPLATE}", "{theirs.template}"),
					401,
					"WA401",
				),
				foreign(
					"template",
					"POST",
					"/v2/{SID}/whatsapp/{theirs.sender}/messages",
					fill(kaleyraTemplate, "{TEMPLATE}", "{ours.template}"),
					400,
					"WA400",
				),
			},
		}.one("RBC001"),
		vendorCase{
			name: "meta", key: bearer, said: []string{"error.code", "error.message"}, ok: 200,
			forbidden: answered{403, "10 (#10) Application does not have permission for this action"},
			sends: []dialectAsk{
				sending("send", "/v25.0/{ours.phone_number_id}/messages", fill(metaTemplate, "{TEMPLATE}", "{ours.template}")),
				sending("send without a version", "/{ours.phone_number_id}/messages", fill(metaTemplate, "{TEMPLATE}", "{ours.template}")),
			},
			changes: graphPasses(),
			foreign: []dialectAsk{
				foreign(
					"phone number id",
					"POST",
					"/v25.0/{ours.phone_number_id}/messages",
					fill(metaTemplate, "{TEMPLATE}", "{theirs.template}"),
					400,
					"100 "+fill(graphNoObject, "{ID}", "{ours.phone_number_id}"),
				),
				foreign(
					"channel id",
					"POST",
					"/v25.0/{ours.channel_id}/messages",
					fill(metaTemplate, "{TEMPLATE}", "{theirs.template}"),
					400,
					"100 "+fill(graphNoObject, "{ID}", "{ours.channel_id}"),
				),
				foreign(
					"template",
					"POST",
					"/v25.0/{theirs.phone_number_id}/messages",
					fill(metaTemplate, "{TEMPLATE}", "{ours.template}"),
					404,
					"132001 (#132001) Template name does not exist in the translation",
				),
			},
		}.unauthorized("190 ", "An access token is required to request this resource.", "Invalid OAuth access token - Cannot parse access token",
			"Error validating access token: The session has been invalidated.", "Error validating access token: Session has expired."),
		vendorCase{
			name: "twilio", key: basic, said: []string{"code"}, ok: 201, forbidden: answered{403, "20403"},
			sends: []dialectAsk{sending("send", twilio+"/{SID}/Messages.json", fill(sms, "{FROM}", "{ours.sms_sender}"))},
			reads: []dialectAsk{
				reading("list", twilio+"/{SID}/Messages.json", 403, "20403"),
				reading("message", twilio+"/{SID}/Messages/{ours.message_sid}.json", 403, "20403"),
				reading("media", twilio+"/{SID}/Messages/{ours.message_sid}/Media.json", 403, "20403"),
				reading("account", twilio+"/{SID}.json", 200, ""),
				reading("balance", twilio+"/{SID}/Balance.json", 200, ""),
				reading("numbers", twilio+"/{SID}/IncomingPhoneNumbers.json", 200, ""),
				reading("number", twilio+"/{SID}/IncomingPhoneNumbers/{ours.number_sid}.json", 200, ""),
			},
			changes: []dialectAsk{
				{
					name: "redact", method: "POST", path: twilio + "/{SID}/Messages/{ours.message_sid}.json", body: "Body=",
					lacks: answered{403, "20403"}, want: answered{409, "20009"},
				},
				{
					name: "delete", method: "DELETE", path: twilio + "/{SID}/Messages/{ours.message_sid}.json",
					lacks: answered{403, "20403"}, want: answered{409, "20009"},
				},
			},
			foreign: []dialectAsk{
				foreign("sid", "POST", twilio+"/{ours.sid}/Messages.json", fill(sms, "{FROM}", "{theirs.sms_sender}"), 401, "20003"),
				foreign("sender", "POST", twilio+"/{SID}/Messages.json", fill(sms, "{FROM}", "{ours.sms_sender}"), 400, "21606"),
				foreign(
					"channel key",
					"POST",
					twilio+"/{SID}/Messages.json",
					"To=%2B15550000100&Body=x&MessagingServiceSid={ours.sms_key}",
					400,
					"21606",
				),
				foreign(
					"template",
					"POST",
					twilio+"/{SID}/Messages.json",
					"To=whatsapp:%2B15550000100&From=whatsapp:{theirs.wa_sender}&ContentSid={ours.content_sid}",
					400,
					"21655",
				),
				foreign("list by sid", "GET", twilio+"/{ours.sid}/Messages.json", "", 401, "20003"),
				foreign("message by sid", "GET", twilio+"/{ours.sid}/Messages/{ours.message_sid}.json", "", 401, "20003"),
				foreign("message", "GET", twilio+"/{SID}/Messages/{ours.message_sid}.json", "", 404, "20404"),
				foreign("media", "GET", twilio+"/{SID}/Messages/{ours.message_sid}/Media.json", "", 404, "20404"),
				foreign("number", "GET", twilio+"/{SID}/IncomingPhoneNumbers/{ours.number_sid}.json", "", 404, "20404"),
				foreign("balance by sid", "GET", twilio+"/{ours.sid}/Balance.json", "", 401, "20003"),
				foreign("change of a message", "POST", twilio+"/{SID}/Messages/{ours.message_sid}.json", "Status=canceled", 404, "20404"),
				foreign("end of a message", "DELETE", twilio+"/{SID}/Messages/{ours.message_sid}.json", "", 404, "20404"),
				foreign("list", "GET", twilio+"/{SID}/Messages.json", "", 200, ""),
			},
		}.one("20003"),
	}
}

// property is everything of an account that a request of a dialect can name.
// n makes two accounts' things different.
func (f *front) property(prefix string, a account.Account, key, n string) map[string]string {
	f.T.Helper()
	create := func(c dispatch.Channel) dispatch.Channel {
		c.Account, c.Policy = a.ID, dispatch.DefaultPolicy()
		c, err := f.Accounts.CreateChannel(f.T.Context(), c)
		if err != nil {
			f.T.Fatal(err)
		}
		return c
	}
	meta := apitest.MetaChannel(a.ID)
	meta.Sender, meta.Settings["phone_number_id"], meta.Default = "+1555000220"+n, "10654035224292"+n, true
	meta.Settings["base_url"] = "http://127.0.0.1:1" // nobody is there
	meta = create(meta)
	type settings = map[string]string
	twilioSettings := func() settings { return settings{"account_sid": "AC" + strings.Repeat(n, 32)} }
	sms := create(
		dispatch.Channel{
			Name:     "SMS",
			Provider: "twilio",
			Kind:     "sms",
			Sender:   "+1555000330" + n,
			Settings: twilioSettings(),
			Secrets:  settings{"auth_token": "t"},
		},
	)
	wa := create(
		dispatch.Channel{
			Name:     "WA",
			Provider: "twilio",
			Kind:     "whatsapp",
			Sender:   "+1555000440" + n,
			Settings: twilioSettings(),
			Secrets:  settings{"auth_token": "t"},
		},
	)
	body := []m{{"type": "body", "text": "Hello {{1}}, welcome.", "variables": []string{"name"}}}
	template := f.As(key, "POST", "/v1/templates", m{"name": "hello_" + n, "language": "en", "category": "utility", "components": body}).
		Want(http.StatusCreated)
	contentSID := "HX" + strings.Repeat(n, 32)
	f.As(key, "POST", "/v1/templates", m{
		"name": "content_" + n, "language": "en", "category": "utility", "components": body,
		"provider": "twilio", "provider_template_id": contentSID,
	}).
		Want(http.StatusCreated)
	list := f.As(key, "POST", "/v1/lists", m{"name": "list " + n}).Want(http.StatusCreated)
	user := f.As(key, "POST", "/v1/users", m{"name": "User " + n, "email": "user" + n + "@example.com"}).Want(http.StatusCreated)
	sent := f.As(key, "POST", "/v1/messages", m{"to": "+15550000100", "type": "text", "channel": sms.Key, "text": m{"body": "x"}}).
		Want(http.StatusAccepted)
	numbers := f.Ask("GET", "/2010-04-01/Accounts/"+a.SID+"/IncomingPhoneNumbers.json", apitest.Sent{
		Headers: []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(a.SID+":"+key))},
	})
	out := map[string]string{}
	for name, value := range map[string]string{
		"number_sid": numbers.Want(http.StatusOK)["incoming_phone_numbers"].([]any)[0].(map[string]any)["sid"].(string),
		"sid":        a.SID, "channel_id": object{"id": float64(meta.ID)}.ID(), "channel_key": meta.Key, "sender": meta.Sender,
		"phone_number_id": meta.Settings["phone_number_id"], "waba_id": meta.Settings["waba_id"],
		"sms_key": sms.Key, "sms_sender": strings.Replace(sms.Sender, "+", "%2B", 1), "wa_key": wa.Key,
		"wa_sender":   strings.Replace(wa.Sender, "+", "%2B", 1),
		"template_id": template.ID(), "template": "hello_" + n, "content_sid": contentSID, "list": list.ID(), "user": user.Text("id"),
		"message": sent.Text("message_id"), "message_sid": "SM" + strings.ReplaceAll(sent.Text("message_id"), "-", ""),
	} {
		out["{"+prefix+"."+name+"}"] = value
	}
	return out
}

// asker sends the cases' requests.
type asker struct {
	*front
	things []string // pairs for fill
}

// ask sends a request with a key, as an account with the sid.
func (a asker) Ask(v vendorCase, key, sid string, q dialectAsk) (answered, string) {
	a.T.Helper()
	words := append([]string{"{SID}", sid}, a.things...)
	req, err := http.NewRequestWithContext(a.T.Context(), q.method, a.URL+fill(q.path, words...), strings.NewReader(fill(q.body, words...)))
	if err != nil {
		a.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if v.name == "twilio" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	v.key(req, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.T.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		a.T.Fatal(err)
	}
	got := answered{status: res.StatusCode}
	if res.StatusCode >= 300 {
		got.said = a.said(v, raw)
	}
	return got, string(raw)
}

// said returns the reason of a vendor's error.
func (a asker) said(v vendorCase, raw []byte) string {
	a.T.Helper()
	var words []string
	for _, path := range v.said {
		var at any
		if err := json.Unmarshal(raw, &at); err != nil {
			return "no JSON: " + string(raw)
		}
		for step := range strings.SplitSeq(path, ".") {
			switch in := at.(type) {
			case map[string]any:
				at = in[step]
			case []any:
				at = in[0]
			default:
				at = nil
			}
		}
		words = append(words, strings.Trim(object{"x": at}.Text("x"), `"`))
	}
	return strings.Join(words, " ")
}

// deletedKey is a key that has worked and is gone; it must be refused a second
// later, with room for a busy machine.
func (a asker) deletedKey() string {
	a.T.Helper()
	secret, k := a.NewKeyWith(func(*account.Key) {})
	a.As(secret, "GET", "/v1/templates", nil).Want(http.StatusOK)
	if err := a.Accounts.DeleteKey(a.T.Context(), a.Account.ID, k.ID); err != nil {
		a.T.Fatal(err)
	}
	gone := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for a.As(secret, "GET", "/v1/templates", nil).Status != http.StatusUnauthorized {
		if time.Since(gone) > 5*time.Second {
			a.T.Fatal("a deleted key still works after 5 s")
		}
		<-tick.C
	}
	return secret
}

// TestDialects_Authorisation calls every route of every dialect without a key,
// with one that is refused, and with another account's for our things.
func TestDialects_Authorisation(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	two, stranger := f.NewAccount("Two")
	a := asker{front: f}
	ours, theirs := f.property("ours", f.Account, f.Key, "1"), f.property("theirs", two, stranger, "2")
	for _, things := range []map[string]string{ours, theirs} {
		for name, value := range things {
			a.things = append(a.things, name, value)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	disabled, _ := a.NewKeyWith(func(k *account.Key) { k.Active = false })
	expired, _ := a.NewKeyWith(func(k *account.Key) { k.ExpiresAt = &yesterday })
	lacking := f.NewKey(f.Account.ID, "send_media") // which none of the requests needs
	three, closed := f.NewAccount("Three")
	if _, err := f.Accounts.SetDisabled(t.Context(), three.ID, true); err != nil {
		t.Fatal(err)
	}
	deleted := a.deletedKey()
	accepted := 1 // by property
	for _, v := range vendorCases() {
		keys := []struct {
			name, key string
			want      answered
		}{
			{"no key", "", v.missing},
			{"wrong key", auth.Generate(false), v.wrong},
			{"no key of ours", "sk_live_x", v.wrong},
			{"disabled", disabled, v.disabled},
			{"of a disabled account", closed, v.disabled},
			{"expired", expired, v.expired},
			{"deleted", deleted, v.wrong},
		}
		check := func(q dialectAsk, what, key, sid string, want answered) string {
			t.Helper()
			want.said = fill(want.said, a.things...)
			got, body := a.Ask(v, key, sid, q)
			if got != want {
				t.Errorf(
					"%s, %s (%s %s), %s: got %d %q, want %d %q: %s",
					v.name,
					q.name,
					q.method,
					q.path,
					what,
					got.status,
					got.said,
					want.status,
					want.said,
					body,
				)
			}
			return body
		}
		for _, q := range append(v.sends, v.reads...) {
			for _, k := range keys {
				check(q, k.name, k.key, f.Account.SID, k.want)
			}
			if q.method == http.MethodPost {
				check(q, "wrong permission", lacking, f.Account.SID, v.forbidden)
				check(q, "right key", f.Key, f.Account.SID, answered{status: v.ok})
				accepted++
			} else {
				check(q, "wrong permission", lacking, f.Account.SID, q.lacks)
				check(q, "right key", f.Key, f.Account.SID, answered{status: http.StatusOK})
			}
		}
		for _, q := range v.changes {
			for _, k := range keys {
				check(q, k.name, k.key, f.Account.SID, k.want)
			}
			check(q, "wrong permission", lacking, f.Account.SID, q.lacks)
			check(q, "right key", f.Key, f.Account.SID, q.want)
		}
		for _, q := range v.foreign {
			body := check(q, "another account's key", stranger, two.SID, q.want)
			for _, name := range []string{"message", "message_sid", "template", "user", "content_sid"} {
				if q.want.status == http.StatusOK && strings.Contains(body, ours["{ours."+name+"}"]) {
					t.Errorf("%s, %s: shows another account's %s: %s", v.name, q.name, name, body)
				}
			}
		}
	}
	if got := len(f.Do("GET", "/v1/messages?limit=100", nil).Want(http.StatusOK).Data()); got != accepted {
		t.Errorf("%d messages of ours, want %d: a refused request sent", got, accepted)
	}
	if got := len(f.As(stranger, "GET", "/v1/messages?limit=100", nil).Want(http.StatusOK).Data()); got != 1 {
		t.Errorf("%d messages of the other account, want its own", got)
	}
}

// TestDialects_AuthorisationTableIsWhole fails when a dialect route is missing
// from the table: /openapi.json lists them all.
func TestDialects_AuthorisationTableIsWhole(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	asked := map[string]bool{}
	for _, v := range vendorCases() {
		for _, q := range slices.Concat(v.sends, v.reads, v.changes) {
			asked[q.method+" "+shape(q.path)] = true
		}
	}
	for path, methods := range f.As("", "GET", "/openapi.json", nil).Want(http.StatusOK)["paths"].(map[string]any) {
		if strings.HasPrefix(path, "/v1/") {
			continue
		}
		for method, op := range methods.(map[string]any) {
			if tags, _ := op.(map[string]any)["tags"].([]any); len(tags) == 1 &&
				strings.Contains(strings.ToLower(tags[0].(string)), "dialect") &&
				!asked[strings.ToUpper(method)+" "+shape(path)] {
				t.Errorf("%s %s is not in the table", strings.ToUpper(method), path)
			}
		}
	}
}

// shape is a path with * for its parameters.
func shape(path string) string {
	var out []string
	for step := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(step, "{") || step == "v25.0" || step == "77" {
			step = "*"
		}
		out = append(out, step)
	}
	return strings.Join(out, "/")
}
