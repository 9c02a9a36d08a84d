// Package kaleyra emulates Kaleyra's WhatsApp V2 and SMS.
package kaleyra

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// vendorName is the name in dispatch.Channel.Provider.
const vendorName = "kaleyra"

// Vendor is Kaleyra's WhatsApp V2 and SMS. Callbacks are what a callback
// profile with the documented names has; they go to the callback address
// with the channel's secret behind, SMS's to the address in the request.
var Vendor = &engine.Vendor{
	Name: vendorName,
	Owns: func(path string) bool {
		whatsApp := strings.HasPrefix(path, "/v2/") && strings.Contains(path, "/whatsapp/")
		return whatsApp || strings.HasPrefix(path, "/v1/") && strings.HasSuffix(path, "/sms")
	},
	Address:  func(ch *dispatch.Channel) string { return ch.Settings["sid"] },
	Read:     read,
	Reply:    reply,
	Callback: callback,
	Inbound:  inbound,
	MaxBatch: 1,
}

// payload is what the emulator reads of a send, of either kind.
type payload struct {
	Message *struct {
		Product string `json:"messaging_product"`
		To      string `json:"to"`
		Type    string `json:"type"`
	} `json:"messaging_object"`
	Extra struct {
		Ref  string `json:"ref"`
		Ref1 string `json:"ref1"`
		Ref2 string `json:"ref2"`
	} `json:"extra_info"`

	To       string `json:"to"`
	Sender   string `json:"sender"`
	Body     string `json:"body"`
	Type     string `json:"type"`
	Ref      string `json:"ref_custom"`
	Callback struct {
		URL string `json:"url"`
	} `json:"callback"`
}

func read(s *engine.Server, r *http.Request, body []byte) (*engine.Send, engine.Answer) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var chs []*dispatch.Channel
	for _, ch := range s.Channels(vendorName, parts[1]) {
		if key := r.Header.Get("Api-Key"); key != "" && key == ch.Secrets["api_key"] {
			chs = append(chs, ch)
		}
	}
	if len(chs) == 0 {
		return nil, refusal(http.StatusUnauthorized, "RBC001", "Incorrect SID or API key.", "error")
	}
	var b payload
	if r.Method != http.MethodPost || json.Unmarshal(body, &b) != nil {
		return nil, malformed()
	}
	if len(parts) == 5 && parts[2] == "whatsapp" && parts[4] == "messages" {
		return readWhatsApp(chs, parts[3], &b)
	}
	return readSMS(chs, &b)
}

func readWhatsApp(chs []*dispatch.Channel, sender string, b *payload) (*engine.Send, engine.Answer) {
	for _, ch := range chs {
		if !ch.WhatsApp() || engine.Number(ch.Sender) != engine.Number(sender) {
			continue
		}
		if b.Message == nil || b.Message.Product != "whatsapp" || engine.Number(b.Message.To) == 0 {
			return nil, malformed()
		}
		return &engine.Send{Channel: ch, To: "+" + strings.TrimPrefix(b.Message.To, "+"), Ref: b.Extra.Ref, Memo: b}, engine.Answer{}
	}
	return nil, refusal(http.StatusUnauthorized, "WA401", "Phone number is not present or does not belong to the account.", "phone_number")
}

func readSMS(chs []*dispatch.Channel, b *payload) (*engine.Send, engine.Answer) {
	for _, ch := range chs {
		if ch.WhatsApp() || ch.Sender != b.Sender {
			continue
		}
		if b.Body == "" || engine.Number(b.To) == 0 {
			return nil, malformed()
		}
		to := "+" + strings.TrimPrefix(b.To, "+")
		return &engine.Send{Channel: ch, To: to, Ref: b.Ref, CallbackURL: b.Callback.URL, Memo: b}, engine.Answer{}
	}
	return nil, malformed()
}

// reply words an outcome; the 500 is WA500.
func reply(m *engine.Send, o engine.Outcome) engine.Answer {
	switch o {
	case engine.Throttled:
		return refusal(http.StatusTooManyRequests, "WA429", "Too many requests", "error")
	case engine.Failing:
		return refusal(http.StatusInternalServerError, "WA500", "Please try again later", "error")
	case engine.Invalid:
		return refusal(http.StatusBadRequest, "WA400", "Refer to correct payload format", "to")
	}
	if m.Channel.WhatsApp() {
		return engine.JSON(http.StatusAccepted, map[string]any{
			"code": "WA202", "message": "Request Accepted", "data": map[string]string{"message_id": engine.UUID(m.ID)}, "error": map[string]any{},
		})
	}
	b := m.Memo.(*payload)
	return engine.JSON(http.StatusOK, map[string]any{
		"body": b.Body, "sender": b.Sender, "type": b.Type, "source": "API", "id": engine.UUID(m.ID),
		"createdDateTime": m.At.UTC().Format(time.DateTime), "totalCount": 1,
		"data": []any{map[string]string{"message_id": engine.UUID(m.ID) + ":1", "recipient": m.To[1:]}}, "error": map[string]any{},
	})
}

// refusal is the error body: the text stands twice, under the faulty
// part's name the second time.
func refusal(status int, code, text, part string) engine.Answer {
	return engine.JSON(status, map[string]any{"code": code, "message": text, "data": map[string]any{}, "error": map[string]string{part: text}})
}

func malformed() engine.Answer {
	return refusal(http.StatusBadRequest, "WA400", "Refer to correct payload format", "payload")
}

func callback(ch *dispatch.Channel, to string, es []engine.Event) engine.Callback {
	e := es[0]
	b := e.Memo.(*payload)
	if ch.WhatsApp() {
		f := map[string]string{
			"id": engine.UUID(e.ID), "status": e.Status.String(), "mobile": e.To[1:], "phone_number": strings.TrimPrefix(ch.Sender, "+"),
			"timestamp": engine.Unix(e.When), "error": "", "error_code": "", "ref": b.Extra.Ref, "ref1": b.Extra.Ref1, "ref2": b.Extra.Ref2,
		}
		if e.Status == dispatch.Failed {
			f["error"], f["error_code"] = "Message undeliverable", "131026"
		}
		return engine.Callback{URL: engine.SecretURL(ch, to), Body: engine.JSON(0, f).Body}
	}
	word, trace := map[dispatch.Status]string{dispatch.Delivered: "Delivered", dispatch.Failed: "Undelivered"}[e.Status], ""
	switch e.Status {
	case dispatch.Failed:
		trace = "INVALID-SUB"
	case dispatch.Sent, dispatch.Read: // SMS has no receipt of reading
		word = "Sent"
	}
	cb := engine.Callback{Body: engine.JSON(0, map[string]string{
		"id": engine.UUID(e.ID) + ":1", "status": word, "status_trace": trace, "recipient": e.To[1:], "source": ch.Sender,
		"timestamp": engine.Unix(e.When), "parts": "1",
	}).Body}
	if e.CallbackURL == "" {
		cb.URL = engine.SecretURL(ch, to)
	}
	return cb
}

func inbound(ch *dispatch.Channel, to string, in engine.Inbound) engine.Callback {
	f := map[string]string{
		"id": in.ID, "type": "text", "body": in.Text, "from": in.From[1:], "name": "Emulated Contact",
		"wanumber": strings.TrimPrefix(ch.Sender, "+"), "created_at": engine.Unix(in.At),
	}
	if ch.WhatsApp() {
		return engine.Callback{URL: engine.SecretURL(ch, to), Body: engine.JSON(0, f).Body}
	}
	// SMS comes as a form, so that both kinds of profile are exercised.
	form := url.Values{
		"id": {in.ID}, "source": {in.From[1:]}, "recipient": {ch.Sender}, "message": {in.Text}, "keyword": {in.Text},
		"timestamp": {engine.Unix(in.At)},
	}
	return engine.Callback{
		URL: engine.SecretURL(ch, to), Body: []byte(form.Encode()),
		Header: [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}},
	}
}
