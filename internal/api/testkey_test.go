package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
)

// testKeyWrites are the routes that change something and take a test key: sends,
// which make test messages, keys of its own kind, and what needs no key.
var testKeyWrites = []string{
	"POST /v1/messages", "POST /v1/messages/batch", "POST /v1/messages/cancel", "POST /v1/messages/status",
	"POST /v1/messages/{id}/share", "POST /v1/keys", "POST /v1/templates/{id}/preview",
	"POST /v1/session", "DELETE /v1/session", "POST /v1/invitations/accept",
}

// liveTables are what a test key must leave as it is.
var liveTables = []string{
	"accounts", "users", "channels", "templates", "messages", "scheduled", "dispatch", "contacts", "lists", "list_members", "suppressions",
	"webhooks", "campaigns", "campaign_recipients", "imports", "erasures", "ledger",
}

// Every route of the description is asked with a test key that has all permissions
// and ids of live things: it changes none of them and shows no live message.
func TestTestKey_EveryRoute_TouchesTestDataOnly(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	live := f.liveThings()
	secret := f.Do("POST", "/v1/keys", m{"name": "t", "test": true, "permissions": []string{
		"send_template", "send_text", "send_media", "view_templates", "view_messages", "manage", "credits",
	}}).Want(http.StatusCreated).Text("key")
	before := f.sums()
	for _, route := range f.routes() {
		method, path, _ := strings.Cut(route, " ")
		reply := f.askLive(method, live.in(path), secret)
		if text := string(reply.Body); reply.Status == http.StatusOK && live.shown(text) {
			t.Errorf("%s shows a live message: %s", route, text)
		}
		if method == http.MethodGet || !strings.HasPrefix(path, "/v1/") || slices.Contains(testKeyWrites, route) {
			continue
		}
		if reply.Status != http.StatusForbidden && reply.Status != http.StatusUnauthorized {
			t.Errorf("%s of a live thing is answered %d: %s", route, reply.Status, reply.Body)
		}
	}
	for _, body := range []m{{"ids": []string{live.message}}, {"reference": live.reference}} {
		f.As(secret, "POST", "/v1/messages/cancel", body)
	}
	f.As(secret, "POST", "/v1/messages/"+live.message+"/share", m{"hours": 1}).Want(http.StatusNotFound)
	if after := f.sums(); !maps.Equal(before, after) {
		for table, sum := range after {
			if before[table] != sum {
				t.Errorf("a test key has changed the table %s", table)
			}
		}
	}
}

// liveData are live things by their ids.
type liveData struct {
	account, number, message, reference, key, channel, template, contact, list, campaign, imported, webhook, user string
}

// twilioID returns the id of the message as Twilio's clients know it.
func (d *liveData) twilioID() string { return "SM" + strings.ReplaceAll(d.message, "-", "") }

// shown reports whether an answer names the message or its recipient.
func (d *liveData) shown(text string) bool {
	return strings.Contains(text, d.message) || strings.Contains(text, d.twilioID()) || strings.Contains(text, d.number[1:])
}

// in puts live ids into the path of a route.
func (d *liveData) in(path string) string {
	id := "1"
	for prefix, known := range map[string]string{
		"/v1/messages/": d.message, "/v1/keys/": d.key, "/v1/channels/": d.channel, "/v1/templates/": d.template, "/v1/contacts/": d.contact,
		"/v1/lists/": d.list, "/v1/campaigns/": d.campaign, "/v1/imports/": d.imported, "/v1/webhooks/": d.webhook, "/v1/users/": d.user,
	} {
		if strings.HasPrefix(path, prefix) {
			id = known
		}
	}
	return strings.NewReplacer(
		"{id}", id, "{uuid}", d.message, "{account}", d.account+".json", "{sid}", d.account, "{message}", d.twilioID()+".json",
		"{contact_id}", d.contact, "{phone}", "+15550007701", "{delivery}", "1", "{number}", "PN1", "{token}", "x",
		"{phone_number_id}", "106540352242922", "{object}", "106540352242922", "{version}", "v22.0", "{provider}", "meta",
		"{channel}", "x", "{secret}", "x",
	).Replace(path)
}

// liveThings creates one of everything, with the account's live key.
func (f *front) liveThings() *liveData {
	f.T.Helper()
	d := &liveData{account: f.Account.SID, number: "+15550007777", reference: "live-ref", channel: fmt.Sprint(f.Channel.ID)}
	make1 := func(path string, body any) *apitest.Reply { return f.Do("POST", path, body) }
	template := m{"name": "hello_world", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}}}
	d.template = make1("/v1/templates", template).Want(http.StatusCreated).ID()
	hello := m{"name": "hello_world", "language": "en"}
	d.message = make1("/v1/messages", m{
		"to": d.number, "type": "template", "template": hello, "send_at": "2030-01-01T00:00:00Z", "reference": d.reference,
	}).Want(http.StatusAccepted).Text("message_id")
	d.key = make1("/v1/keys", m{"name": "live", "permissions": []string{"manage"}}).Want(http.StatusCreated).ID()
	d.contact = make1("/v1/contacts", m{"phone": "+15550007700"}).Want(http.StatusCreated).ID()
	d.list = make1("/v1/lists", m{"name": "live"}).Want(http.StatusCreated).ID()
	make1("/v1/suppressions", m{"phone": "+15550007701"}).Want(http.StatusCreated)
	d.webhook = make1("/v1/webhooks", m{"url": "https://hooks.example.com"}).Want(http.StatusCreated).ID()
	d.user = make1("/v1/users", m{"name": "U", "email": "u@example.com"}).Want(http.StatusCreated).Text("id")
	d.campaign = make1("/v1/campaigns", m{
		"name": "live", "type": "template", "template": hello,
		"audience": m{"contacts": []m{{"to": "+15550007702"}}},
	}).Want(http.StatusCreated).ID()
	d.imported = f.Ask("POST", "/v1/imports?kind=contacts", apitest.Sent{
		Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", "text/csv"}, Body: "",
	}).Want(http.StatusAccepted).ID()
	return d
}

// routes returns the method and path of every operation of the description, but for
// the event stream, which does not end.
func (f *front) routes() (out []string) {
	f.T.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(f.Ask("GET", "/openapi.json", apitest.Sent{}).Body, &doc); err != nil {
		f.T.Fatal(err)
	}
	for path, operations := range doc.Paths {
		for method := range operations {
			if path != "/v1/events" {
				out = append(out, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(out)
	if len(out) < 150 {
		f.T.Fatalf("the description has %d operations", len(out))
	}
	return out
}

// askLive sends a request with the key in the header of every format.
func (f *front) askLive(method, path, key string) *apitest.Reply {
	f.T.Helper()
	in := apitest.Sent{Headers: []string{
		"X-API-Key", key, "apikey", key, "api-key", key, "Authorization", "Bearer " + key, "Content-Type", "application/json",
	}}
	switch {
	case strings.HasPrefix(path, "/2010-04-01"):
		in.Headers = []string{"Content-Type", "application/x-www-form-urlencoded"}
		in.Basic, in.Body = key, "Status=canceled"
	case strings.HasPrefix(path, "/v1/imports"):
		in.Headers[len(in.Headers)-1], in.Body = "text/csv", "phone\n+15550007703\n"
	default:
		in.Body = "{}"
	}
	if method == http.MethodGet {
		in.Body = ""
	}
	return f.Ask(method, path, in)
}

// sums returns a checksum of each live table.
func (f *front) sums() map[string]string {
	f.T.Helper()
	out := map[string]string{}
	for _, table := range liveTables {
		var sum string
		query := `SELECT md5(coalesce(string_agg(x::text, ',' ORDER BY x::text), '')) FROM ` + table + ` x`
		if err := f.DB.QueryRow(query).Scan(&sum); err != nil {
			f.T.Fatal(table, ": ", err)
		}
		out[table] = sum
	}
	return out
}
