package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestUsers_Life(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	owner := f.do("POST", "/v1/users", m{"name": "Olga", "email": "Olga@Example.com", "role": "owner", "password": "a long password"}).want(http.StatusCreated)
	path := "/v1/users/" + owner.text("id")
	if owner.text("email") != "olga@example.com" || owner["can_log_in"] != true || owner["disabled"] != false {
		t.Errorf("owner: %v", owner)
	}
	f.do("POST", "/v1/users", m{"name": "Olga", "email": "olga@example.com"}).refused(http.StatusConflict, dispatch.Conflict)
	f.do("POST", "/v1/users", m{"email": "nobody", "role": "king", "password": "short"}).refused(422, dispatch.Invalid, "/role", "/password")
	f.do("POST", "/v1/users", m{"email": "A <a@b.c>"}).refused(422, dispatch.Invalid, "/name", "/email")
	sam := f.do("POST", "/v1/users", m{"name": "Sam", "email": "sam@example.com"}).want(http.StatusCreated)
	if sam.text("role") != "sender" || sam["can_log_in"] != false {
		t.Errorf("sam: %v", sam)
	}
	for _, body := range []m{{"role": "admin"}, {"disabled": true}} {
		f.do("PATCH", path, body).refused(http.StatusConflict, dispatch.Conflict)
	}
	f.do("DELETE", path, nil).refused(http.StatusConflict, dispatch.Conflict)
	f.do("PATCH", "/v1/users/"+sam.text("id"), m{"role": "owner", "name": "Samuel"}).want(200)
	if got := f.do("PATCH", path, m{"disabled": true}).want(200); got["can_log_in"] != false || got["disabled"] != true {
		t.Errorf("disabled: %v", got)
	}
	if got := f.do("GET", "/v1/users", nil).want(200).data(); len(got) != 2 || got[1].text("name") != "Samuel" {
		t.Errorf("users: %v", got)
	}
	page := f.do("GET", "/v1/users?limit=1", nil).want(200)
	if next := f.do("GET", "/v1/users?limit=1&cursor="+page.text("next_cursor"), nil).want(200); len(next.data()) != 1 || next["next_cursor"] != nil {
		t.Errorf("next: %v", next)
	}
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("GET", "/v1/users/7", nil).refused(http.StatusNotFound, dispatch.NotFound)
	if r := f.do("GET", "/v1/audit", nil); strings.Contains(string(r.body), "a long password") {
		t.Errorf("audit shows the password: %s", r.body)
	}
}

func TestAudit_EveryChange_IsNoted(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	k := f.do("POST", "/v1/keys", m{"name": "a", "permissions": []string{"manage"}}).want(201)
	f.as(k["key"].(string), "DELETE", "/v1/channels/1", nil).want(http.StatusNoContent)
	r := f.do("GET", "/v1/audit", nil)
	log := r.want(200).data()
	if len(log) != 2 || log[0].text("action") != "channel.delete" || log[0].text("actor") != "key:"+k.id() || log[0].text("target") != "channel:1" || log[1].text("action") != "key.create" || log[1].text("actor") != "key:1" {
		t.Errorf("log: %v", log)
	}
	if strings.Contains(string(r.body), k["key"].(string)) {
		t.Error("the audit log holds a secret")
	}
	for query, want := range map[string]int{"?actor=key:1": 1, "?action=key.create": 1, "?target=channel:1": 1, "?target=x": 0, "?limit=1": 1} {
		if got := f.do("GET", "/v1/audit"+query, nil).want(200).data(); len(got) != want {
			t.Errorf("%s: %d entries, want %d", query, len(got), want)
		}
	}
	page := f.do("GET", "/v1/audit?limit=1", nil).want(200)
	if next := f.do("GET", "/v1/audit?limit=1&cursor="+page.text("next_cursor"), nil).want(200); next.data()[0].text("action") != "key.create" || next["next_cursor"] != nil {
		t.Errorf("next: %v", next)
	}
}

func TestCredits_TopUpAndLedger(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	if got := f.do("GET", "/v1/credits", nil).want(200); got.text("balance") != "0" || got["enabled"] != false {
		t.Errorf("at first: %v", got)
	}
	if got := f.do("POST", "/v1/credits", `{"amount":10.250001,"enabled":true}`).want(200); got.text("balance") != "10.250001" || got["enabled"] != true {
		t.Errorf("topped up: %v", got)
	}
	if got := f.do("POST", "/v1/credits", `{"amount":-0.25000}`).want(200); got.text("balance") != "10.000001" || got["enabled"] != true {
		t.Errorf("taken: %v", got)
	}
	for _, body := range []string{`{}`, `{"amount":0.0000001}`, `{"amount":1e3}`, `{"amount":10000000000}`, `{"amount":"1"}`, `{"amount":0}`} {
		f.do("POST", "/v1/credits", body).refused(422, dispatch.Invalid, "/amount")
	}
	f.do("PATCH", "/v1/channels/1", m{"window": "provider", "policy": m{"price": m{"default": 0.5}}}).want(200)
	f.do("POST", "/v1/messages", m{"to": "+15550000100", "type": "text", "text": m{"body": "hi"}}).want(202)
	ledger := f.do("GET", "/v1/credits/ledger", nil).want(200).data()
	if len(ledger) != 3 || ledger[0].text("kind") != "debit" || ledger[0].text("amount") != "-0.5" || ledger[0]["message_id"] == nil || ledger[2].text("amount") != "10.250001" {
		t.Errorf("ledger: %v", ledger)
	}
	if got := f.do("GET", "/v1/credits/ledger?limit=2", nil).want(200); len(got.data()) != 2 || got["next_cursor"] == nil {
		t.Errorf("page: %v", got)
	}
	if got := f.do("POST", "/v1/credits", m{"enabled": false}).want(200); got.text("balance") != "9.500001" || got["enabled"] != false {
		t.Errorf("off: %v", got)
	}
}

func TestUsage_CountsByKeyAndDay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	today := time.Now().UTC()
	day := func(back int) string { return today.AddDate(0, 0, -back).Format(time.DateOnly) }
	for back, n := range map[int]int64{1: 5, 29: 7, 30: 100} {
		if err := f.store.AddDay(t.Context(), day(back), map[int64]int64{1: n}); err != nil {
			t.Fatal(err)
		}
	}
	got := f.do("GET", "/v1/usage", nil).want(200)
	if k := got.data()[0]; len(got.data()) != 1 || k.text("messages_30_days") != "12" || k.text("messages_today") != "0" || k.text("key_id") != "1" {
		t.Errorf("keys: %v", got["data"])
	}
	days := got["days"].([]any)
	if len(days) != 30 || days[1].(m)["day"] != day(1) || days[1].(m)["messages"] != 5.0 || days[29].(m)["messages"] != 7.0 {
		t.Errorf("days: %v", days)
	}
}

func TestAccount_IsTheCallers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	if got := f.do("GET", "/v1/account", nil).want(200); got.text("sid") != f.account.SID || got.text("name") != "One" {
		t.Errorf("account: %v", got)
	}
}

func TestInbound_IsListedNewestFirst(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for i, from := range []string{"+15550000101", "+15550000102", "+15550000101"} {
		in := dispatch.Inbound{Channel: f.channel.ID, From: from, Type: "text", Text: "hi", ProviderID: "wamid." + string(rune('a'+i)), Raw: "{}", At: time.Now()}
		if err := f.store.InsertInbound(t.Context(), in, false, false); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 3, "?from=%2B15550000101": 2, "?from=15550000102": 1, "?channel=1": 3, "?channel=" + f.channel.Key: 3, "?limit=2": 2} {
		if got := f.do("GET", "/v1/inbound"+query, nil).want(200).data(); len(got) != want {
			t.Errorf("%s: %d messages, want %d", query, len(got), want)
		}
	}
	page := f.do("GET", "/v1/inbound?limit=2", nil).want(200)
	next := f.do("GET", "/v1/inbound?limit=2&cursor="+page.text("next_cursor"), nil).want(200)
	if page.data()[0].text("provider_message_id") != "wamid.c" || len(next.data()) != 1 || next.data()[0].text("provider_message_id") != "wamid.a" {
		t.Errorf("pages: %v %v", page, next)
	}
	f.do("GET", "/v1/inbound?channel=99", nil).refused(422, dispatch.ChannelNotFound, "/channel")
	f.do("GET", "/v1/inbound?from=me", nil).refused(422, dispatch.Invalid, "/from")
}
