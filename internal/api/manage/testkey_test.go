package manage_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A test key works within test data: it changes and creates test keys, but no
// live keys, channels or users.
func TestTestKey_ChangesTestDataOnly(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	create := func(name string, test bool) (id, secret string) {
		k := f.Do("POST", "/v1/keys", m{"name": name, "test": test, "permissions": []string{"manage", "credits"}}).Want(http.StatusCreated)
		return k.ID(), k["key"].(string)
	}
	live, _ := create("live", false)
	other, _ := create("other", true)
	_, secret := create("mine", true)
	channel := f.Do("GET", "/v1/channels", nil).Want(http.StatusOK).Data()[0].ID()
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/keys", m{"name": "x", "permissions": []string{"manage"}}},
		{"POST", "/v1/keys/" + live + "/rotate", nil},
		{"PATCH", "/v1/keys/" + live, m{"name": "y"}},
		{"DELETE", "/v1/keys/" + live, nil},
		{"PATCH", "/v1/channels/" + channel, m{"name": "y"}},
		{"POST", "/v1/channels/" + channel + "/pause", nil},
		{"DELETE", "/v1/channels/" + channel, nil},
		{"POST", "/v1/users", m{"name": "U", "email": "u@example.com"}},
		{"POST", "/v1/credits", m{"enabled": true}},
		{"POST", "/v1/templates", order()},
		{"PATCH", "/v1/templates/1", m{"status": "paused"}},
		{"POST", "/v1/suppressions", m{"phone": "+15550000103"}},
		{"POST", "/v1/webhooks", m{"url": "https://hooks.example.com"}},
		{"POST", "/v1/webhooks/1/replay", nil},
		{"GET", "/v1/webhooks/1/deliveries", nil},
		{"GET", "/v1/inbound", nil},
		{"GET", "/v1/callbacks/ignored", nil},
		{"GET", "/v1/campaigns/1/recipients", nil},
		{"GET", "/v1/campaigns/1/report.csv", nil},
		{"GET", "/v1/campaigns/1/preview", nil},
		{"POST", "/v1/campaigns/1/validate", nil},
		{"GET", "/v1/campaigns/1/validation", nil},
		{"GET", "/v1/campaigns/1/problems.csv", nil},
	} {
		f.As(secret, r.method, r.path, r.body).Refused(http.StatusForbidden, dispatch.Forbidden)
	}
	f.Do("POST", "/v1/templates", order()).Want(http.StatusCreated)
	f.As(secret, "POST", "/v1/templates/1/preview", nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/templates", nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/channels/"+channel, nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/contacts", nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/imports", nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/campaigns", nil).Want(http.StatusOK)
	f.As(secret, "POST", "/v1/keys", m{"name": "x", "test": true, "permissions": []string{"manage"}}).Want(http.StatusCreated)
	f.As(secret, "POST", "/v1/keys/"+other+"/rotate", nil).Want(http.StatusOK)
	f.As(secret, "DELETE", "/v1/keys/"+other, nil).Want(http.StatusNoContent)
}
