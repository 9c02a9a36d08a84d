package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// wording is how a vendor's callbacks are written: as objects, which post makes a
// request of.
type wording struct {
	provider, kind string
	settings       func(number int) map[string]string
	secrets        map[string]string
	refs           []string // the ids of two messages
	status         func(ch *dispatch.Channel, word, ref any) m
	inbound        func(ch *dispatch.Channel, from, text, id any) m
	post           func(f *front, at *dispatch.Channel, parts ...m) *reply
	several        bool // a callback can hold several
}

var wordings = map[string]wording{
	"meta": {
		provider: "meta", kind: "whatsapp", refs: []string{"wamid.one", "wamid.two"}, several: true,
		settings: func(n int) map[string]string {
			return map[string]string{"phone_number_id": fmt.Sprint(100 + n), "waba_id": "102290129340398"}
		},
		secrets: map[string]string{"access_token": "t", "app_secret": "s", "verify_token": "v"},
		status:  metaStatus, inbound: metaInbound, post: postMeta,
	},
	"twilio": {
		provider: "twilio", kind: "sms", refs: []string{"SM" + strings.Repeat("a", 32), "SM" + strings.Repeat("b", 32)},
		settings: func(int) map[string]string { return map[string]string{"account_sid": "AC" + strings.Repeat("1", 32)} },
		secrets:  map[string]string{"auth_token": "t"},
		status: func(ch *dispatch.Channel, word, ref any) m {
			return m{"MessageStatus": word, "MessageSid": ref, "From": ch.Sender, "To": "+15550000001"}
		},
		inbound: func(ch *dispatch.Channel, from, text, id any) m {
			return m{"SmsStatus": "received", "MessageSid": id, "From": from, "To": ch.Sender, "Body": text, "NumMedia": "0"}
		},
		post: postTwilio,
	},
	"gupshup": {
		provider: "gupshup", kind: "whatsapp", refs: []string{"gs-1", "gs-2"},
		settings: func(n int) map[string]string { return map[string]string{"app_name": fmt.Sprint("App", n)} },
		secrets:  map[string]string{"apikey": "k", "callback_secret": strings.Repeat("s", 40)},
		status: func(ch *dispatch.Channel, word, ref any) m {
			return m{"app": ch.Settings["app_name"], "type": "message-event", "payload": m{
				"id": fmt.Sprint("w", ref), "gsId": ref, "type": word, "destination": 15550000001,
			}}
		},
		inbound: func(ch *dispatch.Channel, from, text, id any) m {
			return m{"app": ch.Settings["app_name"], "type": "message", "payload": m{
				"id": id, "source": from, "type": "text", "payload": m{"text": text},
			}}
		},
		post: postJSON,
	},
	"gupshup version 3": {
		provider: "gupshup", kind: "whatsapp", refs: []string{"gs-1", "gs-2"}, several: true,
		settings: func(n int) map[string]string { return map[string]string{"app_name": fmt.Sprint("App", n)} },
		secrets:  map[string]string{"apikey": "k", "callback_secret": strings.Repeat("s", 40)},
		status: func(ch *dispatch.Channel, word, ref any) m {
			return valueOf(ch, "statuses", m{"id": fmt.Sprint("wamid.", ref), "gs_id": ref, "status": word, "recipient_id": 15550000001})
		},
		inbound: metaInbound, post: postEnvelope,
	},
	"kaleyra": {
		provider: "kaleyra", kind: "whatsapp", refs: []string{"k-1", "k-2"}, several: true,
		settings: func(int) map[string]string { return map[string]string{"sid": "HXAP0001IN"} },
		secrets:  map[string]string{"api_key": "k", "callback_secret": strings.Repeat("s", 40)},
		status:   kaleyraStatus, inbound: kaleyraInbound, post: postJSON,
	},
	"kaleyra by GET": {
		provider: "kaleyra", kind: "whatsapp", refs: []string{"k-1", "k-2"},
		settings: func(int) map[string]string { return map[string]string{"sid": "HXAP0001IN"} },
		secrets:  map[string]string{"api_key": "k", "callback_secret": strings.Repeat("s", 40)},
		status:   kaleyraStatus, inbound: kaleyraInbound,
		post: func(f *front, at *dispatch.Channel, parts ...m) *reply {
			return f.As("", "GET", address(at)+"?"+form(parts[0]).Encode(), nil)
		},
	},
	"kaleyra as a form": {
		provider: "kaleyra", kind: "whatsapp", refs: []string{"k-1", "k-2"},
		settings: func(int) map[string]string { return map[string]string{"sid": "HXAP0001IN"} },
		secrets:  map[string]string{"api_key": "k", "callback_secret": strings.Repeat("s", 40)},
		status:   kaleyraStatus, inbound: kaleyraInbound,
		post: func(f *front, at *dispatch.Channel, parts ...m) *reply {
			return f.Ask("POST", address(at), apitest.Sent{
				Headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, Body: form(parts[0]).Encode(),
			})
		},
	},
}

// valueOf returns a change of Meta's about the channel's number.
func valueOf(ch *dispatch.Channel, name string, element m) m {
	return m{"field": "messages", "value": m{
		"metadata": m{"phone_number_id": ch.Settings["phone_number_id"], "display_phone_number": ch.Sender}, name: []m{element},
	}}
}

func metaStatus(ch *dispatch.Channel, word, ref any) m {
	return valueOf(ch, "statuses", m{"id": ref, "status": word, "timestamp": 1760000000, "recipient_id": 15550000001})
}

func metaInbound(ch *dispatch.Channel, from, text, id any) m {
	return valueOf(ch, "messages", m{"from": from, "id": id, "timestamp": time.Now().Unix(), "type": "text", "text": m{"body": text}})
}

func kaleyraStatus(ch *dispatch.Channel, word, ref any) m {
	return m{"id": ref, "status": word, "mobile": 15550000001, "phone_number": ch.Sender}
}

func kaleyraInbound(ch *dispatch.Channel, from, text, id any) m {
	return m{"id": id, "from": from, "wanumber": ch.Sender, "type": "text", "body": text}
}

// address returns the callback address of a channel whose vendor signs nothing.
func address(at *dispatch.Channel) string {
	return "/callbacks/" + at.Provider + "/" + at.Key + "/" + at.Secrets["callback_secret"]
}

func form(part m) url.Values {
	out := url.Values{}
	for name, v := range part {
		if v != nil {
			out.Set(name, fmt.Sprint(v))
		}
	}
	return out
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// postJSON sends one part as an object, several as a list.
func postJSON(f *front, at *dispatch.Channel, parts ...m) *reply {
	if len(parts) == 1 {
		return f.As("", "POST", address(at), parts[0])
	}
	return f.As("", "POST", address(at), parts)
}

func envelopeOf(parts []m) string {
	return encoded(m{"object": "whatsapp_business_account", "entry": []m{{"id": "1", "changes": parts}}})
}

func postEnvelope(f *front, at *dispatch.Channel, parts ...m) *reply {
	return f.As("", "POST", address(at), envelopeOf(parts))
}

func postMeta(f *front, at *dispatch.Channel, parts ...m) *reply {
	body := envelopeOf(parts)
	mac := hmac.New(sha256.New, []byte(at.Secrets["app_secret"]))
	mac.Write([]byte(body))
	return f.Ask("POST", "/callbacks/meta/"+at.Key, apitest.Sent{
		Headers: []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}, Body: body,
	})
}

func postTwilio(f *front, at *dispatch.Channel, parts ...m) *reply {
	path := "/callbacks/twilio/" + at.Key
	return f.Ask("POST", path, apitest.Sent{Headers: []string{
		"Content-Type", "application/x-www-form-urlencoded",
		twilio.SignatureHeader, twilio.Sign(at.Secrets["auth_token"], apitest.Public+path, form(parts[0])),
	}, Body: form(parts[0]).Encode()})
}

// number adds the nth number of the vendor, owned by whoever has the secrets.
func (f *front) number(w *wording, n int, secrets map[string]string) *dispatch.Channel {
	f.T.Helper()
	ch, err := f.Accounts.CreateChannel(f.T.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: fmt.Sprint(n), Provider: w.provider, Kind: w.kind, Sender: fmt.Sprintf("+1555000020%d", n),
		Policy: dispatch.DefaultPolicy(), Settings: w.settings(n), Secrets: secrets,
	})
	if err != nil {
		f.T.Fatal(err)
	}
	return &ch
}

// report posts a callback, which must be answered 200.
func (f *front) report(w *wording, at *dispatch.Channel, parts ...m) {
	f.T.Helper()
	if got := w.post(f, at, parts...); got.Status != http.StatusOK {
		f.T.Fatalf("%s is answered %d %s", encoded(parts), got.Status, got.Body)
	}
}

// inbound lists the messages from contacts, oldest first, as "channel from text".
func (f *front) inbound() (out []string) {
	f.T.Helper()
	for _, in := range f.Do("GET", "/v1/inbound?limit=1000", nil).Want(200).Data() {
		from := "nobody"
		if in["from"] != nil {
			from = in.Text("from")
		}
		out = append([]string{fmt.Sprintf("%v %s %s", in["channel_id"], from, in.Text("text"))}, out...)
	}
	return out
}

func (f *front) statusOf(id dispatch.ID) string {
	f.T.Helper()
	return f.Do("GET", "/v1/messages/"+id.String(), nil).Want(200).Text("status")
}

// everyVendor runs a test for each wording.
func everyVendor(t *testing.T, test func(t *testing.T, f *front, w *wording)) {
	t.Helper()
	for name, w := range wordings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFront(t), &w)
		})
	}
}

// One address may serve all numbers of an owner: what is about another one reaches
// its channel, and nobody else's.
func TestCallback_ReachesTheNumberThatItNames(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		first, second := f.number(w, 1, w.secrets), f.number(w, 2, w.secrets)
		others := map[string]string{}
		for name, s := range w.secrets {
			others[name] = s + "x"
		}
		foreign := f.number(w, 3, others)
		one, two := f.sent(first.ID, w.refs[0]), f.sent(second.ID, w.refs[1])
		f.report(w, first, w.status(second, "delivered", w.refs[1]))
		if got := f.statusOf(two); got != "delivered" {
			t.Errorf("the second number's message is %s", got)
		}
		f.report(w, second, w.status(first, "delivered", w.refs[0]))
		if got := f.statusOf(one); got != "delivered" {
			t.Errorf("the first number's message is %s", got)
		}
		f.report(w, first, w.inbound(second, "15550000001", "hello", "in1"))
		if got := f.inbound()[0]; got != fmt.Sprint(second.ID, " +15550000001 hello") {
			t.Errorf("received %s, want channel %d", got, second.ID)
		}
		// The second number's window is open, the first one's is not.
		f.Do("POST", "/v1/messages", m{"channel": second.ID, "to": "+15550000001", "type": "text", "text": m{"body": "x"}}).Want(202)
		if w.kind == "whatsapp" {
			f.Do("POST", "/v1/messages", m{"channel": first.ID, "to": "+15550000001", "type": "text", "text": m{"body": "x"}}).
				Refused(422, dispatch.OutsideWindow)
		}
		f.report(w, first, w.inbound(second, "15550000001", "STOP", "in3"))
		f.Do("POST", "/v1/messages", m{"channel": second.ID, "to": "+15550000001", "type": "text", "text": m{"body": "x"}}).
			Refused(422, dispatch.Suppressed, "/to")
		f.report(w, first, w.inbound(foreign, "15550000001", "forged", "in2"))
		for _, in := range f.inbound() {
			if strings.HasPrefix(in, fmt.Sprint(foreign.ID, " ")) {
				t.Errorf("another owner's secret is taken: %s", in)
			}
		}
	})
}

// A number is nobody who writes to itself, but another number of ours may.
func TestCallback_OwnNumber_IsNobody(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		first, second := f.number(w, 1, w.secrets), f.number(w, 2, w.secrets)
		f.report(w, first, w.inbound(first, first.Sender, "mine", "in1"))
		f.report(w, first, w.inbound(second, second.Sender, "its own", "in2"))
		f.report(w, first, w.inbound(second, first.Sender, "the other's", "in3"))
		want := fmt.Sprintf("[%d nobody mine %d nobody its own %d %s the other's]", first.ID, second.ID, second.ID, first.Sender)
		if got := fmt.Sprint(f.inbound()); got != want {
			t.Errorf("received %s, want %s", got, want)
		}
	})
}

// Words come in capitals too, ids and numbers as texts or numbers, and a status may
// name nothing but the provider's id.
func TestCallback_OddSpellings(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		ch := f.number(w, 1, w.secrets)
		for i, word := range []string{"DELIVERED", "Read", "FAILED"} {
			ref := w.refs[0][:len(w.refs[0])-1] + fmt.Sprint(i)
			id := f.sent(ch.ID, ref)
			f.report(w, ch, w.status(ch, word, ref))
			if got := f.statusOf(id); got != strings.ToLower(word) {
				t.Errorf("%s: the message is %s", word, got)
			}
			if got := f.Do("GET", "/v1/messages/"+id.String(), nil).Want(200); word == "FAILED" && got.Text("error.message") == "" {
				t.Errorf("no reason: %v", got)
			}
		}
		f.report(w, ch, w.inbound(ch, 15550000001, 1234, 99))
		if got := f.inbound(); len(got) != 1 || got[0] != fmt.Sprint(ch.ID, " +15550000001 1234") {
			t.Errorf("received %v", got)
		}
		if got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(got) != 0 {
			t.Errorf("ignored %v", got)
		}
		f.report(w, ch, w.status(ch, "Teleported", w.refs[1]))
		got := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data()
		if len(got) != 1 || !strings.Contains(strings.ToLower(got[0].Text("kind")+got[0].Text("reason")), "teleported") {
			t.Errorf("ignored %v", got)
		}
	})
}

// Without an id nothing is a repetition; what has one is stored once.
func TestCallback_InboundWithoutID_NoneIsLost(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		ch := f.number(w, 1, w.secrets)
		for _, id := range []any{nil, nil, "", "in1", "in1", strings.Repeat("x", 5000), strings.Repeat("x", 5000)} {
			f.report(w, ch, w.inbound(ch, "15550000001", "hello", id))
		}
		if got := f.inbound(); len(got) != 5 {
			t.Errorf("received %v", got)
		}
	})
}

// One element that can't be read or stored costs none of its neighbours.
func TestCallback_OneBadElement_CostsNoOther(t *testing.T) {
	t.Parallel()
	everyVendor(t, func(t *testing.T, f *front, w *wording) {
		if !w.several {
			t.Skip("a callback is one element")
		}
		ch := f.number(w, 1, w.secrets)
		id := f.sent(ch.ID, w.refs[0])
		long := strings.Repeat("y", 5000)
		f.report(
			w, ch, w.inbound(ch, "15550000001", "first", "in1"), w.inbound(ch, "15550000001", "nul \x00 in it", "in2"),
			w.inbound(ch, long, "from nobody", "in3"), w.status(ch, "read", long), w.status(ch, "pondering", w.refs[0]),
			w.inbound(ch, "15550000001", "long", long), w.status(ch, "delivered", w.refs[0]), w.inbound(ch, "15550000002", "last", "in4"),
		)
		if got := f.statusOf(id); got != "delivered" {
			t.Errorf("the message is %s", got)
		}
		if got := f.inbound(); len(got) != 5 || !strings.HasSuffix(got[4], "+15550000002 last") {
			t.Errorf("received %v", got)
		}
	})
}

// An element of another type than a vendor documents costs itself.
func TestCallback_ElementsOfAnotherType(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"kaleyra": `[7,null,"x",[],{"id":"k-1","status":"delivered"},{"status":[]},{"from":"15550000001","body":"hello","type":"text"}]`,
		"meta": `{"entry":[7,null,{"id":{},"changes":"x"},{"id":"1","changes":[7,null,{"field":7,"value":7},{"field":"messages","value":[]},
			{"field":"messages","value":{"metadata":[],"contacts":[7,{"wa_id":[]}],"statuses":[7,null,"x",{"id":"wamid.one","status":"delivered"}],
			"messages":[7,null,"x",{"from":"15550000001","type":"text","text":{"body":"hello"}}]}}]}]}`,
		"gupshup version 3": `{"entry":[7,null,{"id":{},"changes":"x"},{"id":"1","changes":[7,null,{"field":7},{"field":"messages","value":[]},
			{"field":"messages","value":{"metadata":[],"contacts":[7,{"wa_id":[]}],"statuses":[7,null,"x",{"gs_id":"gs-1","status":"delivered"}],
			"messages":[7,null,"x",{"from":"15550000001","type":"text","text":{"body":"hello"}}]}}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, w := newFront(t), wordings[name]
			ch := f.number(&w, 1, w.secrets)
			id := f.sent(ch.ID, w.refs[0])
			var got *reply
			if name == "meta" {
				mac := hmac.New(sha256.New, []byte("s"))
				mac.Write([]byte(body))
				got = f.Ask("POST", "/callbacks/meta/"+ch.Key, apitest.Sent{
					Headers: []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}, Body: body,
				})
			} else {
				got = f.As("", "POST", address(ch), body)
			}
			if got.Status != http.StatusOK || f.statusOf(id) != "delivered" || len(f.inbound()) != 1 {
				t.Errorf("answered %d %s; the message is %s, received %v", got.Status, got.Body, f.statusOf(id), f.inbound())
			}
			if ignored := f.Do("GET", "/v1/callbacks/ignored", nil).Want(200).Data(); len(ignored) != 1 {
				t.Errorf("ignored %v", ignored)
			}
		})
	}
}
