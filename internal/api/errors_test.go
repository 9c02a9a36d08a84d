package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A validation error names every field at fault, in its detail and by pointer.
func TestNativeErrors_NameEveryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.Do("POST", "/v1/messages", m{"text": m{"bodi": "x"}, "sendat": 1, "send_at": 1798794000})
	r.Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/send_at", "/sendat", "/text/bodi")
	for body, want := range map[string]string{
		`{}`: "to is required; type is required: one of text, template, image, video, audio, document, sticker, location, " +
			"contacts, interactive, reaction",
		`{"type":"image"}`: `to is required; image is required for a message of type "image"`,
		`{"to":"+12025550100","type":"template","template":{}}`: "template.name is required, or an id",
		`{"to":"+12025550100","type":"text","text":{"body":""},"ttl_seconds":0,"fallback_after_seconds":-1,"lane":"fast"}`: "ttl_seconds must " +
			"be between 1 and 31622400; " +
			"fallback_after_seconds must be between 1 and 31622400; text.body is required; lane must be otp, normal or bulk",
	} {
		if got := f.Do("POST", "/v1/messages", json.RawMessage(body)).Want(422).Text("detail"); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
	f.Do("POST", "/v1/templates", m{
		"name": "pickup", "language": "de", "category": "utility",
		"components": []m{{"type": "BODY", "text": "x"}},
	}).
		Want(201)
	r = f.Do(
		"POST",
		"/v1/messages",
		m{"to": "+12025550100", "type": "template", "template": m{"name": "pickup", "language": "fr"}, "channel": f.Channel.ID},
	)
	if got := r.Want(r.Status).Text("detail"); got != "template pickup does not exist in language fr for this channel; it exists in de" {
		t.Errorf("detail: %s", got)
	}
	if got := f.Do("POST", "/v1/webhooks", m{}).Want(422).Text("detail"); got != "url is required" {
		t.Errorf("detail: %s", got)
	}
}

// What a client sent by mistake is named, never passed over: the query decides
// which rows a list has.
func TestQuery_NothingIsPassedOver(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/lists", m{"name": "a;b"}).Want(201)
	for i, name := range []string{"Ada", "a;b"} {
		f.Do("POST", "/v1/contacts", m{"phone": "+1202555010" + strconv.Itoa(i), "name": name}).Want(201)
	}
	for query, want := range map[string]int{"search=a;b": 1, "search=a%3Bb": 1, "search=x;y": 0, "search=a;b&limit=1": 1} {
		if got := f.Do("GET", "/v1/contacts?"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d contacts, want %d", query, len(got), want)
		}
	}
	for _, path := range []string{"/v1/contacts?search=100%", "/v1/messages?reference=%zz", "/v1/imports?kind=%", "/v1/audit?limit=1&x=%4"} {
		f.Do("GET", path, nil).Refused(http.StatusBadRequest, dispatch.Malformed)
	}
}

// The body that cancels many is read as strictly as any other.
func TestCancelMany_FaultsAreNamed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const id = `"0190b5a0-0000-7000-8000-000000000000"`
	for body, at := range map[string]string{
		`{"campaign":1}`: "/campaign", `{"ids":[` + id + `],"id":1}`: "/id", `{"ids":5}`: "/ids", `{"ids":[5]}`: "/ids/0",
		`{"ids":["x"]}`: "/ids/0", `{"reference":5}`: "/reference", `{"ids":[` + id + `],"ids":[]}`: "/ids",
		`{"ids":[` + id + `],"reference":"a"}`: "/ids", `{}`: "/ids",
	} {
		f.Do("POST", "/v1/messages/cancel", json.RawMessage(body)).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, at)
	}
	for _, body := range []string{"", "{", `{"ids":[` + id + `]} x`} {
		f.Ask("POST", "/v1/messages/cancel", apitest.Sent{
			Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", "application/json"}, Body: body,
		}).Refused(http.StatusBadRequest, dispatch.Malformed)
	}
}
