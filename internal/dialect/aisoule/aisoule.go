// Package aisoule implements Aisoule's API (page "Sending messages via API"):
// text, templates, media and interactive messages in a form close to Meta's.
package aisoule

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

const keyHeader = "X-API-Key"

const sendPath = "/api/messages/send"

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "aisoule",
		Header:     keyHeader,
		Credential: dialect.HeaderKey(keyHeader),
		Routes:     []dialect.Route{{Method: http.MethodPost, Path: sendPath, Decode: decode, Accept: accept, Doc: sendDoc}},
		Reject:     reject,
		Doc:        doc,
	}
}

// decode reads a message of any type.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	d := dispatch.Draft{To: o.Required("to"), Content: content(o), Channel: account(o), Kind: "whatsapp"}
	o.Hold(&d, fields)
	return []dispatch.Draft{d}, nil
}

// fields maps the page's fields to ours where accept checks them, too.
var fields = dialect.Pointers{
	"/whatsapp_account": "/channel", "/image/url": "/image/link", "/video/url": "/video/link", "/document/url": "/document/link",
	"/audio/url": "/audio/link",
}

// account reads whatsapp_account: a channel's id, as a string or a number, or
// its key.
func account(o dialect.Object) string {
	var n json.Number
	if raw := o.Raw("whatsapp_account"); raw != nil && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return strings.TrimSpace(o.Text("whatsapp_account"))
}

// content reads the message. What the page writes differently from Meta: text
// is a plain string, the template's language is one too (Meta's {"code"} is
// taken as well), and media stand under url instead of link.
func content(o dialect.Object) dispatch.Content {
	n := dispatch.Type(o.Required("type"))
	switch n {
	case dispatch.TypeText:
		return dispatch.Content{Type: n, Text: &dispatch.Text{Body: o.Required("text")}}
	case dispatch.TypeTemplate:
		return dispatch.Content{Type: n, Template: template(o)}
	case dispatch.TypeImage, dispatch.TypeVideo, dispatch.TypeDocument, dispatch.TypeAudio:
		c := dispatch.Content{Type: n}
		dialect.SetMedia(&c, media(o, string(n)))
		return c
	case dispatch.TypeInteractive:
		return dialect.Content(o)
	case "":
	default:
		o.Fault("type", "must be one of text, template, image, video, document, audio, interactive")
	}
	return dispatch.Content{Type: n}
}

// template reads a template with Meta's components.
func template(o dialect.Object) *dispatch.TemplateUse {
	if !o.Has("template") {
		o.Fault("template", "is required")
		return nil
	}
	in := o.Object("template")
	t := &dispatch.TemplateUse{Name: in.Required("name")}
	if raw := in.Raw("language"); raw != nil && raw[0] == '{' {
		t.Language.Code = in.Object("language").Required("code")
	} else {
		t.Language.Code = in.Required("language")
	}
	in.Fill("components", &t.Components)
	return t
}

// media reads a file by its address.
func media(o dialect.Object, key string) *dispatch.Media {
	if !o.Has(key) {
		o.Fault(key, "is required")
		return nil
	}
	in := o.Object(key)
	if o.Raw(key)[0] != '{' {
		return nil // noted
	}
	m := &dispatch.Media{Link: in.Text("url"), Caption: in.Text("caption"), Filename: in.Text("filename")}
	m.Voice = key == "audio" && string(in.Raw("voice")) == "true"
	if m.Link == "" { // Meta's own name for it
		m.Link = in.Text("link")
	}
	if strings.TrimSpace(m.Link) == "" {
		in.Fault("url", "is required")
	}
	return m
}
