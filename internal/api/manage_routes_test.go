package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// routeCase is one administrative route; in its path the id of a user is USER.
type routeCase struct {
	method, path string
	body         any
	viewer       int // what a key gets that may view and send but not manage
}

var routeCases = []routeCase{
	{"GET", "/v1/keys", nil, 403},
	{"POST", "/v1/keys", m{"name": "x", "permissions": []string{"manage"}}, 403},
	{"GET", "/v1/keys/1", nil, 403},
	{"PATCH", "/v1/keys/1", m{"name": "x"}, 403},
	{"POST", "/v1/keys/1/rotate", nil, 403},
	{"DELETE", "/v1/keys/1", nil, 403},
	{"GET", "/v1/channels", nil, 200},
	{"POST", "/v1/channels", m{"name": "x", "provider": "gupshup", "sender": "+919999900000", "settings": m{"app_name": "A"}, "secrets": m{"apikey": "k"}}, 403},
	{"GET", "/v1/channels/1", nil, 200},
	{"PATCH", "/v1/channels/1", m{"name": "x"}, 403},
	{"POST", "/v1/channels/1/pause", nil, 403},
	{"POST", "/v1/channels/1/resume", nil, 403},
	{"POST", "/v1/channels/1/callback-secret", nil, 403},
	{"DELETE", "/v1/channels/1", nil, 403},
	{"GET", "/v1/templates", nil, 200},
	{"POST", "/v1/templates", order(), 403},
	{"GET", "/v1/templates/1", nil, 200},
	{"PATCH", "/v1/templates/1", m{"status": "paused"}, 403},
	{"PUT", "/v1/templates/1", order(), 403},
	{"POST", "/v1/templates/1/preview", nil, 200},
	{"DELETE", "/v1/templates/1", nil, 403},
	{"GET", "/v1/contacts", nil, 200},
	{"POST", "/v1/contacts", m{"phone": "+15550000102"}, 403},
	{"GET", "/v1/contacts/1", nil, 200},
	{"PATCH", "/v1/contacts/1", m{"name": "x"}, 403},
	{"DELETE", "/v1/lists/1/members/1", nil, 403},
	{"DELETE", "/v1/contacts/1", nil, 403},
	{"GET", "/v1/lists", nil, 200},
	{"POST", "/v1/lists", m{"name": "b"}, 403},
	{"GET", "/v1/lists/1", nil, 200},
	{"PATCH", "/v1/lists/1", m{"name": "x"}, 403},
	{"POST", "/v1/lists/1/members", m{"contact_ids": []int{1}}, 403},
	{"DELETE", "/v1/lists/1", nil, 403},
	{"GET", "/v1/suppressions", nil, 200},
	{"POST", "/v1/suppressions", m{"phone": "+15550000103"}, 403},
	{"DELETE", "/v1/suppressions/+15550000109", nil, 403},
	{"GET", "/v1/inbound", nil, 200},
	{"GET", "/v1/users", nil, 403},
	{"POST", "/v1/users", m{"name": "b", "email": "b@example.com"}, 403},
	{"GET", "/v1/users/USER", nil, 403},
	{"PATCH", "/v1/users/USER", m{"name": "x"}, 403},
	{"DELETE", "/v1/users/USER", nil, 403},
	{"GET", "/v1/usage", nil, 403},
	{"GET", "/v1/audit", nil, 403},
	{"GET", "/v1/account", nil, 403},
	{"GET", "/v1/credits", nil, 403},
	{"POST", "/v1/credits", m{"amount": 1}, 403},
	{"GET", "/v1/credits/ledger", nil, 403},
}

// TestManage_EveryRoute asks each route without a key, with a key that may not,
// and with a key of another account.
func TestManage_EveryRoute(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.do("POST", "/v1/templates", order()).want(201)
	f.do("POST", "/v1/contacts", m{"phone": "+15550000101"}).want(201)
	f.do("POST", "/v1/lists", m{"name": "a"}).want(201)
	f.do("POST", "/v1/lists/1/members", m{"contact_ids": []any{1}}).want(200)
	f.do("POST", "/v1/suppressions", m{"phone": "+15550000109"}).want(201)
	user := f.do("POST", "/v1/users", m{"name": "a", "email": "a@example.com"}).want(201).text("id")
	_, stranger := f.newAccount("Two")
	views := f.newKey(f.account.ID, "view_messages", "view_templates", "send_text", "send_template", "send_media")
	nothing := f.newKey(f.account.ID, "send_text")
	for _, c := range routeCases {
		path := strings.Replace(c.path, "USER", user, 1)
		f.as("", c.method, path, c.body).refused(http.StatusUnauthorized, dispatch.Unauthorized)
		f.as(auth.Generate(false), c.method, path, c.body).refused(http.StatusUnauthorized, dispatch.Unauthorized)
		f.as(nothing, c.method, path, c.body).refused(http.StatusForbidden, dispatch.Forbidden)
		if got := f.as(views, c.method, path, c.body); got.status != c.viewer {
			t.Errorf("%s %s with a viewer's key: %d, want %d: %s", c.method, path, got.status, c.viewer, got.body)
		}
		if strings.ContainsAny(strings.TrimPrefix(c.path, "/v1"), "1U") { // it names a thing
			f.as(stranger, c.method, path, c.body).refused(http.StatusNotFound, dispatch.NotFound)
		} else if c.method == "GET" {
			f.showsNothingOfOurs(f.as(stranger, c.method, path, c.body))
		}
	}
	f.untouched()
}

// showsNothingOfOurs looks at what another account's key was shown.
func (f *front) showsNothingOfOurs(r *reply) {
	f.t.Helper()
	r.want(http.StatusOK)
	for _, ours := range []string{"+15550000101", "+15550000109", "a@example.com", f.account.SID, f.channel.Key, `"name":"order"`} {
		if strings.Contains(string(r.body), ours) {
			f.t.Errorf("%s shows another account's %s: %s", r.what, ours, r.body)
		}
	}
}

// untouched fails when what strangers and viewers tried had an effect.
func (f *front) untouched() {
	f.t.Helper()
	for path, want := range map[string]string{
		"/v1/channels/1": "WhatsApp", "/v1/templates/1": "order", "/v1/lists/1": "a", "/v1/contacts/1": "", "/v1/keys/1": "test",
	} {
		if got := f.do("GET", path, nil).want(200); got.text("name") != want {
			f.t.Errorf("%s was changed: %v", path, got)
		}
	}
	if ch := f.do("GET", "/v1/channels/1", nil).want(200); ch.text("health.state") != "closed" {
		f.t.Errorf("paused: %v", ch)
	}
}

func TestManage_NamesInBodies_AreTheAccounts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.do("POST", "/v1/contacts", m{"phone": "+15550000101"}).want(201)
	f.do("POST", "/v1/lists", m{"name": "a"}).want(201)
	_, stranger := f.newAccount("Two")
	f.as(stranger, "POST", "/v1/templates/sync", m{"channel": 1}).refused(422, dispatch.ChannelNotFound, "/channel")
	f.as(stranger, "POST", "/v1/templates", m{"name": "x", "language": "en", "category": "utility", "channel_id": 1, "components": []m{{"type": "BODY", "text": "x"}}}).refused(422, dispatch.Invalid, "/channel_id")
	f.as(stranger, "POST", "/v1/contacts", m{"phone": "+15550000111", "list_ids": []any{1}}).refused(422, dispatch.Invalid, "/list_ids/0")
	f.as(stranger, "GET", "/v1/inbound?channel=1", nil).refused(422, dispatch.ChannelNotFound, "/channel")
	theirs := f.as(stranger, "POST", "/v1/lists", m{"name": "theirs"}).want(201).id()
	f.as(stranger, "POST", "/v1/lists/"+theirs+"/members", m{"contact_ids": []any{1}}).refused(422, dispatch.Invalid, "/contact_ids/0")
}

// TestManage_RouteCases_AreAll keeps the table whole.
func TestManage_RouteCases_AreAll(t *testing.T) {
	t.Parallel()
	cased := map[string]bool{"POST /v1/templates/sync": true}
	for _, c := range routeCases {
		cased[c.method+" "+named.ReplaceAllString(c.path, "/{}")] = true
	}
	doc := documented(t, newFront(t))
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			switch op.Tags[0] {
			case "Keys", "Channels", "Templates", "Contacts", "Lists", "Suppressions", "Inbound", "Users", "Account", "Credits":
				if want := method + " " + braces.ReplaceAllString(path, "{}"); !cased[want] {
					t.Errorf("%s is not in the table", want)
				}
			}
		}
	}
}

// named are the ids in the table's paths, braces those in the description's.
var (
	named  = regexp.MustCompile(`/(\+?\d+|USER)\b`)
	braces = regexp.MustCompile(`\{\w+\}`)
)
