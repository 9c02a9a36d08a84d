package webhook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// metaMessage returns an inbound message in Meta's form: as it came where it came
// in that form, else made from the content. Messages that it answers have our
// ids.
func metaMessage(e *hookstore.Event) json.RawMessage {
	in := e.Inbound
	if m := metaRaw(in); m != nil {
		return m
	}
	m := metaContent(in)
	m["id"], m["timestamp"] = "wamid."+in.ID.String(), epoch(in.At)
	if from := waID(&in.Received); from != "" {
		m["from"] = from
	}
	if in.UserID != "" {
		m["from_user_id"] = in.UserID
	}
	if in.GroupID != "" {
		m["group_id"] = in.GroupID
	}
	if ref := metaRef(in.ReplyTo); ref != "" {
		m["context"] = map[string]string{"id": ref}
	}
	if len(in.Referral) > 0 {
		m["referral"] = in.Referral
	}
	return plainJSON(m)
}

// plainJSON returns v as JSON without escapes that JavaScript would not write.
func plainJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // can't happen: texts, and JSON that was parsed before
		return json.RawMessage("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// metaRef returns the id of a message of ours as the Meta format writes it, or the
// provider's.
func metaRef(id string) string {
	if _, err := uuid.Parse(id); err == nil {
		return "wamid." + id
	}
	return id
}

// metaRaw returns a message that came in Meta's form, or nil.
func metaRaw(in *hookstore.Inbound) json.RawMessage {
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(in.Raw))
	dec.UseNumber()
	if dec.Decode(&m) != nil || m["type"] == nil || m["timestamp"] == nil || (m["from"] == nil && m["from_user_id"] == nil) {
		return nil
	}
	replace := func(object, field, id string) {
		if o, ok := m[object].(map[string]any); ok && id != "" {
			o[field] = metaRef(id)
		}
	}
	replace("context", "id", in.ReplyTo)
	if in.Reaction != nil {
		replace("reaction", "message_id", in.Reaction.MessageID)
	}
	return plainJSON(m)
}

// metaContent returns the type of a message and the field that is named after it.
func metaContent(in *hookstore.Inbound) map[string]any {
	typed := func(name string, v any) map[string]any { return map[string]any{"type": name, name: v} }
	text := map[string]string{"body": in.Text}
	switch c := &in.InboundContent; {
	case c.Media != nil:
		return typed(metaMediaType(in), metaMedia(in))
	case c.ListReply != nil:
		return typed("interactive", map[string]any{"type": "list_reply", "list_reply": c.ListReply})
	case c.FlowReply != nil:
		return typed("interactive", map[string]any{"type": "nfm_reply", "nfm_reply": c.FlowReply})
	case c.Button != nil && in.Type == "interactive":
		return typed("interactive", map[string]any{"type": "button_reply", "button_reply": map[string]string{
			"id":    c.Button.Payload,
			"title": c.Button.Text,
		}})
	case c.Button != nil:
		return typed("button", c.Button)
	case c.Location != nil:
		return typed("location", c.Location)
	case c.Reaction != nil:
		return typed("reaction", dispatch.InboundReaction{MessageID: metaRef(c.Reaction.MessageID), Emoji: c.Reaction.Emoji})
	case len(c.Contacts) > 0 && in.Type == "contacts":
		return typed("contacts", c.Contacts)
	case len(c.Order) > 0:
		return typed("order", c.Order)
	case in.Text != "" || in.Type == "text":
		return typed("text", text)
	}
	return map[string]any{"type": "unsupported"}
}

// metaMediaType returns Meta's type of a file.
func metaMediaType(in *hookstore.Inbound) string {
	switch in.Type {
	case "image", "video", "audio", "document", "sticker":
		return in.Type
	case "voice":
		return "audio"
	}
	switch kind, _, _ := strings.Cut(in.Media.MimeType, "/"); kind {
	case "image", "video", "audio":
		return kind
	}
	return "document"
}

// metaMedia returns a file in Meta's form. One that has an address only gets the
// message's id.
func metaMedia(in *hookstore.Inbound) dispatch.InboundMedia {
	m := *in.Media
	m.ID = cmp.Or(m.ID, in.ID.String())
	m.Caption = cmp.Or(m.Caption, in.Text)
	if m.Caption == m.Filename {
		m.Caption = ""
	}
	return m
}

// mediaHost is where Meta has a file of which only the id is known; whoever has
// the token of the number gets it there.
const mediaHost = "https://graph.facebook.com/"

// mediaURL returns the address of a file.
func mediaURL(m *dispatch.InboundMedia) string {
	if m.URL == "" && m.ID != "" {
		return mediaHost + m.ID
	}
	return m.URL
}
