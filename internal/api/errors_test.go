package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

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
