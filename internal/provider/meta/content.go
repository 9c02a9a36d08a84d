package meta

import (
	"encoding/json"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// content is what a contact sent, in Meta's form
// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages).
type content struct {
	Image    *media `json:"image"`
	Video    *media `json:"video"`
	Audio    *media `json:"audio"`
	Document *media `json:"document"`
	Sticker  *media `json:"sticker"`
	Button   *struct {
		Payload provider.Scalar `json:"payload"`
		Text    provider.Scalar `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply *reply `json:"button_reply"`
		ListReply   *reply `json:"list_reply"`
		FlowReply   *struct {
			Name         provider.Scalar `json:"name"`
			Body         provider.Scalar `json:"body"`
			ResponseJSON provider.Scalar `json:"response_json"`
		} `json:"nfm_reply"`
	} `json:"interactive"`
	Location *struct {
		Latitude  provider.Scalar `json:"latitude"`
		Longitude provider.Scalar `json:"longitude"`
		Name      provider.Scalar `json:"name"`
		Address   provider.Scalar `json:"address"`
		URL       provider.Scalar `json:"url"`
	} `json:"location"`
	Contacts json.RawMessage `json:"contacts"`
	Order    json.RawMessage `json:"order"`
	Referral json.RawMessage `json:"referral"`
	Reaction *struct {
		MessageID provider.Scalar `json:"message_id"`
		Emoji     provider.Scalar `json:"emoji"`
	} `json:"reaction"`
	Context struct {
		ID provider.Scalar `json:"id"`
	} `json:"context"`
}

type media struct {
	ID       provider.Scalar `json:"id"`
	URL      provider.Scalar `json:"url"`
	MimeType provider.Scalar `json:"mime_type"`
	SHA256   provider.Scalar `json:"sha256"`
	Caption  provider.Scalar `json:"caption"`
	Filename provider.Scalar `json:"filename"`
	Voice    bool            `json:"voice"`
}

type reply struct {
	ID          provider.Scalar `json:"id"`
	Title       provider.Scalar `json:"title"`
	Description provider.Scalar `json:"description"`
}

// Content returns the content of a message in Meta's form, which other vendors
// pass on.
func Content(raw []byte) dispatch.InboundContent {
	var m content
	if err := json.Unmarshal(raw, &m); err != nil && !wrongType(err) {
		return dispatch.InboundContent{}
	}
	out := dispatch.InboundContent{
		Contacts: present(m.Contacts), Order: present(m.Order), Referral: present(m.Referral), ReplyTo: string(m.Context.ID),
	}
	for _, f := range []*media{m.Image, m.Video, m.Audio, m.Document, m.Sticker} {
		if f != nil {
			out.Media = &dispatch.InboundMedia{
				ID: string(f.ID), URL: string(f.URL), MimeType: string(f.MimeType), Filename: string(f.Filename),
				SHA256: string(f.SHA256), Caption: string(f.Caption), Voice: f.Voice,
			}
			break
		}
	}
	m.choices(&out)
	if l := m.Location; l != nil {
		out.Location = &dispatch.InboundLocation{
			Latitude: provider.Degrees(string(l.Latitude)), Longitude: provider.Degrees(string(l.Longitude)),
			Name: string(l.Name), Address: string(l.Address), URL: string(l.URL),
		}
	}
	if r := m.Reaction; r != nil {
		out.Reaction = &dispatch.InboundReaction{MessageID: string(r.MessageID), Emoji: string(r.Emoji)}
	}
	return out
}

// choices sets what the contact tapped or filled in.
func (m *content) choices(out *dispatch.InboundContent) {
	if b := m.Button; b != nil {
		out.Button = &dispatch.InboundButton{Text: string(b.Text), Payload: string(b.Payload)}
	}
	if b := m.Interactive.ButtonReply; b != nil {
		out.Button = &dispatch.InboundButton{Text: string(b.Title), Payload: string(b.ID)}
	}
	if r := m.Interactive.ListReply; r != nil {
		out.ListReply = &dispatch.InboundChoice{ID: string(r.ID), Title: string(r.Title), Description: string(r.Description)}
	}
	if f := m.Interactive.FlowReply; f != nil {
		out.FlowReply = &dispatch.InboundFlow{Name: string(f.Name), Body: string(f.Body), ResponseJSON: string(f.ResponseJSON)}
	}
}

// present returns nil for null.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}
