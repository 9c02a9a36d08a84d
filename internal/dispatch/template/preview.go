package template

import (
	"encoding/json"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Preview returns t as its reader will see it, in plain text: header, body,
// footer, then a line for each button. Variables without a value stay in
// braces.
func (t *Template) Preview(use *dispatch.TemplateUse) string {
	r := newResolver(t, componentsAt)
	if use != nil {
		r.components(use.Components)
	}
	var lines []string
	add := func(s string) {
		if s != "" {
			lines = append(lines, s)
		}
	}
	for _, kind := range []string{"HEADER", "LIMITED_TIME_OFFER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL"} {
		for i := range t.Components {
			c := &t.Components[i]
			switch {
			case !strings.EqualFold(c.Type, kind):
			case kind == "HEADER" && c.Format != "" && !strings.EqualFold(c.Format, "TEXT"):
				add(r.previewFile(strings.ToLower(c.Format)))
			case kind == "LIMITED_TIME_OFFER":
				if c.Offer != nil {
					add(c.Offer.Text)
				}
			case kind == "CAROUSEL":
				lines = append(lines, r.previewCards(c)...)
			case kind == "BUTTONS":
				for j := range c.Buttons {
					add(r.previewButton(&c.Buttons[j], j))
				}
			default:
				add(r.fill(strings.ToLower(kind), 0, previewText(t, c, kind)))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// previewText returns the text of a component. Meta writes the body of an
// authentication template if the definition has none.
func previewText(t *Template, c *Component, kind string) string {
	if kind == "BODY" && c.Text == "" && t.authentication() {
		return "{{1}} is your verification code."
	}
	return c.Text
}

// fill inserts the values of one part into its text.
func (r *resolver) fill(component string, button int, text string) string {
	if r.t.Style == SharedNumbering {
		component, button = "body", 0
	}
	return fillPlaceholders(text, func(name string) (string, bool) {
		for i := range r.slots {
			s := &r.slots[i]
			if s.Component == component && s.Button == button && (s.placeholder == name || s.repeats) && s.value != nil {
				shown := shown(s.value)
				return shown, shown != ""
			}
		}
		return "", false
	})
}

// shown returns what WhatsApp writes for a parameter in a text. For money and
// dates it is the fallback, which the reader's phone may format in its own way.
func shown(p *dispatch.Parameter) string {
	raw := p.Currency
	switch p.Type {
	case "text":
		return p.Text
	case "date_time":
		raw = p.DateTime
	}
	var v struct {
		Fallback string `json:"fallback_value"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return ""
	}
	return v.Fallback
}

// previewFile returns the placeholder of a header's file or location.
func (r *resolver) previewFile(kind string) string {
	for i := range r.slots {
		s := &r.slots[i]
		if s.Component != "header" || s.value == nil {
			continue
		}
		if m := s.value.Media(kind); m != nil {
			return "[" + kind + " " + m.Link + m.ID + "]"
		}
	}
	return "[" + kind + "]"
}

// previewButton returns the text of a button, with the address it opens or the
// code it copies.
func (r *resolver) previewButton(b *Button, i int) string {
	var line strings.Builder
	line.WriteString("[" + b.Text + "]")
	if b.URL != "" {
		line.WriteString(" " + r.fill("button", i, b.URL))
	}
	if b.PhoneNumber != "" {
		line.WriteString(" " + b.PhoneNumber)
	}
	for _, s := range r.slotsOf("button", i) {
		if s.value != nil && s.value.CouponCode != "" {
			line.WriteString(" " + s.value.CouponCode)
		}
	}
	return line.String()
}
