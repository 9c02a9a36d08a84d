package socialone

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var doc = dialect.Doc{
	Title: "Socialone", About: "Sends one approved WhatsApp template to one recipient.", Security: "api_key",
	Curl: dialect.Curl(sendPath+"/", "x-api-key: $SENDOFF_API_KEY", exampleBody), Answer: exampleAnswer, Failure: socialoneFailure{},
	Differs: []string{
		"template_id and social_account_id are the ids of a template and of a WhatsApp channel of your account. Both may be strings.",
		"The number of variables must match the template, and media_file its media header.",
		"The vendor's page shows neither responses nor errors. Success is 202; errors are listed below.",
	},
}

// routeDoc describes both paths: with and without the last slash.
func routeDoc(summary string) dialect.RouteDoc {
	return dialect.RouteDoc{
		Summary: summary, Request: apidoc.Request{Type: socialoneRequest{}, Examples: []string{exampleBody}},
		Status: http.StatusAccepted, Reply: apidoc.Response{Type: socialoneAnswer{}, Example: exampleAnswer},
	}
}

const exampleAnswer = `{"status":"success","data":{"message_id":"` + dialect.ExampleID + `","status":"queued"}}`

// exampleBody is the example of the vendor's page, with the demo account's template.
const exampleBody = `{
  "country_code": "91",
  "phone_number": "9876543210",
  "template_id": 3,
  "social_account_id": 1,
  "variables": ["John"],
  "media_file": {"url": "https://example.com/your-image.jpg"}
}`

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	socialoneRequest struct {
		_               struct{}        `additionalProperties:"true"`
		CountryCode     string          `json:"country_code" required:"true" doc:"The recipient's country code, with or without +."`
		PhoneNumber     string          `json:"phone_number" required:"true" doc:"The number without the country code."`
		TemplateID      apidoc.IDOrText `json:"template_id" required:"true" doc:"A template's id here."`
		SocialAccountID apidoc.IDOrText `json:"social_account_id" required:"true" doc:"The id of a WhatsApp channel here."`
		Variables       []string        `json:"variables" required:"true" nullable:"false" doc:"A value per variable, in order; [] for none."`
		MediaFile       *socialoneMedia `json:"media_file,omitempty" doc:"Fills the template's media header."`
	}
	socialoneMedia struct {
		URL  string `json:"url" required:"true" doc:"The URL of the file."`
		Name string `json:"name,omitempty" doc:"What a document is called."`
	}
	socialoneAnswer struct {
		Status string `json:"status" required:"true" enum:"success"`
		Data   struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
			Status    string       `json:"status" required:"true" enum:"queued,scheduled"`
		} `json:"data" required:"true"`
	}
	socialoneFailure struct {
		Status  string              `json:"status" required:"true" enum:"error"`
		Message string              `json:"message" required:"true"`
		Errors  map[string][]string `json:"errors" required:"true" doc:"What is wrong, by field."`
	}
)
