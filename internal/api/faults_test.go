package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A client is told of every faulty field at once, whether the reader of the body,
// the registry or the check of the content finds it, and of none that only follows
// from another one.
func TestSend_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	f.Do("POST", "/v1/templates", m{
		"name": "hello", "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello {{1}}"}},
	}).Want(http.StatusCreated)
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		body string
		code dispatch.Code
		at   []string
	}{
		{
			`{"to":"abc","type":"text","text":{},"send_at":"x","reference":"` + long + `","foo":1}`, dispatch.Invalid,
			[]string{"/foo", "/send_at", "/to", "/text/body", "/reference"},
		},
		{
			`{"foo":1,"to":"+12025550100","type":"text","text":{"body":"x","body":"x"},"lane":"fast"}`, dispatch.Invalid,
			[]string{"/foo", "/text/body", "/lane"},
		},
		{`{"to":5,"type":"text","text":{"body":5},"lane":"fast"}`, dispatch.Invalid, []string{"/to", "/text/body", "/lane"}},
		{`{"foo":1}`, dispatch.Invalid, []string{"/foo", "/to", "/type"}},
		{`{"type":5,"to":"abc"}`, dispatch.Invalid, []string{"/type", "/to"}},
		{`{"to":"abc","to":"abd","type":"text","text":{"body":""}}`, dispatch.Invalid, []string{"/to", "/text/body"}},
		{`{"to":"+12025550100","type":"text","text":"x","user_id":"nobody"}`, dispatch.Invalid, []string{"/text", "/user_id"}},
		{`{"channel":[],"to":"abc","type":"text","text":{}}`, dispatch.Invalid, []string{"/channel", "/to", "/text/body"}},
		{
			`{"channel":99,"foo":1,"to":"abc","type":"text","text":{"body":"x"}}`, dispatch.ChannelNotFound,
			[]string{"/channel", "/foo", "/to"},
		},
		{
			`{"channel":99,"to":"abc","type":"text","text":{"body":"x"},"reference":"` + long + `"}`, dispatch.ChannelNotFound,
			[]string{"/channel", "/to", "/reference"},
		},
		{
			`{"to":"abc","type":"template","template":{"name":"gone"},"ttl_seconds":0}`, dispatch.TemplateNotFound,
			[]string{"/template/name", "/to", "/ttl_seconds"},
		},
		{
			`{"to":"abc","type":"template","template":{"name":"gone"},"lane":"fast"}`, dispatch.TemplateNotFound,
			[]string{"/template/name", "/to", "/lane"},
		},
		{
			`{"to":"abc","type":"template","template":{"name":"hello","variables":["a"],"extra":1}}`, dispatch.Invalid,
			[]string{"/template/extra", "/to"},
		},
		{
			`{"to":"abc","type":"text","text":{"body":"x"},"fallback":[{"channel":99,"type":"text","text":{"body":"x"}},` +
				`{"foo":1,"lane":"fast"}]}`,
			dispatch.Invalid,
			[]string{"/to", "/fallback/0/channel", "/fallback/0/to", "/fallback/1/foo", "/fallback/1/lane", "/fallback/1/type", "/fallback/1/to"},
		},
	} {
		f.Do("POST", "/v1/messages", json.RawMessage(c.body)).Refused(http.StatusUnprocessableEntity, c.code, c.at...)
		line := f.Do("POST", "/v1/messages/batch", json.RawMessage(`{"messages":[`+c.body+`]}`))
		line.Want(http.StatusAccepted)
		var batch struct {
			Results []struct {
				Error struct {
					Code   dispatch.Code
					Errors []dispatch.Fault
				}
			}
		}
		if err := json.Unmarshal(line.Body, &batch); err != nil || len(batch.Results) != 1 {
			t.Fatalf("batch: %v: %s", err, line.Body)
		}
		var at []string
		for _, fault := range batch.Results[0].Error.Errors {
			at = append(at, fault.Field)
		}
		slices.Sort(at)
		want := slices.Sorted(slices.Values(c.at))
		if batch.Results[0].Error.Code != c.code || !slices.Equal(slices.Compact(at), want) {
			t.Errorf("batch: %s: %s", c.body, line.Body)
		}
	}
}

// A body with faults is not taken for the one that came without them under the same
// Idempotency-Key.
func TestSend_FaultsUnderAUsedKey_AreNamed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	for i, more := range []string{"", `,"ttl_seconds":0`, `,"foo":1`, `,"lane":5`} {
		r := f.Ask("POST", "/v1/messages", apitest.Sent{
			Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", "application/json", "Idempotency-Key", "once"},
			Body:    `{"to":"+12025550100","type":"text","text":{"body":"x"}` + more + `}`,
		})
		if i == 0 {
			r.Want(http.StatusAccepted)
			continue
		}
		r.Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/"+strings.Split(more, `"`)[1])
	}
}

// A change is checked as a new message is: all its faults are named.
func TestPatch_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	at := "/v1/messages/" + f.Do("POST", "/v1/messages", m{
		"to": "+12025550100", "type": "text", "text": m{"body": "x"}, "send_at": "2035-01-01T00:00:00Z",
	}).Want(http.StatusAccepted).Text("message_id")
	for body, pointers := range map[string][]string{
		`{"lane":"otp","channel":2,"a/b":1,"to":"+12025550101"}`: {"/lane", "/channel", "/a~1b"},
		`{"to":"abc","text":{"body":5}}`:                         {"/to", "/text/body"},
		`{"send_at":"x","expires_at":5}`:                         {"/send_at", "/expires_at"},
		`{"send_at":"2035-01-02T00:00:00Z","expires_at":"x"}`:    {"/expires_at"},
	} {
		f.Do("PATCH", at, json.RawMessage(body)).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, pointers...)
	}
	if got := f.Do("GET", at, nil).Want(http.StatusOK).Text("send_at"); got != "2035-01-01T00:00:00Z" {
		t.Errorf("send_at %s", got)
	}
}

// The page of Sociocs has an array of faults: all that are found, at once.
func TestSociocs_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const (
		key  = "Invalid channel_key."
		to   = "to: not a phone number: letters and extensions can't be sent to."
		user = "user_id is not a team member's id."
		list = "contact_saving.list_id: there is no list 99."
		none = "text is required when there is no image_url, image_urls, video_url, file_url or template."
		when = "schedule must be an ISO 8601 date and time with its offset, such as 2006-01-02T15:04:05-04:00."
	)
	for _, c := range []struct {
		body string
		want []string
	}{
		{`"channel_key":"nope","to":"abc","text":"x"`, []string{to, key}},
		{
			`"channel_key":"nope","to":"+15550000100","text":"x","user_id":"nope","contact_saving":{"save":true,"list_id":99}`,
			[]string{key, user, list},
		},
		{`"channel_key":"{KEY}","to":"abc","schedule":"x","user_id":"nope"`, []string{to, when, none, user}},
		{`"to":"+15550000100","text":"x","user_id":"nope"`, []string{"channel_key is required.", user}},
		{
			`"channel_key":"{KEY}","to":"+15550000100","image_url":"nope","user_id":"nope"`,
			[]string{"image_url must be an absolute http or https address.", user},
		},
		{
			`"channel_key":"{KEY}","to":"abc","text":"` + strings.Repeat("x", 2000) + `"`,
			[]string{to, "text is 2000 characters long; at most 1600 are allowed."},
		},
	} {
		r := f.Ask("POST", "/message", apitest.Sent{
			Headers: []string{"apikey", f.Key, "Content-Type", "application/json"},
			Body:    `{"provider":"twlo",` + strings.ReplaceAll(c.body, "{KEY}", sms.Key) + `}`,
		})
		var failure struct {
			Status string
			Errors []struct{ Msg string }
		}
		if err := json.Unmarshal(r.Body, &failure); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range failure.Errors {
			got = append(got, e.Msg)
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.want))
		if r.Status != http.StatusBadRequest || failure.Status != "error" || !slices.Equal(got, want) {
			t.Errorf("%s: got %d %q, want %q", c.body, r.Status, got, want)
		}
	}
}

// The time at which Go's clock begins has passed as any other; it is not taken for
// no time.
func TestSend_ZeroTime_HasPassed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	sms, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const zero = "0001-01-01T00:00:00Z"
	for _, field := range []string{"send_at", "expires_at"} {
		for _, more := range []string{"", `,"context":{"message_id":"wamid.1"}`} { // read by both decoders
			body := `{"to":"+12025550100","type":"text","text":{"body":"x"},"` + field + `":"` + zero + `"` + more + `}`
			f.Do("POST", "/v1/messages", json.RawMessage(body)).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/"+field)
		}
		at := "/v1/messages/" + f.Do("POST", "/v1/messages", m{
			"to": "+12025550100", "type": "text", "text": m{"body": "x"}, "send_at": "2035-01-01T00:00:00Z",
		}).Want(http.StatusAccepted).Text("message_id")
		f.Do("PATCH", at, m{field: zero}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/"+field)
	}
	for path, sent := range map[string]apitest.Sent{
		"/message": {
			Headers: []string{"apikey", f.Key, "Content-Type", "application/json"},
			Body:    `{"provider":"twlo","channel_key":"` + sms.Key + `","to":"+15550000100","text":"x","schedule":"` + zero + `"}`,
		},
		"/2010-04-01/Accounts/" + f.Account.SID + "/Messages.json": {
			Headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, Basic: f.Key,
			Body: "To=%2B15550000100&From=%2B15550003333&Body=x&ScheduleType=fixed&SendAt=" + zero,
		},
	} {
		if r := f.Ask("POST", path, sent); r.Status != http.StatusBadRequest || !strings.Contains(string(r.Body), "must not be in the past") {
			t.Errorf("%s: got %d %s", path, r.Status, r.Body)
		}
	}
}

// What a channel can't send is refused with one code, whatever the type.
func TestSend_TypeThatTheChannelCannotSend(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var channels []int64
	for _, provider := range []string{"twilio", "kaleyra"} {
		sms, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
			Account: f.Account.ID, Name: provider, Provider: provider, Kind: "sms", Sender: "+15550003333", Policy: dispatch.DefaultPolicy(),
			Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32), "sid": "HXAP1"},
			Secrets:  map[string]string{"auth_token": "t", "api_key": "k"},
		})
		if err != nil {
			t.Fatal(err)
		}
		channels = append(channels, sms.ID)
	}
	for _, channel := range channels {
		for what, content := range map[string]any{
			"sticker": m{"link": "https://example.com/a.webp"}, "location": m{"latitude": 1, "longitude": 2},
			"contacts": []m{{"name": m{"formatted_name": "A"}}}, "reaction": m{"message_id": "wamid.1", "emoji": "x"},
			"interactive": m{"type": "button"}, "template": m{"name": "gone"},
		} {
			body := m{"channel": channel, "to": "+12025550100", "type": what, what: content}
			f.Do("POST", "/v1/messages", body).Refused(http.StatusUnprocessableEntity, dispatch.UnsupportedType, "/type")
			body["to"] = "abc"
			f.Do("POST", "/v1/messages", body).Refused(http.StatusUnprocessableEntity, dispatch.UnsupportedType, "/type", "/to")
		}
	}
}

// The other formats tell all faults at once, too, each in its own form: what the reader of
// the body finds, what only accept can find, and nothing that follows from either.
func TestDialects_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	f.Do("POST", "/v1/templates", m{
		"name": "hello", "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello {{1}}"}},
	}).Want(http.StatusCreated)
	f.Do("POST", "/v1/templates", m{
		"name": "two", "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello {{1}} {{2}}"}},
	}).Want(http.StatusCreated)
	const (
		socialone = "/api/v1/messages/api/send-message/"
		external  = "/api/v1/external/messages/template/send"
		aisoule   = "/api/messages/send"
		meta      = "/v25.0/106540352242922/messages"
		number    = "not a phone number: letters and extensions can't be sent to"
	)
	kaleyra, long := "/v2/"+f.Account.SID+"/whatsapp/15550002222/messages", strings.Repeat("x", 256)
	for _, c := range []struct {
		path, body string
		status     int
		said       string // socialone: errors; external and aisoule: the message; kaleyra: the header; meta: the details
	}{
		{
			socialone, `{"country_code":"x","phone_number":"abc","template_id":"x","social_account_id":99,"variables":[{}]}`, 400,
			`{"country_code":["must be digits, such as 91"],"social_account_id":["no such channel"],` +
				`"template_id":["must be a positive integer"],"variables":["variables.0 must be a string"]}`,
		},
		{
			socialone, `{"country_code":"1","phone_number":"abc","template_id":1,"social_account_id":1}`, 400,
			`{"phone_number":["` + number + `"],"variables":["is required; send [] when the template has none"]}`,
		},
		{
			socialone, `{"country_code":"1","phone_number":"abc","template_id":99,"social_account_id":1,"variables":[]}`, 404,
			`{"phone_number":["` + number + `"],"template_id":["no such template for this channel"]}`,
		},
		{
			socialone, `{"country_code":"1","phone_number":"abc","phone_number":"abd","template_id":1,"social_account_id":[],` +
				`"variables":["a"]}`, 400,
			`{"phone_number":["is given twice"],"social_account_id":["must be a positive integer"]}`,
		},
		{
			socialone, `{"country_code":"1","phone_number":"2025550100","template_id":2,"social_account_id":1,"variables":[{}]}`, 400,
			`{"variables":["variables.0 must be a string","variable \"2\" is missing: ` +
				`1 given, 2 needed (body, {{1}}; body, {{2}}); it is body, {{2}}"]}`,
		},
		{
			external, `{"to":"abc","template_name":"hello","variables":{"1":"a","2":"b"},"reference":"` + long + `","simulate":"x"}`, 400,
			`simulate must be true or false; Invalid phone number format; variable "2" is not one of 1; ` +
				`reference has 256 characters, at most 255 are allowed`,
		},
		{
			external, `{"to":"abc","template_name":"gone","variables":{"a":{}}}`, 400,
			`variables.a must be a string; Invalid phone number format; template_name: no template gone for this channel`,
		},
		{
			external, `{"to":"abc","template_name":"gone","variables":{}}`, 404,
			`Template not found: no template gone for this channel; Invalid phone number format`,
		},
		{external, `{"to":"+12025550100","template_name":"hello","variables":[]}`, 400, `variables must be an object`},
		{external, `{"to":5,"variables":[]}`, 400, `to must be a string; template_name is required; variables must be an object`},
		{
			aisoule, `{"to":"abc","type":"text","text":"x","whatsapp_account":"nope"}`, 404,
			`WhatsApp account not found.; to: ` + number,
		},
		{
			aisoule, `{"to":"abc","type":"text","whatsapp_account":"nope"}`, 400,
			`text is required; to: ` + number + `; whatsapp_account: no such channel`,
		},
		{
			aisoule, `{"to":"abc","type":"text","text":"` + strings.Repeat("x", 5000) + `","whatsapp_account":[]}`, 400,
			`whatsapp_account must be a string; to: ` + number + `; text is 5000 characters long; at most 4096 are allowed`,
		},
		{
			aisoule, `{"to":"abc","type":"dance"}`, 400,
			`type must be one of text, template, image, video, document, audio, interactive; to: ` + number,
		},
		{
			aisoule, `{"to":"abc","type":"template","template":{"name":"hello","components":5}}`, 400,
			`template.language is required; template.components has the wrong type: number; to: ` + number,
		},
		{aisoule, `{"to":"abc","type":"image","image":{"url":5}}`, 400, `image.url must be a string; image.url is required; to: ` + number},
		{
			kaleyra, `{"messaging_object":{"messaging_product":"sms","to":"abc","type":"text","text":{}},"extra_info":{"ref":5}}`, 400,
			`messaging_object.messaging_product must be whatsapp; messaging_object.text.body is required; extra_info.ref must be a string; ` +
				`messaging_object.to: ` + number,
		},
		{
			kaleyra, `{"messaging_object":{"messaging_product":"whatsapp","to":"+12025550100,abc","type":"text","text":{"body":""}}}`, 400,
			`messaging_object.text.body is required; messaging_object.to: ` + number,
		},
		{
			kaleyra, `{"messaging_object":{"messaging_product":"whatsapp","to":"abc","type":"template","template":{"name":"gone",` +
				`"language":{"code":"en"}}},"extra_info":{"ref1":5}}`, 400,
			`extra_info.ref1 must be a string; messaging_object.to: ` + number +
				`; messaging_object.template.name: no template gone for this channel`,
		},
		{
			"/v2/" + f.Account.SID + "/whatsapp/15550009999/messages", `{"messaging_object":{"messaging_product":"whatsapp","to":"abc",` +
				`"type":"image","image":{"link":"x"}}}`, 401,
			`messaging_object.to: ` + number + `; messaging_object.image.link must be an absolute http or https address`,
		},
		{kaleyra, `{"extra_info":{"ref":5}}`, 400, `messaging_object is required; extra_info.ref must be a string`},
		{
			meta, `{"messaging_product":"sms","recipient_type":"group","to":"abc","type":"text","text":{"body":5}}`, 400,
			`messaging_product must be whatsapp; recipient_type must be individual; text.body has the wrong type: number; to: ` + number,
		},
		{
			meta, `{"messaging_product":"whatsapp","to":"abc","type":"template","template":{"name":"gone","language":{"code":"en"}}}`, 404,
			`no template gone for this channel; to: ` + number,
		},
	} {
		r := f.Ask("POST", c.path, apitest.Sent{
			Headers: []string{"X-API-Key", f.Key, "api-key", f.Key, "Authorization", "Bearer " + f.Key, "Content-Type", "application/json"},
			Body:    c.body,
		})
		var p struct {
			Errors  json.RawMessage
			Message string
			Error   struct {
				Message string
				Data    struct{ Details string } `json:"error_data"`
			}
		}
		if err := json.Unmarshal(r.Body, &p); err != nil {
			t.Fatalf("%s: %v: %s", c.path, err, r.Body)
		}
		said := map[string]string{
			socialone: string(p.Errors), external: p.Error.Message, aisoule: p.Message, meta: p.Error.Data.Details,
		}[c.path]
		if strings.HasPrefix(c.path, "/v2/") {
			said = r.Header.Get("X-Error-Detail")
		}
		if r.Status != c.status || said != c.said {
			t.Errorf("%s %.120s:\n got %d %s\nwant %d %s", c.path, c.body, r.Status, said, c.status, c.said)
		}
	}
}

// So are those of lists of ids, and of the query of an import.
func TestBodiesBesideMessages_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const id = `"01a22b37-5594-7df1-8e24-fea58d51d6aa"`
	for _, c := range []struct{ path, body, at string }{
		{"/v1/messages/cancel", `{"ids":["zz",` + id + `,5],"foo":1}`, "/foo /ids/2 /ids/0"},
		{"/v1/messages/cancel", `{"foo":1}`, "/foo /ids"},
		{"/v1/messages/cancel", `{"ids":"x","reference":5}`, "/ids /reference"},
		{"/v1/messages/cancel", `{"ids":[` + id + `],"ids":[` + id + `],"foo":1}`, "/ids /foo"},
		{"/v1/messages/status", `{"ids":[],"foo":1}`, "/foo /ids"},
		{"/v1/messages/status", `{"ids":["zz","yy",5],"foo":1}`, "/foo /ids/0 /ids/1 /ids/2"},
		{"/v1/messages/status", `{"ids":["zz"` + strings.Repeat(`,"zz"`, 1000) + `]}`, ""},
		{
			"/v1/imports?kind=x&delimiter=x&encoding=x&default_country=ZZ&map=a&update=x&dry_run=x&list=x&campaign=99", "",
			"/kind /delimiter /encoding /default_country /map /update /dry_run /list /campaign",
		},
	} {
		if c.at == "" { // of many, a hundred are told
			c.at = "/ids"
			for i := range 100 {
				c.at += " /ids/" + strconv.Itoa(i)
			}
		}
		var body any = json.RawMessage(c.body)
		if c.body == "" {
			body = nil
		}
		f.Do("POST", c.path, body).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, strings.Fields(c.at)...)
	}
}
