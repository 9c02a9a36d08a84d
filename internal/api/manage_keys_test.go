package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestKeys_CreatedKey_IsShownOnceAndWorks(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.do("POST", "/v1/keys", m{"name": "orders", "permissions": []string{"send_template", "view_messages"}})
	made := r.want(http.StatusCreated)
	secret, _ := made["key"].(string)
	if !strings.HasPrefix(secret, "sk_live_") || r.header.Get("Location") != "/v1/keys/"+made.id() {
		t.Fatalf("no secret or address: %s %s", r.body, r.header)
	}
	for path, want := range map[string]string{
		"rate_per_minute": "60", "rate_per_second": "10", "daily_limit": "10000", "active": "true", "test": "false", "per_recipient_hour": "<nil>", "expires_at": "<nil>",
		"limits.read.per_second": "100", "limits.per_recipient_hour.otp": "5", "prefix": secret[:12], "permissions": "[send_template view_messages]", "countries": "[]",
	} {
		if got := made.text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	if shown := f.do("GET", "/v1/keys/"+made.id(), nil); strings.Contains(string(shown.body), secret) {
		t.Error("the secret is shown again")
	}
	f.as(secret, "GET", "/v1/messages", nil).want(http.StatusOK)
	f.as(secret, "GET", "/v1/keys", nil).refused(http.StatusForbidden, dispatch.Forbidden)
}

func TestKeys_Change_HoldsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.do("POST", "/v1/keys", m{"name": "a", "permissions": []string{"view_messages"}, "per_recipient_hour": 3, "countries": []string{"in", "DE"}}).want(http.StatusCreated)
	secret := made["key"].(string)
	f.as(secret, "GET", "/v1/messages", nil).want(http.StatusOK)
	path := "/v1/keys/" + made.id()
	f.do("PATCH", path, m{"active": false}).want(http.StatusOK)
	f.as(secret, "GET", "/v1/messages", nil).refused(http.StatusUnauthorized, dispatch.Unauthorized)
	changed := f.do("PATCH", path, m{"active": true, "permissions": []string{"view_templates"}, "per_recipient_hour": nil, "expires_at": "2030-01-02T03:04:05+05:30", "rate_per_second": 7}).want(http.StatusOK)
	for path, want := range map[string]string{
		"per_recipient_hour": "<nil>", "expires_at": "2030-01-01T21:34:05Z", "rate_per_second": "7", "countries": "[IN DE]", "name": "a", "limits.send.per_second": "7", "limits.per_recipient_hour.other": "<nil>",
	} {
		if got := changed.text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	f.as(secret, "GET", "/v1/messages", nil).refused(http.StatusForbidden, dispatch.Forbidden)
	if got := f.do("PATCH", path, m{"expires_at": nil}).want(http.StatusOK); got["expires_at"] != nil {
		t.Errorf("expires_at = %v", got["expires_at"])
	}
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.as(secret, "GET", "/v1/templates", nil).refused(http.StatusUnauthorized, dispatch.Unauthorized)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("DELETE", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
}

func TestKeys_Rotate_OldSecretLivesForItsOverlap(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.do("POST", "/v1/keys", m{"name": "a", "permissions": []string{"view_messages"}, "test": true}).want(http.StatusCreated)
	first := made["key"].(string)
	turned := f.do("POST", "/v1/keys/"+made.id()+"/rotate", m{"overlap_seconds": 3600}).want(http.StatusOK)
	second := turned["key"].(string)
	if !strings.HasPrefix(second, "sk_test_") || turned["old_key_valid_until"] == nil {
		t.Errorf("rotated: %v", turned)
	}
	f.as(first, "GET", "/v1/messages", nil).want(http.StatusOK)
	f.as(second, "GET", "/v1/messages", nil).want(http.StatusOK)
	third := f.do("POST", "/v1/keys/"+made.id()+"/rotate", nil).want(http.StatusOK)["key"].(string)
	for _, old := range []string{first, second} {
		f.as(old, "GET", "/v1/messages", nil).refused(http.StatusUnauthorized, dispatch.Unauthorized)
	}
	f.as(third, "GET", "/v1/messages", nil).want(http.StatusOK)
}

func TestKeys_FaultyBody_NamesEveryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for _, c := range []struct {
		body     any
		status   int
		code     dispatch.Code
		pointers []string
	}{
		{m{}, 422, dispatch.Invalid, []string{"/name", "/permissions"}},
		{m{"name": "", "permissions": []string{}, "rate_per_minute": 0, "daily_limit": -1}, 422, dispatch.Invalid, []string{"/name", "/permissions", "/rate_per_minute", "/daily_limit"}},
		{m{"name": " ", "permissions": []string{"manage"}}, 422, dispatch.Invalid, []string{"/name"}},
		{m{"name": "a", "permissions": []string{"manage", "fly"}}, 422, dispatch.Invalid, []string{"/permissions/1"}},
		{m{"name": "a", "permissions": []string{"manage"}, "ratelimit": 3, "a/b": 1}, 422, dispatch.Invalid, []string{"/ratelimit", "/a~1b"}},
		{m{"Name": "a", "permissions": []string{"manage"}}, 422, dispatch.Invalid, []string{"/Name"}},
		{m{"name": 7, "permissions": "manage"}, 422, dispatch.Invalid, []string{"/name", "/permissions"}},
		{m{"name": "a\x00b", "permissions": []string{"manage"}}, 422, dispatch.Invalid, []string{"/name"}},
		{m{"name": "a", "permissions": []string{"manage"}, "countries": []string{"IN", "XX"}}, 422, dispatch.Invalid, []string{"/countries/1"}},
		{m{"name": "a", "permissions": []string{"manage"}, "expires_at": "2020-01-01T00:00:00Z"}, 422, dispatch.Invalid, []string{"/expires_at"}},
		{m{"name": "a", "permissions": []string{"manage"}, "expires_at": "tomorrow"}, 422, dispatch.Invalid, []string{"/expires_at"}},
		{m{"name": "a", "permissions": []string{"manage"}, "rate_per_second": 1.5}, 422, dispatch.Invalid, []string{"/rate_per_second"}},
		{`{"name":"a","permissions":["manage"],"daily_limit":1e999}`, 422, dispatch.Invalid, []string{"/daily_limit"}},
		{`{"name":"a"`, 400, dispatch.Malformed, nil},
		{`{"name":"a"} {}`, 400, dispatch.Malformed, nil},
		{"{\"name\":\"\xff\"}", 400, dispatch.Malformed, nil},
		{``, 400, dispatch.Malformed, nil},
		{`[]`, 422, dispatch.Invalid, []string{""}},
		{`null`, 422, dispatch.Invalid, []string{""}},
		{`{"name":"` + strings.Repeat("a", 1<<20) + `"}`, 413, dispatch.TooLarge, nil},
		{`{"name":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, 422, dispatch.Invalid, nil},
	} {
		r := f.do("POST", "/v1/keys", c.body)
		if c.pointers == nil && c.status == 422 {
			if r.status != 422 {
				t.Errorf("got %d: %s", r.status, r.body)
			}
			continue
		}
		r.refused(c.status, c.code, c.pointers...)
	}
	f.do("GET", "/v1/keys/none", nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("GET", "/v1/keys/0", nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("GET", "/v1/keys?limit=0", nil).refused(422, dispatch.Invalid, "/limit")
	f.do("GET", "/v1/keys?cursor=xyz", nil).refused(422, dispatch.Invalid, "/cursor")
	f.do("GET", "/v1/keys?cursor=%00", nil).refused(422, dispatch.Invalid, "/cursor")
}

func TestKeys_List_IsPaged(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for range 4 {
		f.newKey(f.account.ID, "view_messages")
	}
	var seen []string
	for path := "/v1/keys?limit=2"; path != ""; {
		page := f.do("GET", path, nil).want(http.StatusOK)
		for _, k := range page.data() {
			seen = append(seen, k.id())
		}
		path = ""
		if next, ok := page["next_cursor"].(string); ok {
			path = "/v1/keys?limit=2&cursor=" + next
		}
	}
	if len(seen) != 5 {
		t.Errorf("keys seen: %v", seen)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] == seen[i-1] {
			t.Errorf("twice: %v", seen)
		}
	}
}
