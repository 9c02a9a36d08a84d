package manage_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
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
	{"GET", "/v1/stats", nil, 200},
	{"GET", "/v1/opt-out-words", nil, 200},
	{"GET", "/v1/keys", nil, 403},
	{"POST", "/v1/keys", m{"name": "x", "permissions": []string{"manage"}}, 403},
	{"GET", "/v1/keys/1", nil, 403},
	{"PATCH", "/v1/keys/1", m{"name": "x"}, 403},
	{"POST", "/v1/keys/1/rotate", nil, 403},
	{"DELETE", "/v1/keys/1", nil, 403},
	{"GET", "/v1/channels", nil, 200},
	{
		"POST",
		"/v1/channels",
		m{"name": "x", "provider": "gupshup", "sender": "+919999900000", "settings": m{"app_name": "A"}, "secrets": m{"apikey": "k"}},
		403,
	},
	{"GET", "/v1/providers", nil, 200},
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
	{"POST", "/v1/erasures", m{"phone": "+15550000199"}, 403},
	{"GET", "/v1/erasures/1", nil, 403},
	{"GET", "/v1/inbound", nil, 200},
	{"GET", "/v1/inbound/1", nil, 404},
	{"GET", "/v1/callbacks/ignored", nil, 200},
	{"GET", "/v1/users", nil, 403},
	{"POST", "/v1/users", m{"name": "b", "email": "b@example.com"}, 403},
	{"GET", "/v1/users/USER", nil, 403},
	{"PATCH", "/v1/users/USER", m{"name": "x"}, 403},
	{"DELETE", "/v1/users/USER", nil, 403},
	{"GET", "/v1/usage", nil, 403},
	{"GET", "/v1/audit", nil, 403},
	{"GET", "/v1/account", nil, 403},
	{"PATCH", "/v1/account", m{"default_region": "US"}, 403},
	{"GET", "/v1/credits", nil, 403},
	{"POST", "/v1/credits", m{"amount": 1}, 403},
	{"GET", "/v1/credits/ledger", nil, 403},
}

// TestManage_EveryRoute calls each route without a key, with a key that may not,
// and with a key of another account.
func TestManage_EveryRoute(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", order()).Want(201)
	f.Do("POST", "/v1/contacts", m{"phone": "+15550000101"}).Want(201)
	f.Do("POST", "/v1/lists", m{"name": "a"}).Want(201)
	f.Do("POST", "/v1/lists/1/members", m{"contact_ids": []any{1}}).Want(200)
	f.Do("POST", "/v1/suppressions", m{"phone": "+15550000109"}).Want(201)
	user := f.Do("POST", "/v1/users", m{"name": "a", "email": "a@example.com"}).Want(201).Text("id")
	_, stranger := f.NewAccount("Two")
	views := f.NewKey(f.Account.ID, "view_messages", "view_templates", "send_text", "send_template", "send_media")
	nothing := f.NewKey(f.Account.ID, "send_text")
	for _, c := range routeCases {
		path := strings.Replace(c.path, "USER", user, 1)
		f.As("", c.method, path, c.body).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
		f.As(auth.Generate(false), c.method, path, c.body).Refused(http.StatusUnauthorized, dispatch.Unauthorized)
		f.As(nothing, c.method, path, c.body).Refused(http.StatusForbidden, dispatch.Forbidden)
		if got := f.As(views, c.method, path, c.body); got.Status != c.viewer {
			t.Errorf("%s %s with a viewer's key: %d, want %d: %s", c.method, path, got.Status, c.viewer, got.Body)
		}
		if strings.ContainsAny(strings.TrimPrefix(c.path, "/v1"), "1U") { // it names a thing
			f.As(stranger, c.method, path, c.body).Refused(http.StatusNotFound, dispatch.NotFound)
		} else if c.method == "GET" {
			f.showsNothingOfOurs(f.As(stranger, c.method, path, c.body))
		}
	}
	f.untouched()
}

// showsNothingOfOurs looks at what another account's key was shown.
func (f *front) showsNothingOfOurs(r *reply) {
	f.T.Helper()
	r.Want(http.StatusOK)
	for _, ours := range []string{"+15550000101", "+15550000109", "a@example.com", f.Account.SID, f.Channel.Key, `"name":"order"`} {
		if strings.Contains(string(r.Body), ours) {
			f.T.Errorf("%s shows another account's %s: %s", r.What, ours, r.Body)
		}
	}
}

// untouched fails when what strangers and viewers tried had an effect.
func (f *front) untouched() {
	f.T.Helper()
	for path, want := range map[string]string{
		"/v1/channels/1": "WhatsApp", "/v1/templates/1": "order", "/v1/lists/1": "a", "/v1/contacts/1": "", "/v1/keys/1": "test",
	} {
		if got := f.Do("GET", path, nil).Want(200); got.Text("name") != want {
			f.T.Errorf("%s was changed: %v", path, got)
		}
	}
	if ch := f.Do("GET", "/v1/channels/1", nil).Want(200); ch.Text("health.state") != "closed" {
		f.T.Errorf("paused: %v", ch)
	}
}

func TestManage_NamesInBodies_AreTheAccounts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/contacts", m{"phone": "+15550000101"}).Want(201)
	f.Do("POST", "/v1/lists", m{"name": "a"}).Want(201)
	_, stranger := f.NewAccount("Two")
	f.As(stranger, "POST", "/v1/templates/sync", m{"channel": 1}).Refused(422, dispatch.ChannelNotFound, "/channel")
	f.As(stranger, "POST", "/v1/templates", m{
		"name": "x", "language": "en", "category": "utility", "channel_id": 1,
		"components": []m{{"type": "BODY", "text": "x"}},
	}).
		Refused(422, dispatch.Invalid, "/channel_id")
	f.As(stranger, "POST", "/v1/contacts", m{"phone": "+15550000111", "list_ids": []any{1}}).Refused(422, dispatch.Invalid, "/list_ids/0")
	f.As(stranger, "GET", "/v1/inbound?channel=1", nil).Refused(422, dispatch.ChannelNotFound, "/channel")
	theirs := f.As(stranger, "POST", "/v1/lists", m{"name": "theirs"}).Want(201).ID()
	f.As(stranger, "POST", "/v1/lists/"+theirs+"/members", m{"contact_ids": []any{1}}).Refused(422, dispatch.Invalid, "/contact_ids/0")
}

// TestManage_RouteCases_AreAll keeps the table whole.
func TestManage_RouteCases_AreAll(t *testing.T) {
	t.Parallel()
	cased := map[string]bool{"POST /v1/templates/sync": true}
	for _, c := range routeCases {
		cased[c.method+" "+named.ReplaceAllString(c.path, "/{}")] = true
	}
	doc := apitest.Document(t, newFront(t).Front)
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
