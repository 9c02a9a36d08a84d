package metaapi

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

var doc = dialect.Doc{
	Title: "Meta Cloud API", About: "Serves SDKs of Meta's WhatsApp Cloud API whose base URL points here.", Security: "bearer",
	AnyContent: true,
	Curl:       dialect.Curl("/v25.0/106540352242922/messages", "Authorization: Bearer $SENDOFF_API_KEY", exampleBody), Answer: exampleAnswer,
	Failure: metaFailure{},
	Differs: []string{
		"The phone number id is that of a WhatsApp channel here; a channel's own id or key works too. Any version v<n>.<n> is accepted.",
		"Ids are wamid. followed by our message id. context and reaction take such an id, or Meta's.",
		"Media are given by link or by an id of the channel's WhatsApp account.",
		"A request that marks a message as read, or shows a typing indicator, counts as a read. It is sent on to Meta if the message is known.",
		"Media, message_templates, phone_numbers and whatsapp_business_profile are passed on to Meta with the channel's access token.",
		"The version in the path may be left out.",
	},
	Samples: map[string]string{"version": "v25.0", "phone_number_id": "106540352242922", "object": "106540352242922"},
}

var sendDoc = dialect.RouteDoc{
	Query:   []apidoc.Parameter{apidoc.Query("access_token", "string", "The key, if there is no Authorization header.")},
	Summary: "send a message", Request: apidoc.Request{Type: metaRequest{}, Examples: []string{exampleBody}},
	Status: http.StatusOK, Reply: apidoc.Response{Type: metaAnswer{}, Example: exampleAnswer},
}

var bareDoc = dialect.RouteDoc{
	Summary: "send a message (no version)", Request: sendDoc.Request, Status: http.StatusOK, Reply: sendDoc.Reply,
}

const exampleAnswer = `{"messaging_product":"whatsapp","contacts":[{"input":"15550001111","wa_id":"15550001111"}],` +
	`"messages":[{"id":"wamid.` + dialect.ExampleID + `","message_status":"accepted"}]}`

// exampleBody is the example of the vendor's page.
const exampleBody = `{
  "messaging_product": "whatsapp",
  "recipient_type": "individual",
  "to": "15550001111",
  "type": "template",
  "template": {"name": "hello_world", "language": {"code": "en"}}
}`

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	metaRequest struct {
		_                struct{} `additionalProperties:"true"`
		MessagingProduct string   `json:"messaging_product" required:"true" enum:"whatsapp"`
		RecipientType    string   `json:"recipient_type,omitempty" enum:"individual"`
		To               string   `json:"to,omitempty" doc:"Required for a message, or recipient. With or without +."`
		Recipient        string   `json:"recipient,omitempty" doc:"A business-scoped user id, in place of to."`
		dialect.MetaContent
		Opaque    string `json:"biz_opaque_callback_data,omitempty" maxLength:"512" doc:"Returned in webhooks."`
		Status    string `json:"status,omitempty" enum:"read" doc:"Marks message_id as read."`
		MessageID string `json:"message_id,omitempty"`
		Typing    *struct {
			Type string `json:"type" required:"true" enum:"text"`
		} `json:"typing_indicator,omitempty" doc:"Beside status read."`
	}
	metaRecipient struct {
		Input  string `json:"input" required:"true"`
		WaID   string `json:"wa_id,omitempty"`
		UserID string `json:"user_id,omitempty"`
	}
	metaReceipt struct {
		ID     string `json:"id" required:"true" doc:"wamid. and our message id."`
		Status string `json:"message_status,omitempty"`
	}
	metaAnswer struct {
		MessagingProduct string          `json:"messaging_product" required:"true"`
		Contacts         []metaRecipient `json:"contacts" required:"true" nullable:"false"`
		Messages         []metaReceipt   `json:"messages" required:"true" nullable:"false"`
	}
	metaFailure struct {
		Error struct {
			Message string `json:"message" required:"true"`
			Type    string `json:"type" required:"true"`
			Code    int    `json:"code" required:"true"`
			Subcode int    `json:"error_subcode,omitempty"`
			Data    *struct {
				MessagingProduct string `json:"messaging_product" required:"true"`
				Details          string `json:"details" required:"true"`
			} `json:"error_data,omitempty"`
			TraceID   string `json:"fbtrace_id" required:"true"`
			Transient bool   `json:"is_transient,omitempty"`
		} `json:"error" required:"true"`
	}
)
