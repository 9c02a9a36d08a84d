package campaign

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/segment"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/storable"
)

// Renderer makes a campaign's messages. It is compiled once and may then be
// used by several goroutines.
//
// There are two ways to a rendering. The full one is that of POST /v1/messages:
// values into the message, template resolved, content validated and encoded.
// The short one cuts the encoded content at its placeholders beforehand and
// puts the values between, for values that cannot make a valid message invalid
// (tame); FuzzRender holds that both give the same.
type Renderer struct {
	slots    slots
	source   pattern // of message's JSON: the full way
	encoded  pattern // of the encoded content: the short way
	texts    []text  // the encoded content's texts with placeholders
	short    bool
	sms      *pattern // the text of an SMS, whose segments are counted
	segments int      // of an SMS without placeholders
	channel  *dispatch.Channel
	template *template.Template
	// Category is the template's; empty: no template.
	Category string
}

// text is one text of the content that has placeholders.
type text struct {
	pattern
	most int // bytes that are surely few enough for it; 0: ask the full way
}

// message is what a campaign sends, before its template is resolved.
type message struct {
	Content   dispatch.Content    `json:"content"`
	Variables *dispatch.Variables `json:"variables,omitempty"`
}

// Rendering is the message of one recipient.
type Rendering struct {
	Raw      string // the content as it is stored (dispatch.Message.Raw)
	Segments int    // of an SMS, else 0
	Size     int    // characters in the texts that have placeholders: it orders renderings by length
}

// Render returns the message of a recipient with these fields, or the reason why there
// is none. It takes a few microseconds.
func (r *Renderer) Render(f Fields) (Rendering, *Problem) { return r.render(source{fields: f}) }

// source has the fields of a recipient, in one of two forms.
type source struct {
	plain  Plain
	fields Fields
}

func (s *source) get(name string) string {
	if s.plain != nil {
		return s.plain.Get(name)
	}
	return s.fields[name]
}

// parse reads fields as they are stored, those of texts into room.
func parse(fields string, room Plain) (source, error) {
	if f, ok := ParsePlain(room, fields); ok {
		return source{plain: f}, nil
	}
	f, _, err := ParseFields(fields)
	return source{fields: f}, err
}

// RenderText is Render for fields as they are stored. The error is about what is no object of fields.
func (r *Renderer) RenderText(fields string) (Rendering, *Problem, error) {
	var room [16]Field
	f, err := parse(fields, room[:0])
	if err != nil {
		return Rendering{}, nil, err
	}
	out, problem := r.render(f)
	return out, problem, nil
}

// Check returns the reason why the recipient with these fields, as they are stored, has no message; nil: there is one.
func (r *Renderer) Check(fields string) *Problem {
	var room [16]Field
	f, _ := parse(fields, room[:0]) // what cannot be read has no fields
	var few [16]string
	values, problem := r.values(few[:0], &f)
	if problem != nil || r.short && r.tame(values) {
		return problem
	}
	_, problem = r.render(f)
	return problem
}

func (r *Renderer) render(f source) (Rendering, *Problem) {
	var room [16]string
	values, problem := r.values(room[:0], &f)
	if problem != nil {
		return Rendering{}, problem
	}
	out := Rendering{Size: r.size(values), Segments: r.segments}
	if r.short && r.tame(values) {
		buf := make([]byte, 0, r.encoded.bytes+len(values)*32)
		out.Raw = string(r.encoded.fill(buf, values, true))
		if r.sms != nil {
			out.Segments, _ = segment.Count(string(r.sms.fill(nil, values, false)))
		}
		return out, nil
	}
	c, problem := r.full(values)
	if problem != nil {
		return Rendering{}, problem
	}
	var err error
	if out.Raw, err = encode(c); err != nil {
		return Rendering{}, &Problem{Reason: InvalidContent, Detail: "cannot be encoded: " + err.Error()}
	}
	if r.sms != nil {
		out.Segments, _ = segment.Count(c.Text.Body)
	}
	return out, nil
}

// Preview returns what the recipient will read, in plain text.
func (r *Renderer) Preview(f Fields) (string, *Problem) {
	values, problem := r.values(nil, &source{fields: f})
	if problem != nil {
		return "", problem
	}
	c, problem := r.full(values)
	if problem != nil {
		return "", problem
	}
	return r.shown(c), nil
}

// shown is the plain text of c.
func (r *Renderer) shown(c *dispatch.Content) string {
	switch {
	case c.Template != nil && r.template != nil:
		return r.template.Preview(c.Template)
	case c.Text != nil:
		return c.Text.Body
	case c.Interactive != nil && c.Interactive.Body != nil:
		return c.Interactive.Body.Text
	case c.MediaObject() != nil:
		m := c.MediaObject()
		return strings.TrimSuffix("["+string(c.Type)+" "+m.Link+m.ID+"]\n"+m.Caption, "\n")
	}
	raw, err := encode(c)
	if err != nil {
		return ""
	}
	return raw
}

// values appends the value of each placeholder.
func (r *Renderer) values(values []string, f *source) ([]string, *Problem) {
	for i := range r.slots {
		v, ok := r.slots[i].value(f)
		if !ok {
			field := r.slots[i].field
			return nil, &Problem{Reason: MissingField, Field: field, Detail: "field " + quote(field) + " is missing or empty"}
		}
		if !storable.Text(v) {
			return nil, &Problem{Reason: InvalidContent, Field: r.slots[i].field, Detail: "is not UTF-8 text without NUL characters"}
		}
		values = append(values, v)
	}
	return values, nil
}

// quote puts a field's name in quotes, cut to a length worth reading.
func quote(s string) string {
	if len(s) > 60 {
		s = storable.Cut(s, 60) + "..."
	}
	return `"` + s + `"`
}

// size counts the characters of the texts with placeholders.
func (r *Renderer) size(values []string) int {
	n := 0
	for i := range r.texts {
		n += r.texts[i].runes
		for _, slot := range r.texts[i].slot {
			n += utf8.RuneCountInString(values[slot])
		}
	}
	return n
}

// tame reports whether the values are fit for the short way: plain words, and
// not too many.
func (r *Renderer) tame(values []string) bool {
	for _, v := range values {
		if !plain(v) {
			return false
		}
	}
	for i := range r.texts {
		n := r.texts[i].bytes
		for _, slot := range r.texts[i].slot {
			n += len(values[slot])
		}
		if n > r.texts[i].most {
			return false
		}
	}
	return true
}

// plain reports whether a value is words with single spaces between them, so
// that no rule about blanks or control characters can apply, wherever it stands.
func plain(v string) bool {
	if v == "" || v[0] == ' ' || v[len(v)-1] == ' ' || strings.Contains(v, "  ") {
		return false
	}
	for _, c := range []byte(v) {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	// Spaces of other scripts are left to the full way.
	return strings.TrimSpace(v) == v
}

// full fills in the values as POST /v1/messages would take them.
func (r *Renderer) full(values []string) (*dispatch.Content, *Problem) {
	var m message
	if err := json.Unmarshal(r.source.fill(nil, values, true), &m); err != nil {
		return nil, &Problem{Reason: InvalidContent, Detail: "cannot be decoded: " + err.Error()}
	}
	if faults := r.settle(&m); len(faults) > 0 {
		return nil, &Problem{Reason: InvalidContent, Field: r.suspect(values), Detail: faults[0].Field + " " + faults[0].Msg}
	}
	return &m.Content, nil
}

// settle resolves m's template and validates its content for the channel.
func (r *Renderer) settle(m *message) dispatch.Faults {
	if m.Content.Type == dispatch.TypeTemplate && m.Content.Template != nil && r.template != nil {
		if err := r.template.Resolve(m.Content.Template, m.Variables); err != nil {
			return faultsOf(err, "/template")
		}
	}
	if r.channel.WhatsApp() {
		return m.Content.Validate()
	}
	return m.Content.ValidateSMS()
}

// faultsOf returns err's faults, or err itself as a fault of field.
func faultsOf(err error, field string) dispatch.Faults {
	e := dispatch.AsError(err)
	if len(e.Faults) > 0 {
		return e.Faults
	}
	return dispatch.Faults{{Field: field, Msg: e.Msg}}
}

// suspect names the field that is most likely at fault: the first whose value
// is not plain, else the longest.
func (r *Renderer) suspect(values []string) string {
	longest := -1
	for i, v := range values {
		if !plain(v) {
			return r.slots[i].field
		}
		if longest < 0 || len(v) > len(values[longest]) {
			longest = i
		}
	}
	if longest < 0 {
		return ""
	}
	return r.slots[longest].field
}

// encode writes content as it is stored and as Meta gets it: &, < and > need
// no escape outside HTML.
func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
