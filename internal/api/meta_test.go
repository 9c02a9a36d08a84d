package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
)

// graph posts to the Meta format.
func (f *front) graph(path, body string, headers ...string) *reply {
	f.T.Helper()
	return f.Ask("POST", path, apitest.Sent{Headers: append(headers, "Content-Type", "application/json"), Body: body})
}

const metaPhone = "106540352242922"

// Clients differ in how they write the same message.
func TestMeta_AsClientsWriteIt(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	bearer := "Bearer " + f.Key
	body := func(rest string) string { return `{"messaging_product":"whatsapp","to":"12025550100",` + rest + `}` }
	stored := map[string][2]string{
		"no version": {"text.preview_url", "true"}, "token in query": {"text.body", "x"},
		"contacts as JSON": {"contacts", "[map[name:map[formatted_name:Ann]]]"},
		"numeric row ids":  {"interactive.action.sections", "[map[rows:[map[id:7 title:t]]]]"},
	}
	for name, c := range map[string]struct{ path, auth, body, detail string }{
		"no version":     {"/" + metaPhone + "/messages", bearer, body(`"type":"text","text":{"body":"x","preview_url":"true"}`), ""},
		"token in query": {"/v25.0/" + metaPhone + "/messages?access_token=" + f.Key, "", body(`"type":"text","text":{"body":"x"}`), ""},
		"contacts as JSON": {
			"/v25.0/" + metaPhone + "/messages", bearer,
			body(`"type":"contacts","contacts":"[{\"name\":{\"formatted_name\":\"Ann\"}}]"`), "",
		},
		"template as JSON": {
			"/v25.0/" + metaPhone + "/messages", bearer,
			body(`"type":"template","template":"{\"name\":\"none\",\"language\":{\"code\":\"en\"}}"`), "none",
		},
		"numeric row ids": {
			"/v25.0/" + metaPhone + "/messages", bearer,
			body(`"type":"interactive","interactive":{"type":"list","body":{"text":"id: 5"},"action":{"button":"b","sections":[{"rows":[{"id":7,` +
				`"title":"t"}]}]}}`), "",
		},
		"NUL in JSON text": {
			"/v25.0/" + metaPhone + "/messages", bearer,
			body(`"type":"contacts","contacts":"[{\"name\":{\"formatted_name\":\"A\\u0000\"}}]"`), "NUL",
		},
		"voice, wrong type": {"/v25.0/" + metaPhone + "/messages", bearer, body(`"type":"video","video":{"id":"1","voice":true}`), "voice"},
	} {
		var headers []string
		if c.auth != "" {
			headers = []string{"Authorization", c.auth}
		}
		r := f.graph(c.path, c.body, headers...)
		if want, ok := stored[name]; ok {
			id := strings.TrimPrefix(r.Want(http.StatusOK)["messages"].([]any)[0].(map[string]any)["id"].(string), "wamid.")
			if got := f.Do("GET", "/v1/messages/"+id, nil).Want(http.StatusOK).Text("content." + want[0]); got != want[1] {
				t.Errorf("%s: stored with %s %s, want %s", name, want[0], got, want[1])
			}
			continue
		}
		if c.detail == "" || (r.Status < 400 || envelope(r) != "meta" || !strings.Contains(string(r.Body), c.detail)) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := f.graph("/abc/messages", body(`"type":"text"`), "X-API-Key", f.Key); r.Status != http.StatusNotFound || envelope(r) == "meta" {
		t.Errorf("no phone number id: %d %s", r.Status, r.Body)
	}
	if r := f.Ask("GET", "/v1/messages", apitest.Sent{}); r.Status != http.StatusUnauthorized || envelope(r) != "native" {
		t.Errorf("our own route: %d %s", r.Status, r.Body)
	}
}

// A mark-as-read is a read, of a number that is the account's.
func TestMeta_MarkAsRead_CountsAsRead(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const read = `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.X","typing_indicator":{"type":"text"}}`
	bearer := "Bearer " + f.Key
	for range 2 {
		r := f.graph("/v25.0/"+metaPhone+"/messages", read, "Authorization", bearer)
		if r.Status != http.StatusOK || !strings.Contains(string(r.Body), `"success":true`) {
			t.Errorf("read: %d %s", r.Status, r.Body)
		}
	}
	if r := f.graph("/v25.0/999/messages", read, "Authorization", bearer); r.Status != http.StatusBadRequest ||
		!strings.Contains(string(r.Body), `"error_subcode":33`) {
		t.Errorf("another's number: %d %s", r.Status, r.Body)
	}
	bad := strings.Replace(read, `"text"`, `"voice"`, 1)
	if r := f.graph("/v25.0/"+metaPhone+"/messages", bad, "Authorization", bearer); r.Status != http.StatusBadRequest {
		t.Errorf("typing: %d %s", r.Status, r.Body)
	}
}
