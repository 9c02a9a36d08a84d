package kaleyra

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var doc = dialect.Doc{
	Title: "Kaleyra", About: "Sends Meta's message object in Kaleyra's envelope.", Security: "api-key", AnyContent: true,
	Curl:    dialect.Curl("/v2/$SENDOFF_ACCOUNT_SID/whatsapp/+15550002222/messages", "api-key: $SENDOFF_API_KEY", exampleBody),
	Answer:  exampleAnswer,
	Failure: kaleyraFailure{},
	Differs: []string{
		"sid is the sid of your account here (AC...), and phone_number the number of the sending channel, with or without +.",
		"data.messages lists every recipient of to with its own id. data.message_id is the id of the first recipient's message.",
		"The header X-Error-Detail names what is wrong with a payload (WA400).",
		"Besides templates, messaging_object takes Meta's other types; without type it is a text. " +
			"The one-time password of an authentication template must be the same in body and button.",
		"An exceeded limit is WA429, which the page does not list.",
	},
	Samples: map[string]string{"sid": "AC0123456789abcdef0123456789abcdef", "phone": "+15550002222"},
}

var sendDoc = dialect.RouteDoc{
	Summary: "send a message", Request: apidoc.Request{Type: kaleyraRequest{}, Examples: []string{exampleBody}},
	Status: http.StatusAccepted, Reply: apidoc.Response{Type: kaleyraAnswer{}, Example: exampleAnswer},
}

const exampleAnswer = `{"code":"WA202","message":"Request Accepted","data":{"message_id":"` + dialect.ExampleID +
	`","messages":[{"to":"+919876543210","message_id":"` + dialect.ExampleID + `"}]},"error":{}}`

// exampleBody is the example of the vendor's page.
const exampleBody = `{
  "messaging_object": {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+919876543210",
    "type": "template",
    "template": {
      "name": "auth1",
      "language": {"code": "en_US"},
      "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "J$Fp1234"}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "J$Fp1234"}]}
      ]
    }
  },
  "extra_info": {"ref": "customer1", "ref1": "marketing", "ref2": "dictionary", "wa_source": "api"}
}`

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	kaleyraRequest struct {
		_               struct{}       `additionalProperties:"true"`
		MessagingObject kaleyraMessage `json:"messaging_object" required:"true" doc:"Meta's message object."`
		ExtraInfo       *kaleyraInfo   `json:"extra_info,omitempty"`
	}
	kaleyraMessage struct {
		_                struct{} `additionalProperties:"true"`
		MessagingProduct string   `json:"messaging_product" required:"true" enum:"whatsapp"`
		RecipientType    string   `json:"recipient_type,omitempty" enum:"individual"`
		To               string   `json:"to" required:"true" doc:"One or more numbers, separated by commas. An invalid one refuses all."`
		dialect.MetaContent
	}
	kaleyraInfo struct {
		_        struct{} `additionalProperties:"true"`
		Ref      string   `json:"ref,omitempty" doc:"Returned in webhooks. Cut after 255 characters."`
		Ref1     string   `json:"ref1,omitempty" doc:"As ref."`
		Ref2     string   `json:"ref2,omitempty" doc:"As ref."`
		WaSource string   `json:"wa_source,omitempty" doc:"A source that the vendor's page lists. Any other value becomes api."`
	}
	kaleyraReceipt struct {
		To        string       `json:"to" required:"true"`
		MessageID *dispatch.ID `json:"message_id" required:"true"`
	}
	kaleyraAnswer struct {
		Code    string `json:"code" required:"true" enum:"WA202"`
		Message string `json:"message" required:"true"`
		Data    struct {
			MessageID *dispatch.ID     `json:"message_id" required:"true" doc:"The first recipient's."`
			Messages  []kaleyraReceipt `json:"messages" required:"true" nullable:"false" doc:"Every recipient's."`
		} `json:"data" required:"true"`
		Error struct{} `json:"error" required:"true"`
	}
	kaleyraFailure struct {
		Code    string       `json:"code" required:"true" enum:"RBC001,WA401,WA-401,WA400,E110,WA429,WA404,WA405,WA409,WA422,WA500"`
		Message string       `json:"message" required:"true"`
		Data    apidoc.Any   `json:"data" required:"true" doc:"Empty: {}, of RBC001 []."`
		Error   apidoc.Texts `json:"error" required:"true"`
	}
)
