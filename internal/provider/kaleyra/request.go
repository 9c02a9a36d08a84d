package kaleyra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// whatsAppBody is a WhatsApp V2 send: Meta's message, and what comes back in
// callbacks
// (developers.kaleyra.io/docs/whatsapp-api-v2-send-text-messages).
type whatsAppBody struct {
	Message message   `json:"messaging_object"`
	Extra   extraInfo `json:"extra_info"`
}

// message is Meta's, but for a button's index: Kaleyra documents an integer
// where Meta's examples have a text.
type message struct {
	meta.Message
	Template *templateUse `json:"template,omitempty"`
}

type templateUse struct {
	dispatch.TemplateUse
	Components []component `json:"components,omitempty"`
}

type component struct {
	dispatch.Component
	Index json.Number `json:"index,omitempty"`
}

type extraInfo struct {
	Ref    string `json:"ref"` // our message id
	Source string `json:"wa_source"`
}

// smsBody is an SMS send.
type smsBody struct {
	To         string       `json:"to"`
	Sender     string       `json:"sender"`
	Type       string       `json:"type,omitempty"`
	Body       string       `json:"body"`
	TemplateID string       `json:"template_id,omitempty"`
	Unicode    string       `json:"unicode,omitempty"`
	Ref        string       `json:"ref_custom"`
	Callback   *smsCallback `json:"callback,omitempty"`
}

type smsCallback struct {
	URL    string `json:"url"`
	Method string `json:"method"`
}

// request builds the body of a call.
func request(ch *dispatch.Channel, m *dispatch.Message) ([]byte, error) {
	var body any
	if ch.WhatsApp() {
		body = whatsAppBody{Message: whatsApp(m), Extra: extraInfo{Ref: m.ID.String(), Source: source(m)}}
	} else {
		if m.Content.Text == nil || m.Content.Text.Body == "" {
			return nil, refuse(dispatch.FailContent, "a Kaleyra SMS carries text only")
		}
		body = sms(ch, m)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, &provider.Error{Kind: provider.Permanent, Code: dispatch.FailInternal, Msg: "message can't be encoded", Err: err}
	}
	return b, nil
}

// sources are the values of wa_source that Kaleyra's page lists; it takes any
// other for "api".
var sources = []string{
	"api", "clevertap", "zoho", "webengage", "shopify", "leadsquared", "responsys", "braze", "hubspot", "salesforce",
	"zapier", "eloqua", "moengage",
}

// source is the wa_source that the client named; the Kaleyra dialect keeps it in
// the message's metadata.
func source(m *dispatch.Message) string {
	var given struct {
		Source json.RawMessage `json:"wa_source"`
	}
	if strings.Contains(m.Metadata, "wa_source") && json.Unmarshal([]byte(m.Metadata), &given) == nil {
		if s := provider.ScalarOf(given.Source); slices.Contains(sources, s) {
			return s
		}
	}
	return "api"
}

func whatsApp(m *dispatch.Message) message {
	msg := message{Message: meta.NewMessage(m)}
	// Kaleyra requires the plus that Meta doesn't need, and has its own field for our id.
	msg.To, msg.Ref = plus(m.To), ""
	t := msg.Message.Template
	if t == nil {
		return msg
	}
	msg.Template = &templateUse{TemplateUse: *t, Components: make([]component, len(t.Components))}
	for i, c := range t.Components {
		msg.Template.Components[i].Component = c
		if c.Index != nil {
			msg.Template.Components[i].Index = json.Number(*c.Index)
		}
	}
	return msg
}

func sms(ch *dispatch.Channel, m *dispatch.Message) smsBody {
	b := smsBody{
		To: plus(m.To), Sender: ch.Sender, Type: ch.Settings["sms_type"], Body: m.Content.Text.Body,
		TemplateID: ch.Settings["template_id"], Ref: m.ID.String(),
	}
	if !ascii(b.Body) {
		b.Unicode = "1"
	}
	if cb := provider.CallbackURL(ch); cb != "" {
		// Callbacks have no field that surely brings ref_custom back, so the
		// address carries our id; the secret in it is what makes them ours.
		address := cb + "/" + url.PathEscape(ch.Secrets["callback_secret"]) + "?ref=" + m.ID.String()
		b.Callback = &smsCallback{URL: address, Method: http.MethodPost}
	}
	return b
}

// ascii reports whether s needs no flag: what lies outside may or may not be in GSM
// 03.38, and a text flagged as unicode arrives whole in either case.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// refuse reports whether a message can't be sent at all; nothing was called.
func refuse(code dispatch.ErrorCode, format string, args ...any) error {
	return &provider.Error{Kind: provider.Permanent, Code: code, Msg: fmt.Sprintf(format, args...)}
}
