package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// sendRequest describes what POST /v1/messages takes; dialect/native reads it.
type sendRequest struct {
	Channel       loose                 `json:"channel,omitempty" doc:"A channel's id or key; left out: the account's default."`
	To            string                `json:"to" required:"true" doc:"In international form, with or without +."`
	Type          string                `json:"type" required:"true" enum:"text,template,image,video,audio,document,sticker,location,contacts,interactive,reaction"`
	Text          *dispatch.Text        `json:"text,omitempty"`
	Template      *templateRequest      `json:"template,omitempty"`
	Image         *dispatch.Media       `json:"image,omitempty"`
	Video         *dispatch.Media       `json:"video,omitempty"`
	Audio         *dispatch.Media       `json:"audio,omitempty"`
	Document      *dispatch.Media       `json:"document,omitempty"`
	Sticker       *dispatch.Media       `json:"sticker,omitempty"`
	Location      *dispatch.Location    `json:"location,omitempty"`
	Contacts      loose                 `json:"contacts,omitempty" doc:"Meta's array of contacts."`
	Interactive   *dispatch.Interactive `json:"interactive,omitempty"`
	Reaction      *dispatch.Reaction    `json:"reaction,omitempty"`
	Context       *dispatch.Context     `json:"context,omitempty" doc:"The message that this one answers: sent through this channel or received on it. Our id or the provider's."`
	MoreMedia     []dispatch.Media      `json:"more_media,omitempty" doc:"Further files of an MMS."`
	SendAt        *time.Time            `json:"send_at,omitempty"`
	ExpiresAt     *time.Time            `json:"expires_at,omitempty" doc:"No call to the provider starts after it. Left out: otp 5 minutes, normal 24 h, bulk 72 h after send_at."`
	TTLSeconds    int64                 `json:"ttl_seconds,omitempty" minimum:"1" maximum:"31622400" doc:"Instead of expires_at, counted from send_at."`
	Lane          string                `json:"lane,omitempty" enum:"otp,normal,bulk" doc:"Left out: otp for authentication templates, else normal."`
	Reference     string                `json:"reference,omitempty" maxLength:"255" doc:"Your own name for the message; comes back in status and webhooks."`
	Metadata      object                `json:"metadata,omitempty" doc:"An object of yours; comes back, too."`
	Simulate      bool                  `json:"simulate,omitempty" doc:"Check everything, send and store nothing."`
	Contact       *dispatch.ContactSave `json:"contact,omitempty" doc:"Save the recipient as a contact."`
	UserID        string                `json:"user_id,omitempty" doc:"The team member who sends."`
	Fallback      []loose               `json:"fallback,omitempty" doc:"What to send when the message fails or expires: entries like a message, without to."`
	FallbackAfter int64                 `json:"fallback_after_seconds,omitempty" doc:"Send the fallback also when no delivery came so many seconds after the message was due."`
}

// templateRequest describes a message's template.
type templateRequest struct {
	ID                 int64              `json:"id,omitempty" doc:"Or name."`
	Name               string             `json:"name,omitempty"`
	Language           loose              `json:"language,omitempty" doc:"en, or Meta's {\"code\": \"en\"}; may be left out where the template has one."`
	Variables          loose              `json:"variables,omitempty" doc:"The values: a list in order or an object by name."`
	HeaderMediaURL     string             `json:"header_media_url,omitempty"`
	Components         []componentRequest `json:"components,omitempty" doc:"Instead of variables: Meta's components."`
	ProviderTemplateID string             `json:"provider_template_id,omitempty" doc:"For Twilio's and Gupshup's own templates."`
}

type batchRequest struct {
	Messages []sendRequest `json:"messages" required:"true" maxItems:"100000"`
}

type batchAnswer struct {
	Accepted int      `json:"accepted"`
	Rejected int      `json:"rejected"`
	Results  []result `json:"results"`
}

type statusRequest struct {
	IDs []dispatch.ID `json:"ids" required:"true" minItems:"1" maxItems:"1000"`
}

type statusAnswer struct {
	Messages []store.Brief `json:"messages"`
}

const sendExample = `{"to":"+15550000100","type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-17","9.90"]},"reference":"order-17"}`

// idempotencyParam is what every send understands.
var idempotencyParam = header("Idempotency-Key", "Up to 255 visible characters. The same key and body within 24 h give the first answer again.")

// changeRefusals are what a change of a scheduled message can meet, by status
// and code: it is held to what a new message would be.
var changeRefusals = map[int]string{
	http.StatusBadRequest:            string(dispatch.Malformed) + ": the body is no JSON object with something to change.",
	http.StatusUnauthorized:          string(dispatch.Unauthorized) + ": there is no key, or it is unknown, inactive or expired.",
	http.StatusPaymentRequired:       string(dispatch.LowBalance) + ": the new content costs more than the balance.",
	http.StatusForbidden:             string(dispatch.Forbidden) + ": the key lacks the permission for what the message is, or would be. " + string(dispatch.CountryNotAllowed) + ": it may not send there.",
	http.StatusNotFound:              string(dispatch.NotFound) + ": the account has no such message.",
	http.StatusConflict:              string(dispatch.Conflict) + ": the message is scheduled no more; more.status says what it is.",
	http.StatusRequestEntityTooLarge: string(dispatch.TooLarge) + ": the body is larger than 1 MiB.",
	http.StatusUnprocessableEntity: string(dispatch.Invalid) + ", with every faulty field: also one that can't be changed, a template that isn't approved, a disabled channel. As of a new message: " +
		string(dispatch.TemplateNotFound) + ", " + string(dispatch.UnsupportedType) + ", " + string(dispatch.OutsideWindow) + ", " + string(dispatch.Suppressed) + ", " + string(dispatch.ChannelNotFound) + ".",
	http.StatusTooManyRequests:     string(dispatch.RateLimited) + ", " + string(dispatch.DailyLimited) + ": the key's limits are used up, or its messages to the new recipient for the hour.",
	http.StatusInternalServerError: string(dispatch.Internal) + ": our fault; repeat the request.",
	http.StatusServiceUnavailable:  string(dispatch.Overloaded) + ": the service is busy or its database away; repeat the request.",
}

// natives describes the native routes that echo serves without huma.
func (d *describer) natives() {
	const messages = "Messages"
	d.add(described{
		method: http.MethodPost, path: "/v1/messages", tag: messages, summary: "Send a message", permission: "send_text, send_media or send_template", problems: true,
		text: "202 means that the message is stored and will be sent. With simulate: 200, and nothing is stored.", query: []huma.Param{idempotencyParam},
		body: sendRequest{}, example: sendExample, answers: map[int]any{202: receiptBody{}, 200: receiptBody{}},
	})
	d.add(described{
		method: http.MethodPost, path: "/v1/messages/batch", tag: messages, summary: "Send up to 100,000 messages", permission: "send_text, send_media or send_template", problems: true,
		text:  "JSON as here, or application/x-ndjson with a message a line, which is answered with a result a line. Up to 256 MiB, 64 KiB a message.",
		query: []huma.Param{idempotencyParam}, body: batchRequest{}, example: `{"messages":[` + sendExample + `]}`, answers: map[int]any{202: batchAnswer{}},
	})
	d.add(described{
		method: http.MethodGet, path: "/v1/messages", tag: messages, summary: "List messages", text: "Newest first.", permission: "view_messages", problems: true,
		query: []huma.Param{
			query("status", "string", "scheduled, queued, sending, sent, delivered, read, failed, expired, cancelled or unknown"), query("channel", "integer", "A channel's id."), query("to", "string", "The recipient's number."),
			query("reference", "string", ""), query("campaign", "integer", ""), query("type", "string", ""), query("search", "string", "A message id, a number or a reference."),
			query("created_from", "string", "RFC 3339"), query("created_to", "string", "RFC 3339"), query("limit", "integer", "Up to 1000; 50 when left out."), query("cursor", "string", "The next_cursor of the page before."),
		}, answers: map[int]any{200: middleware.List[dispatch.View]{}},
	})
	d.add(described{
		method: http.MethodPost, path: "/v1/messages/status", tag: messages, summary: "Ask for up to 1,000 statuses", permission: "view_messages", problems: true,
		body: statusRequest{}, answers: map[int]any{200: statusAnswer{}},
	})
	d.add(described{
		method: http.MethodGet, path: "/v1/messages/{id}", tag: messages, summary: "Show a message", permission: "view_messages", problems: true,
		text: "With wait it answers at the next change of status or at the end of the wait.", query: []huma.Param{query("wait", "number", "Seconds, up to 30."), header("If-None-Match", "The ETag of an earlier answer: 304 while nothing has changed.")},
		answers: map[int]any{200: dispatch.View{}, 304: nil},
	})
	d.add(described{
		method: http.MethodPatch, path: "/v1/messages/{id}", tag: messages, summary: "Change a scheduled message", text: "Its content, send_at or to.", permission: "send_text, send_media or send_template", problems: true,
		body: json.RawMessage(`{"send_at":"2030-01-02T15:04:05Z"}`), answers: map[int]any{200: dispatch.View{}}, refusals: changeRefusals,
	})
	d.add(described{
		method: http.MethodGet, path: "/v1/messages/{id}/events", tag: messages, summary: "Show all that happened to a message", permission: "view_messages", problems: true,
		answers: map[int]any{200: middleware.List[store.TimelineEvent]{}},
	})
	d.add(described{
		method: http.MethodPost, path: "/v1/messages/{id}/cancel", tag: messages, summary: "Cancel a message", permission: "send_text, send_media or send_template", problems: true,
		text: "While it is scheduled, queued or waiting for a retry; 409 with the present status otherwise. One that the provider may have becomes unknown.", answers: map[int]any{200: dispatch.View{}},
	})
	d.add(described{
		method: http.MethodGet, path: "/v1/events", tag: messages, summary: "Follow status changes live", permission: "view_messages", problems: true,
		text:    "Server-sent events of the whole account, from now on. Last-Event-ID resumes without a gap or a repeat; an id also comes without an event, as the place to resume from. A client that is too slow is cut off and resumes. A key may have 20 streams open.",
		query:   []huma.Param{header("Last-Event-ID", "The id of the last event that was seen.")},
		answers: map[int]any{200: "id: ...\nevent: message.sent\ndata: {...}\n\n"},
	})
}
