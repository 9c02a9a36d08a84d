package gupshup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// The two ways to send: a template at any time, anything else inside the
// conversation window (docs.gupshup.io/docs/template-messages and
// /docs/session-messages).
const (
	templatePath = "/wa/api/v1/template/msg"
	sessionPath  = "/wa/api/v1/msg"
)

// form builds the call for m: its path and its body.
func form(ch *dispatch.Channel, m *dispatch.Message) (string, url.Values, error) {
	f := url.Values{
		"channel": {"whatsapp"}, "source": {digits(ch.Sender)}, "destination": {digits(m.To)}, "src.name": {ch.Settings["app_name"]},
	}
	if m.Content.Type == dispatch.TypeTemplate {
		return templatePath, f, setTemplate(f, m.Content.Template)
	}
	msg, err := session(&m.Content)
	if err != nil {
		return sessionPath, nil, err
	}
	if m.Content.Context != nil {
		msg["context"] = map[string]string{"msgId": m.Content.Context.MessageID}
	}
	return sessionPath, f, setJSON(f, "message", msg)
}

// session is the message field of free-form content, in Gupshup's own words.
func session(c *dispatch.Content) (map[string]any, error) {
	switch c.Type {
	case dispatch.TypeText:
		if c.Text == nil || c.Text.Body == "" {
			return nil, refuse(dispatch.FailContent, "the text is empty")
		}
		msg := map[string]any{"type": "text", "text": c.Text.Body}
		if c.Text.PreviewURL {
			msg["previewUrl"] = true
		}
		return msg, nil
	case dispatch.TypeLocation:
		if c.Location == nil {
			return nil, refuse(dispatch.FailContent, "the location is missing")
		}
		return drop(map[string]any{
			"type": "location", "latitude": c.Location.Latitude, "longitude": c.Location.Longitude,
			"name": c.Location.Name, "address": c.Location.Address,
		}), nil
	case dispatch.TypeReaction:
		if c.Reaction == nil {
			return nil, refuse(dispatch.FailContent, "the reaction is missing")
		}
		return map[string]any{"type": "reaction", "msgId": c.Reaction.MessageID, "emoji": c.Reaction.Emoji}, nil
	}
	return media(c)
}

// media is a file by its link. Gupshup calls a document a file and sends an
// image two links, which may be the same.
func media(c *dispatch.Content) (map[string]any, error) {
	m := c.MediaObject()
	if m == nil || m.Link == "" {
		return nil, refuse(dispatch.FailContent, "Gupshup takes %s by link only", c.Type)
	}
	msg := map[string]any{"type": string(c.Type), "url": m.Link}
	switch c.Type {
	case dispatch.TypeImage:
		msg = map[string]any{"type": "image", "originalUrl": m.Link, "previewUrl": m.Link, "caption": m.Caption}
	case dispatch.TypeDocument:
		msg["type"], msg["filename"], msg["caption"] = "file", m.Filename, m.Caption
	case dispatch.TypeVideo:
		msg["caption"] = m.Caption
	}
	return drop(msg), nil
}

// drop takes out texts that aren't set.
func drop(msg map[string]any) map[string]any {
	for k, v := range msg {
		if v == "" {
			delete(msg, k)
		}
	}
	return msg
}

// setTemplate sets the template with its values in the order in which they stand
// in it (header, body, buttons), a header's media and the payloads of quick
// replies.
func setTemplate(f url.Values, t *dispatch.TemplateUse) error {
	if t == nil || t.ProviderTemplateID == "" {
		return refuse(dispatch.FailTemplate, "the template has no Gupshup id")
	}
	params, postbacks := []string{}, []map[string]any{}
	var message map[string]any
	for _, c := range inOrder(t.Components) {
		for _, p := range c.Parameters {
			switch {
			case p.Type == "payload":
				i, _ := strconv.Atoi(string(index(c)))
				postbacks = append(postbacks, map[string]any{"index": i, "text": p.Payload})
			case header(&p) != nil:
				message = header(&p)
				if !linked(&p) {
					return refuse(dispatch.FailTemplate, "Gupshup takes a header's media by link only")
				}
			default:
				params = append(params, text(&p))
			}
		}
	}
	if err := setJSON(f, "template", map[string]any{"id": t.ProviderTemplateID, "params": params}); err != nil {
		return err
	}
	if len(postbacks) > 0 {
		if err := setJSON(f, "postbackTexts", postbacks); err != nil {
			return err
		}
	}
	if message == nil {
		return nil
	}
	return setJSON(f, "message", message)
}

// inOrder sorts components as they stand in a message; buttons by index.
func inOrder(cs []dispatch.Component) []dispatch.Component {
	place := map[string]int{"header": 0, "body": 1, "button": 2}
	cs = slices.Clone(cs)
	slices.SortStableFunc(cs, func(a, b dispatch.Component) int {
		return cmp.Or(cmp.Compare(place[a.Type], place[b.Type]), cmp.Compare(index(a), index(b)))
	})
	return cs
}

func index(c dispatch.Component) dispatch.Index {
	if c.Index == nil {
		return "0"
	}
	return *c.Index
}

// header is the message field for a header that isn't text.
func header(p *dispatch.Parameter) map[string]any {
	for kind, m := range map[string]*dispatch.Media{"image": p.Image, "video": p.Video, "document": p.Document} {
		if m != nil {
			return map[string]any{"type": kind, kind: drop(map[string]any{"link": m.Link, "filename": m.Filename})}
		}
	}
	if l := p.Location; l != nil {
		return map[string]any{"type": "location", "location": map[string]string{
			"longitude": l.Longitude.String(), "latitude": l.Latitude.String(),
		}}
	}
	return nil
}

// linked reports whether p's media has a link: Gupshup accepts no media ids but
// its own.
func linked(p *dispatch.Parameter) bool {
	for _, m := range []*dispatch.Media{p.Image, p.Video, p.Document} {
		if m != nil && m.Link == "" {
			return false
		}
	}
	return true
}

// text is a parameter as the text that stands in its place.
func text(p *dispatch.Parameter) string {
	for _, raw := range []json.RawMessage{p.Currency, p.DateTime} {
		var v struct {
			Fallback string `json:"fallback_value"`
		}
		if len(raw) > 0 && json.Unmarshal(raw, &v) == nil {
			return v.Fallback
		}
	}
	return cmp.Or(p.Text, p.CouponCode)
}

func setJSON(f url.Values, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return refuse(dispatch.FailContent, "%s: %v", name, err)
	}
	f.Set(name, string(b))
	return nil
}

// refuse reports whether a message can't be sent at all; nothing was called.
func refuse(code dispatch.ErrorCode, format string, args ...any) error {
	return &provider.Error{Kind: provider.Permanent, Code: code, Msg: fmt.Sprintf(format, args...)}
}
