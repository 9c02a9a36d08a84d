package meta

import (
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Message is the body of a send. Our content follows Meta's vocabulary, so it
// is embedded as it is.
type Message struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to"`
	// Ref comes back in every status callback (at most 512 characters); it is
	// absent from Meta's OpenAPI but documented with the status webhook.
	Ref string `json:"biz_opaque_callback_data,omitempty"`
	dispatch.Content
}

// NewMessage makes the body for m, with our message id as its reference. Fields
// that are ours alone (a template's registry ids, further media) stay out.
func NewMessage(m *dispatch.Message) Message {
	body := Message{
		MessagingProduct: "whatsapp", RecipientType: "individual",
		To: strings.TrimPrefix(m.To, "+"), Ref: m.ID.String(), Content: m.Content,
	}
	body.MoreMedia = nil
	if t := m.Content.Template; t != nil {
		body.Template = &dispatch.TemplateUse{Name: t.Name, Language: t.Language, Components: t.Components}
	}
	return body
}
