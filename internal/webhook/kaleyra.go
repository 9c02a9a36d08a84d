package webhook

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// kaleyraStatus is a callback with the documented variables of a callback
// profile (developers.kaleyra.io/docs/create-wa-callback-profiles-using-dynamic-variables).
type kaleyraStatus struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Mobile    string `json:"mobile"`
	Number    string `json:"phone_number"`
	Timestamp string `json:"timestamp"`
	Error     string `json:"error"`
	ErrorCode string `json:"error_code"`
	Ref       string `json:"ref"`
	Ref1      string `json:"ref1"`
	Ref2      string `json:"ref2"`
}

type kaleyraInbound struct {
	ID        string `json:"id"`
	From      string `json:"from"`
	Mobile    string `json:"mobile"`
	WaNumber  string `json:"wanumber"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Body      string `json:"body"`
	CreatedAt string `json:"created_at"`
	MimeType  string `json:"mime_type,omitempty"`
	MediaURL  string `json:"media_url,omitempty"`
	FileName  string `json:"file_name,omitempty"`
	Payload   string `json:"payload,omitempty"` // of a button, or the id of a row
	ReplyTo   string `json:"reply_to,omitempty"`

	Contacts json.RawMessage           `json:"contacts,omitempty"`
	Order    json.RawMessage           `json:"order,omitempty"`
	Referral json.RawMessage           `json:"referral,omitempty"`
	Location *dispatch.InboundLocation `json:"location,omitempty"`
}

// fill carries the content of an inbound message.
func (k *kaleyraInbound) fill(c *dispatch.InboundContent) {
	k.ReplyTo, k.Contacts, k.Location, k.Order, k.Referral = c.ReplyTo, c.Contacts, c.Location, c.Order, c.Referral
	if m := c.Media; m != nil {
		k.MimeType, k.MediaURL, k.FileName = m.MimeType, mediaURL(m), m.Filename
		k.Body = cmp.Or(k.Body, m.Caption)
	}
	switch {
	case c.Button != nil:
		k.Payload, k.Body = c.Button.Payload, cmp.Or(k.Body, c.Button.Text)
	case c.ListReply != nil:
		k.Payload, k.Body = c.ListReply.ID, cmp.Or(k.Body, c.ListReply.Title)
	case c.FlowReply != nil:
		k.Payload = c.FlowReply.ResponseJSON
	case c.Reaction != nil:
		k.Body, k.ReplyTo = cmp.Or(k.Body, c.Reaction.Emoji), c.Reaction.MessageID
	}
}

// kaleyraWord is Kaleyra's word for a status; empty: it has none. What never
// reached the provider is not-sent.
func kaleyraWord(v *dispatch.View) string {
	switch v.Status {
	case dispatch.Sent, dispatch.Delivered, dispatch.Read:
		return v.StatusName
	case dispatch.Failed:
		if v.SentAt != nil {
			return "failed"
		}
		return "not-sent"
	case dispatch.Expired, dispatch.Cancelled:
		return "not-sent"
	case dispatch.Unknown:
		return "sent" // asks nobody to send again
	}
	return ""
}

func renderKaleyra(e *hookstore.Event, v *dispatch.View) (string, bool) {
	if in := e.Inbound; e.Kind == dispatch.EventInbound && in != nil {
		out := kaleyraInbound{
			ID: in.ID.String(), From: digits(string(in.From)), Mobile: digits(string(in.From)), Name: in.Name, Type: in.Type,
			Body: in.Text, CreatedAt: in.At.UTC().Format(time.RFC3339),
		}
		if e.Sender != nil {
			out.WaNumber = digits(e.Sender.Sender)
		}
		out.fill(&in.InboundContent)
		return encode(out)
	}
	if v == nil || kaleyraWord(v) == "" {
		return "", false
	}
	meta := metadata(v)
	out := kaleyraStatus{
		ID: v.ID.String(), Status: kaleyraWord(v), Mobile: digits(v.Recipient), Number: digits(v.Sender), Timestamp: epoch(e.At),
		Ref: v.Reference, Ref1: meta["ref1"], Ref2: meta["ref2"],
	}
	if v.Error != nil {
		out.Error, out.ErrorCode = v.Error.Message, v.Error.ProviderCode
		if out.ErrorCode == "" {
			out.ErrorCode = v.Error.Code
		}
	}
	return encode(out)
}
