package aisoule

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var doc = dialect.Doc{
	Title: "Aisoule", About: "Sends text, templates, media and interactive messages.", Security: "api_key", AnyContent: true,
	Curl: dialect.Curl(sendPath, "X-API-Key: $SENDOFF_API_KEY", exampleBody), Answer: exampleAnswer, Failure: aisouleFailure{},
	Differs: []string{
		"message_id is our id, not WhatsApp's wamid. Success is 202.",
		"whatsapp_account is the id or the key of a WhatsApp channel here. An unknown one is 404.",
		"A key without the permission, or without the recipient's country, is answered with 401, because the page has no 403.",
		"The limits are those of the API key: 60 per minute and 10 per second by default (the page names 100 and 10).",
	},
}

var sendDoc = dialect.RouteDoc{
	Summary: "send a message", Request: apidoc.Request{Type: aisouleRequest{}, Examples: append([]string{exampleBody}, moreExamples...)},
	Status: http.StatusAccepted, Reply: apidoc.Response{Type: aisouleAnswer{}, Example: exampleAnswer},
}

const exampleAnswer = `{"data":{"message_id":"` + dialect.ExampleID + `","status":"queued"}}`

// exampleBody is the example of the vendor's page.
const exampleBody = `{
  "to": "+919876543210",
  "type": "template",
  "template": {
    "name": "order_status",
    "language": "en",
    "components": [
      {"type": "body", "parameters": [{"type": "text", "text": "John"}, {"type": "text", "text": "ORD-789"}]}
    ]
  }
}`

// moreExamples are further examples of the vendor's page.
var moreExamples = []string{
	`{"to": "+919876543210", "type": "text", "text": "Hello! Your order has been shipped."}`,
	`{"to": "+919876543210", "type": "image", "image": {"url": "https://example.com/product.jpg", "caption": "Check out our new product!"}}`,
	`{"to": "+919876543210", "type": "interactive", "interactive": {"type": "button", "body": {"text": "How can we help?"},
  "action": {"buttons": [{"type": "reply", "reply": {"id": "sales", "title": "Sales"}},
    {"type": "reply", "reply": {"id": "support", "title": "Support"}}]}}}`,
	`{"to": "+919876543210", "type": "text", "text": "Hello!", "whatsapp_account": "account_id_here"}`,
}

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	aisouleRequest struct {
		_               struct{}              `additionalProperties:"true"`
		To              string                `json:"to" required:"true" doc:"In international format, with or without +."`
		Type            string                `json:"type" required:"true" enum:"text,template,image,video,document,audio,interactive"`
		Text            string                `json:"text,omitempty" maxLength:"4096" doc:"Of type text. Sent within the 24-hour window only."`
		Template        *aisouleTemplate      `json:"template,omitempty"`
		Image           *aisouleMedia         `json:"image,omitempty"`
		Video           *aisouleMedia         `json:"video,omitempty"`
		Document        *aisouleMedia         `json:"document,omitempty"`
		Audio           *aisouleMedia         `json:"audio,omitempty"`
		Interactive     *dispatch.Interactive `json:"interactive,omitempty"`
		WhatsAppAccount apidoc.IDOrText       `json:"whatsapp_account,omitzero" doc:"A channel's id or key. Default: the account's default."`
	}
	aisouleTemplate struct {
		Name       string                     `json:"name" required:"true"`
		Language   apidoc.Any                 `json:"language" required:"true" doc:"en, or Meta's {\"code\": \"en\"}."`
		Components []dialect.ComponentRequest `json:"components,omitempty"`
	}
	aisouleMedia struct {
		URL      string `json:"url" required:"true"`
		Caption  string `json:"caption,omitempty" maxLength:"1024" doc:"Not for audio."`
		Filename string `json:"filename,omitempty" doc:"For documents."`
	}
	aisouleAnswer struct {
		Data struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
			Status    string       `json:"status" required:"true" enum:"queued,scheduled"`
		} `json:"data" required:"true"`
	}
	aisouleFailure struct {
		Message string `json:"message" required:"true"`
		Status  string `json:"status" required:"true" enum:"error"`
	}
)
