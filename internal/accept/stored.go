package accept

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// stored returns content as JSON, as it is stored and sent on: without the
// escapes of &, < and > that only HTML needs.
func stored(c *dispatch.Content) (string, error) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	if line, ok := appendPlain(e.line[:0], c); ok {
		e.line = line
		return string(line), nil
	}
	e.out.Reset()
	err := e.to.Encode(c)
	return string(bytes.TrimSuffix(e.out.Bytes(), []byte("\n"))), err
}

// encoder is a JSON encoder with its output.
type encoder struct {
	line []byte
	out  bytes.Buffer
	to   *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.to = json.NewEncoder(&e.out)
	e.to.SetEscapeHTML(false)
	return e
}}

// appendPlain appends what encoding/json makes of a template whose values are
// texts, which is what most messages are; it takes a sixth of the time. It
// returns false for all other content.
func appendPlain(b []byte, c *dispatch.Content) (_ []byte, ok bool) {
	t := c.Template
	if t == nil || !only(c) || t.ProviderTemplateID != "" || len(t.Components) == 0 {
		return b, false
	}
	b = append(b, `{"type":"template","template":{`...)
	if t.Name != "" {
		b, ok = appendText(append(b, `"name":`...), t.Name)
		b = append(b, ',')
	}
	if !ok || t.Language.Code == "" {
		return b, false
	}
	if b, ok = appendText(append(b, `"language":{"code":`...), t.Language.Code); !ok {
		return b, false
	}
	b = append(b, `},"components":[`...)
	for i := range t.Components {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendComponent(b, &t.Components[i]); !ok {
			return b, false
		}
	}
	b = append(b, ']')
	if t.TemplateID != 0 {
		b = strconv.AppendInt(append(b, `,"template_id":`...), t.TemplateID, 10)
	}
	return append(b, "}}"...), true
}

// only reports whether c has nothing but its template.
func only(c *dispatch.Content) bool {
	return c.Type == dispatch.TypeTemplate && c.Text == nil && c.Image == nil && c.Video == nil && c.Audio == nil && c.Document == nil &&
		c.Sticker == nil && c.Location == nil && len(c.Contacts) == 0 && c.Interactive == nil && c.Reaction == nil && c.Context == nil &&
		c.IdentityKeyHash == "" && len(c.MoreMedia) == 0
}

func appendComponent(b []byte, c *dispatch.Component) (_ []byte, ok bool) {
	if c.SubType != "" || c.Index != nil || len(c.Parameters) == 0 {
		return b, false
	}
	if b, ok = appendText(append(b, `{"type":`...), c.Type); !ok {
		return b, false
	}
	b = append(b, `,"parameters":[`...)
	for i := range c.Parameters {
		p := &c.Parameters[i]
		if p.Type != "text" || p.Text == "" || p.ParameterName != "" || p.Payload != "" || p.CouponCode != "" ||
			p.Image != nil || p.Video != nil || p.Document != nil || p.Location != nil || len(p.Currency) > 0 ||
			len(p.DateTime) > 0 || len(p.Action) > 0 {
			return b, false
		}
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendText(append(b, `{"type":"text","text":`...), p.Text); !ok {
			return b, false
		}
		b = append(b, '}')
	}
	return append(b, "]}"...), true
}

// appendText appends a text in quotes, or returns false for one with characters
// that JSON, or only encoding/json, escapes.
func appendText(b []byte, s string) (_ []byte, ok bool) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return b, false
		}
	}
	return append(append(append(b, '"'), s...), '"'), true
}
