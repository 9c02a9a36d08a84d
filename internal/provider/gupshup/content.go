package gupshup

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// payload2 is the content of a version 2 message
// (docs.gupshup.io/docs/message-events, incoming messages).
type payload2 struct {
	Text        provider.Scalar `json:"text"`
	Title       provider.Scalar `json:"title"`
	Caption     provider.Scalar `json:"caption"`
	URL         provider.Scalar `json:"url"`
	Name        provider.Scalar `json:"name"`
	Filename    provider.Scalar `json:"filename"`
	ContentType provider.Scalar `json:"contentType"`
	ID          provider.Scalar `json:"id"`
	Postback    provider.Scalar `json:"postbackText"`
	Description provider.Scalar `json:"description"`
	Latitude    provider.Scalar `json:"latitude"`
	Longitude   provider.Scalar `json:"longitude"`
	Address     provider.Scalar `json:"address"`
	Emoji       provider.Scalar `json:"emoji"`
	GSID        provider.Scalar `json:"gsId"`
	Contacts    json.RawMessage `json:"contacts"`
}

// content2 returns the content of the payload of a version 2 message.
func content2(raw json.RawMessage) dispatch.InboundContent {
	var m struct {
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload"`
		Context struct {
			ID   provider.Scalar `json:"id"`
			GSID provider.Scalar `json:"gsId"`
		} `json:"context"`
	}
	_ = decode(raw, &m) // what can't be read is empty
	var p payload2
	_ = decode(m.Payload, &p)
	reply := string(cmp.Or(m.Context.GSID, m.Context.ID))
	out := dispatch.InboundContent{ReplyTo: reply}
	switch m.Type {
	case "image", "file", "audio", "video", "sticker", "voice":
		mime, _, _ := strings.Cut(string(p.ContentType), ";")
		out.Media = &dispatch.InboundMedia{
			URL: string(p.URL), ID: string(p.ID), MimeType: mime, Filename: string(cmp.Or(p.Filename, p.Name)), Caption: string(p.Caption),
			Voice: m.Type == "voice",
		}
	case "button_reply", "quick_reply", "button":
		out.Button = &dispatch.InboundButton{Text: string(cmp.Or(p.Text, p.Title)), Payload: string(cmp.Or(p.Postback, p.ID))}
	case "list_reply":
		out.ListReply = &dispatch.InboundChoice{ID: string(cmp.Or(p.Postback, p.ID)), Title: string(p.Title), Description: string(p.Description)}
	case "location":
		out.Location = &dispatch.InboundLocation{
			Latitude: provider.Degrees(string(p.Latitude)), Longitude: provider.Degrees(string(p.Longitude)),
			Name: string(p.Name), Address: string(p.Address), URL: string(p.URL),
		}
	case "contact", "contacts":
		out.Contacts = m.Payload
		if len(p.Contacts) > 0 {
			out.Contacts = p.Contacts
		}
	case "order":
		out.Order = m.Payload
	case "reaction":
		out.Reaction = &dispatch.InboundReaction{MessageID: cmp.Or(string(p.GSID), string(p.ID), reply), Emoji: string(p.Emoji)}
	}
	return out
}
