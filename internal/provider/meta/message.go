package meta

import (
	"encoding/hex"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// Message is the body of a send. Our content follows Meta's vocabulary, so it
// is embedded as it is.
type Message struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to,omitempty"`
	Recipient        string `json:"recipient,omitempty"` // a business-scoped user id, in place of To
	// Ref comes back in every status callback (at most 512 characters); it is
	// absent from Meta's OpenAPI but documented with the status webhook.
	Ref string `json:"biz_opaque_callback_data,omitempty"`
	dispatch.Content
}

// NewMessage returns the body for m, with our message id as its reference. Fields
// that are ours alone (a template's registry ids, further media) stay out.
func NewMessage(m *dispatch.Message) Message {
	body := Message{
		MessagingProduct: "whatsapp", RecipientType: "individual",
		To: strings.TrimPrefix(m.To, "+"), Ref: m.ID.String(), Content: m.Content,
	}
	if person.IsUserID(m.To) {
		body.To, body.Recipient = "", m.To
	}
	body.MoreMedia = nil
	if t := m.Content.Template; t != nil {
		body.Template = &dispatch.TemplateUse{Name: t.Name, Language: t.Language, Components: t.Components}
	}
	return body
}

// body writes the request. The stored content is Meta's own vocabulary and is
// carried over as it stands, where nothing in it is ours alone but the
// template's id: decoding it and encoding it again would be a seventh of what a
// send costs this process.
func body(m *dispatch.Message) ([]byte, error) {
	if content, rest, ok := wire(m.Raw); ok && m.Content.Type == "" {
		b := make([]byte, 0, 160+len(content)+len(rest))
		b = append(b, `{"messaging_product":"whatsapp","recipient_type":"individual","`...)
		if person.IsUserID(m.To) {
			b = append(b, `recipient":"`...)
		} else {
			b = append(b, `to":"`...)
		}
		b = append(b, strings.TrimPrefix(m.To, "+")...)
		b = append(b, `","biz_opaque_callback_data":"`...)
		b = appendID(b, m.ID)
		b = append(b, `",`...)
		b = append(b, content...)
		return append(b, rest...), nil
	}
	if err := provider.Load(m); err != nil {
		return nil, err
	}
	b, err := encode(NewMessage(m))
	if err != nil {
		return nil, ourFault(err)
	}
	return b, nil
}

// appendID appends an id as its String does.
func appendID(b []byte, id dispatch.ID) []byte {
	for i, n := range [...]int{0, 4, 6, 8, 10} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[n:[...]int{4, 6, 8, 10, 16}[i]])
	}
	return b
}

// wire returns stored content as it goes over the wire, in two parts and without its
// opening brace. It returns false where that takes more than cutting out the template_id at
// the end of a template. Quotes within JSON strings are escaped, so what is
// looked for here can only be names of members.
func wire(raw string) (content, rest string, ok bool) {
	if !strings.HasPrefix(raw, `{"type":`) {
		return "", "", false
	}
	at := -1                        // the last template_id that is not the first member
	for i := 0; i < len(raw); i++ { // the names have underscores in common, which texts seldom have
		n := strings.IndexByte(raw[i:], '_')
		if n < 0 {
			break
		}
		i += n
		before, after := raw[:i], raw[i:]
		switch {
		case strings.HasPrefix(after, `_media":`) && strings.HasSuffix(before, `"more`),
			strings.HasPrefix(after, `_template_id":`) && strings.HasSuffix(before, `"provider`):
			return "", "", false
		case strings.HasPrefix(after, `_id":`) && strings.HasSuffix(before, `,"template`):
			at = i - len(`,"template`)
		}
	}
	if at < 0 {
		return raw[1:], "", !strings.Contains(raw, `"template_id":`)
	}
	rest = raw[at+len(`,"template_id":`):]
	for rest != "" && '0' <= rest[0] && rest[0] <= '9' {
		rest = rest[1:]
	}
	ok = strings.HasPrefix(raw, `{"type":"template"`) && (rest == "}}" || strings.HasPrefix(rest, `},"context":`))
	return raw[1:at], rest, ok
}
