package message_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// quoting is an account with a message that Meta has accepted, one that waits,
// and one from a contact.
type quoting struct {
	*front
	sent, waiting, inbound string
}

// Where the front door's Meta channel is reached.
const metaMessages = "/v25.0/106540352242922/messages"

func newQuoting(t *testing.T) quoting {
	t.Helper()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"default": true}).Want(200)
	f.hears(f.Channel.ID, "wamid.FROM_CONTACT")
	q := quoting{front: f, sent: f.sends(f.Key), waiting: f.sends(f.Key)}
	f.accepts(q.sent, "wamid.AT_META")
	q.inbound = f.Do("GET", "/v1/inbound", nil).Want(200).Data()[0].Text("id")
	return q
}

// anotherMeta and aGupshup are channels as a request makes them.
var (
	anotherMeta = m{
		"name": "Other", "provider": "meta", "sender": "+919999900000", "settings": m{"phone_number_id": "2", "waba_id": "1"},
		"secrets": m{"access_token": "t", "app_secret": "s", "verify_token": "v"},
	}
	aGupshup = m{
		"name":     "Other",
		"provider": "gupshup",
		"sender":   "+919999900000",
		"settings": m{"app_name": "A"},
		"secrets":  m{"apikey": "k"},
	}
)

// opens makes another channel.
func (f *front) opens(key string, channel m, byDefault bool) int64 {
	f.T.Helper()
	id := f.As(key, "POST", "/v1/channels", channel).Want(201).ID()
	f.As(key, "PATCH", "/v1/channels/"+id, m{"default": byDefault}).Want(200)
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		f.T.Fatal(err)
	}
	return n
}

// sends sends a text and returns its id.
func (f *front) sends(key string) string {
	f.T.Helper()
	return f.As(key, "POST", "/v1/messages", text(someone, "")).Want(202).Text("message_id")
}

// hears stores an inbound message of the contact.
func (f *front) hears(channel int64, providerID string) {
	f.T.Helper()
	in := dispatch.Inbound{Channel: channel, From: someone, ProviderID: providerID, Type: "text", Text: "hi", Raw: "{}", At: time.Now()}
	if _, err := f.Store.InsertInbound(f.T.Context(), channel, []dispatch.Inbound{in}); err != nil {
		f.T.Fatal(err)
	}
}

// accepts lets the provider have a message.
func (f *front) accepts(id, providerID string) {
	f.T.Helper()
	if _, err := f.DB.ExecContext(f.T.Context(), `UPDATE messages SET status = 30, sent_at = now(), provider_message_id = $2 WHERE id = `+
		`$1::uuid`, id, providerID); err != nil {
		f.T.Fatal(err)
	}
}

// A reply or reaction that names a message by our id goes to the provider with
// the provider's.
func TestQuotes_OurID_BecomesTheProviders(t *testing.T) {
	t.Parallel()
	q := newQuoting(t)
	for given, want := range map[string]string{
		"wamid." + q.sent: "wamid.AT_META", q.sent: "wamid.AT_META", "wamid.AT_META": "wamid.AT_META",
		"wamid.HBgLMTU1NTAwMDA": "wamid.HBgLMTU1NTAwMDA",
		"wamid." + q.inbound:    "wamid.FROM_CONTACT", q.inbound: "wamid.FROM_CONTACT", "x": "x",
	} {
		id := q.Do("POST", "/v1/messages", text(someone, fmt.Sprintf(`,"context":{"message_id":%q}`, given))).Want(202).Text("message_id")
		if got := q.Do("GET", "/v1/messages/"+id, nil).Want(200).Text("content.context.message_id"); got != want {
			t.Errorf("a reply to %s goes out as one to %s, want %s", given, got, want)
		}
		body := fmt.Sprintf(
			`{"messaging_product":"whatsapp","to":%q,"type":"reaction","reaction":{"message_id":%q,"emoji":"👍"}}`,
			someone,
			given,
		)
		answer := q.Do("POST", metaMessages, body).Want(200)
		id = answer["messages"].([]any)[0].(map[string]any)["id"].(string)[len("wamid."):]
		if got := q.Do("GET", "/v1/messages/"+id, nil).Want(200).Text("content.reaction.message_id"); got != want {
			t.Errorf("a reaction to %s goes out as one to %s, want %s", given, got, want)
		}
	}
}

// What the provider cannot know is refused at the front door.
func TestQuotes_NotThereOrNotSent_Refused(t *testing.T) {
	t.Parallel()
	q := newQuoting(t)
	q.hears(q.opens(q.Key, anotherMeta, false), "wamid.ELSEWHERE")
	elsewhere := q.Do("GET", "/v1/inbound", nil).Want(200).Data()[0].Text("id") // the newest
	test := q.Do("POST", "/v1/keys", m{"name": "test", "test": true, "permissions": []string{"send_text"}}).Want(201).Text("key")
	tested := q.sends(test)
	q.accepts(tested, "wamid.EMULATED")
	for name, id := range map[string]string{
		"nobody's": uuid.NewString(), "of another channel": elsewhere, "a test key's": tested,
	} {
		for _, given := range []string{id, "wamid." + id} {
			q.Do("POST", "/v1/messages", text(someone, fmt.Sprintf(`,"context":{"message_id":%q}`, given))).
				Refused(422, dispatch.Invalid, "/context/message_id")
			q.Do("POST", "/v1/messages", fmt.Sprintf(`{"to":%q,"type":"reaction","reaction":{"message_id":%q,"emoji":"👍"}}`, someone, given)).
				Refused(422, dispatch.Invalid, "/reaction/message_id")
			r := q.Do(
				"POST",
				metaMessages,
				fmt.Sprintf(`{"messaging_product":"whatsapp","to":%q,"text":{"body":"x"},"context":{"message_id":%q}}`, someone, given),
			)
			if got := r.Want(400); got.Text("error.code") != "100" {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
	}
}

// A reply to a message that was just sent waits until the provider has it; one that
// is not sent in time is refused.
func TestQuotes_JustSent_WaitsForItsID(t *testing.T) {
	t.Parallel()
	q := newQuoting(t)
	body := fmt.Sprintf(`{"messaging_product":"whatsapp","to":%q,"text":{"body":"x"},"context":{"message_id":"wamid.%s"}}`, someone, q.waiting)
	if r := q.Do("POST", metaMessages, body).Want(400); r.Text("error.code") != "100" {
		t.Errorf("not sent in time: %v", r)
	}
	answers := make(chan *reply)
	go func() { answers <- q.Do("POST", metaMessages, body) }()
	select {
	case r := <-answers:
		t.Errorf("answered before it was sent: %d %s", r.Status, r.Body)
		return
	case <-time.After(200 * time.Millisecond): // it waits
	}
	q.accepts(q.waiting, "wamid.JUST_SENT")
	id := (<-answers).Want(200)["messages"].([]any)[0].(map[string]any)["id"].(string)[len("wamid."):]
	if got := q.Do("GET", "/v1/messages/"+id, nil).Want(200).Text("content.context.message_id"); got != "wamid.JUST_SENT" {
		t.Errorf("goes out as a reply to %s", got)
	}
	later := q.Do("POST", "/v1/messages", text(someone,
		fmt.Sprintf(`,"send_at":%q`, time.Now().Add(time.Hour).Format(time.RFC3339)))).Want(202)
	started := time.Now()
	q.Do("POST", "/v1/messages", text(someone, fmt.Sprintf(`,"context":{"message_id":%q}`, later.Text("message_id")))).
		Refused(422, dispatch.Invalid, "/context/message_id")
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("a scheduled one is waited for: %s", took)
	}
}

// Another account's message is nobody's.
func TestQuotes_AnotherAccounts_Refused(t *testing.T) {
	t.Parallel()
	q := newQuoting(t)
	_, stranger := q.NewAccount("Two")
	q.hears(q.opens(stranger, anotherMeta, true), "wamid.THEIRS")
	q.sends(stranger)
	for _, id := range []string{q.sent, q.inbound} {
		q.As(stranger, "POST", "/v1/messages", text(someone, fmt.Sprintf(`,"context":{"message_id":"wamid.%s"}`, id))).
			Refused(422, dispatch.Invalid, "/context/message_id")
	}
}

// Other providers' ids may look like ours.
func TestQuotes_AnotherProvidersUUID_Stays(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.hears(f.opens(f.Key, aGupshup, true), "x")
	const theirs = "ee4a68a0-1203-4c85-8dc3-49d0b3226a35"
	reply := func(to string) *reply {
		return f.Do("POST", "/v1/messages", text(someone, fmt.Sprintf(`,"context":{"message_id":%q},"simulate":true`, to)))
	}
	if got := reply(theirs).Want(200).Text("would_send.context.message_id"); got != theirs {
		t.Errorf("became %s", got)
	}
	reply("wamid."+theirs).Refused(422, dispatch.Invalid, "/context/message_id")
}
