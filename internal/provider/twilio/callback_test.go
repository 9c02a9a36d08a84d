package twilio

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// callbacks are the statuses of section 5 of the contract.
func callbacks() []providertest.Callback {
	const common = "&SmsSid=" + sid1 + "&MessageSid=" + sid1 + "&AccountSid=AC1&From=%2B15550002222&To=%2B15550001111&ApiVersion=2010-04-01"
	is := func(name, fields string, s dispatch.Status, change func(*dispatch.StatusUpdate)) providertest.Callback {
		u := dispatch.StatusUpdate{Channel: 7, ProviderID: sid1, Recipient: "+15550001111", At: now, Status: s}
		if change != nil {
			change(&u)
		}
		want := provider.Part{Statuses: []dispatch.StatusUpdate{u}}
		return providertest.Callback{Name: name, Body: fields + common, Want: provider.Callback{Part: want}}
	}
	failed := func(name, fields, code string, reason dispatch.ErrorCode, text string, suppress bool) providertest.Callback {
		return is(name, fields, dispatch.Failed, func(u *dispatch.StatusUpdate) {
			u.ProviderCode, u.Code, u.Detail, u.Suppress = code, reason, text, suppress
		})
	}
	return []providertest.Callback{
		is("queued", "MessageStatus=queued", dispatch.Sent, nil),
		is("sending", "MessageStatus=sending", dispatch.Sent, nil),
		is("sent", "MessageStatus=sent", dispatch.Sent, nil),
		is("delivered", "MessageStatus=delivered&RawDlrDoneDate=2605041159&ANewField=x+y%26z", dispatch.Delivered, nil),
		is("read", "MessageStatus=read&EventType=READ", dispatch.Read, nil),
		is("old names", "SmsStatus=delivered", dispatch.Delivered, nil),
		failed(
			"undelivered",
			"MessageStatus=undelivered&ErrorCode=30003",
			"30003",
			dispatch.FailUndelivered,
			"Twilio says undelivered",
			false,
		),
		failed(
			"stopped",
			"MessageStatus=failed&ErrorCode=21610&ErrorMessage=unsubscribed",
			"21610",
			dispatch.FailSuppressed,
			"unsubscribed",
			true,
		),
		failed("window", "MessageStatus=failed&ErrorCode=63016", "63016", dispatch.FailWindow, "Twilio says failed", false),
		failed("unknown code", "MessageStatus=failed&ErrorCode=99999", "99999", dispatch.FailUndelivered, "Twilio says failed", false),
		failed("canceled", "MessageStatus=canceled", "", dispatch.FailUndelivered, "Twilio says canceled", false),
		{Name: "scheduled says nothing", Body: "MessageStatus=scheduled" + common},
		{Name: "unknown status", Body: "MessageStatus=teleported" + common},
	}
}

// inboundCallbacks are messages from contacts, section 6.
func inboundCallbacks() []providertest.Callback {
	msg := func(name, body, raw string, in dispatch.Inbound) providertest.Callback {
		in.Channel, in.From, in.ProviderID, in.At, in.Raw = 7, "+15550001111", sid1, now, raw
		return providertest.Callback{Name: name, Body: body, Want: provider.Callback{Part: provider.Part{Inbound: []dispatch.Inbound{in}}}}
	}
	return []providertest.Callback{
		msg("sms", "MessageSid="+sid1+"&From=%2B15550001111&Body=STOP&SmsStatus=received&NumMedia=0",
			`{"Body":"STOP","From":"+15550001111","MessageSid":"`+sid1+`","NumMedia":"0","SmsStatus":"received"}`,
			dispatch.Inbound{Type: "text", Text: "STOP"}),
		msg(
			"whatsapp",
			"MessageSid="+sid1+"&From=whatsapp%3A%2B15550001111&Body=hi&SmsStatus=received&ProfileName=Ann&WaId=15550001111",
			`{"Body":"hi","From":"whatsapp:+15550001111","MessageSid":"`+sid1+`","ProfileName":"Ann","SmsStatus":"received","WaId":"15550001111"}`,
			dispatch.Inbound{Type: "text", Text: "hi", WaID: "15550001111", Name: "Ann"},
		),
		msg("picture", "MessageSid="+sid1+"&From=%2B15550001111&Body=&NumMedia=1&MediaContentType0=image%2Fjpeg",
			`{"Body":"","From":"+15550001111","MediaContentType0":"image/jpeg","MessageSid":"`+sid1+`","NumMedia":"1"}`,
			dispatch.Inbound{Type: "image"}),
		msg("file", "MessageSid="+sid1+"&From=%2B15550001111&Body=&NumMedia=1&MediaContentType0=application%2Fpdf",
			`{"Body":"","From":"+15550001111","MediaContentType0":"application/pdf","MessageSid":"`+sid1+`","NumMedia":"1"}`,
			dispatch.Inbound{Type: "document"}),
		msg("button", "MessageSid="+sid1+"&From=whatsapp%3A%2B15550001111&Body=Yes&ButtonText=Yes&ButtonPayload=y",
			`{"Body":"Yes","ButtonPayload":"y","ButtonText":"Yes","From":"whatsapp:+15550001111","MessageSid":"`+sid1+`"}`,
			dispatch.Inbound{Type: "button", Text: "Yes"}),
		msg("place", "MessageSid="+sid1+"&From=whatsapp%3A%2B15550001111&Body=&Latitude=52.5&Longitude=13.4",
			`{"Body":"","From":"whatsapp:+15550001111","Latitude":"52.5","Longitude":"13.4","MessageSid":"`+sid1+`"}`,
			dispatch.Inbound{Type: "location"}),
	}
}

// Our id rides in the address, so it is signed: another message's can't be put
// into a callback that was really made. A caller that passes the address
// without its query gets the same answer.
func TestParseCallback_EchoedID(t *testing.T) {
	t.Parallel()
	ch, body := channel("sms", ""), []byte(url.Values{"MessageSid": {sid1}, "MessageStatus": {"sent"}}.Encode())
	address := callback + "?id=" + id.String()
	for _, told := range []string{address, callback} {
		got, err := client(nil).ParseCallback(ch, sign(ch, address, body), told, body)
		if err != nil || len(got.Statuses) != 1 || got.Statuses[0].ID != id {
			t.Errorf("told %s: %+v, %v", told, got, err)
		}
	}
	r := sign(ch, address, body)
	r.URL.RawQuery = "id=" + uuid.Must(uuid.NewV7()).String()
	for _, told := range []string{callback + "?" + r.URL.RawQuery, callback} {
		if _, err := client(nil).ParseCallback(ch, r, told, body); !errors.Is(err, provider.ErrBadSignature) {
			t.Errorf("another id, told %s: %v", told, err)
		}
	}
}

// A JSON body counts when its digest stands in the address, and else not, since
// nothing would cover it.
func TestParseCallback_JSON(t *testing.T) {
	t.Parallel()
	ch, body := channel("sms", ""), []byte(`{"MessageSid":"`+sid1+`","MessageStatus":"delivered","Price":0.01}`)
	digest := "?bodySHA256=8f1e5a1a5d7d2c0c2f0c4b6f1e7e9f5c"
	for name, tt := range map[string]struct {
		query string
		want  bool
	}{
		"with its digest": {"?bodySHA256=" + sha(body), true},
		"upper case":      {"?bodySHA256=" + strings.ToUpper(sha(body)), true},
		"another digest":  {digest, false},
		"without":         {"", false},
	} {
		r := httptest.NewRequest(http.MethodPost, callback+tt.query, nil)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(SignatureHeader, Sign(ch.Secrets["auth_token"], callback+tt.query, nil))
		got, err := client(nil).ParseCallback(ch, r, callback+tt.query, body)
		if ok := err == nil && len(got.Statuses) == 1 && got.Statuses[0].Status == dispatch.Delivered; ok != tt.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Twilio's own word counts, whatever the text: accounts choose their keywords.
func TestMessage_OptOutType(t *testing.T) {
	t.Parallel()
	c := New(nil)
	for word, want := range map[string][2]bool{"STOP": {true, false}, "START": {false, true}, "HELP": {}, "": {}} {
		in := c.message(&dispatch.Channel{}, url.Values{"From": {"+1 555-400-0600"}, "Body": {"genug davon"}, "OptOutType": {word}})
		if in.From != "+15554000600" || in.Stop != want[0] || in.Start != want[1] {
			t.Errorf("%q: %+v", word, in)
		}
	}
}
