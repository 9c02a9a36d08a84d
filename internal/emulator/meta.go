package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// metaFace is the WhatsApp Cloud API: sends, the number's own record, template
// lists, and callbacks signed with the app secret.
var metaFace = face{
	provider: "meta",
	owns:     metaOwns,
	address:  func(ch *dispatch.Channel) string { return ch.Settings["phone_number_id"] },
	read:     metaRead,
	reply:    metaReply,
	callback: metaCallback,
	inbound:  metaInbound,
	maxBatch: 1000, // Meta's own limit
}

// metaOwns knows Meta's paths by their version, /v25.0/: the dot tells them
// from other vendors' /v2/.
func metaOwns(path string) bool {
	version, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return len(version) > 2 && version[0] == 'v' && strings.Contains(version, ".")
}

// metaSend is what the emulator reads of a send.
type metaSend struct {
	Product string `json:"messaging_product"`
	To      string `json:"to"`
	Type    string `json:"type"`
	Ref     string `json:"biz_opaque_callback_data"`
	Text    *struct {
		Body string `json:"body"`
	} `json:"text"`
	Template *struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
	} `json:"template"`
	Image       *present `json:"image"`
	Video       *present `json:"video"`
	Audio       *present `json:"audio"`
	Document    *present `json:"document"`
	Sticker     *present `json:"sticker"`
	Location    *present `json:"location"`
	Contacts    *present `json:"contacts"`
	Interactive *present `json:"interactive"`
	Reaction    *present `json:"reaction"`
}

// present takes any JSON value and keeps only that it was there.
type present struct{}

// UnmarshalJSON looks at nothing.
func (*present) UnmarshalJSON([]byte) error { return nil }

// filled says whether the object that the type names is there; known is false
// for a type that isn't Meta's.
func (m *metaSend) filled() (filled, known bool) {
	objects := map[string]*present{
		"image": m.Image, "video": m.Video, "audio": m.Audio, "document": m.Document, "sticker": m.Sticker,
		"location": m.Location, "contacts": m.Contacts, "interactive": m.Interactive, "reaction": m.Reaction,
	}
	switch m.Type {
	case "text":
		return m.Text != nil, true
	case "template":
		return m.Template != nil && m.Template.Name != "" && m.Template.Language.Code != "", true
	}
	o, known := objects[m.Type]
	return o != nil, known
}

func metaRead(s *Server, r *http.Request, body []byte) (*send, answer) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) == 3 && parts[2] == "messages" && r.Method == http.MethodPost:
		ch, refused := metaChannel(s, r, parts[1])
		if ch == nil {
			return nil, refused
		}
		return metaReadSend(ch, body)
	case len(parts) == 3 && parts[2] == "message_templates" && r.Method == http.MethodGet:
		return nil, metaTemplates(s, r, parts[1])
	case len(parts) == 2 && r.Method == http.MethodGet:
		ch, refused := metaChannel(s, r, parts[1])
		if ch == nil {
			return nil, refused
		}
		return nil, metaNumber(ch)
	}
	id := ""
	if len(parts) > 1 {
		id = parts[1]
	}
	return nil, metaNoObject(r.Method, id)
}

// metaChannel finds the channel of a phone number id and checks the token.
func metaChannel(s *Server, r *http.Request, phoneNumberID string) (*dispatch.Channel, answer) {
	auth := r.Header.Get("Authorization")
	chs := s.channels("meta", phoneNumberID)
	for _, ch := range chs {
		if auth == "Bearer "+ch.Secrets["access_token"] {
			return ch, answer{}
		}
	}
	if len(chs) > 0 || auth == "" {
		return nil, metaError(http.StatusUnauthorized, 190, "Invalid OAuth access token - Cannot parse access token", "")
	}
	return nil, metaNoObject(r.Method, phoneNumberID)
}

// metaReadSend refuses what Meta refuses whatever the recipient.
func metaReadSend(ch *dispatch.Channel, body []byte) (*send, answer) {
	var m metaSend
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, metaError(http.StatusBadRequest, 100, "(#100) Invalid parameter", "the body is no JSON object of the expected form")
	}
	to := number(m.To)
	filled, known := m.filled()
	switch {
	case m.Product != "whatsapp":
		return nil, metaError(http.StatusBadRequest, 100, "(#100) Param messaging_product must be one of {WHATSAPP} - got \""+m.Product+"\".", "")
	case to == 0:
		return nil, metaError(http.StatusBadRequest, 100, "(#100) The parameter to is required.", "")
	case !known:
		return nil, metaError(http.StatusBadRequest, 100, "(#100) Invalid parameter", "Param type must be one of Meta's message types - got \""+m.Type+"\".")
	case !filled:
		return nil, metaError(http.StatusBadRequest, 131008, "(#131008) Required parameter is missing", "Parameter of type "+m.Type+" is missing or incomplete.")
	case m.Text != nil && (m.Text.Body == "" || utf8.RuneCountInString(m.Text.Body) > 4096):
		return nil, metaError(http.StatusBadRequest, 100, "(#100) Invalid parameter", "Param text['body'] must be 1 to 4096 characters long.")
	}
	return &send{ch: ch, to: "+" + strconv.FormatUint(to, 10), ref: m.Ref}, answer{}
}

// metaReply words an outcome; the 500 is a 131016.
func metaReply(m *send, o outcome) answer {
	switch o {
	case throttled:
		return metaError(http.StatusTooManyRequests, 130429, "(#130429) Rate limit hit", "Cloud API message throughput has been reached.")
	case failing:
		return metaError(http.StatusInternalServerError, 131016, "(#131016) Service unavailable", "A service is temporarily unavailable.")
	case invalid:
		return metaError(http.StatusBadRequest, 131026, "(#131026) Message undeliverable", "Message Undeliverable.")
	case accepted, silent, cut:
	}
	b := make([]byte, 0, 256)
	b = append(b, `{"messaging_product":"whatsapp","contacts":[{"input":"`...)
	b = append(b, m.to[1:]...)
	b = append(b, `","wa_id":"`...)
	b = append(b, m.to[1:]...)
	b = append(b, `"}],"messages":[{"id":"`...)
	b = append(b, wamid(m.id)...)
	b = append(b, `","message_status":"accepted"}]}`...)
	return jsonAnswer(http.StatusOK, b)
}

func wamid(id string) string { return "wamid.EMU" + id }

// metaError is the Graph API's error body.
func metaError(status, code int, message, details string) answer {
	e := map[string]any{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AEmulatorTraceId"}
	if details != "" {
		e["error_data"] = map[string]string{"messaging_product": "whatsapp", "details": details}
	}
	return metaJSON(status, map[string]any{"error": e})
}

// metaNoObject is the answer to an id that the token can't see.
func metaNoObject(method, id string) answer {
	message := fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
		strings.ToLower(method), id)
	return metaJSON(http.StatusBadRequest, map[string]any{"error": map[string]any{
		"message": message, "type": "GraphMethodException", "code": 100, "error_subcode": 33, "fbtrace_id": "AEmulatorTraceId",
	}})
}

// metaNumber is the record of a phone number.
func metaNumber(ch *dispatch.Channel) answer {
	return metaJSON(http.StatusOK, map[string]string{
		"id": ch.Settings["phone_number_id"], "display_phone_number": ch.Sender, "verified_name": "Emulator",
		"quality_rating": "GREEN", "code_verification_status": "VERIFIED",
	})
}

func metaJSON(status int, v any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{}`) // maps of strings and numbers always marshal
	}
	return jsonAnswer(status, b)
}

// The callback bodies.
type (
	metaStatus struct {
		ID        string        `json:"id"`
		Status    string        `json:"status"`
		Timestamp string        `json:"timestamp"`
		Recipient string        `json:"recipient_id"`
		Pricing   *metaPricing  `json:"pricing,omitempty"`
		Errors    []metaFailure `json:"errors,omitempty"`
		Ref       string        `json:"biz_opaque_callback_data,omitempty"`
	}
	metaPricing struct {
		Billable bool   `json:"billable"`
		Model    string `json:"pricing_model"`
		Category string `json:"category"`
		Type     string `json:"type"`
	}
	metaFailure struct {
		Code    int               `json:"code"`
		Title   string            `json:"title"`
		Message string            `json:"message"`
		Data    map[string]string `json:"error_data"`
	}
)

var (
	metaCharge    = &metaPricing{Billable: true, Model: "PMP", Category: "utility", Type: "regular"}
	metaUnreached = []metaFailure{{
		Code: 131026, Title: "Message undeliverable", Message: "Message undeliverable",
		Data: map[string]string{"details": "Message Undeliverable."},
	}}
)

func metaCallback(ch *dispatch.Channel, _ string, es []event) callback {
	list := make([]metaStatus, len(es))
	for i, e := range es {
		list[i] = metaStatus{
			ID: wamid(e.id), Status: e.status.String(), Timestamp: metaTime(e.when), Recipient: e.to[1:],
			Pricing: metaCharge, Ref: e.ref,
		}
		if e.status == dispatch.Failed {
			list[i].Pricing, list[i].Errors = nil, metaUnreached
		}
	}
	return metaWebhook(ch, map[string]any{"statuses": list})
}

func metaInbound(ch *dispatch.Channel, _ string, in inbound) callback {
	return metaWebhook(ch, map[string]any{
		"contacts": []any{map[string]any{"profile": map[string]string{"name": "Emulated Contact"}, "wa_id": in.from[1:]}},
		"messages": []any{map[string]any{
			"from": in.from[1:], "id": wamid(in.id), "timestamp": metaTime(in.at), "type": "text", "text": map[string]string{"body": in.text},
		}},
	})
}

// metaWebhook wraps a value in the envelope and signs it.
func metaWebhook(ch *dispatch.Channel, value map[string]any) callback {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]string{
		"display_phone_number": strings.TrimPrefix(ch.Sender, "+"), "phone_number_id": ch.Settings["phone_number_id"],
	}
	body := metaJSON(0, map[string]any{
		"object": "whatsapp_business_account",
		"entry": []any{map[string]any{
			"id": ch.Settings["waba_id"], "changes": []any{map[string]any{"field": "messages", "value": value}},
		}},
	}).body
	mac := hmac.New(sha256.New, []byte(ch.Secrets["app_secret"]))
	mac.Write(body)
	return callback{header: [][2]string{{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}}, body: body}
}

func metaTime(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
