// Package meta emulates the WhatsApp Cloud API.
package meta

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// vendorName is the name in dispatch.Channel.Provider.
const vendorName = "meta"

// Vendor is the WhatsApp Cloud API: sends, the number's own record, template
// lists, and callbacks signed with the app secret.
var Vendor = &engine.Vendor{
	Name:     vendorName,
	Owns:     owns,
	Address:  func(ch *dispatch.Channel) string { return ch.Settings["phone_number_id"] },
	Read:     read,
	Reply:    reply,
	Callback: callback,
	Inbound:  inbound,
	App:      func(ch *dispatch.Channel) string { return ch.Secrets["app_secret"] },
	MaxBatch: 1000, // Meta's own limit
}

// owns reports whether a path begins with a version of Meta's, /v25.0/: the dot
// distinguishes it from other vendors' /v2/.
func owns(path string) bool {
	version, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return len(version) > 2 && version[0] == 'v' && strings.Contains(version, ".")
}

// request is what the emulator reads of a send.
type request struct {
	Product string `json:"messaging_product"`
	To      string `json:"to"`
	UserID  string `json:"recipient"` // a business-scoped user id, in place of to
	Type    string `json:"type"`
	Ref     string `json:"biz_opaque_callback_data"`
	Status  string `json:"status"`
	Message string `json:"message_id"`
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

// filled reports whether the object that the type names is there; known is false
// for a type that isn't Meta's.
func (m *request) filled() (filled, known bool) {
	switch m.Type {
	case "text":
		return m.Text != nil, true
	case "template":
		return m.Template != nil && m.Template.Name != "" && m.Template.Language.Code != "", true
	}
	objects := map[string]*present{
		"image": m.Image, "video": m.Video, "audio": m.Audio, "document": m.Document, "sticker": m.Sticker,
		"location": m.Location, "contacts": m.Contacts, "interactive": m.Interactive, "reaction": m.Reaction,
	}
	o, known := objects[m.Type]
	return o != nil, known
}

func read(s *engine.Server, r *http.Request, body []byte) (*engine.Send, engine.Answer) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) == 3 && parts[2] == "messages" && r.Method == http.MethodPost:
		ch, refused := channel(s, r, parts[1])
		if ch == nil {
			return nil, refused
		}
		return readSend(ch, body)
	case len(parts) == 3 && parts[2] == "message_templates" && r.Method == http.MethodGet:
		return nil, templateList(s, r, parts[1])
	case len(parts) == 2 || len(parts) == 3:
		return nil, object(s, r, parts[1], strings.Join(parts[2:], ""))
	}
	id := ""
	if len(parts) > 1 {
		id = parts[1]
	}
	return nil, noObject(r.Method, id)
}

// channel finds the channel of a phone number id and checks the token.
func channel(s *engine.Server, r *http.Request, phoneNumberID string) (*dispatch.Channel, engine.Answer) {
	auth := r.Header.Get("Authorization")
	chs := s.Channels(vendorName, phoneNumberID)
	for _, ch := range chs {
		if auth == "Bearer "+ch.Secrets["access_token"] {
			return ch, engine.Answer{}
		}
	}
	if len(chs) > 0 || auth == "" {
		return nil, refusal(http.StatusUnauthorized, 190, "Invalid OAuth access token - Cannot parse access token", "")
	}
	return nil, noObject(r.Method, phoneNumberID)
}

// readSend refuses what Meta refuses whatever the recipient. A body that marks a message
// as read is no send.
func readSend(ch *dispatch.Channel, body []byte) (*engine.Send, engine.Answer) {
	var m request
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, refusal(http.StatusBadRequest, 100, "(#100) Invalid parameter", "the body is no JSON object of the expected form")
	}
	if m.Status == "read" && m.Message != "" {
		return nil, engine.JSON(http.StatusOK, done)
	}
	to := engine.Number(cmp.Or(m.To, m.UserID))
	filled, known := m.filled()
	switch {
	case m.Product != "whatsapp":
		return nil, refusal(http.StatusBadRequest, 100, "(#100) Param messaging_product must be one of {WHATSAPP} - got \""+m.Product+"\".", "")
	case to == 0:
		return nil, refusal(http.StatusBadRequest, 100, "(#100) The parameter to is required.", "")
	case !known:
		return nil, refusal(http.StatusBadRequest, 100, "(#100) Invalid parameter",
			"Param type must be one of Meta's message types - got \""+m.Type+"\".")
	case !filled:
		return nil, refusal(http.StatusBadRequest, 131008, "(#131008) Required parameter is missing",
			"Parameter of type "+m.Type+" is missing or incomplete.")
	case m.Text != nil && (m.Text.Body == "" || utf8.RuneCountInString(m.Text.Body) > 4096):
		return nil, refusal(http.StatusBadRequest, 100, "(#100) Invalid parameter", "Param text['body'] must be 1 to 4096 characters long.")
	}
	if user := cmp.Or(m.UserID, m.To); person.IsUserID(user) {
		return &engine.Send{Channel: ch, To: user, Ref: m.Ref}, engine.Answer{}
	}
	return &engine.Send{Channel: ch, To: "+" + strconv.FormatUint(to, 10), Ref: m.Ref}, engine.Answer{}
}

// reply words an outcome; the 500 is a 131016.
func reply(m *engine.Send, o engine.Outcome) engine.Answer {
	switch o {
	case engine.Throttled:
		return refusal(http.StatusTooManyRequests, 130429, "(#130429) Rate limit hit", "Cloud API message throughput has been reached.")
	case engine.Failing:
		return refusal(http.StatusInternalServerError, 131016, "(#131016) Service unavailable", "A service is temporarily unavailable.")
	case engine.Invalid:
		return refusal(http.StatusBadRequest, 131026, "(#131026) Message undeliverable", "Message Undeliverable.")
	}
	b := make([]byte, 0, 256)
	waID, userID := named(m.To)
	b = append(b, `{"messaging_product":"whatsapp","contacts":[{"input":"`...)
	b = append(b, strings.TrimPrefix(m.To, "+")...)
	if waID != "" {
		b = append(b, `","wa_id":"`...)
		b = append(b, waID...)
	}
	if userID != "" {
		b = append(b, `","user_id":"`...)
		b = append(b, userID...)
	}
	b = append(b, `"}],"messages":[{"id":"`...)
	b = append(b, wamid(m.ID)...)
	b = append(b, `","message_status":"accepted"}]}`...)
	return engine.Answer{Status: http.StatusOK, Body: b}
}

// named returns the ids by which Meta names a recipient. Those of numbers that end
// in 0111 have a wa_id that lacks a digit, as many in Brazil do; those in 0112 are
// named by a user id alone.
func named(to string) (waID, userID string) {
	digits := strings.TrimPrefix(to, "+")
	switch {
	case person.IsUserID(to):
		return "", to
	case strings.HasSuffix(to, "0111") && len(digits) > 8:
		return digits[:4] + digits[5:], ""
	case strings.HasSuffix(to, "0112"):
		return "", "US." + digits
	}
	return digits, ""
}

// echo returns our reference in a status; those to 0113 lack it, as those that
// partners pass on may.
func echo(e *engine.Event) string {
	if strings.HasSuffix(e.To, "0113") {
		return ""
	}
	return e.Ref
}

func wamid(id string) string { return "wamid.EMU" + id }

// refusal is the Graph API's error body.
func refusal(status, code int, message, details string) engine.Answer {
	e := map[string]any{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AEmulatorTraceId"}
	if details != "" {
		e["error_data"] = map[string]string{"messaging_product": "whatsapp", "details": details}
	}
	return engine.JSON(status, map[string]any{"error": e})
}

// noObject is the answer to an id that the token can't see.
func noObject(method, id string) engine.Answer {
	message := fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, "+
		"cannot be loaded due to missing permissions, or does not support this operation",
		strings.ToLower(method), id)
	return engine.JSON(http.StatusBadRequest, map[string]any{"error": map[string]any{
		"message": message, "type": "GraphMethodException", "code": 100, "error_subcode": 33, "fbtrace_id": "AEmulatorTraceId",
	}})
}

// The callback bodies.
type (
	status struct {
		ID        string    `json:"id"`
		Status    string    `json:"status"`
		Timestamp string    `json:"timestamp"`
		Recipient string    `json:"recipient_id,omitempty"`
		UserID    string    `json:"recipient_user_id,omitempty"`
		Pricing   *pricing  `json:"pricing,omitempty"`
		Errors    []failure `json:"errors,omitempty"`
		Ref       string    `json:"biz_opaque_callback_data,omitempty"`
	}
	pricing struct {
		Billable bool   `json:"billable"`
		Model    string `json:"pricing_model"`
		Category string `json:"category"`
		Type     string `json:"type"`
	}
	failure struct {
		Code    int               `json:"code"`
		Title   string            `json:"title"`
		Message string            `json:"message"`
		Data    map[string]string `json:"error_data"`
	}
)

var (
	charge    = &pricing{Billable: true, Model: "PMP", Category: "utility", Type: "regular"}
	unreached = []failure{{
		Code: 131026, Title: "Message undeliverable", Message: "Message undeliverable",
		Data: map[string]string{"details": "Message Undeliverable."},
	}}
)

func callback(ch *dispatch.Channel, _ string, es []engine.Event) engine.Callback {
	var entries []any
	for from := 0; from < len(es); { // a change is about one number
		to := from + 1
		for to < len(es) && es[to].Channel.Key == es[from].Channel.Key {
			to++
		}
		entries = append(entries, about(es[from].Channel, map[string]any{"statuses": statuses(es[from:to])}))
		from = to
	}
	return signed(ch, entries)
}

func statuses(es []engine.Event) []status {
	list := make([]status, len(es))
	for i, e := range es {
		waID, userID := named(e.To)
		list[i] = status{
			ID: wamid(e.ID), Status: e.Status.String(), Timestamp: engine.Unix(e.When), Recipient: waID, UserID: userID,
			Pricing: charge, Ref: echo(&e),
		}
		if e.Status == dispatch.Failed {
			list[i].Pricing, list[i].Errors = nil, unreached
		}
	}
	return list
}

func inbound(ch *dispatch.Channel, _ string, in engine.Inbound) engine.Callback {
	if waID, userID := named(in.From); waID == "" {
		return webhook(ch, map[string]any{
			"contacts": []any{map[string]any{"profile": map[string]string{"name": "Emulated Contact", "username": "emulated"}, "user_id": userID}},
			"messages": []any{map[string]any{
				"from_user_id": userID, "id": wamid(in.ID), "timestamp": engine.Unix(in.At), "type": "text", "text": map[string]string{"body": in.Text},
			}},
		})
	}
	return webhook(ch, map[string]any{
		"contacts": []any{map[string]any{"profile": map[string]string{"name": "Emulated Contact"}, "wa_id": in.From[1:]}},
		"messages": []any{map[string]any{
			"from": in.From[1:], "id": wamid(in.ID), "timestamp": engine.Unix(in.At), "type": "text", "text": map[string]string{"body": in.Text},
		}},
	})
}

// webhook wraps a value in the envelope and signs it.
func webhook(ch *dispatch.Channel, value map[string]any) engine.Callback {
	return signed(ch, []any{about(ch, value)})
}

// about wraps a value about a number.
func about(ch *dispatch.Channel, value map[string]any) any {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]string{
		"display_phone_number": strings.TrimPrefix(ch.Sender, "+"), "phone_number_id": ch.Settings["phone_number_id"],
	}
	return map[string]any{"id": ch.Settings["waba_id"], "changes": []any{map[string]any{"field": "messages", "value": value}}}
}

// signed makes the callback of entries, with the secret of ch.
func signed(ch *dispatch.Channel, entries []any) engine.Callback {
	body := engine.JSON(0, map[string]any{"object": "whatsapp_business_account", "entry": entries}).Body
	mac := hmac.New(sha256.New, []byte(ch.Secrets["app_secret"]))
	mac.Write(body)
	return engine.Callback{Header: [][2]string{{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}}, Body: body}
}
