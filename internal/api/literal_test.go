package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// suppressed returns the account's suppressions as "id scope source".
func (f *front) suppressed() map[string]string {
	f.T.Helper()
	out := map[string]string{}
	for _, p := range f.Do("GET", "/v1/suppressions?limit=1000", nil).Want(200).Data() {
		id := p.Text("phone")
		if p["user_id"] != nil {
			id = p.Text("user_id")
		} else if p["wa_id"] != nil {
			id = "+" + p.Text("wa_id")
		}
		out[id] = p.Text("scope") + " " + p.Text("source")
	}
	return out
}

// Opt-outs over HTTP: all of them, only them.
func TestOptOut_HeardAndNotHeard(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	n := 0
	says := func(country string, message m, stop bool) {
		t.Helper()
		n++
		from := fmt.Sprintf("%s%03d", country, n)
		message["from"] = from
		f.wrote(message)
		if got := f.suppressed()["+"+from]; (got == "all message") != stop || got != "" && !stop {
			t.Errorf("%s: suppressed %q", encoded(message), got)
		}
	}
	button := func(text string) m { return m{"type": "button", "button": m{"text": text, "payload": "p"}} }
	reply := func(title string) m {
		return m{"type": "interactive", "interactive": m{"type": "button_reply", "button_reply": m{"id": "1", "title": title}}}
	}
	const turkey, france, usa, india, spain = "905321234", "33612345", "1202555", "9198765430", "34612345"
	for country, texts := range map[string][]string{
		turkey: {"ÇIK", "çik", "dur"}, france: {"arre\u0302t", "ARRÊT"}, usa: {"ＳＴＯＰ", "stop", " Stop. ", "cancel", "end", "quit", "remove"},
		india: {"बन्द"}, spain: {"BAJA", "alto"},
	} {
		for _, text := range texts {
			says(country, m{"text": text}, true)
		}
	}
	for _, text := range []string{"basta", "td", "no", "cancel my order", "dur"} {
		says(usa, m{"text": text}, false)
	}
	for _, text := range []string{"Stop promotions", "Unsubscribe from offers", "STOP"} {
		says(usa, button(text), true)
		says(usa, reply(text), true)
	}
	for _, text := range []string{"Cancel", "End", "Quit", "Remove"} {
		says(usa, button(text), false)
		says(usa, reply(text), false)
	}
	says(spain, m{"type": "location", "location": m{"latitude": 1, "longitude": 2, "name": "Baja"}}, false)
	says(usa, m{"type": "location", "location": m{"latitude": 1, "longitude": 2, "name": "Stop"}}, false)
	for _, kind := range []string{"image", "video", "document"} {
		says(usa, m{"type": kind, kind: m{"id": "1", "mime_type": "x/y", "caption": "Remove"}}, false)
		says(usa, m{"type": kind, kind: m{"id": "1", "mime_type": "x/y", "caption": "STOP"}}, false)
	}
	says(usa, m{"type": "reaction", "reaction": m{"message_id": "wamid.x", "emoji": "stop"}}, false)
}

// Refusals name persons of messages that nobody knows, in each vendor's words.
func TestOptOut_Reported(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		ch := f.number(w, 1, w.secrets)
		part, want := w.status(ch, "failed", w.refs[0]), "all refusal"
		switch w.provider {
		case "meta":
			part["value"].(m)["statuses"].([]m)[0]["errors"] = []m{{"code": 131050, "title": "stopped"}}
			want = "marketing refusal"
		case "twilio":
			part["ErrorCode"] = 21610
		case "gupshup":
			if value, ok := part["value"].(m); ok {
				value["statuses"].([]m)[0]["errors"] = []m{{"code": "1012", "title": "opted out"}}
			} else {
				part["payload"].(m)["payload"] = m{"code": 1012, "reason": "opted out"}
			}
		case "kaleyra":
			part = kaleyraStatus(ch, "OPT-OUT", w.refs[0])
		}
		f.report(w, ch, part)
		if got := f.suppressed()["+15550000001"]; got != want {
			t.Errorf("suppressed %q, want %q", got, want)
		}
	})
}

// What a provider has recognised counts whatever the text is.
func TestOptOut_Recognised(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms, gs := wordings["twilio"], wordings["gupshup"]
	one, two := f.number(&sms, 1, sms.secrets), f.number(&gs, 2, gs.secrets)
	typed := func(kind string) {
		in := sms.inbound(one, "+15550000011", "whatever it is", "SM"+strings.Repeat("c", 31)+kind[len(kind)-1:])
		in["OptOutType"] = kind
		f.report(&sms, one, in)
	}
	typed("STOP")
	if got := f.suppressed()["+15550000011"]; got != "all message" {
		t.Errorf("OptOutType STOP suppresses %q", got)
	}
	typed("HELP")
	typed("START")
	if got := f.suppressed()["+15550000011"]; got != "" {
		t.Errorf("after OptOutType START %q", got)
	}
	event := func(kind string, at time.Time) {
		f.report(&gs, two, m{"app": "App2", "type": "user-event", "timestamp": at.UnixMilli(), "payload": m{"phone": 15550000012, "type": kind}})
	}
	event("opted-out", time.Now().Add(-time.Minute))
	if got := f.suppressed()["+15550000012"]; got != "all event" {
		t.Errorf("opted-out suppresses %q", got)
	}
	event("opted-in", time.Now().Add(-time.Hour)) // older
	if got := f.suppressed()["+15550000012"]; got != "all event" {
		t.Errorf("after an older opted-in %q", got)
	}
	event("opted-in", time.Now())
	if got := f.suppressed()["+15550000012"]; got != "" {
		t.Errorf("after opted-in %q", got)
	}
}

// A marketing stop lets utility and authentication templates pass.
func TestOptOut_MarketingScope(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const ada = "+15550000021"
	for _, category := range []string{"marketing", "utility", "authentication"} {
		body := []m{{"type": "BODY", "text": "Hello"}}
		if category == "authentication" {
			body = []m{{"type": "BODY", "text": "{{1}} is your code"}, {"type": "BUTTONS", "buttons": []m{{"type": "OTP", "otp_type": "COPY_CODE"}}}}
		}
		f.Do("POST", "/v1/templates", m{"name": category, "language": "en", "category": category, "components": body}).Want(201)
	}
	send := func(category string, values ...string) *reply {
		return f.Do("POST", "/v1/messages", m{"to": ada, "type": "template", "template": m{
			"name": category, "language": "en", "variables": append([]string{}, values...),
		}})
	}
	f.meta("user_preferences", m{"user_preferences": []m{{
		"wa_id": ada[1:], "category": "marketing_messages", "value": "stop", "timestamp": time.Now().Unix(),
	}}})
	send("marketing").Refused(422, dispatch.Suppressed, "/to")
	send("utility").Want(202)
	send("authentication", "123456").Want(202)
	f.wrote(m{"from": ada[1:], "text": "STOP"})
	send("utility").Refused(422, dispatch.Suppressed, "/to")
	send("authentication", "123456").Refused(422, dispatch.Suppressed, "/to")
}

// A body of 1,000 messages is one statement, whoever wrote them.
func TestCallback_ThousandInbound(t *testing.T) {
	t.Parallel()
	for name, w := range wordings {
		if !w.several {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			ch := f.number(&w, 1, w.secrets)
			parts := make([]m, 1000)
			for i := range parts {
				text := "hello"
				if i%10 == 0 {
					text = "STOP"
				}
				parts[i] = w.inbound(ch, fmt.Sprintf("1666%07d", i), text, fmt.Sprint("in", i))
			}
			start := time.Now()
			f.report(&w, ch, parts...)
			took := time.Since(start)
			t.Logf("1,000 messages in %s", took)
			if took > 20*time.Second {
				t.Errorf("1,000 messages took %s", took)
			}
			var n, windows int
			if err := f.DB.QueryRow(`SELECT (SELECT count(*) FROM inbound), (SELECT count(*) FROM windows)`).Scan(&n, &windows); err != nil ||
				n != 1000 || windows != 1000 || len(f.suppressed()) != 100 {
				t.Errorf("%d messages, %d windows, %d suppressions, %v", n, windows, len(f.suppressed()), err)
			}
			f.report(&w, ch, parts...) // providers repeat
			if got := f.suppressed(); len(got) != 100 {
				t.Errorf("%d suppressions after a repeat", len(got))
			}
		})
	}
}

// Twilio may call with GET; all is signed as part of the address.
func TestCallback_TwilioByGET(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	w := wordings["twilio"]
	ch := f.number(&w, 1, w.secrets)
	get := func(part m) *reply {
		path := "/callbacks/twilio/" + ch.Key + "?" + form(part).Encode()
		return f.Ask("GET", path, apitest.Sent{Headers: []string{twilio.SignatureHeader, twilio.Sign("t", apitest.Public+path, nil)}})
	}
	if got := get(w.inbound(ch, "rcs:+15550100100", "hello", w.refs[0])); got.Status != http.StatusOK {
		t.Fatalf("answered %d %s", got.Status, got.Body)
	}
	if got := f.inbound(); len(got) != 1 || got[0] != fmt.Sprint(ch.ID, " +15550100100 hello") {
		t.Errorf("received %v", got)
	}
	id := f.sent(ch.ID, w.refs[1])
	if got := get(w.status(ch, "delivered", w.refs[1])); got.Status != http.StatusOK || f.statusOf(id) != "delivered" {
		t.Errorf("answered %d, the message is %s", got.Status, f.statusOf(id))
	}
}

// door is a front door's request with one text value of a template.
type door struct {
	header, path string
	body         func(value string) string
	ok           int
}

// doors returns all front doors of the account for a template with one value.
func (f *front) doors() map[string]door {
	f.T.Helper()
	f.Do("POST", "/v1/templates", m{
		"name": "hi", "language": "en", "category": "utility",
		"components": []m{
			{"type": "BODY", "text": "Hello {{1}}!", "example": m{"body_text": [][]string{{"Ann"}}}}, {"type": "FOOTER", "text": "Bye"},
		},
	}).Want(201)
	id := f.Do("GET", "/v1/templates", nil).Want(200).Data()[0]["id"]
	w := wordings["gupshup"]
	gs := f.number(&w, 7, w.secrets)
	const uuid = "c6aecef6-bcb0-4fb1-8100-28c094e3bc6b"
	f.Do("POST", "/v1/templates", m{
		"name": "gs", "language": "en", "category": "utility", "provider": "gupshup", "provider_template_id": uuid,
		"components": []m{{"type": "BODY", "text": "Hello {{1}}!"}, {"type": "FOOTER", "text": "Bye"}},
	}).Want(201)
	const to = "+15550000100"
	components := func(value string) []m {
		return []m{{"type": "body", "parameters": []m{{"type": "text", "text": value}}}}
	}
	return map[string]door{
		"native": {"X-API-Key", "/v1/messages", func(v string) string {
			return encoded(m{"to": to, "type": "template", "template": m{"name": "hi", "language": "en", "variables": []string{v}}})
		}, 202},
		"native, components": {"X-API-Key", "/v1/messages", func(v string) string {
			return encoded(m{"to": to, "type": "template", "template": m{"name": "hi", "language": "en", "components": components(v)}})
		}, 202},
		"socialone": {"x-api-key", "/api/v1/messages/api/send-message/", func(v string) string {
			return encoded(m{"country_code": "1", "phone_number": to[2:], "template_id": id, "social_account_id": 1, "variables": []string{v}})
		}, 202},
		"external": {"X-API-Key", "/api/v1/external/messages/template/send", func(v string) string {
			return encoded(m{"to": to, "template_name": "hi", "language": "en", "variables": m{"1": v}})
		}, 202},
		"aisoule": {"X-API-Key", "/api/messages/send", func(v string) string {
			return encoded(m{"to": to, "type": "template", "whatsapp_account": "1", "template": m{
				"name": "hi", "language": "en", "components": components(v),
			}})
		}, 202},
		"sociocs": {"apikey", "/message", func(v string) string {
			return encoded(m{"provider": "gswa", "channel_key": gs.Key, "to": to, "template": m{"id": uuid, "variables": m{"Body": m{"1": v}}}})
		}, 200},
		"kaleyra": {"api-key", "/v2/" + f.Account.SID + "/whatsapp/+15550002222/messages", func(v string) string {
			return encoded(m{"messaging_object": m{"messaging_product": "whatsapp", "to": to, "type": "template", "template": m{
				"name": "hi", "language": m{"code": "en"}, "components": components(v),
			}}})
		}, 202},
		"meta": {"Authorization", "/v25.0/106540352242922/messages", func(v string) string {
			return encoded(m{"messaging_product": "whatsapp", "to": to, "type": "template", "template": m{
				"name": "hi", "language": m{"code": "en"}, "components": components(v),
			}})
		}, 200},
	}
}

// knock sends a request to a door.
func (f *front) knock(d door, body string, more ...string) *reply {
	f.T.Helper()
	key := f.Key
	if d.header == "Authorization" {
		key = "Bearer " + key
	}
	head := append([]string{d.header, key, "Content-Type", "application/json"}, more...)
	return f.Ask("POST", d.path, apitest.Sent{Headers: head, Body: body})
}

// WhatsApp's rules for values of templates hold at every door, before the 202.
func TestTemplateValues_RulesAtEveryDoor(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for name, d := range f.doors() {
		if r := f.knock(d, d.body("Ann    B")); r.Status != d.ok { // four spaces
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		for _, value := range []string{"a\nb", "a\tb", "a     b", " ", "", strings.Repeat("x", 1100), "a\r\nb"} {
			if r := f.knock(d, d.body(value)); r.Status != http.StatusBadRequest && r.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s, %.10q: %d %s", name, value, r.Status, r.Body)
			}
		}
	}
	if got := f.Do("GET", "/v1/messages?limit=1000", nil).Want(200).Data(); len(got) != 8 {
		t.Errorf("%d messages were accepted, want 8", len(got))
	}
}

// An empty Idempotency-Key is a client's unset variable: refused at every door.
func TestIdempotencyKey_Empty_EveryDoor(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for name, d := range f.doors() {
		for _, key := range []string{"", " "} {
			if r := f.knock(d, d.body("Ann"), "Idempotency-Key", key); r.Status != http.StatusBadRequest ||
				!strings.Contains(string(r.Body), "Idempotency-Key") && name != "kaleyra" {
				t.Errorf("%s, %q: %d %s", name, key, r.Status, r.Body)
			}
		}
	}
	if got := f.Do("GET", "/v1/messages", nil).Want(200).Data(); len(got) != 0 {
		t.Errorf("%d messages were accepted", len(got))
	}
}

// What can't be stored is refused with its place, also inside JSON inside a field of
// a form.
func TestNUL_IsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for name, d := range f.doors() {
		if r := f.knock(d, d.body("a\x00b")); r.Status != http.StatusBadRequest && r.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	f.sms("+15550003301")
	r := f.twilio("POST", "/Messages.json", url.Values{
		"To": {"whatsapp:+15550000100"}, "From": {"whatsapp:+15550002222"}, "ContentSid": {"HX" + strings.Repeat("0", 32)},
		"ContentVariables": {`{"1":"a\u0000b"}`},
	})
	if r.Status != http.StatusBadRequest || !strings.Contains(string(r.Body), "ContentVariables") {
		t.Errorf("twilio: %d %s", r.Status, r.Body)
	}
	form := url.Values{"To": {"+15550000100"}, "From": {"+15550003301"}, "Body": {"a\x00b"}}
	if r := f.twilio("POST", "/Messages.json", form); r.Status != http.StatusBadRequest ||
		!strings.Contains(string(r.Body), "Body must be UTF-8 without NUL") {
		t.Errorf("twilio: %d %s", r.Status, r.Body)
	}
}

// Faults are at the very field, and name what is allowed instead.
func TestNativeErrors_AtTheVeryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.doors()
	f.Do("POST", "/v1/templates", m{
		"name": "track", "language": "de", "category": "utility", "components": []m{
			{"type": "BODY", "text": "Hello {{1}} and {{2}}"},
			{"type": "BUTTONS", "buttons": []m{
				{"type": "URL", "text": "Track", "url": "https://x.example/{{1}}"}, {"type": "QUICK_REPLY", "text": "No"},
			}},
		},
	}).Want(201)
	f.Do("POST", "/v1/templates", m{
		"name": "named", "language": "en", "category": "utility", "parameter_format": "named",
		"components": []m{{"type": "BODY", "text": "Hello {{customer}}, {{order}}"}},
	}).Want(201)
	for _, c := range []struct{ template, pointer, text string }{
		{`{"name":"hi","language":"en","varaibles":["x"]}`, "/template/varaibles", "unknown field"},
		{
			`{"name":"track","language":"de","components":[{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"1"}]},
			{"type":"body","parameters":[{"type":"text","text":"a\nb"},{"type":"text","text":"b"}]}]}`,
			"/template/components/1/parameters/0/text", "newline",
		},
		{
			`{"name":"track","language":"de","components":[{"type":"body","parameters":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
			"/template/components", "URL button 1, {{1}}",
		},
		{`{"name":"track","language":"de","variables":["a","b\nc","d"]}`, "/template/variables/1", "newline"},
		{`{"name":"named","language":"en","variables":{"customer":"Ann","order":"  "}}`, "/template/variables/order", "blank"},
		{
			`{"name":"track","language":"de","variables":["a","` + strings.Repeat("ü", 1025) + `","d"]}`,
			"/template/variables/1", "1025 characters",
		},
		{`{"name":"track","language":"de","variables":["a","b"]}`, "/template/variables", "URL button 1, {{1}}"},
		{`{"name":"track","language":"fr","variables":["a","b","c"]}`, "", "it exists in de"},
		{`{"name":"named","language":"en","variables":{"customer":"Ann","2":"A-17"}}`, "/template/variables", "order"},
	} {
		r := f.Do("POST", "/v1/messages", json.RawMessage(`{"to":"+15550000100","type":"template","template":`+c.template+`}`))
		body := string(r.Body)
		if r.Status != 422 && r.Status != 404 || !strings.Contains(body, `"`+c.pointer) || !strings.Contains(body, c.text) {
			t.Errorf("%s\n%d %s\nwant %s: %s", c.template, r.Status, body, c.pointer, c.text)
		}
	}
	f.Do("POST", "/v1/messages", json.RawMessage(`{"to":"+15550000100","type":"text","text":{"body":"x"},"send_at":1798794000}`)).
		Refused(422, dispatch.Invalid, "/send_at")
	f.Do("POST", "/v1/messages", json.RawMessage(`{"to":"(202) 555-0100","type":"text","text":{"body":"x"}}`)).
		Refused(422, dispatch.Invalid, "/to")
}
