package message_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A test key reads, changes and cancels messages of test keys only.
func TestTestKey_SeesTestMessagesOnly(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	secret := f.Do("POST", "/v1/keys", m{"name": "t", "test": true, "permissions": []string{"send_template", "view_messages"}}).
		Want(http.StatusCreated)["key"].(string)
	f.Do("POST", "/v1/templates", m{
		"name": "hello_world", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	order := map[string]any{
		"to": "+15550000100", "type": "template", "send_at": "2030-01-01T00:00:00Z",
		"template": map[string]any{"name": "hello_world", "language": "en"},
	}
	live := f.Do("POST", "/v1/messages", order).Want(http.StatusAccepted)["message_id"].(string)
	test := f.As(secret, "POST", "/v1/messages", order).Want(http.StatusAccepted)["message_id"].(string)
	f.As(secret, "GET", "/v1/messages/"+live, nil).Refused(http.StatusForbidden, dispatch.Forbidden)
	f.As(secret, "GET", "/v1/messages/"+live+"/events", nil).Refused(http.StatusForbidden, dispatch.Forbidden)
	f.As(secret, "PATCH", "/v1/messages/"+live, map[string]any{"to": "+15550000101"}).Refused(http.StatusForbidden, dispatch.Forbidden)
	f.As(secret, "POST", "/v1/messages/"+live+"/cancel", nil).Refused(http.StatusForbidden, dispatch.Forbidden)
	list := f.As(secret, "GET", "/v1/messages", nil).Want(http.StatusOK).Data()
	if len(list) != 1 || list[0]["message_id"] != test {
		t.Errorf("a test key lists %v, want %s only", list, test)
	}
	brief := f.As(secret, "POST", "/v1/messages/status", map[string]any{"ids": []string{live, test}}).Want(http.StatusOK)
	if got := brief["messages"].([]any); len(got) != 1 {
		t.Errorf("a test key polls %v", got)
	}
	f.As(secret, "GET", "/v1/messages/"+test, nil).Want(http.StatusOK)
	f.As(secret, "POST", "/v1/messages/"+test+"/cancel", nil).Want(http.StatusOK)
	for id, want := range map[string]int{live: http.StatusNotFound, test: http.StatusOK} {
		if r := f.Ask("GET", "/api/v1/external/messages/"+id, apitest.Sent{Headers: []string{"X-API-Key", secret}}); r.Status != want {
			t.Errorf("external: a test key reads %s with %d, want %d", id, r.Status, want)
		}
	}
	f.Do("GET", "/v1/messages/"+live, nil).Want(http.StatusOK)
	f.Do("GET", "/v1/messages/"+live+"?wait=NaN", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/wait")
	if got := len(f.Do("GET", "/v1/messages", nil).Want(http.StatusOK).Data()); got != 2 {
		t.Errorf("a live key lists %d messages, want 2", got)
	}
}
