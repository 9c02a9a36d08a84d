package manage_test

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
	owner := f.Do("POST", "/v1/users", m{"name": "Olga", "email": "Olga@Example.com", "role": "owner", "password": "a long password"}).
		Want(http.StatusCreated)
	path := "/v1/users/" + owner.Text("id")
	if owner.Text("email") != "olga@example.com" || owner["can_log_in"] != true || owner["disabled"] != false {
		t.Errorf("owner: %v", owner)
	}
	f.Do("POST", "/v1/users", m{"name": "Olga", "email": "olga@example.com"}).Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("POST", "/v1/users", m{"email": "nobody", "role": "king", "password": "short"}).
		Refused(422, dispatch.Invalid, "/name", "/email", "/role", "/password")
	f.Do("POST", "/v1/users", m{"email": "A <a@b.c>"}).Refused(422, dispatch.Invalid, "/name", "/email")
	sam := f.Do("POST", "/v1/users", m{"name": "Sam", "email": "sam@example.com"}).Want(http.StatusCreated)
	if sam.Text("role") != "sender" || sam["can_log_in"] != false {
		t.Errorf("sam: %v", sam)
	}
	for _, body := range []m{{"role": "admin"}, {"disabled": true}} {
		f.Do("PATCH", path, body).Refused(http.StatusConflict, dispatch.Conflict)
	}
	f.Do("DELETE", path, nil).Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("PATCH", "/v1/users/"+sam.Text("id"), m{"role": "owner", "name": "Samuel"}).Want(200)
	if got := f.Do("PATCH", path, m{"disabled": true}).Want(200); got["can_log_in"] != false || got["disabled"] != true {
		t.Errorf("disabled: %v", got)
	}
	if got := f.Do("GET", "/v1/users", nil).Want(200).Data(); len(got) != 2 || got[1].Text("name") != "Samuel" {
		t.Errorf("users: %v", got)
	}
	page := f.Do("GET", "/v1/users?limit=1", nil).Want(200)
	if next := f.Do("GET", "/v1/users?limit=1&cursor="+page.Text("next_cursor"), nil).Want(200); len(next.Data()) != 1 ||
		next["next_cursor"] != nil {
		t.Errorf("next: %v", next)
	}
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("GET", "/v1/users/7", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	r := f.Do("GET", "/v1/audit", nil)
	if len(r.Want(200).Data()) == 0 || strings.Contains(string(r.Body), "a long password") {
		t.Errorf("the audit log is empty or shows the password: %s", r.Body)
	}
}

func TestAudit_EveryChange_IsNoted(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	k := f.Do("POST", "/v1/keys", m{"name": "a", "permissions": []string{"manage"}}).Want(201)
	f.As(k["key"].(string), "DELETE", "/v1/channels/1", nil).Want(http.StatusNoContent)
	r := f.Do("GET", "/v1/audit", nil)
	log := r.Want(200).Data()
	if len(log) != 2 || log[0].Text("action") != "channel.delete" || log[0].Text("actor") != "key:"+k.ID() ||
		log[0].Text("target") != "channel:1" ||
		log[1].Text("action") != "key.create" ||
		log[1].Text("actor") != "key:1" {
		t.Errorf("log: %v", log)
	}
	if strings.Contains(string(r.Body), k["key"].(string)) {
		t.Error("the audit log holds a secret")
	}
	for query, want := range map[string]int{
		"?actor=key:1": 1, "?action=key.create": 1, "?target=channel:1": 1,
		"?target=x": 0, "?limit=1": 1,
	} {
		if got := f.Do("GET", "/v1/audit"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d entries, want %d", query, len(got), want)
		}
	}
	page := f.Do("GET", "/v1/audit?limit=1", nil).Want(200)
	if next := f.Do("GET", "/v1/audit?limit=1&cursor="+page.Text("next_cursor"), nil).Want(200); next.Data()[0].Text(
		"action",
	) != "key.create" ||
		next["next_cursor"] != nil {
		t.Errorf("next: %v", next)
	}
}

func TestCredits_TopUpAndLedger(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	if got := f.Do("GET", "/v1/credits", nil).Want(200); got.Text("balance") != "0" || got["enabled"] != false {
		t.Errorf("at first: %v", got)
	}
	if got := f.Do("POST", "/v1/credits", `{"amount":10.250001,"enabled":true}`).Want(200); got.Text("balance") != "10.250001" ||
		got["enabled"] != true {
		t.Errorf("topped up: %v", got)
	}
	if got := f.Do("POST", "/v1/credits", `{"amount":-0.25000}`).Want(200); got.Text("balance") != "10.000001" || got["enabled"] != true {
		t.Errorf("taken: %v", got)
	}
	for _, body := range []string{`{}`, `{"amount":0.0000001}`, `{"amount":1e3}`, `{"amount":10000000000}`, `{"amount":"1"}`, `{"amount":0}`} {
		f.Do("POST", "/v1/credits", body).Refused(422, dispatch.Invalid, "/amount")
	}
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider", "policy": m{"price": m{"default": 0.5}}}).Want(200)
	f.Do("POST", "/v1/messages", m{"to": "+15550000100", "type": "text", "text": m{"body": "hi"}}).Want(202)
	ledger := f.Do("GET", "/v1/credits/ledger", nil).Want(200).Data()
	if len(ledger) != 3 || ledger[0].Text("kind") != "debit" || ledger[0].Text("amount") != "-0.5" || ledger[0]["message_id"] == nil ||
		ledger[2].Text("amount") != "10.250001" {
		t.Errorf("ledger: %v", ledger)
	}
	if got := f.Do("GET", "/v1/credits/ledger?limit=2", nil).Want(200); len(got.Data()) != 2 || got["next_cursor"] == nil {
		t.Errorf("page: %v", got)
	}
	if got := f.Do("POST", "/v1/credits", m{"enabled": false}).Want(200); got.Text("balance") != "9.500001" || got["enabled"] != false {
		t.Errorf("off: %v", got)
	}
}

// Money takes the permission credits: manage may look, and give it to no key.
func TestCredits_PermissionAndBounds(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	manage, credits := f.NewKey(f.Account.ID, "manage"), f.NewKey(f.Account.ID, "credits")
	for _, body := range []string{`{"amount":1}`, `{"enabled":false}`} {
		f.As(manage, "POST", "/v1/credits", body).Refused(403, dispatch.Forbidden)
		f.As(credits, "POST", "/v1/credits", body).Want(200)
	}
	f.As(manage, "GET", "/v1/credits", nil).Want(200)
	f.As(manage, "POST", "/v1/keys", m{"name": "x", "permissions": []string{"credits"}}).Refused(403, dispatch.Forbidden)
	own := f.As(manage, "POST", "/v1/keys", m{"name": "x", "permissions": []string{"send_text"}}).Want(201).ID()
	f.As(manage, "PATCH", "/v1/keys/"+own, m{"permissions": []string{"send_text", "credits"}}).Refused(403, dispatch.Forbidden)
	f.Do("PATCH", "/v1/keys/"+own, m{"permissions": []string{"send_text", "credits"}}).Want(200)
	f.As(manage, "PATCH", "/v1/keys/"+own, m{"name": "y", "permissions": []string{"credits"}}).Want(200)
	if _, err := f.DB.Exec(`UPDATE accounts SET balance = 1000000000000000000 - 1000000`); err != nil {
		t.Fatal(err)
	}
	f.Do("POST", "/v1/credits", m{"amount": 1}).Want(200)
	f.Do("POST", "/v1/credits", m{"amount": 0.000001}).Refused(422, dispatch.Invalid, "/amount")
	f.Do("POST", "/v1/credits", m{"enabled": true}).Want(200)
}

func TestUsage_CountsByKeyAndDay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	today := time.Now().UTC()
	day := func(back int) string { return today.AddDate(0, 0, -back).Format(time.DateOnly) }
	for back, n := range map[int]int64{1: 5, 29: 7, 30: 100} {
		if err := f.Accounts.AddDay(t.Context(), day(back), map[int64]int64{1: n}); err != nil {
			t.Fatal(err)
		}
	}
	got := f.Do("GET", "/v1/usage", nil).Want(200)
	if k := got.Data()[0]; len(got.Data()) != 1 || k.Text("messages_30_days") != "12" || k.Text("messages_today") != "0" ||
		k.Text("key_id") != "1" {
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
	if got := f.Do("GET", "/v1/account", nil).Want(200); got.Text("sid") != f.Account.SID || got.Text("name") != "One" {
		t.Errorf("account: %v", got)
	}
}

func TestInbound_IsListedNewestFirst(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for i, from := range []string{"+15550000101", "+15550000102", "+15550000101"} {
		in := dispatch.Inbound{
			Channel:    f.Channel.ID,
			From:       from,
			Type:       "text",
			Text:       "hi",
			ProviderID: "wamid." + string(rune('a'+i)),
			Raw:        "{}",
			At:         time.Now(),
		}
		if _, err := f.Store.InsertInbound(t.Context(), in.Channel, []dispatch.Inbound{in}); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 3, "?from=%2B15550000101": 2, "?from=15550000102": 1, "?channel=1": 3, "?channel=" +
		f.Channel.Key: 3, "?limit=2": 2} {
		if got := f.Do("GET", "/v1/inbound"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d messages, want %d", query, len(got), want)
		}
	}
	page := f.Do("GET", "/v1/inbound?limit=2", nil).Want(200)
	next := f.Do("GET", "/v1/inbound?limit=2&cursor="+page.Text("next_cursor"), nil).Want(200)
	if page.Data()[0].Text("provider_message_id") != "wamid.c" || len(next.Data()) != 1 ||
		next.Data()[0].Text("provider_message_id") != "wamid.a" {
		t.Errorf("pages: %v %v", page, next)
	}
	f.Do("GET", "/v1/inbound?channel=99", nil).Refused(422, dispatch.ChannelNotFound, "/channel")
	f.Do("GET", "/v1/inbound?from=me", nil).Refused(422, dispatch.Invalid, "/from")
}

func TestInbound_ByTypeAndTime(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for i, what := range []string{"text", "image", "text"} {
		in := dispatch.Inbound{
			Channel: f.Channel.ID, From: "+15550000101", Type: what, ProviderID: "wamid." + string(rune('a'+i)), Raw: "{}", At: time.Now(),
		}
		if _, err := f.Store.InsertInbound(t.Context(), in.Channel, []dispatch.Inbound{in}); err != nil {
			t.Fatal(err)
		}
	}
	rows := f.Do("GET", "/v1/inbound", nil).Want(200).Data() // c, b, a
	middle, ahead := rows[1].Text("received_at"), "2100-01-01T00%3A00%3A00%2B02%3A00"
	for query, want := range map[string]string{
		"type=text": "wamid.c wamid.a", "type=image": "wamid.b", "type=video": "", "type=": "wamid.c wamid.b wamid.a",
		"created_from=" + middle: "wamid.c wamid.b", "created_to=" + middle: "wamid.a", "created_from=" + ahead: "",
		"created_to=2100-01-01T00:00:00+02:00": "wamid.c wamid.b wamid.a", "created_to=0001-01-02T00:00:00Z": "",
		"created_from=0001-01-02T00:00:00Z&type=image":                          "wamid.b",
		"created_from=" + middle + "&created_to=" + rows[0].Text("received_at"): "wamid.b",
		"type=text&from=%2B15550000101&channel=1&created_to=" + middle:          "wamid.a",
	} {
		var got []string
		for _, r := range f.Do("GET", "/v1/inbound?"+query, nil).Want(200).Data() {
			got = append(got, r.Text("provider_message_id"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	f.Do("GET", "/v1/inbound?created_from=monday&created_to=1", nil).Refused(422, dispatch.Invalid, "/created_from", "/created_to")
}
