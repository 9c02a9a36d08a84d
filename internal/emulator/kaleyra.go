package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// kaleyraFace is Kaleyra's WhatsApp V2 and SMS. Callbacks are what a callback
// profile with the documented names gives; they go to the callback address
// with the channel's secret behind, SMS's to the address in the request.
var kaleyraFace = face{
	provider: "kaleyra",
	owns: func(path string) bool {
		return strings.HasPrefix(path, "/v2/") && strings.Contains(path, "/whatsapp/") || strings.HasPrefix(path, "/v1/") && strings.HasSuffix(path, "/sms")
	},
	address:  func(ch *dispatch.Channel) string { return ch.Settings["sid"] },
	read:     kaleyraRead,
	reply:    kaleyraReply,
	callback: kaleyraCallback,
	inbound:  kaleyraInbound,
	maxBatch: 1,
}

// kaleyraBody is what the emulator reads of a send, of either kind.
type kaleyraBody struct {
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

func kaleyraRead(s *Server, r *http.Request, body []byte) (*send, answer) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var chs []*dispatch.Channel
	for _, ch := range s.channels("kaleyra", parts[1]) {
		if key := r.Header.Get("Api-Key"); key != "" && key == ch.Secrets["api_key"] {
			chs = append(chs, ch)
		}
	}
	if len(chs) == 0 {
		return nil, kaleyraError(http.StatusUnauthorized, "RBC001", "Incorrect SID or API key.", "error")
	}
	var b kaleyraBody
	if r.Method != http.MethodPost || json.Unmarshal(body, &b) != nil {
		return nil, kaleyraMalformed()
	}
	if len(parts) == 5 && parts[2] == "whatsapp" && parts[4] == "messages" {
		return kaleyraWhatsApp(chs, parts[3], &b)
	}
	return kaleyraSMS(chs, &b)
}

func kaleyraWhatsApp(chs []*dispatch.Channel, sender string, b *kaleyraBody) (*send, answer) {
	for _, ch := range chs {
		if !ch.WhatsApp() || number(ch.Sender) != number(sender) {
			continue
		}
		if b.Message == nil || b.Message.Product != "whatsapp" || number(b.Message.To) == 0 {
			return nil, kaleyraMalformed()
		}
		return &send{ch: ch, to: "+" + strings.TrimPrefix(b.Message.To, "+"), ref: b.Extra.Ref, memo: b}, answer{}
	}
	return nil, kaleyraError(http.StatusUnauthorized, "WA401", "Phone number is not present or does not belong to the account.", "phone_number")
}

func kaleyraSMS(chs []*dispatch.Channel, b *kaleyraBody) (*send, answer) {
	for _, ch := range chs {
		if ch.WhatsApp() || ch.Sender != b.Sender {
			continue
		}
		if b.Body == "" || number(b.To) == 0 {
			return nil, kaleyraMalformed()
		}
		return &send{ch: ch, to: "+" + strings.TrimPrefix(b.To, "+"), ref: b.Ref, callbackURL: b.Callback.URL, memo: b}, answer{}
	}
	return nil, kaleyraMalformed()
}

// kaleyraReply words an outcome; the 500 is WA500.
func kaleyraReply(m *send, o outcome) answer {
	switch o {
	case throttled:
		return kaleyraError(http.StatusTooManyRequests, "WA429", "Too many requests", "error")
	case failing:
		return kaleyraError(http.StatusInternalServerError, "WA500", "Please try again later", "error")
	case invalid:
		return kaleyraError(http.StatusBadRequest, "WA400", "Refer to correct payload format", "to")
	case accepted, silent, cut:
	}
	if m.ch.WhatsApp() {
		return metaJSON(http.StatusAccepted, map[string]any{
			"code": "WA202", "message": "Request Accepted", "data": map[string]string{"message_id": hyphens(m.id)}, "error": map[string]any{},
		})
	}
	b := m.memo.(*kaleyraBody)
	return metaJSON(http.StatusOK, map[string]any{
		"body": b.Body, "sender": b.Sender, "type": b.Type, "source": "API", "id": hyphens(m.id),
		"createdDateTime": m.at.UTC().Format(time.DateTime), "totalCount": 1,
		"data": []any{map[string]string{"message_id": hyphens(m.id) + ":1", "recipient": m.to[1:]}}, "error": map[string]any{},
	})
}

// kaleyraError is the error body: the text stands twice, under the faulty
// part's name the second time.
func kaleyraError(status int, code, text, part string) answer {
	return metaJSON(status, map[string]any{"code": code, "message": text, "data": map[string]any{}, "error": map[string]string{part: text}})
}

func kaleyraMalformed() answer {
	return kaleyraError(http.StatusBadRequest, "WA400", "Refer to correct payload format", "payload")
}

func kaleyraCallback(ch *dispatch.Channel, to string, es []event) callback {
	e := es[0]
	b := e.memo.(*kaleyraBody)
	if ch.WhatsApp() {
		f := map[string]string{
			"id": hyphens(e.id), "status": e.status.String(), "mobile": e.to[1:], "phone_number": strings.TrimPrefix(ch.Sender, "+"),
			"timestamp": metaTime(e.when), "error": "", "error_code": "", "ref": b.Extra.Ref, "ref1": b.Extra.Ref1, "ref2": b.Extra.Ref2,
		}
		if e.status == dispatch.Failed {
			f["error"], f["error_code"] = "Message undeliverable", "131026"
		}
		return callback{url: secretURL(ch, to), body: metaJSON(0, f).body}
	}
	word, trace := map[dispatch.Status]string{dispatch.Delivered: "Delivered", dispatch.Failed: "Undelivered"}[e.status], ""
	switch e.status {
	case dispatch.Failed:
		trace = "INVALID-SUB"
	case dispatch.Sent, dispatch.Read: // SMS has no receipt of reading
		word = "Sent"
	}
	cb := callback{body: metaJSON(0, map[string]string{
		"id": hyphens(e.id) + ":1", "status": word, "status_trace": trace, "recipient": e.to[1:], "source": ch.Sender,
		"timestamp": metaTime(e.when), "parts": "1",
	}).body}
	if e.callbackURL == "" {
		cb.url = secretURL(ch, to)
	}
	return cb
}

func kaleyraInbound(ch *dispatch.Channel, to string, in inbound) callback {
	f := map[string]string{
		"id": in.id, "type": "text", "body": in.text, "from": in.from[1:], "name": "Emulated Contact",
		"wanumber": strings.TrimPrefix(ch.Sender, "+"), "created_at": metaTime(in.at),
	}
	if ch.WhatsApp() {
		return callback{url: secretURL(ch, to), body: metaJSON(0, f).body}
	}
	// SMS comes as a form, so that both kinds of profile are exercised.
	form := url.Values{
		"id": {in.id}, "source": {in.from[1:]}, "recipient": {ch.Sender}, "message": {in.text}, "keyword": {in.text}, "timestamp": {metaTime(in.at)},
	}
	return callback{
		url: secretURL(ch, to), body: []byte(form.Encode()),
		header: [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}},
	}
}
