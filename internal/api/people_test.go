package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// meta makes a signed callback of Meta's with one change.
func (f *front) meta(field string, value m) {
	f.T.Helper()
	value["metadata"] = m{"display_phone_number": "15550002222", "phone_number_id": "106540352242922"}
	body, err := json.Marshal(
		m{"object": "whatsapp_business_account", "entry": []m{{"id": "1", "changes": []m{{"field": field, "value": value}}}}},
	)
	if err != nil {
		f.T.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte("app-secret-of-meta"))
	mac.Write(body)
	head := []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}
	if got := f.Ask("POST", "/callbacks/meta/"+f.Channel.Key, apitest.Sent{Headers: head, Body: string(body)}); got.Status != http.StatusOK {
		f.T.Fatalf("the callback is answered %d %s", got.Status, got.Body)
	}
}

// wrote makes the callback of a message to the Meta channel.
func (f *front) wrote(message m, contacts ...m) {
	f.T.Helper()
	for k, v := range map[string]any{"id": "wamid." + dispatch.NewID().String(), "timestamp": fmt.Sprint(time.Now().Unix()), "type": "text"} {
		if _, ok := message[k]; !ok {
			message[k] = v
		}
	}
	if text, ok := message["text"].(string); ok {
		message["text"] = m{"body": text}
	}
	f.meta("messages", m{"messages": []m{message}, "contacts": contacts})
}

// A person without a number is known by a user id: its messages are listed, open
// its window, and its STOP counts, also for the number when that gets known.
func TestInbound_WithoutNumber(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const user, number = "DE.20001234567890", "+4915112345678"
	f.wrote(m{"from": nil, "from_user_id": user, "text": "hello"}, m{"user_id": user, "profile": m{"name": "Ada", "username": "ada.l"}})
	list := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	if len(list) != 1 || list[0]["from"] != nil || list[0].Text("user_id") != user || list[0].Text("username") != "ada.l" ||
		list[0].Text("name") != "Ada" {
		t.Fatalf("listed %v", list)
	}
	for _, to := range []any{user, m{"user_id": user}} {
		sent := f.Do("POST", "/v1/messages", m{"to": to, "type": "text", "text": m{"body": "x"}}).Want(202)
		got := f.Do("GET", "/v1/messages/"+sent.Text("message_id"), nil).Want(200)
		for _, o := range []object{sent, got} {
			if o["to"] != nil || o.Text("user_id") != user {
				t.Errorf("to %v: %v", to, o)
			}
		}
		if got.Text("username") != "ada.l" {
			t.Errorf("the message shows no username: %v", got)
		}
	}
	f.wrote(m{"from_user_id": user, "text": "STOP"}, m{"user_id": user})
	send := m{"type": "text", "text": m{"body": "x"}}
	send["to"] = user
	f.Do("POST", "/v1/messages", send).Refused(422, dispatch.Suppressed, "/to")
	f.wrote(m{"from": number[1:], "from_user_id": user, "text": "it's me"})
	send["to"] = number
	f.Do("POST", "/v1/messages", send).Refused(422, dispatch.Suppressed, "/to")
}

// Nobody gets another one's name, a group opens no window, and who can't be
// written to is kept as nobody.
func TestInbound_OfOthers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const ada, bob = "+15550000601", "+15550000602"
	f.wrote(m{"from": ada[1:], "text": "hello"}, m{"wa_id": bob[1:], "profile": m{"name": "Bob"}})
	f.wrote(m{"from": bob[1:], "group_id": "G1", "text": "STOP"})
	f.wrote(m{"from": "12345", "text": "stop"})
	f.wrote(m{"from": "15550002222", "text": "stop"})
	list := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	if len(list) != 4 || list[3]["name"] != nil || list[3].Text("from") != ada || list[2].Text("group_id") != "G1" ||
		list[1]["from"] != nil ||
		list[0]["from"] != nil {
		t.Fatalf("listed %v", list)
	}
	f.Do("POST", "/v1/messages", text(ada, "")).Want(202)
	f.Do("POST", "/v1/messages", text(bob, "")).Refused(422, dispatch.OutsideWindow)
	if got := f.Do("GET", "/v1/suppressions", nil).Want(200).Data(); len(got) != 0 {
		t.Errorf("suppressed %v", got)
	}
}

// A changed number takes the suppression with it, is stored and opens no window.
func TestInbound_NumberChanged(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const before, after, other = "+15550000701", "+15550000702", "+15550000703"
	f.Do("POST", "/v1/suppressions", m{"phone": before, "reason": "by hand"}).Want(201)
	for _, c := range [][2]string{{before, after}, {other, "+15550000704"}} {
		f.wrote(m{"from": c[0][1:], "type": "system", "system": m{"body": "changed", "type": "user_changed_number", "wa_id": c[1][1:]}})
	}
	list := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	if len(list) != 2 || list[1].Text("type") != "system" || list[1].Text("moved_to") != after {
		t.Fatalf("listed %v", list)
	}
	f.Do("POST", "/v1/messages", text(after, "")).Refused(422, dispatch.Suppressed, "/to")
	f.Do("POST", "/v1/messages", text(other, "")).Refused(422, dispatch.OutsideWindow)
	f.Do("POST", "/v1/messages", text("+15550000704", "")).Refused(422, dispatch.OutsideWindow)
	f.wrote(m{"from": after[1:], "text": "START"})
	f.Do("POST", "/v1/messages", text(after, "")).Refused(422, dispatch.Suppressed, "/to")
}

// What providers report counts as what people write: each in its scope and
// order.
func TestConsent_AsReported(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const ada = "+15550000801"
	now := time.Now().Unix()
	prefer := func(value string, at int64) {
		f.meta(
			"user_preferences",
			m{"user_preferences": []m{{"wa_id": ada[1:], "category": "marketing_messages", "value": value, "timestamp": at}}},
		)
	}
	scope := func(want string) {
		t.Helper()
		var got strings.Builder
		for _, p := range f.Do("GET", "/v1/suppressions", nil).Want(200).Data() {
			got.WriteString(p.Text("scope") + " " + p.Text("source"))
		}
		if got.String() != want {
			t.Errorf("suppressed %q, want %q", got.String(), want)
		}
	}
	prefer("stop", now-100)
	scope("marketing event")
	prefer("resume", now-200)
	scope("marketing event")
	prefer("resume", now-50)
	scope("")
	prefer("stop", now-60)
	scope("")
	// A refusal of a message that we don't know names the person.
	f.meta("messages", m{"statuses": []m{{
		"id": "wamid.unknown", "status": "failed", "timestamp": fmt.Sprint(now - 40), "recipient_id": ada[1:],
		"errors": []m{{"code": 131050, "title": "stopped"}},
	}}})
	scope("marketing refusal")
	f.wrote(m{"from": ada[1:], "text": "START"})
	scope("")
	// So does one of a person without a number, in whichever of its errors.
	f.meta("messages", m{"statuses": []m{{
		"id": "wamid.unknown2", "status": "failed", "timestamp": fmt.Sprint(now), "recipient_user_id": "DE.900",
		"errors": []m{{"code": 1, "title": "x"}, {"code": "131050", "title": "stopped"}},
	}}})
	scope("marketing refusal")
	f.Do("DELETE", "/v1/suppressions/DE.900", nil).Want(204)
	f.Do("POST", "/v1/suppressions", m{"user_id": "DE.900", "scope": "marketing"}).Want(201)
	f.Do("DELETE", "/v1/suppressions/DE.900", nil).Want(204)
	f.Do("POST", "/v1/suppressions", m{"wa_id": "5215512345678"}).Want(201)
	f.Do("POST", "/v1/suppressions", m{"phone": "+15550000002", "user_id": "DE.900"}).Refused(422, dispatch.Invalid, "/phone")
}

// The number that our own record of a Mexican wa_id shows is found, answered and
// suppressed.
func TestWaID_AsShown_IsTakenEverywhere(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const waID = "+5215512345678"
	f.wrote(m{"from": waID[1:], "text": "hola"})
	from := f.Do("GET", "/v1/inbound", nil).Want(200).Data()[0].Text("from")
	if from != waID {
		t.Fatalf("from %s", from)
	}
	f.Do("POST", "/v1/messages", text(from, "")).Want(202)
	for _, path := range []string{"/v1/messages?to=", "/v1/inbound?from="} {
		for _, q := range []string{"%2B5215512345678", "5215512345678"} {
			if got := f.Do("GET", path+q, nil).Want(200).Data(); len(got) != 1 {
				t.Errorf("%s%s finds %d", path, q, len(got))
			}
		}
	}
	f.Do("POST", "/v1/suppressions", m{"phone": from}).Want(201)
	f.Do("POST", "/v1/messages", text(from, "")).Refused(422, dispatch.Suppressed, "/to")
}

// A suppression and an erasure read a person by one rule: the number that our own
// record of a Mexican wa_id shows, and a national number of the default region.
func TestPerson_SuppressedAndErasedByTheSameIDs(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.wrote(m{"from": "5215512345678", "text": "hola"})
	f.Do("PATCH", "/v1/account", m{"default_region": "DE"}).Want(200)
	paths := map[string]int{"/v1/suppressions": 201, "/v1/erasures": 202}
	for path, status := range paths {
		for _, body := range []m{
			{"phone": "+5215512345678"},
			{"phone": "0176 12345678"},
			{"phone": "+1 555 000 0100"},
			{"wa_id": "5215512345678"},
			{"wa_id": "+551177654321"},
			{"user_id": "DE.2000"},
			{"user_id": "DE.ENT." + strings.Repeat("1", 128)},
		} {
			f.Do("POST", path, body).Want(status)
		}
		for at, bodies := range map[string][]m{
			"/phone": {
				{}, {"phone": "+5215587654321"}, {"phone": "me"}, {"phone": strings.Repeat("1", 65)}, {"phone": "+15550000100", "wa_id": "15550000100"},
			},
			"/wa_id": {{"wa_id": "DE.2000"}, {"wa_id": strings.Repeat("1", 65)}}, "/user_id": {{"user_id": "de.2000"}},
		} {
			for _, body := range bodies {
				f.Do("POST", path, body).Refused(422, dispatch.Invalid, at)
			}
		}
	}
	var got []string
	for _, s := range f.Do("GET", "/v1/suppressions", nil).Want(200).Data() {
		for _, name := range []string{"phone", "wa_id", "user_id"} {
			if s[name] != nil {
				got = append(got, name+" "+s.Text(name))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"phone +15550000100", "phone +4917612345678", "phone +551177654321",
		"user_id DE.2000", "user_id DE.ENT." + strings.Repeat("1", 128), "wa_id 5215512345678",
	}
	if !slices.Equal(got, want) {
		t.Errorf("suppressed %v, want %v", got, want)
	}
}

// The account chooses whose words count; all are listed.
func TestOptOutWords(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	words := f.Do("GET", "/v1/opt-out-words", nil).Want(200).Data()
	if len(words) < 10 || len(words[0]["stop"].([]any)) == 0 {
		t.Fatalf("listed %v", words)
	}
	stops := func(from, text string, want int) {
		t.Helper()
		f.wrote(m{"from": from[1:], "text": text})
		if got := len(f.Do("GET", "/v1/suppressions", nil).Want(200).Data()); got != want {
			t.Errorf("%q from %s: %d suppressions, want %d", text, from, got, want)
		}
	}
	stops("+15550000901", "basta", 0)
	if got := f.Do("PATCH", "/v1/account", m{"opt_out_languages": []string{"it"}}).Want(200); got.Text("opt_out_languages") != "[it]" {
		t.Errorf("%v", got)
	}
	stops("+15550000902", "cancel", 0)
	stops("+15550000903", "basta", 1)
	stops("+15550000904", "STOP", 2)
	f.Do("PATCH", "/v1/account", m{"opt_out_languages": []string{"it", "xx"}}).Refused(422, dispatch.Invalid, "/opt_out_languages/1")
}
