package twilio

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const (
	token    = "0123456789abcdef0123456789abcdef"
	callback = "https://dispatch.example.com/callbacks/twilio/sms1"
	sid1     = "SM00000000000000000000000000000001"
)

var (
	now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	id  = uuid.MustParse("0196a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
)

func channel(kind string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "sms1", Provider: "twilio", Kind: kind, Sender: "+15550002222",
		Settings: map[string]string{"account_sid": "AC" + strings.Repeat("0", 32), "callback_url": callback},
		Secrets:  map[string]string{"auth_token": token},
	}
}

func client(h *http.Client) *Client {
	c := New(h)
	c.now = func() time.Time { return now }
	return c
}

// signed is a callback as Twilio makes it.
func signed(t *testing.T, query string, form url.Values) (r *http.Request, address string, body []byte) {
	t.Helper()
	address, body = callback+query, []byte(form.Encode())
	r = httptest.NewRequest(http.MethodPost, address, nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set(SignatureHeader, Sign(token, address, form))
	return r, address, body
}

func TestParseCallback_Status(t *testing.T) {
	t.Parallel()
	base := dispatch.StatusUpdate{ID: id, Channel: 7, ProviderID: sid1, Recipient: "+15550001111", At: now}
	with := func(change func(*dispatch.StatusUpdate)) []dispatch.StatusUpdate {
		u := base
		change(&u)
		return []dispatch.StatusUpdate{u}
	}
	fails := func(provider, code, text string, suppress bool) []dispatch.StatusUpdate {
		return with(func(u *dispatch.StatusUpdate) {
			u.Status, u.ProviderCode, u.Code, u.Detail, u.Suppress = dispatch.Failed, provider, code, text, suppress
		})
	}
	is := func(s dispatch.Status) []dispatch.StatusUpdate {
		return with(func(u *dispatch.StatusUpdate) { u.Status = s })
	}
	tests := []struct {
		name   string
		fields url.Values
		want   []dispatch.StatusUpdate
	}{
		{"queued is taken over", url.Values{"MessageStatus": {"queued"}}, is(dispatch.Sent)},
		{"sending", url.Values{"MessageStatus": {"sending"}}, is(dispatch.Sent)},
		{"sent", url.Values{"MessageStatus": {"sent"}}, is(dispatch.Sent)},
		{"delivered", url.Values{"MessageStatus": {"delivered"}, "RawDlrDoneDate": {"2605041159"}, "New": {"field"}}, is(dispatch.Delivered)},
		{"read", url.Values{"MessageStatus": {"read"}, "EventType": {"READ"}}, is(dispatch.Read)},
		{"old names", url.Values{"SmsStatus": {"delivered"}}, is(dispatch.Delivered)},
		{
			"undelivered", url.Values{"MessageStatus": {"undelivered"}, "ErrorCode": {"30003"}},
			fails("30003", dispatch.FailUndelivered, "Twilio says undelivered", false),
		},
		{
			"stopped", url.Values{"MessageStatus": {"failed"}, "ErrorCode": {"21610"}, "ErrorMessage": {"unsubscribed"}},
			fails("21610", dispatch.FailSuppressed, "unsubscribed", true),
		},
		{
			"outside the window", url.Values{"MessageStatus": {"failed"}, "ErrorCode": {"63016"}},
			fails("63016", dispatch.FailWindow, "Twilio says failed", false),
		},
		{
			"unknown code", url.Values{"MessageStatus": {"failed"}, "ErrorCode": {"99999"}},
			fails("99999", dispatch.FailUndelivered, "Twilio says failed", false),
		},
		{"canceled", url.Values{"MessageStatus": {"canceled"}}, fails("", dispatch.FailUndelivered, "Twilio says canceled", false)},
		{"scheduled says nothing", url.Values{"MessageStatus": {"scheduled"}}, nil},
		{"unknown status", url.Values{"MessageStatus": {"teleported"}}, nil},
	}
	for _, tt := range tests {
		f := url.Values{"MessageSid": {sid1}, "To": {"whatsapp:+15550001111"}, "From": {"whatsapp:+15550002222"}, "AccountSid": {"AC1"}}
		for k, v := range tt.fields {
			f[k] = v
		}
		r, address, body := signed(t, "?id="+id.String(), f)
		got, err := client(nil).ParseCallback(channel("whatsapp"), r, address, body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got.Statuses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A caller that gives the address without its query gets the same answer: the
// signature covers the query that came.
func TestParseCallback_AddressWithoutQuery(t *testing.T) {
	t.Parallel()
	r, _, body := signed(t, "?id="+id.String(), url.Values{"MessageSid": {sid1}, "MessageStatus": {"sent"}})
	got, err := client(nil).ParseCallback(channel("sms"), r, callback, body)
	if err != nil || len(got.Statuses) != 1 || got.Statuses[0].ID != id {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Another message's id can't be put into a callback that was really signed.
func TestParseCallback_OtherID_Refused(t *testing.T) {
	t.Parallel()
	f := url.Values{"MessageSid": {sid1}, "MessageStatus": {"delivered"}}
	r, _, body := signed(t, "?id="+id.String(), f)
	other := "?id=" + uuid.Must(uuid.NewV7()).String()
	r.URL.RawQuery = other[1:]
	if _, err := client(nil).ParseCallback(channel("sms"), r, callback+other, body); err == nil {
		t.Error("taken")
	}
}

func TestParseCallback_Inbound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fields url.Values
		want   dispatch.Inbound
	}{
		{
			"sms", url.Values{"From": {"+15550001111"}, "Body": {"STOP"}, "SmsStatus": {"received"}, "NumMedia": {"0"}},
			dispatch.Inbound{From: "+15550001111", Type: "text", Text: "STOP"},
		},
		{
			"whatsapp", url.Values{
				"From": {"whatsapp:+15550001111"}, "Body": {"hi"}, "SmsStatus": {"received"}, "ProfileName": {"Ann"}, "WaId": {"15550001111"},
			},
			dispatch.Inbound{From: "+15550001111", WaID: "15550001111", Name: "Ann", Type: "text", Text: "hi"},
		},
		{
			"picture", url.Values{"From": {"+15550001111"}, "Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"image/jpeg"}},
			dispatch.Inbound{From: "+15550001111", Type: "image"},
		},
		{
			"button", url.Values{"From": {"whatsapp:+15550001111"}, "Body": {"Yes"}, "ButtonText": {"Yes"}, "ButtonPayload": {"y"}},
			dispatch.Inbound{From: "+15550001111", Type: "button", Text: "Yes"},
		},
		{
			"place", url.Values{"From": {"whatsapp:+15550001111"}, "Body": {""}, "Latitude": {"52.5"}, "Longitude": {"13.4"}},
			dispatch.Inbound{From: "+15550001111", Type: "location"},
		},
	}
	for _, tt := range tests {
		tt.fields.Set("MessageSid", sid1)
		r, address, body := signed(t, "", tt.fields)
		got, err := client(nil).ParseCallback(channel("whatsapp"), r, address, body)
		if err != nil || len(got.Inbound) != 1 || len(got.Statuses) != 0 {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
			continue
		}
		if !strings.Contains(got.Inbound[0].Raw, sid1) {
			t.Errorf("%s: Raw = %s", tt.name, got.Inbound[0].Raw)
		}
		tt.want.Channel, tt.want.ProviderID, tt.want.At, tt.want.Raw = 7, sid1, now, got.Inbound[0].Raw
		if diff := cmp.Diff(tt.want, got.Inbound[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
