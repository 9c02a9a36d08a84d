package twilio

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A number whose webhook is set to GET brings its messages in the address, all of
// which is signed.
func TestParseCallback_GET(t *testing.T) {
	t.Parallel()
	ch := channel("sms", "")
	get := func(query string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, callback+query, nil)
		r.Header.Set(SignatureHeader, Sign(ch.Secrets["auth_token"], callback+query, nil))
		return r
	}
	message := "?MessageSid=" + sid1 + "&From=%2B15550001111&Body=STOP&SmsStatus=received"
	got, err := client(nil).ParseCallback(ch, get(message), callback+message, nil)
	if err != nil || len(got.Inbound) != 1 || got.Inbound[0].Text != "STOP" || got.Inbound[0].From != "+15550001111" {
		t.Errorf("a message: %+v, %v", got, err)
	}
	status := "?id=" + id.String() + "&MessageSid=" + sid1 + "&MessageStatus=delivered&To=%2B15550001111"
	got, err = client(nil).ParseCallback(ch, get(status), callback+status, nil)
	if err != nil || len(got.Statuses) != 1 || got.Statuses[0].ID != id || got.Statuses[0].Status != dispatch.Delivered {
		t.Errorf("a status: %+v, %v", got, err)
	}
}
