package api_test

import (
	"fmt"
	"maps"
	"net/url"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// The ids of one person: a phone, the wa_id that differs from it, a user id.
const (
	brazilian  = "+5511977654321"
	hisWaID    = "551177654321"
	hisUserID  = "BR.20001234567890"
	mexicanID  = "5215512345678" // a wa_id that is no number
	mexicanNow = "+525512345678"
)

// linked returns a front that knows the Brazilian by all ids and the Mexican by
// two, as their messages and the answers to sends show them.
func linked(t *testing.T) *front {
	t.Helper()
	f := newFront(t)
	f.wrote(m{"from": hisWaID, "from_user_id": hisUserID, "text": "oi"}, m{"wa_id": hisWaID, "user_id": hisUserID})
	f.wrote(m{"from": mexicanID, "text": "hola"}, m{"wa_id": mexicanID})
	for _, ids := range [][]string{{brazilian, "+" + hisWaID}, {mexicanNow, "+" + mexicanID}} {
		if err := f.Store.Link(t.Context(), f.Account.ID, ids...); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// Whatever is limited by recipient is limited by person.
func TestPerson_LimitPerRecipient(t *testing.T) {
	t.Parallel()
	f := linked(t)
	key, _ := f.NewKeyWith(func(k *account.Key) { k.PerRecipientHour = new(2) })
	for i, to := range []any{brazilian, m{"user_id": hisUserID}, hisWaID, brazilian, hisUserID} {
		r := f.As(key, "POST", "/v1/messages", m{"to": to, "type": "text", "text": m{"body": "x"}})
		if want := map[bool]int{true: 202, false: 429}[i < 2]; r.Status != want {
			t.Errorf("the message %d, to %v: %d %s", i, to, r.Status, r.Body)
		}
	}
	f.As(key, "POST", "/v1/messages", text(mexicanNow, "")).Want(202)
}

// The hour goes on when a further id is learnt that sorts before the one counted by,
// and when two persons turn out to be one.
func TestPerson_LimitPerRecipient_LearntLater(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", m{
		"name": "hello", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}},
	}).Want(201)
	key, _ := f.NewKeyWith(func(k *account.Key) { k.PerRecipientHour = new(2) })
	send := func(to string, want int) {
		t.Helper()
		f.As(key, "POST", "/v1/messages", templated(to)).Want(want)
	}
	link := func(ids ...string) {
		t.Helper()
		if err := f.Store.Link(t.Context(), f.Account.ID, ids...); err != nil {
			t.Fatal(err)
		}
	}
	send(brazilian, 202)
	link(brazilian, "+"+hisWaID)
	send(brazilian, 202)
	send(brazilian, 429)
	send(hisWaID, 429)

	link(mexicanNow, "MX.1")
	link("+"+mexicanID, "MX.2")
	send(mexicanNow, 202)
	send(mexicanID, 202)
	link("MX.1", "MX.2")
	send(mexicanNow, 429)
	send(mexicanID, 429)
}

// Every filter by a person finds all of the person's messages, by each of the ids,
// as people paste them.
func TestPerson_EveryFilter(t *testing.T) {
	t.Parallel()
	f := linked(t)
	for _, to := range []any{brazilian, hisUserID, hisWaID, mexicanID, mexicanNow} {
		f.Do("POST", "/v1/messages", m{"to": to, "type": "text", "text": m{"body": "x"}}).Want(202)
	}
	pasted := map[string]int{
		brazilian: 3, hisWaID: 3, "+" + hisWaID: 3, hisUserID: 3, "+55 (11) 97765-4321": 3, " 55 11 97765 4321": 3,
		mexicanID: 2, "+" + mexicanID: 2, mexicanNow: 2, "+52 55 1234 5678": 2, "DE.1": 0, "+15550009999": 0,
	}
	for id, want := range pasted {
		q := url.QueryEscape(id)
		for path, n := range map[string]int{
			"/v1/messages?to=" + q: want, "/v1/messages?type=text&to=" + q: want, "/v1/messages?status=queued&to=" + q: want,
			"/v1/inbound?from=" + q: min(want, 1), "/v1/inbound?channel=1&from=" + q: min(want, 1),
		} {
			if got := f.Do("GET", path, nil).Want(200).Data(); len(got) != n {
				t.Errorf("%s finds %d of %d", path, len(got), n)
			}
		}
		for _, prefix := range []string{"", "whatsapp:"} {
			list := f.twilio("GET", "/Messages.json?To="+url.QueryEscape(prefix+id), nil).Want(200)["messages"].([]any)
			if n := want * min(len(prefix), 1); len(list) != n { // a number without whatsapp: is for SMS
				t.Errorf("Twilio's To=%s%s finds %d of %d", prefix, id, len(list), n)
			}
		}
	}
	for _, from := range []string{"whatsapp:+15550002222", "whatsapp:15550002222", "whatsapp:+1 555 000 2222"} {
		if list := f.twilio("GET", "/Messages.json?From="+url.QueryEscape(from), nil).Want(200)["messages"].([]any); len(list) != 5 {
			t.Errorf("Twilio's From=%s finds %d", from, len(list))
		}
	}
}

// A suppression is found, holds and is removed by each of the person's ids.
func TestPerson_Suppression(t *testing.T) {
	t.Parallel()
	for _, id := range []string{brazilian, "+" + hisWaID, hisUserID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			f := linked(t)
			f.wrote(m{"from": hisWaID, "text": "STOP"}, m{"wa_id": hisWaID})
			f.Do("POST", "/v1/messages", text(id, "")).Refused(422, dispatch.Suppressed, "/to")
			for _, search := range []string{id, id[:len(id)-2]} {
				if search == id[:len(id)-2] && id != "+"+hisWaID { // a part finds what is stored alone
					continue
				}
				if got := f.Do("GET", "/v1/suppressions?search="+url.QueryEscape(search), nil).Want(200).Data(); len(got) != 1 {
					t.Errorf("search %s finds %v", search, got)
				}
			}
			f.Do("DELETE", "/v1/suppressions/"+url.PathEscape(id), nil).Want(204)
			f.Do("POST", "/v1/messages", text(id, "")).Want(202)
			f.Do("POST", "/v1/suppressions", m{"user_id": hisUserID, "scope": "all"}).Want(201)
			f.Do("POST", "/v1/messages", text(id, "")).Refused(422, dispatch.Suppressed, "/to")
			if got := f.Do("GET", "/v1/suppressions?search=br.2000", nil).Want(200).Data(); len(got) != 1 {
				t.Errorf("the beginning of a user id finds %v", got)
			}
		})
	}
}

// Whoever has written by an id that is no number can be saved under it, as our own
// records show it.
func TestPerson_SavedAsShown(t *testing.T) {
	t.Parallel()
	f := linked(t)
	for shown, id := range map[string]struct{ name, value string }{
		"+" + mexicanID: {"wa_id", mexicanID}, hisUserID: {"user_id", hisUserID},
	} {
		c := f.Do("POST", "/v1/contacts", m{"phone": shown, "name": "Ana"}).Want(201)
		if c["phone"] != nil || c.Text(id.name) != id.value {
			t.Errorf("%s: %v", shown, c)
		}
		f.Do("POST", "/v1/contacts", m{"phone": shown, "name": "Ana"}).Refused(409, dispatch.Conflict)
		f.Do("POST", "/v1/messages", m{"to": shown, "type": "text", "text": m{"body": "x"}, "contact": m{"name": "Eva"}}).Want(202)
	}
	if got := f.Do("GET", "/v1/contacts?search=Eva", nil).Want(200).Data(); len(got) != 2 {
		t.Errorf("saved with messages: %v", got)
	}
	f.Do("POST", "/v1/contacts", m{"phone": "+5215512345679"}).Refused(422, dispatch.Invalid, "/phone")
}

// A user id is a recipient in Meta's format too, in both of its fields.
func TestPerson_UserIDInMetasFormat(t *testing.T) {
	t.Parallel()
	f := linked(t)
	for field, body := range map[string]m{
		"recipient": {"recipient": hisUserID}, "to": {"to": hisUserID}, "an empty to": {"recipient": hisUserID, "to": ""},
	} {
		maps.Copy(body, m{"messaging_product": "whatsapp", "type": "text", "text": m{"body": "x"}})
		r := f.Ask("POST", "/v25.0/106540352242922/messages", apitest.Sent{
			Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", "application/json"}, Body: encoded(body),
		})
		contact := r.Want(200)["contacts"].([]any)[0].(map[string]any)
		if contact["user_id"] != hisUserID || contact["input"] != hisUserID {
			t.Errorf("%s: answered %s", field, r.Body)
		}
	}
	list := f.Do("GET", "/v1/messages?to="+hisUserID, nil).Want(200).Data()
	if len(list) != 3 || list[0]["to"] != nil || list[0].Text("user_id") != hisUserID || list[0].Text("wa_id") == "" {
		t.Errorf("listed %v", list)
	}
}

// A wa_id that we have seen is a recipient at every door.
func TestPerson_WaIDAtEveryDoor(t *testing.T) {
	t.Parallel()
	f := linked(t)
	f.Do("POST", "/v1/templates", m{
		"name": "hi", "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hello"}},
	}).Want(201)
	template := f.Do("GET", "/v1/templates", nil).Want(200).Data()[0].ID()
	head := []string{"Content-Type", "application/json"}
	for name, c := range map[string]struct {
		header, path, body string
		status             int
	}{
		"socialone": {
			"x-api-key", "/api/v1/messages/api/send-message/", `{"country_code":"52","phone_number":"` + mexicanID[2:] +
				`","template_id":` + template + `,"social_account_id":1,"variables":[]}`, 202,
		},
		"external": {
			"X-API-Key", "/api/v1/external/messages/template/send",
			`{"to":"` + mexicanID + `","template_name":"hi","language":"en","variables":{}}`, 202,
		},
		"aisoule": {"X-API-Key", "/api/messages/send", `{"to":"` + mexicanID + `","type":"text","text":"x","whatsapp_account":"1"}`, 202},
		"kaleyra": {
			"api-key", "/v2/" + f.Account.SID + "/whatsapp/+15550002222/messages",
			`{"messaging_object":{"messaging_product":"whatsapp","to":"+` + mexicanID + `","type":"text","text":{"body":"x"}}}`, 202,
		},
		"meta": {
			"Authorization", "/v25.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","to":"` + mexicanID + `","type":"text","text":{"body":"x"}}`, 200,
		},
		"native": {"X-API-Key", "/v1/messages", `{"to":"+` + mexicanID + `","type":"text","text":{"body":"x"}}`, 202},
	} {
		key := f.Key
		if name == "meta" {
			key = "Bearer " + key
		}
		if r := f.Ask("POST", c.path, apitest.Sent{Headers: append([]string{c.header, key}, head...), Body: c.body}); r.Status != c.status {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := f.twilio("POST", "/Messages.json", url.Values{
		"To": {"whatsapp:+" + mexicanID}, "From": {"whatsapp:+15550002222"}, "Body": {"x"},
	}); r.Status != 201 {
		t.Errorf("twilio: %d %s", r.Status, r.Body)
	}
	ch, _ := f.gupshup("+919999900000")
	if err := f.Store.Link(t.Context(), f.Account.ID, "+"+mexicanID, mexicanNow); err != nil {
		t.Fatal(err)
	}
	f.Do("PATCH", fmt.Sprintf("/v1/channels/%d", ch.ID), m{"window": "provider"}).Want(200)
	r := f.Ask("POST", "/message", apitest.Sent{
		Headers: append([]string{"apikey", f.Key}, head...),
		Body:    encoded(m{"provider": "gswa", "channel_key": ch.Key, "to": mexicanID, "text": "x"}),
	})
	if r.Status != 200 {
		t.Errorf("sociocs: %d %s", r.Status, r.Body)
	}
	if got := f.Do("GET", "/v1/messages?to="+mexicanID, nil).Want(200).Data(); len(got) != 8 {
		t.Errorf("found %d of 8", len(got))
	}
}
