package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// scheduled is a front door with a Meta channel, an SMS channel that costs half
// a credit a segment, a template for one cent and a contact who has written.
func scheduled(t *testing.T) (f *front, sms string) {
	t.Helper()
	f = newFront(t)
	f.do("PATCH", "/v1/channels/1", m{"default": true, "policy": m{"price": m{"utility": 0.01, "default": 0.1}}}).want(200)
	f.do("POST", "/v1/templates", m{"name": "hello", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}}}).want(201)
	policy := dispatch.DefaultPolicy("twilio")
	policy.Price = map[string]int64{"": 500_000}
	ch, err := f.store.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Policy: policy,
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.InsertInbound(t.Context(), dispatch.Inbound{Channel: 1, From: someone, ProviderID: "x", Type: "text", Text: "hi", Raw: "{}", At: time.Now()}, false, false); err != nil {
		t.Fatal(err)
	}
	f.do("POST", "/v1/credits", m{"amount": 10, "enabled": true}).want(200)
	return f, ch.Key
}

// tomorrow is a time to send, in JSON.
func tomorrow() string {
	return fmt.Sprintf(`"send_at":%q`, time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
}

func (f *front) schedule(body string) string {
	f.t.Helper()
	return "/v1/messages/" + f.do("POST", "/v1/messages", body[:len(body)-1]+","+tomorrow()+"}").want(202).text("message_id")
}

// A change is held to what a new message would be, and a message refused a
// change stays as it was.
func TestPatch_CheckedAsANewMessage(t *testing.T) {
	t.Parallel()
	const template = `{"template":{"name":"hello","language":"en"},"type":"template"}`
	to := func(number string) string { return fmt.Sprintf(`{"to":%q}`, number) }
	for name, c := range map[string]struct {
		message string // what is scheduled; empty: a text in an open window
		key     func(*store.Key)
		before  func(f *front, key string)
		change  string
		status  int
		code    dispatch.Code
	}{
		"template paused":     {change: template, before: func(f *front, _ string) { f.do("PATCH", "/v1/templates/1", m{"status": "paused"}).want(200) }, status: 422, code: dispatch.Invalid},
		"unknown template":    {change: `{"type":"template","template":{"name":"none","language":"en"}}`, status: 422, code: dispatch.TemplateNotFound},
		"surplus variable":    {change: `{"type":"template","template":{"name":"hello","language":"en","variables":["x"]}}`, status: 422, code: dispatch.Invalid},
		"no such content":     {change: `{"type":"text"}`, status: 422, code: dispatch.Invalid},
		"kind not permitted":  {change: template, key: func(k *store.Key) { k.Permissions = []string{"send_text"} }, status: 403, code: dispatch.Forbidden},
		"country not allowed": {change: to("+4915112345678"), key: func(k *store.Key) { k.Countries = []string{"US"} }, status: 403, code: dispatch.CountryNotAllowed},
		"no number":           {change: to("me"), status: 422, code: dispatch.Invalid},
		"opted out":           {change: to(somebodyElse), before: func(f *front, _ string) { f.do("POST", "/v1/suppressions", m{"phone": somebodyElse}).want(201) }, status: 422, code: dispatch.Suppressed},
		"window closed":       {change: to(somebodyElse), status: 422, code: dispatch.OutsideWindow},
		"text without window": {message: templated(somebodyElse), change: `{"type":"text","text":{"body":"hi"}}`, status: 422, code: dispatch.OutsideWindow},
		"balance used up":     {message: templated(someone), change: `{"type":"text","text":{"body":"hi"}}`, before: func(f *front, _ string) { f.do("POST", "/v1/credits", m{"amount": -9.95}).want(200) }, status: 402, code: dispatch.LowBalance},
		"recipient's hour": {
			message: templated(someone), change: to(somebodyElse), key: func(k *store.Key) { k.PerRecipientHour = new(1) },
			before: func(f *front, key string) { f.as(key, "POST", "/v1/messages", templated(somebodyElse)).want(202) }, status: 429, code: dispatch.RateLimited,
		},
		"channel disabled": {change: template, before: func(f *front, _ string) { f.do("PATCH", "/v1/channels/1", m{"enabled": false}).want(200) }, status: 422, code: dispatch.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := scheduled(t)
			key, _ := asker{front: f}.newKeyWith(func(k *store.Key) {
				if c.key != nil {
					c.key(k)
				}
			})
			if c.message == "" {
				c.message = text(someone, "")
			}
			path := f.schedule(c.message)
			if c.before != nil {
				c.before(f, key)
			}
			before := f.do("GET", path, nil).want(200)
			r := f.as(key, "PATCH", path, c.change)
			if p := r.want(c.status); p.text("code") != string(c.code) {
				t.Errorf("refused with %s, want %s", r.body, c.code)
			}
			f.describesRefusal(r)
			if after := f.do("GET", path, nil).want(200); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("was %v, is %v", before, after)
			}
			// It may be put off all the same, and brought forward.
			f.as(key, "PATCH", path, `{`+tomorrow()+`,"to":null}`).want(200)
		})
	}
}

// Content that costs more, or less, is paid for: by kind and by segment.
func TestPatch_Content_SegmentsAndPriceFollow(t *testing.T) {
	t.Parallel()
	f, sms := scheduled(t)
	path := f.schedule(text(someone, fmt.Sprintf(`,"channel":%q`, sms)))
	holds := func(segments, price, balance string) {
		t.Helper()
		if got := f.do("GET", path, nil).want(200); got.text("segments") != segments || got.text("price") != price {
			t.Errorf("segments %s, price %s, want %s, %s", got.text("segments"), got.text("price"), segments, price)
		}
		if got := f.do("GET", "/v1/credits", nil).want(200); got.text("balance") != balance {
			t.Errorf("balance %s, want %s", got.text("balance"), balance)
		}
	}
	holds("1", "0.5", "9.5")
	f.do("PATCH", path, m{"text": m{"body": strings.Repeat("x", 400)}}).want(200)
	holds("3", "1.5", "8.5")
	f.do("PATCH", path, m{"text": m{"body": "hi again"}, "to": somebodyElse}).want(200)
	holds("1", "0.5", "9.5")
	ledger := f.do("GET", "/v1/credits/ledger", nil).want(200).data()
	if len(ledger) != 4 || ledger[0].text("amount") != "1" || ledger[0].text("kind") != "refund" || ledger[1].text("amount") != "-1" || ledger[1].text("kind") != "debit" {
		t.Errorf("ledger: %v", ledger)
	}
	f.do("POST", path+"/cancel", nil).want(200)
	holds("1", "0.5", "10")
	f.do("PATCH", path, m{"to": someone}).refused(409, dispatch.Conflict)
}

// A change that is refused before it is looked at, in each way.
func TestPatch_Refused_AsDescribed(t *testing.T) {
	t.Parallel()
	f, _ := scheduled(t)
	path := f.schedule(templated(someone))
	_, stranger := f.newAccount("Two")
	later := `{` + tomorrow() + `}`
	for status, r := range map[int]*reply{
		400: f.do("PATCH", path, `{}`),
		401: f.as("", "PATCH", path, later),
		403: f.as(f.newKey(f.account.ID, "send_text"), "PATCH", path, later),
		404: f.as(stranger, "PATCH", path, later),
		413: f.do("PATCH", path, `{"to":"`+strings.Repeat(" ", 1<<20)+`"}`),
		422: f.do("PATCH", path, `{"reference":"x"}`),
	} {
		r.want(status)
		f.describesRefusal(r)
	}
	f.do("POST", path+"/cancel", nil).want(200)
	r := f.do("PATCH", path, later)
	r.refused(409, dispatch.Conflict)
	f.describesRefusal(r)
}

// describesRefusal fails unless the description says of PATCH /v1/messages/{id}
// that it may end so.
func (f *front) describesRefusal(r *reply) {
	f.t.Helper()
	op := documented(f.t, f).Paths.Value("/v1/messages/{id}").Patch
	answer := op.Responses.Status(r.status)
	if answer == nil || answer.Value.Content["application/problem+json"] == nil {
		f.t.Errorf("%d is not described", r.status)
		return
	}
	if code := r.want(r.status).text("code"); !strings.Contains(*answer.Value.Description, code) {
		f.t.Errorf("%d is described without %s: %s", r.status, code, *answer.Value.Description)
	}
}

// Nulls are as if left out.
func TestPatch_Null_ChangesNothing(t *testing.T) {
	t.Parallel()
	f, _ := scheduled(t)
	path := f.schedule(templated(someone))
	before := f.do("GET", path, nil).want(200)
	f.do("PATCH", path, `{"expires_at":null}`).refused(400, dispatch.Malformed)
	after := f.do("PATCH", path, `{"expires_at":null,"send_at":null,"to":"+15550000101"}`).want(200)
	if after.text("expires_at") != before.text("expires_at") || after.text("send_at") != before.text("send_at") || after.text("to") != somebodyElse {
		t.Errorf("was %v, is %v", before, after)
	}
}
