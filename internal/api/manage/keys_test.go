package manage_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestKeys_CreatedKey_IsShownOnceAndWorks(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.Do("POST", "/v1/keys", m{"name": "orders", "permissions": []string{"send_template", "view_messages"}})
	made := r.Want(http.StatusCreated)
	secret, _ := made["key"].(string)
	if !strings.HasPrefix(secret, "sk_live_") || r.Header.Get("Location") != "/v1/keys/"+made.ID() {
		t.Fatalf("no secret or address: %s %s", r.Body, r.Header)
	}
	for path, want := range map[string]string{
		"rate_per_minute": "60", "rate_per_second": "10", "daily_limit": "10000", "active": "true", "test": "false",
		"per_recipient_hour": "<nil>", "expires_at": "<nil>",
		"limits.read.per_second": "100", "limits.per_recipient_hour.otp": "5", "prefix": secret[:12],
		"permissions": "[send_template view_messages]", "countries": "[]",
	} {
		if got := made.Text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	if shown := f.Do("GET", "/v1/keys/"+made.ID(), nil); strings.Contains(string(shown.Body), secret) {
		t.Error("the secret is shown again")
	}
	f.As(secret, "GET", "/v1/messages", nil).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/keys", nil).Refused(http.StatusForbidden, dispatch.Forbidden)
}

func TestKeys_Change_HoldsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/keys", m{
		"name": "a", "permissions": []string{"view_messages"}, "per_recipient_hour": 3,
		"countries": []string{"in", "DE"},
	}).
		Want(http.StatusCreated)
	secret := made["key"].(string)
	f.As(secret, "GET", "/v1/messages", nil).Want(http.StatusOK)
	path := "/v1/keys/" + made.ID()
	f.Do("PATCH", path, m{"active": false}).Want(http.StatusOK)
	f.As(secret, "GET", "/v1/messages", nil).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
	changed := f.Do("PATCH", path, m{
		"active": true, "permissions": []string{"view_templates"}, "per_recipient_hour": nil,
		"expires_at": "2030-01-02T03:04:05+05:30", "rate_per_second": 7,
	}).
		Want(http.StatusOK)
	for path, want := range map[string]string{
		"per_recipient_hour": "<nil>", "expires_at": "2030-01-01T21:34:05Z", "rate_per_second": "7", "countries": "[IN DE]", "name": "a",
		"limits.send.per_second": "7", "limits.per_recipient_hour.other": "<nil>",
	} {
		if got := changed.Text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	f.As(secret, "GET", "/v1/messages", nil).Refused(http.StatusForbidden, dispatch.Forbidden)
	if got := f.Do("PATCH", path, m{"expires_at": nil}).Want(http.StatusOK); got["expires_at"] != nil {
		t.Errorf("expires_at = %v", got["expires_at"])
	}
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.As(secret, "GET", "/v1/templates", nil).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("DELETE", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
}

func TestKeys_Rotate_OldSecretLivesForItsOverlap(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/keys", m{
		"name": "a", "permissions": []string{"view_messages"}, "test": true, "rate_per_second": 10_000,
		"rate_per_minute": 600_000,
	}).
		Want(http.StatusCreated)
	first := made["key"].(string)
	turned := f.Do("POST", "/v1/keys/"+made.ID()+"/rotate", m{"overlap_seconds": 3600}).Want(http.StatusOK)
	second := turned["key"].(string)
	if !strings.HasPrefix(second, "sk_test_") || turned["old_key_valid_until"] == nil {
		t.Errorf("rotated: %v", turned)
	}
	f.As(first, "GET", "/v1/messages", nil).Want(http.StatusOK)
	f.As(second, "GET", "/v1/messages", nil).Want(http.StatusOK)
	rotated := time.Now()
	later := f.Do("POST", "/v1/keys/"+made.ID()+"/rotate", m{"overlap_seconds": 2}).Want(http.StatusOK)
	latest := later["key"].(string)
	f.As(first, "GET", "/v1/messages", nil).Want(http.StatusOK)
	for f.As(second, "GET", "/v1/messages", nil).Status != http.StatusUnauthorized { // in use all the time, and nothing else changes
		if time.Since(rotated) > 10*time.Second {
			t.Fatal("the overlap does not end")
		}
	}
	f.As(second, "GET", "/v1/messages", nil).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
	f.As(first, "GET", "/v1/messages", nil).Want(http.StatusOK) // its hour goes on
	third := f.Do("POST", "/v1/keys/"+made.ID()+"/rotate", m{"overlap_seconds": 0}).Want(http.StatusOK)["key"].(string)
	for _, old := range []string{first, second, latest} {
		f.As(old, "GET", "/v1/messages", nil).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
	}
	f.As(third, "GET", "/v1/messages", nil).Want(http.StatusOK)
	f.Do("POST", "/v1/keys/"+made.ID()+"/rotate", nil).Want(http.StatusOK)
	f.As(third, "GET", "/v1/messages", nil).Want(http.StatusOK) // for 24 hours
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
		{
			m{"name": "", "permissions": []string{}, "rate_per_minute": 0, "daily_limit": -1},
			422, dispatch.Invalid,
			[]string{"/name", "/permissions", "/rate_per_minute", "/daily_limit"},
		},
		{m{"name": " ", "permissions": []string{"manage"}}, 422, dispatch.Invalid, []string{"/name"}},
		{m{"name": "a", "permissions": []string{"manage", "fly"}}, 422, dispatch.Invalid, []string{"/permissions/1"}},
		{m{"name": "a", "permissions": []string{"manage"}, "ratelimit": 3, "a/b": 1}, 422, dispatch.Invalid, []string{"/ratelimit", "/a~1b"}},
		{m{"Name": "a", "permissions": []string{"manage"}}, 422, dispatch.Invalid, []string{"/Name", "/name"}},
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
		r := f.Do("POST", "/v1/keys", c.body)
		if c.pointers == nil && c.status == 422 {
			if r.Status != 422 {
				t.Errorf("got %d: %s", r.Status, r.Body)
			}
			continue
		}
		r.Refused(c.status, c.code, c.pointers...)
	}
	f.Do("GET", "/v1/keys/none", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("GET", "/v1/keys/0", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("GET", "/v1/keys?limit=0", nil).Refused(422, dispatch.Invalid, "/limit")
	f.Do("GET", "/v1/keys?cursor=xyz", nil).Refused(422, dispatch.Invalid, "/cursor")
	f.Do("GET", "/v1/keys?cursor=%00", nil).Refused(422, dispatch.Invalid, "/cursor")
}

func TestKeys_List_IsPaged(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for range 4 {
		f.NewKey(f.Account.ID, "view_messages")
	}
	var seen []string
	for path := "/v1/keys?limit=2"; path != ""; {
		page := f.Do("GET", path, nil).Want(http.StatusOK)
		for _, k := range page.Data() {
			seen = append(seen, k.ID())
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
