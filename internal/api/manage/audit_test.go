package manage_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// administered are the tables that administration changes.
var administered = []string{
	"accounts", "users", "channels", "channel_health", "templates", "api_keys", "contacts", "lists", "list_contacts", "suppressions",
	"erasures", "ledger", "webhooks", "webhook_cursors", "webhook_deliveries", "audit_log", "events",
}

// contents is all that stands in these tables.
func (f *front) contents() string {
	f.T.Helper()
	var all strings.Builder
	for _, table := range administered {
		var rows string
		if err := f.DB.QueryRow(`SELECT coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM ` + table +
			` t`).Scan(&rows); err != nil {
			f.T.Fatal(err)
		}
		all.WriteString(table + "\n" + rows + "\n")
	}
	return all.String()
}

// administration makes what routeCases change, and gives every change there is.
func (f *front) administration() []routeCase {
	f.Do("POST", "/v1/templates", order()).Want(201)
	for _, phone := range []string{"+15550000101", "+15550000107"} { // one is deleted, the other put on a list
		f.Do("POST", "/v1/contacts", m{"phone": phone}).Want(201)
	}
	f.Do("POST", "/v1/lists", m{"name": "a"}).Want(201)
	f.Do("POST", "/v1/suppressions", m{"phone": "+15550000109"}).Want(201)
	f.Do("POST", "/v1/lists/1/members", m{"contact_ids": []any{1}}).Want(200)
	f.Do("POST", "/v1/keys", m{"name": "other", "permissions": []string{"manage"}}).Want(201)
	f.Do("POST", "/v1/channels", m{
		"name": "Gupshup", "provider": "gupshup", "sender": "+919999900001", "settings": m{"app_name": "A"},
		"secrets": m{"apikey": "k"},
	}).
		Want(201)
	user := f.Do("POST", "/v1/users", m{"name": "a", "email": "a@example.com"}).Want(201).Text("id")
	f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).Want(201)
	delivery := f.Do("POST", "/v1/webhooks/1/test", nil).Want(202).Text("delivery_id")
	another := order()
	another["name"] = "another"
	all := slices.Clone(routeCases)
	for i := range all {
		c := &all[i]
		// Its own key stays, and of the two channels only Gupshup's has a callback secret.
		c.path = strings.NewReplacer("USER", user, "/keys/1", "/keys/2", "/channels/1", "/channels/2").Replace(c.path)
		switch c.method + " " + c.path {
		case "POST /v1/templates":
			c.body = another
		case "POST /v1/lists/1/members":
			c.body = m{"contact_ids": []any{2}}
		}
	}
	all = append(all, []routeCase{
		{"POST", "/v1/webhooks", m{"url": "https://example.com/2"}, 0},
		{"PATCH", "/v1/webhooks/1", m{"description": "x"}, 0},
		{"POST", "/v1/webhooks/1/enable", nil, 0},
		{"POST", "/v1/webhooks/1/rotate", nil, 0},
		{"POST", "/v1/webhooks/1/deliveries/" + delivery + "/replay", nil, 0},
		{"POST", "/v1/webhooks/1/replay", m{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, 0},
		{"DELETE", "/v1/webhooks/1", nil, 0},
	}...)
	return slices.DeleteFunc(all, func(c routeCase) bool { return c.method == "GET" || strings.HasSuffix(c.path, "/preview") })
}

func TestManage_ChangeAndItsAuditEntry_BothOrNeither(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	changes := f.administration()
	for _, sql := range []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the log is full'; END $$`,
		`CREATE TRIGGER full_log BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse()`,
	} {
		if _, err := f.DB.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	before := f.contents()
	for _, c := range changes {
		f.Do(c.method, c.path, c.body).Refused(http.StatusInternalServerError, dispatch.Internal)
		if f.contents() != before {
			t.Fatalf("%s %s changed something that is not in the log", c.method, c.path)
		}
	}
	if _, err := f.DB.Exec(`DROP TRIGGER full_log ON audit_log`); err != nil {
		t.Fatal(err)
	}
	entries := func() (n int) {
		if err := f.DB.QueryRow(`SELECT count(*) FROM audit_log WHERE actor = 'key:1' AND account_id = $1`, f.Account.ID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range changes {
		n := entries()
		if r := f.Do(c.method, c.path, c.body); r.Status/100 != 2 {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.Status, r.Body)
		}
		if got := entries() - n; got != 1 {
			t.Errorf("%s %s left %d entries", c.method, c.path, got)
		}
	}
}
