package api_test

import (
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
