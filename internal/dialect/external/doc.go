package external

import (
	"net/http"
	"time"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var doc = dialect.Doc{
	Title: "External API (Comprehensive API Management Guide)", Security: "api_key",
	About: "Sends templates whose variables are given by name, returns the status of messages, and lists templates.",
	Curl:  dialect.Curl(prefix+"/messages/template/send", "X-API-Key: $SENDOFF_API_KEY", exampleBody), Answer: exampleAnswer,
	Failure: externalFailure{},
	Differs: []string{
		"Success is 202. The status is queued where the guide's sample shows sent.",
		"Messages are sent through the account's default channel, which must be a WhatsApp channel.",
		`variables uses the names that the template's variables have here ("variables" of POST or PATCH /v1/templates; a sync keeps them), ` +
			`or "1", "2", ... if they have none. A missing or surplus variable is a VALIDATION_ERROR that names it.`,
		"language may be omitted if the template exists in one language only.",
		`"simulate": true checks the request and sends nothing: the response is 200 and message_uuid is null.`,
		"The limits are those of the API key: 60 per minute and 10,000 per day by default. " +
			"RATE_LIMIT_EXCEEDED and DAILY_LIMIT_EXCEEDED are 429.",
	},
	Samples: map[string]string{"uuid": dialect.ExampleID},
}

var (
	sendDoc = dialect.RouteDoc{
		Summary: "send a template", Request: apidoc.Request{Type: externalRequest{}, Examples: []string{exampleBody}},
		Status: http.StatusAccepted, Reply: apidoc.Response{Type: externalAnswer{}, Example: exampleAnswer},
	}
	messageDoc = dialect.RouteDoc{
		Summary: "retrieve a message", Status: http.StatusOK, OneMessage: true,
		Reply: apidoc.Response{Type: externalMessage{}, Example: exampleMessage},
	}
	templatesDoc = dialect.RouteDoc{
		Summary: "list templates", Status: http.StatusOK, Reply: apidoc.Response{Type: externalTemplates{}, Example: exampleTemplates},
	}
)

const (
	exampleAnswer  = `{"success":true,"data":{"message_uuid":"` + dialect.ExampleID + `","status":"queued","to":"+15551234567"}}`
	exampleMessage = `{"success":true,"data":{"message_uuid":"` + dialect.ExampleID + `","status":"delivered","to":"+15551234567",` +
		`"template_name":"order_confirmation","reference":"my-order-123","created_at":"2026-01-02T03:04:05Z",` +
		`"sent_at":"2026-01-02T03:04:06Z","delivered_at":"2026-01-02T03:04:07Z","read_at":null,"failed_at":null,"error":null}}`
	exampleTemplates = `{"success":true,"data":[{"id":1,"name":"order_confirmation","language":"en","category":"utility",` +
		`"status":"approved","variables":["customer_name","order_id","total"]}]}`
)

// exampleBody is the example of the vendor's page, with a number that can exist.
const exampleBody = `{
  "to": "+15551234567",
  "template_name": "order_confirmation",
  "language": "en",
  "variables": {"customer_name": "John Doe", "order_id": "ORD-12345", "total": "99.99"},
  "reference": "my-order-123"
}`

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	externalRequest struct {
		_            struct{}     `additionalProperties:"true"`
		To           string       `json:"to" required:"true" doc:"In international format, with or without +."`
		TemplateName string       `json:"template_name" required:"true"`
		Language     string       `json:"language,omitempty" doc:"Required if the template has several."`
		Variables    apidoc.Texts `json:"variables,omitempty" doc:"Values by the names of the template's variables, or by number."`
		Reference    string       `json:"reference,omitempty" maxLength:"255" doc:"Returned with the message."`
		Simulate     bool         `json:"simulate,omitempty" doc:"Validates without sending: 200, status simulated."`
	}
	externalAnswer struct {
		Success bool `json:"success" required:"true" enum:"true"`
		Data    struct {
			MessageUUID *dispatch.ID `json:"message_uuid" required:"true"`
			Status      string       `json:"status" required:"true" enum:"queued,scheduled,simulated"`
			To          string       `json:"to" required:"true"`
		} `json:"data" required:"true"`
	}
	externalMessage struct {
		Success bool `json:"success" required:"true" enum:"true"`
		Data    struct {
			MessageUUID  dispatch.ID        `json:"message_uuid" required:"true"`
			Status       apidoc.Status      `json:"status" required:"true"`
			To           string             `json:"to" required:"true"`
			TemplateName *string            `json:"template_name" required:"true"`
			Reference    *string            `json:"reference" required:"true"`
			CreatedAt    time.Time          `json:"created_at" required:"true"`
			SentAt       *time.Time         `json:"sent_at" required:"true"`
			DeliveredAt  *time.Time         `json:"delivered_at" required:"true"`
			ReadAt       *time.Time         `json:"read_at" required:"true"`
			FailedAt     *time.Time         `json:"failed_at" required:"true"`
			Error        apidoc.ErrorOrNull `json:"error" required:"true"`
		} `json:"data" required:"true"`
	}
	externalTemplates struct {
		Success bool               `json:"success" required:"true" enum:"true"`
		Data    []externalTemplate `json:"data" required:"true" nullable:"false"`
	}
	externalTemplate struct {
		ID        int64    `json:"id" required:"true"`
		Name      string   `json:"name" required:"true"`
		Language  string   `json:"language" required:"true"`
		Category  string   `json:"category" required:"true"`
		Status    string   `json:"status" required:"true"`
		Variables []string `json:"variables" required:"true" nullable:"false"`
	}
	externalFailure struct {
		Success bool `json:"success" required:"true" enum:"false"`
		Error   struct {
			Code    string `json:"code" required:"true"`
			Message string `json:"message" required:"true"`
		} `json:"error" required:"true"`
	}
)
