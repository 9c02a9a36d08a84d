package message_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// scheduled is a front door with a Meta channel, an SMS channel that costs half
// a credit a segment, a template for one cent and a contact who has written.
func scheduled(t *testing.T) (f *front, sms string) {
	t.Helper()
	f = newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"default": true, "policy": m{"price": m{"utility": 0.01, "default": 0.1}}}).Want(200)
	f.Do("POST", "/v1/templates", m{
		"name": "hello", "language": "en", "category": "utility",
		"components": []m{{"type": "body", "text": "Hello"}},
	}).
		Want(201)
	policy := dispatch.DefaultPolicy()
	policy.Price = map[string]int64{"": 500_000}
	ch, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "SMS", Provider: "twilio", Kind: "sms", Sender: "+15550003333", Policy: policy,
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)}, Secrets: map[string]string{"auth_token": "t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := []dispatch.Inbound{{From: someone, ProviderID: "x", Type: "text", Text: "hi", Raw: "{}", At: time.Now()}}
	if _, err := f.Store.InsertInbound(t.Context(), 1, in); err != nil {
		t.Fatal(err)
	}
	f.Do("POST", "/v1/credits", m{"amount": 10, "enabled": true}).Want(200)
	return f, ch.Key
}

const someone, somebodyElse = "+15550000100", "+15550000101"

// text returns a request for a text message; more JSON fields may follow.
func text(to, more string) string {
	return fmt.Sprintf(`{"to":%q,"type":"text","text":{"body":"hi"}%s}`, to, more)
}

// templated returns a request for the template hello.
func templated(to string) string {
	return fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"hello","language":"en"}}`, to)
}

// tomorrow is a time to send, in JSON.
func tomorrow() string {
	return fmt.Sprintf(`"send_at":%q`, time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
}

func (f *front) schedule(body string) string {
	f.T.Helper()
	return "/v1/messages/" + f.Do("POST", "/v1/messages", body[:len(body)-1]+","+tomorrow()+"}").Want(202).Text("message_id")
}

// A change is held to what a new message would be, and a message refused a
// change stays as it was.
func TestPatch_CheckedAsANewMessage(t *testing.T) {
	t.Parallel()
	const template = `{"template":{"name":"hello","language":"en"},"type":"template"}`
	to := func(number string) string { return fmt.Sprintf(`{"to":%q}`, number) }
	for name, c := range map[string]struct {
		message string // what is scheduled; empty: a text in an open window
		key     func(*account.Key)
		before  func(f *front, key string)
		change  string
		status  int
		code    dispatch.Code
	}{
		"template paused": {change: template, before: func(f *front, _ string) {
			f.Do("PATCH", "/v1/templates/1",
				m{"status": "paused"}).Want(200)
		}, status: 422, code: dispatch.Invalid},
		"unknown template": {
			change: `{"type":"template","template":{"name":"none","language":"en"}}`, status: 422,
			code: dispatch.TemplateNotFound,
		},
		"surplus variable": {
			change: `{"type":"template","template":{"name":"hello","language":"en","variables":["x"]}}`, status: 422,
			code: dispatch.Invalid,
		},
		"no such content": {change: `{"type":"text"}`, status: 422, code: dispatch.Invalid},
		"kind not permitted": {
			change: template, key: func(k *account.Key) { k.Permissions = []string{"send_text"} }, status: 403,
			code: dispatch.Forbidden,
		},
		"country not allowed": {
			change: to("+4915112345678"), key: func(k *account.Key) { k.Countries = []string{"US"} }, status: 403,
			code: dispatch.CountryNotAllowed,
		},
		"no number": {change: to("me"), status: 422, code: dispatch.Invalid},
		"opted out": {
			change: to(somebodyElse),
			before: func(f *front, _ string) { f.Do("POST", "/v1/suppressions", m{"phone": somebodyElse}).Want(201) }, status: 422,
			code: dispatch.Suppressed,
		},
		"window closed": {change: to(somebodyElse), status: 422, code: dispatch.OutsideWindow},
		"text without window": {
			message: templated(somebodyElse), change: `{"type":"text","text":{"body":"hi"}}`, status: 422,
			code: dispatch.OutsideWindow,
		},
		"balance used up": {
			message: templated(someone), change: `{"type":"text","text":{"body":"hi"}}`,
			before: func(f *front, _ string) { f.Do("POST", "/v1/credits", m{"amount": -9.95}).Want(200) }, status: 402, code: dispatch.LowBalance,
		},
		"recipient's hour": {
			message: templated(someone), change: to(somebodyElse), key: func(k *account.Key) { k.PerRecipientHour = new(1) },
			before: func(f *front, key string) { f.As(key, "POST", "/v1/messages", templated(somebodyElse)).Want(202) }, status: 429,
			code: dispatch.RateLimited,
		},
		"channel disabled": {change: template, before: func(f *front, _ string) {
			f.Do("PATCH", "/v1/channels/1",
				m{"enabled": false}).Want(200)
		}, status: 422, code: dispatch.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := scheduled(t)
			key, _ := f.NewKeyWith(func(k *account.Key) {
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
			before := f.Do("GET", path, nil).Want(200)
			r := f.As(key, "PATCH", path, c.change)
			if p := r.Want(c.status); p.Text("code") != string(c.code) {
				t.Errorf("refused with %s, want %s", r.Body, c.code)
			}
			f.describesRefusal(r)
			if after := f.Do("GET", path, nil).Want(200); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("was %v, is %v", before, after)
			}
			// It may be put off all the same, and brought forward.
			f.As(key, "PATCH", path, `{`+tomorrow()+`,"to":null}`).Want(200)
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
		if got := f.Do("GET", path, nil).Want(200); got.Text("segments") != segments || got.Text("price") != price {
			t.Errorf("segments %s, price %s, want %s, %s", got.Text("segments"), got.Text("price"), segments, price)
		}
		if got := f.Do("GET", "/v1/credits", nil).Want(200); got.Text("balance") != balance {
			t.Errorf("balance %s, want %s", got.Text("balance"), balance)
		}
	}
	holds("1", "0.5", "9.5")
	f.Do("PATCH", path, m{"text": m{"body": strings.Repeat("x", 400)}}).Want(200)
	holds("3", "1.5", "8.5")
	f.Do("PATCH", path, m{"text": m{"body": "hi again"}, "to": somebodyElse}).Want(200)
	holds("1", "0.5", "9.5")
	ledger := f.Do("GET", "/v1/credits/ledger", nil).Want(200).Data()
	if len(ledger) != 4 || ledger[0].Text("amount") != "1" || ledger[0].Text("kind") != "refund" || ledger[1].Text("amount") != "-1" ||
		ledger[1].Text("kind") != "debit" {
		t.Errorf("ledger: %v", ledger)
	}
	f.Do("POST", path+"/cancel", nil).Want(200)
	holds("1", "0.5", "10")
	f.Do("PATCH", path, m{"to": someone}).Refused(409, dispatch.Conflict)
}

// A change that is refused before it is looked at, in each way.
func TestPatch_Refused_AsDescribed(t *testing.T) {
	t.Parallel()
	f, _ := scheduled(t)
	path := f.schedule(templated(someone))
	_, stranger := f.NewAccount("Two")
	later := `{` + tomorrow() + `}`
	for status, r := range map[int]*reply{
		400: f.Do("PATCH", path, `{}`),
		401: f.As("", "PATCH", path, later),
		403: f.As(f.NewKey(f.Account.ID, "send_text"), "PATCH", path, later),
		404: f.As(stranger, "PATCH", path, later),
		413: f.Do("PATCH", path, `{"to":"`+strings.Repeat(" ", 1<<20)+`"}`),
		422: f.Do("PATCH", path, `{"reference":"x"}`),
	} {
		r.Want(status)
		f.describesRefusal(r)
	}
	f.Do("POST", path+"/cancel", nil).Want(200)
	r := f.Do("PATCH", path, later)
	r.Refused(409, dispatch.Conflict)
	f.describesRefusal(r)
}

// describesRefusal fails unless the description of PATCH /v1/messages/{id} has
// that it may end so.
func (f *front) describesRefusal(r *reply) {
	f.T.Helper()
	op := apitest.Document(f.T, f.Front).Paths.Value("/v1/messages/{id}").Patch
	answer := op.Responses.Status(r.Status)
	if answer == nil || answer.Value.Content["application/problem+json"] == nil {
		f.T.Errorf("%d is not described", r.Status)
		return
	}
	if code := r.Want(r.Status).Text("code"); !strings.Contains(*answer.Value.Description, code) {
		f.T.Errorf("%d is described without %s: %s", r.Status, code, *answer.Value.Description)
	}
}

// Nulls are as if left out.
func TestPatch_Null_ChangesNothing(t *testing.T) {
	t.Parallel()
	f, _ := scheduled(t)
	path := f.schedule(templated(someone))
	before := f.Do("GET", path, nil).Want(200)
	if before["expires_at"] == nil || before["send_at"] == nil {
		t.Fatalf("nothing to change: %v", before)
	}
	f.Do("PATCH", path, `{"expires_at":null}`).Refused(400, dispatch.Malformed)
	after := f.Do("PATCH", path, `{"expires_at":null,"send_at":null,"to":"+15550000101"}`).Want(200)
	if after.Text("expires_at") != before.Text("expires_at") || after.Text("send_at") != before.Text("send_at") ||
		after.Text("to") != somebodyElse {
		t.Errorf("was %v, is %v", before, after)
	}
}
