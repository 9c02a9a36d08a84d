package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
)

// The line of a request that makes or changes a message has the message's id, and
// nothing of its recipient and content.
func TestLog_NamesTheMessage(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	body := `{"to":"+12025550123","type":"text","text":{"body":"Rosebud"},"reference":"order-77","send_at":"2035-01-01T00:00:00Z"}`
	line := func(requestID string) string {
		for l := range strings.Lines(f.Log.String()) {
			if strings.Contains(l, "request_id="+requestID) {
				return l
			}
		}
		return ""
	}
	named := func(r *apitest.Reply, id string) {
		t.Helper()
		if l := line(r.Header.Get("X-Request-Id")); id == "" || !strings.Contains(l, " message_id="+id+" ") {
			t.Errorf("%s: line %q does not name message %q", r.What, l, id)
		}
	}
	key := []string{"Authorization", "Bearer " + f.Key, "Content-Type", "application/json", "Idempotency-Key", "k"}
	first := f.Ask("POST", "/v1/messages", apitest.Sent{Headers: key, Body: body})
	id := first.Want(http.StatusAccepted).Text("message_id")
	named(first, id)
	named(f.Ask("POST", "/v1/messages", apitest.Sent{Headers: key, Body: body}), id)
	named(f.Do("PATCH", "/v1/messages/"+id, m{"send_at": "2035-01-02T00:00:00Z"}), id)
	named(f.Do("POST", "/v1/messages/"+id+"/cancel", nil), id)
	simulated := f.Ask("POST", "/v1/messages", apitest.Sent{Headers: key[:4], Body: body[:len(body)-1] + `,"simulate":true}`})
	simulated.Want(http.StatusOK)
	if l := line(simulated.Header.Get("X-Request-Id")); l == "" || strings.Contains(l, "message_id") {
		t.Errorf("a simulated message: line %q", l)
	}
	other := f.Ask("POST", "/api/messages/send", apitest.Sent{
		Headers: []string{"X-API-Key", f.Key, "Content-Type", "application/json"}, Body: `{"to":"+12025550123","type":"text","text":"Rosebud"}`,
	})
	named(other, other.Want(http.StatusAccepted).Text("data.message_id"))
	for _, secret := range []string{"2025550123", "Rosebud", "order-77", f.Key} {
		if strings.Contains(f.Log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
