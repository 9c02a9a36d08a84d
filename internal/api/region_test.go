package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// A national number would silently be another country's: it is refused until the
// account or the key has a default region.
func TestDefaultRegion_NationalNumbers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms := f.sms("+15550003301")
	send := func(key, to string) *reply {
		return f.As(key, "POST", "/v1/messages", m{"to": to, "type": "text", "text": m{"body": "x"}, "simulate": true, "channel": sms.Key})
	}
	r := send(f.Key, "(202) 555-0100")
	r.Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/to")
	if !strings.Contains(string(r.Body), "default_region") {
		t.Errorf("no advice: %s", r.Body)
	}
	german, _ := f.NewKeyWith(func(k *account.Key) { k.Region = "DE" })
	f.Do("PATCH", "/v1/account", m{"default_region": "us"}).Want(200)
	if got := f.Do("GET", "/v1/account", nil).Want(200).Text("default_region"); got != "US" {
		t.Errorf("default_region = %q", got)
	}
	for _, c := range []struct{ key, to, want string }{
		{f.Key, "(202) 555-0100", "+12025550100"},
		{f.Key, "202-555-0100", "+12025550100"},
		{f.Key, "+49 176 12345678", "+4917612345678"},
		{german, "0176 12345678", "+4917612345678"},
		{f.Key, "tel:+1-202-555-0100", "+12025550100"},
		{f.Key, "\u202a＋1 202 555 0100\u202c", "+12025550100"},
	} {
		if got := send(c.key, c.to).Want(200).Text("to"); got != c.want {
			t.Errorf("%q: sent to %s; want %s", c.to, got, c.want)
		}
	}
	f.Do("PATCH", "/v1/account", m{"default_region": "XX"}).Refused(422, dispatch.Invalid, "/default_region")
	f.Do("PATCH", "/v1/keys/1", m{"default_region": "Europe"}).Refused(422, dispatch.Invalid, "/default_region")
}

// A filter takes a number as people paste it, and several statuses.
func TestMessages_FilterByPastedNumberAndStatuses(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	sms := f.sms("+15550003301")
	send := func(to, sendAt string) string {
		body := m{"to": to, "type": "text", "text": m{"body": "x"}, "channel": sms.Key}
		if sendAt != "" {
			body["send_at"] = sendAt
		}
		return f.Do("POST", "/v1/messages", body).Want(202).Text("message_id")
	}
	send("+12025550100", "")
	later := send("+12025550101", "2030-01-01T00:00:00Z")
	for query, want := range map[string]int{
		"to=+12025550100": 1, "to=%2B12025550100": 1, "to=1+202+555+0100": 1, "to=" + url.QueryEscape("+1 (202) 555-0100"): 1,
		"to=" + url.QueryEscape("tel:+1-202-555-0100"): 1, "status=queued&status=scheduled": 2, "status=queued,scheduled": 2,
		"status=queued&status=sending&status=sent": 1, "status=scheduled&status=sent": 1, "status=failed&status=read": 0, "status=": 2,
		"status=queued&status=failed&to=1+202+555+0100": 1,
	} {
		if got := f.Do("GET", "/v1/messages?"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d messages; want %d", query, len(got), want)
		}
	}
	f.Do("GET", "/v1/messages?status=queued&status=lost", nil).Refused(422, dispatch.Invalid, "/status")
	if got := f.Do("GET", "/v1/messages?status=scheduled&status=failed", nil).Want(200).Data(); len(got) != 1 ||
		got[0].Text("message_id") != later {
		t.Errorf("scheduled or failed: %v", got)
	}
}

// Two countries' codes in one number would be a third number.
func TestSocialone_CountryCodeRepeated_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	send := func(country, number string) *reply {
		return f.Ask("POST", "/api/v1/messages/api/send-message/", apitest.Sent{
			Headers: []string{"x-api-key", f.Key},
			Body: fmt.Sprintf(
				`{"country_code":%q,"phone_number":%q,"template_id":99,"social_account_id":%d,"variables":[]}`,
				country,
				number,
				f.Channel.ID,
			),
		})
	}
	for _, c := range [][2]string{{"91", "919876543210"}, {"+91", "+91 98765 43210"}, {"1", "15550000100"}, {"49", "4917612345678"}} {
		if r := send(c[0], c[1]); r.Status != 400 || !strings.Contains(string(r.Body), "leave it out") {
			t.Errorf("%v: %d %s", c, r.Status, r.Body)
		}
	}
	if r := send("91", "9876543210"); strings.Contains(string(r.Body), "leave it out") {
		t.Errorf("a good number: %d %s", r.Status, r.Body)
	}
}
