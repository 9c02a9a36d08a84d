package manage_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// furnish creates one of each thing that routes name, and returns the id of the user.
func (f *front) furnish() (user string) {
	f.T.Helper()
	f.Do("POST", "/v1/templates", order()).Want(http.StatusCreated)
	f.Do("POST", "/v1/contacts", m{"phone": "+15550000101"}).Want(http.StatusCreated)
	f.Do("POST", "/v1/lists", m{"name": "a"}).Want(http.StatusCreated)
	f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/hook"}).Want(http.StatusCreated)
	f.Do("POST", "/v1/campaigns", m{"name": "a", "channel": 1, "type": "text", "text": m{"body": "x"}}).Want(http.StatusCreated)
	return f.Do("POST", "/v1/users", m{"name": "a", "email": "a@example.com"}).Want(http.StatusCreated).Text("id")
}

// The fault of a reader is told together with those that the use case finds, and with
// none that only follows from it.
func TestManage_EveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	user := f.furnish()
	long := strings.Repeat("x", 3000)
	for _, c := range []struct {
		method, path, body string
		code               dispatch.Code
		at                 string
	}{
		{
			"POST", "/v1/keys", `{"name":5,"permissions":["fly"],"countries":["XX"],"zz":1}`,
			dispatch.Invalid, "/name /permissions/0 /countries/0 /zz",
		},
		{
			"POST", "/v1/keys", `{"permissions":[5,"fly"],"expires_at":"2020-01-01T00:00:00Z"}`,
			dispatch.Invalid, "/name /permissions/0 /permissions/1 /expires_at",
		},
		{
			"PATCH", "/v1/keys/1", `{"active":"no","default_region":"ZZ","rate_per_minute":0}`,
			dispatch.Invalid, "/active /default_region /rate_per_minute",
		},
		{"POST", "/v1/keys/1/rotate", `{"overlap_seconds":-1,"zz":1}`, dispatch.Invalid, "/overlap_seconds /zz"},
		{
			"POST", "/v1/channels", `{"provider":"meta","name":true,"sender":"abc","zz":1}`, dispatch.Invalid,
			"/name /sender /zz /settings/phone_number_id /secrets/access_token /secrets/app_secret",
		},
		{"POST", "/v1/channels", `{"provider":"nobody","name":5,"sender":"+15551234567"}`, dispatch.Invalid, "/provider /name"},
		{
			"POST", "/v1/channels", `{"provider":5,"name":"x","sender":"+15551234567","kind":5,"window":"never"}`,
			dispatch.Invalid, "/provider /kind /window",
		},
		{
			"PATCH", "/v1/channels/1", `{"settings":{"nope":"x"},"policy":{"rate":"x","backoff_base_s":"x","backoff_cap_s":0.01},"zz":1}`,
			dispatch.Invalid, "/settings/nope /policy/rate /policy/backoff_base_s /zz",
		},
		{"POST", "/v1/channels/1/pause", `{"reason":"` + long + `","zz":1}`, dispatch.Invalid, "/reason /zz"},
		{
			"POST", "/v1/templates", `{"name":"A B","language":5,"category":"x","components":[{"type":"BODY","text":"{{2}}"}],"zz":1}`,
			dispatch.Invalid, "/name /language /category /components/0/text /zz",
		},
		{"PATCH", "/v1/templates/1", `{"name":5,"channel_id":99,"status":"odd"}`, dispatch.Invalid, "/name /channel_id /status"},
		{
			"PUT", "/v1/templates/1", `{"name":"a","components":"x","status":"odd"}`,
			dispatch.Invalid, "/language /category /components /status",
		},
		{"POST", "/v1/templates/sync", `{"channel":99,"zz":1}`, dispatch.ChannelNotFound, "/channel /zz"},
		{"POST", "/v1/templates/sync", `{"channel":1,"zz":1}`, dispatch.Invalid, "/zz"},
		{"POST", "/v1/templates/1/preview", `{"variables":["a"],"header_media_url":5}`, dispatch.Invalid, "/header_media_url /variables"},
		{
			"POST", "/v1/contacts", `{"phone":"abc","name":5,"time_zone":"Mars","list_ids":[99],"fields":{"a":1e999}}`,
			dispatch.Invalid, "/phone /name /time_zone /list_ids/0 /fields/a",
		},
		{"POST", "/v1/contacts", `{"wa_id":5}`, dispatch.Invalid, "/wa_id"},
		{"PATCH", "/v1/contacts/1", `{"user_id":"x","zz":1}`, dispatch.Invalid, "/user_id /zz"},
		{"POST", "/v1/lists", `{"name":5,"time_zone":"Mars"}`, dispatch.Invalid, "/name /time_zone"},
		{"PATCH", "/v1/lists/1", `{"name":"","time_zone":"Mars","zz":1}`, dispatch.Invalid, "/name /time_zone /zz"},
		{"POST", "/v1/lists/1/members", `{"contact_ids":["x",99]}`, dispatch.Invalid, "/contact_ids/0 /contact_ids/1"},
		{"POST", "/v1/suppressions", `{"phone":"abc","scope":5}`, dispatch.Invalid, "/phone /scope"},
		{"POST", "/v1/suppressions", `{"user_id":5}`, dispatch.Invalid, "/user_id"},
		{"POST", "/v1/erasures", `{"phone":"abc","zz":1}`, dispatch.Invalid, "/phone /zz"},
		{"POST", "/v1/erasures", `{"phone":"+15550000101","zz":1}`, dispatch.Invalid, "/zz"},
		{"POST", "/v1/users", `{"name":5,"email":"nobody","role":"king"}`, dispatch.Invalid, "/name /email /role"},
		{"PATCH", "/v1/users/USER", `{"email":"nobody","disabled":5}`, dispatch.Invalid, "/email /disabled"},
		{
			"PATCH", "/v1/account", `{"name":5,"time_zone":"Mars","opt_out_languages":["xx"],"default_region":"ZZ"}`,
			dispatch.Invalid, "/name /time_zone /opt_out_languages/0 /default_region",
		},
		{"POST", "/v1/credits", `{"enabled":"yes"}`, dispatch.Invalid, "/enabled"},
		{"POST", "/v1/credits", `{"zz":1}`, dispatch.Invalid, "/zz /amount"},
		{
			"POST", "/v1/webhooks", `{"url":"nowhere","events":["message.eaten"],"description":5,"headers":{"Host":"x"},"format":"x"}`,
			dispatch.Invalid, "/url /events/0 /description /headers/Host /format",
		},
		{"POST", "/v1/webhooks", `{"url":"https://example.com","format":5,"secret":"short"}`, dispatch.Invalid, "/format"},
		{"PATCH", "/v1/webhooks/1", `{"url":"nowhere","enabled":5}`, dispatch.Invalid, "/url /enabled"},
		{"POST", "/v1/webhooks/1/rotate", `{"overlap_seconds":"x","secret":"short"}`, dispatch.Invalid, "/overlap_seconds /secret"},
		{"POST", "/v1/webhooks/1/replay", `{"from":"2020-01-01T00:00:00Z","zz":1}`, dispatch.Invalid, "/from /zz"},
		{"POST", "/v1/webhooks/1/replay", `{"from":"2020-01-01T00:00:00Z","to":"soon"}`, dispatch.Invalid, "/to"},
		{
			"POST", "/v1/campaigns", `{"type":"text","text":{"body":"x"},"start_at":"2020-01-01T00:00:00","rate":"x","zz":1}`,
			dispatch.Invalid, "/name /start_at /rate /zz",
		},
		{"PATCH", "/v1/campaigns/1", `{"start_at":"2020-01-01T00:00:00","late":"never","zz":1}`, dispatch.Invalid, "/start_at /late /zz"},
		// Of what isn't there, only the body's faults are told.
		{"PATCH", "/v1/keys/99", `{"name":5}`, dispatch.Invalid, "/name"},
	} {
		path := strings.Replace(c.path, "USER", user, 1)
		f.Do(c.method, path, json.RawMessage(c.body)).Refused(http.StatusUnprocessableEntity, c.code, strings.Fields(c.at)...)
	}
}

// A body with a fault changes nothing, whatever else it asks for: each route's example
// is refused for a field more.
func TestManage_FaultyBody_ChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	user := f.furnish()
	before := f.records()
	tried := 0
	for path, item := range apitest.Document(t, f.Front).Paths.Map() {
		for method, op := range item.Operations() {
			if !strings.HasPrefix(path, "/v1/") || op.RequestBody == nil || op.RequestBody.Value.Content["application/json"] == nil {
				continue
			}
			switch op.Tags[0] {
			case "Keys", "Channels", "Templates", "Contacts", "Lists", "Suppressions", "Users", "Account", "Credits", "Webhooks", "Campaigns":
			default:
				continue
			}
			example, ok := op.RequestBody.Value.Content["application/json"].Example.(map[string]any)
			if !ok {
				t.Errorf("%s %s has no example", method, path)
				continue
			}
			body := maps.Clone(example)
			body["zz"] = 1
			at := strings.NewReplacer("/users/{id}", "/users/"+user, "{id}", "1").Replace(path)
			if got := f.Do(method, at, body); got.Status != http.StatusUnprocessableEntity || !strings.Contains(string(got.Body), `"/zz"`) {
				t.Errorf("%s %s: %d %s", method, path, got.Status, got.Body)
			}
			tried++
		}
	}
	if tried < 25 {
		t.Errorf("%d routes were tried", tried)
	}
	if after := f.records(); after != before {
		t.Errorf("records before %s, after %s", before, after)
	}
}

// records counts what changes write.
func (f *front) records() (counts string) {
	f.T.Helper()
	const sql = `SELECT concat_ws(' ', (SELECT count(*) FROM audit_log), (SELECT count(*) FROM webhook_deliveries),
		(SELECT count(*) FROM erasures), (SELECT count(*) FROM campaigns), (SELECT count(*) FROM contacts))`
	if err := f.DB.QueryRowContext(f.T.Context(), sql).Scan(&counts); err != nil {
		f.T.Fatal(err)
	}
	return counts
}
