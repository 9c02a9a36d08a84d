package dispatch

import (
	"encoding/json"
	"fmt"
)

// InboundContent is what a contact sent, in one form for every provider. It is
// made when the message is received. Its JSON form is the native API's; the text
// of the message stands beside it.
type InboundContent struct {
	Media     *InboundMedia    `json:"media,omitempty"`
	MoreMedia []InboundMedia   `json:"more_media,omitempty" doc:"Further media of the same message (MMS)."`
	Button    *InboundButton   `json:"button,omitempty" doc:"The button that the contact tapped."`
	ListReply *InboundChoice   `json:"list_reply,omitempty" doc:"The row of a list that the contact chose."`
	FlowReply *InboundFlow     `json:"flow_reply,omitempty" doc:"The form that the contact filled in."`
	Location  *InboundLocation `json:"location,omitempty"`
	Contacts  json.RawMessage  `json:"contacts,omitempty" doc:"The contact cards, as the provider sent them."`
	Order     json.RawMessage  `json:"order,omitempty" doc:"The order, as the provider sent it."`
	Reaction  *InboundReaction `json:"reaction,omitempty"`
	Referral  json.RawMessage  `json:"referral,omitempty" doc:"The advertisement that the contact came from, as the provider sent it."`
	ReplyTo   string           `json:"reply_to,omitempty" doc:"The message that is answered: our id where we know it, else the provider's."`
}

// InboundMedia is a file: at url, or at the provider under id.
type InboundMedia struct {
	URL      string `json:"url,omitempty"`
	ID       string `json:"id,omitempty" doc:"The provider's id of the file."`
	MimeType string `json:"mime_type,omitempty"`
	Filename string `json:"filename,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Voice    bool   `json:"voice,omitempty"`
}

// InboundButton is a button of a message of ours.
type InboundButton struct {
	Text    string `json:"text"`
	Payload string `json:"payload,omitempty"`
}

// InboundChoice is a row of a list.
type InboundChoice struct {
	ID          string `json:"id,omitempty"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

// InboundFlow is a form that was filled in.
type InboundFlow struct {
	Name         string `json:"name,omitempty"`
	Body         string `json:"body,omitempty"`
	ResponseJSON string `json:"response_json,omitempty"`
}

// InboundLocation is a place, in degrees.
type InboundLocation struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
	URL       string  `json:"url,omitempty"`
}

// InboundReaction is an emoji on a message; an empty one takes it back.
type InboundReaction struct {
	MessageID string `json:"message_id" doc:"Our id where we know the message, else the provider's."`
	Emoji     string `json:"emoji"`
}

// AllMedia returns all files of the message.
func (c *InboundContent) AllMedia() []InboundMedia {
	if c.Media == nil {
		return nil
	}
	return append([]InboundMedia{*c.Media}, c.MoreMedia...)
}

// Refs returns the provider's ids of the messages that c refers to.
func (c *InboundContent) Refs() []string {
	var refs []string
	if c.ReplyTo != "" {
		refs = append(refs, c.ReplyTo)
	}
	if c.Reaction != nil && c.Reaction.MessageID != "" {
		refs = append(refs, c.Reaction.MessageID)
	}
	return refs
}

// Resolve puts our ids in place of the provider's that known has.
func (c *InboundContent) Resolve(known map[string]ID) {
	if id, ok := known[c.ReplyTo]; ok {
		c.ReplyTo = id.String()
	}
	if c.Reaction == nil {
		return
	}
	if id, ok := known[c.Reaction.MessageID]; ok {
		c.Reaction = &InboundReaction{MessageID: id.String(), Emoji: c.Reaction.Emoji}
	}
}

// Open decodes the stored content of r. Messages of older processes have none.
func (r *Received) Open() error {
	if r.Stored == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(r.Stored), &r.InboundContent); err != nil {
		return fmt.Errorf("read content of inbound message %s: %w", r.ID, err)
	}
	return nil
}
