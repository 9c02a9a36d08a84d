package sociocs

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var doc = dialect.Doc{
	Title: "Sociocs", Security: "apikey", AnyContent: true,
	About: "Sends text, media or a template through a Twilio or Gupshup channel, at once or on a schedule.",
	Curl: dialect.Curl("/message", "apikey: $SENDOFF_API_KEY", strings.Replace(exampleBody, "your_channel_key", `'"$SENDOFF_CHANNEL_KEY"'`,
		1)), Answer: exampleAnswer, Failure: sociocsFailure{},
	Differs: []string{
		"provider must be the channel's provider and channel_key the channel's key here. " +
			"user_id is the id of a team member from /team-members.",
		"A template must be registered here, and its variables must match: " +
			"a header takes a file (MEDIA_URL) or a text (Header), never both.",
		"schedule requires a UTC offset. A time up to 60 seconds in the past sends at once; an earlier one is refused. " +
			"Scheduled messages are changed and cancelled at /v1/messages/{id}.",
		"The contact is saved when the message is accepted. Fields that are omitted keep their values.",
		"errors lists every fault of the request. A key without the permission is answered with 401.",
	},
}

var (
	sendDoc = dialect.RouteDoc{
		Summary: "send a message", Request: apidoc.Request{Type: sociocsRequest{}, Examples: append([]string{exampleBody}, moreExamples...)},
		Status: http.StatusOK, Reply: apidoc.Response{Type: sociocsAnswer{}, Example: exampleAnswer},
	}
	teamDoc = dialect.RouteDoc{
		Summary: "list team members", Status: http.StatusOK, Reply: apidoc.Response{Type: sociocsTeam{}, Example: exampleTeam},
	}
)

const (
	exampleAnswer = `{"status":"success","data":{"message_id":"` + dialect.ExampleID + `"}}`
	exampleTeam   = `{"status":"success","data":[{"user_id":"` + dialect.ExampleID + `","name":"Sam Sender","email":"sam@example.com"}]}`
)

// exampleBody is the example of the vendor's page.
const exampleBody = `{
  "provider": "twlo",
  "channel_key": "your_channel_key",
  "to": "+16175551212",
  "name": "recipient_name",
  "text": "message"
}`

// moreExamples are further examples of the vendor's page.
var moreExamples = []string{
	`{"provider": "twlowa", "channel_key": "your_channel_key", "to": "+16175551212", "schedule": "2030-01-02T15:04:05-04:00",
  "template": {"id": "HX0123456789abcdef0123456789abcdef", "variables": {"1": "John", "2": "john@example.com", "3": "11-Jul-2024"}}}`,
	`{"provider": "gswa", "channel_key": "your_channel_key", "to": "+16175551212", "user_id": "` + dialect.ExampleID + `",
  "template": {"id": "c6fa0a60-fbaa-4c26-ac36-87d9ed1f79a6", "variables": {"MEDIA_URL": "https://placehold.co/600x400", "Body":
  {"1": "john@example.com", "2": "11-Jul-2024"}, "Buttons": {"1": "Quick Reply Text"}}}}`,
	`{"provider": "twlo", "channel_key": "your_channel_key", "to": "+16175551212", "name": "John",
  "image_urls": ["https://placehold.co/600x400"],
  "contact_saving": {"save": true, "list_id": 0, "extra_fields": {"email_address": "john@example.com", "id": 987123}}}`,
}

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	sociocsRequest struct {
		_             struct{}         `additionalProperties:"true"`
		Provider      string           `json:"provider" required:"true" enum:"twlo,twlowa,gswa" doc:"The channel's provider."`
		ChannelKey    string           `json:"channel_key" required:"true" doc:"The channel's key here."`
		To            string           `json:"to" required:"true" doc:"In international format, with or without +."`
		Name          string           `json:"name,omitempty" doc:"The recipient's name, for contact_saving."`
		Text          string           `json:"text,omitempty" doc:"Required without media and template."`
		ImageURL      string           `json:"image_url,omitempty" doc:"With twlo only."`
		ImageURLs     []string         `json:"image_urls,omitempty" maxItems:"10" doc:"Several images."`
		VideoURL      string           `json:"video_url,omitempty" doc:"With twlo only."`
		FileURL       string           `json:"file_url,omitempty" doc:"With twlo only."`
		Template      *sociocsTemplate `json:"template,omitempty" doc:"With twlowa and gswa."`
		ContactSaving *sociocsContact  `json:"contact_saving,omitempty" doc:"Save the recipient as a contact when the message is accepted."`
		Schedule      string           `json:"schedule,omitempty" doc:"ISO 8601 with an offset: 2006-01-02T15:04:05-04:00."`
		UserID        string           `json:"user_id,omitempty" doc:"The id of a team member, from /team-members."`
	}
	sociocsTemplate struct {
		ID        string        `json:"id" required:"true" doc:"Twilio's content SID or Gupshup's template id; it must be registered here."`
		Variables apidoc.Object `json:"variables,omitzero" doc:"Values by number; for gswa in Header, Body, Buttons."`
	}
	sociocsContact struct {
		Save        bool          `json:"save,omitempty" doc:"Default: false."`
		ListID      int64         `json:"list_id,omitempty" doc:"0 for all contacts."`
		ExtraFields apidoc.Object `json:"extra_fields,omitzero" doc:"Any fields to keep with the contact."`
	}
	sociocsAnswer struct {
		Status string `json:"status" required:"true" enum:"success"`
		Data   struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
		} `json:"data" required:"true"`
	}
	sociocsTeam struct {
		Status string          `json:"status" required:"true" enum:"success"`
		Data   []sociocsMember `json:"data" required:"true" nullable:"false"`
	}
	sociocsMember struct {
		UserID string `json:"user_id" required:"true"`
		Name   string `json:"name" required:"true"`
		Email  string `json:"email" required:"true"`
	}
	sociocsFault struct {
		Msg string `json:"msg" required:"true"`
	}
	sociocsFailure struct {
		Status string         `json:"status" required:"true" enum:"error"`
		Errors []sociocsFault `json:"errors" required:"true" nullable:"false" doc:"All faults at once."`
	}
)
