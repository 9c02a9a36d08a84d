package native

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// plain reads the messages that nearly all clients send: texts, templates with
// variables, and what goes with both. It is one pass without reflection, five
// times as fast as encoding/json. It leaves everything else, faults above all,
// to encoding/json: what it does accept, that reads the same (FuzzPlain).
type plain struct {
	s    string // the body; texts of the draft are parts of it
	at   int
	odd  bool   // there is something that plain does not read
	seen uint32 // members that were read, see is
}

// decodePlain returns the message of a body, or false if it is not plain.
func decodePlain(body []byte) (d dispatch.Draft, ok bool) {
	if !storable.JSONTexts(body) {
		return d, false
	}
	p := plain{s: string(body)}
	p.object(func(name string) { p.member(&d, name) })
	p.space()
	return d, !p.odd && p.at == len(p.s) && d.To != ""
}

// member reads the value of a member of the message.
func (p *plain) member(d *dispatch.Draft, name string) {
	c := &d.Content
	switch {
	case p.is(name, "channel", 0):
		d.Channel = p.textOrDigits()
	case p.is(name, "to", 1):
		d.To = p.text()
	case p.is(name, "type", 2):
		c.Type = dispatch.Type(p.text())
	case p.is(name, "text", 3):
		c.Text = p.body()
	case p.is(name, "template", 4):
		p.template(d)
	case p.is(name, "send_at", 5):
		d.SendAt, d.SendGrace = dialect.Given(p.time()), sendGrace
	case p.is(name, "expires_at", 6):
		d.ExpiresAt = dialect.Given(p.time())
	case p.is(name, "ttl_seconds", 7):
		d.TTL = time.Duration(p.number(maxTTL)) * time.Second
	case p.is(name, "lane", 8):
		d.Lane = p.text()
	case p.is(name, "reference", 9):
		d.Reference = p.text()
	case p.is(name, "metadata", 10):
		d.Metadata = p.raw()
	case p.is(name, "simulate", 11):
		d.Simulate = p.bool()
	case p.is(name, "user_id", 12):
		d.UserID = p.text()
	default:
		p.odd = true
	}
}

// is reports whether name is that of member i, and notes that it was there:
// encoding/json merges a member that stands twice.
func (p *plain) is(name, member string, i int) bool {
	if name != member {
		return false
	}
	p.odd = p.odd || p.seen&(1<<i) != 0
	p.seen |= 1 << i
	return true
}

// body reads the value of text.
func (p *plain) body() *dispatch.Text {
	t := &dispatch.Text{}
	p.object(func(name string) {
		switch {
		case p.is(name, "body", 16):
			t.Body = p.text()
		case p.is(name, "preview_url", 17):
			t.PreviewURL = p.bool()
		default:
			p.odd = true
		}
	})
	return t
}

// template reads the value of template.
func (p *plain) template(d *dispatch.Draft) {
	room := &struct {
		use  dispatch.TemplateUse
		v    dispatch.Variables
		list [4]string
	}{}
	t := &room.use
	d.Content.Template = t
	p.object(func(name string) {
		switch {
		case p.is(name, "id", 18):
			t.TemplateID = p.number(1 << 53)
		case p.is(name, "name", 19):
			t.Name = p.text()
		case p.is(name, "language", 20):
			t.Language.Code = p.text()
		case p.is(name, "variables", 21):
			d.Variables = &room.v
			p.variables(&room.v, room.list[:0])
		default:
			p.odd = true
		}
	})
}

// variables reads a list, which begins in room, or an object of texts and numbers.
func (p *plain) variables(v *dispatch.Variables, room []string) {
	if p.space(); p.next() == '{' {
		v.Named = map[string]string{}
		p.object(func(name string) { v.Named[name] = p.textOrDigits() })
		return
	}
	v.List = room
	for more := p.open('['); more && !p.odd; more = p.more(']') {
		v.List = append(v.List, p.textOrDigits())
	}
}

// object reads an object; member reads the value of each of its members.
func (p *plain) object(member func(name string)) {
	for more := p.open('{'); more && !p.odd; more = p.more('}') {
		name := p.text()
		p.space()
		p.take(':')
		member(name)
	}
}

// open reads the beginning of an object or a list. It returns false for an empty
// one, which it reads to its end.
func (p *plain) open(bracket byte) bool {
	p.space()
	p.take(bracket)
	p.space()
	if p.next() != bracket+2 { // { and }, [ and ]
		return true
	}
	p.at++
	return false
}

// more reads what follows a value: a comma, or the closing bracket.
func (p *plain) more(bracket byte) bool {
	p.space()
	if p.next() == ',' {
		p.at++
		return true
	}
	p.take(bracket)
	return false
}

// text reads a string.
func (p *plain) text() string {
	p.space()
	p.take('"')
	for from, escaped := p.at, false; p.at < len(p.s) && !p.odd; p.at++ {
		switch c := p.s[p.at]; {
		case c == '"' && escaped:
			p.at++
			return p.unescape(p.s[from-1 : p.at])
		case c == '"':
			p.at++
			return p.s[from : p.at-1]
		case c == '\\':
			escaped = true
			p.at++
		case c < ' ':
			p.odd = true
		}
	}
	p.odd, p.at = true, len(p.s)
	return ""
}

func (p *plain) unescape(quoted string) (s string) {
	p.odd = json.Unmarshal([]byte(quoted), &s) != nil
	return s
}

// textOrDigits reads a string, or a whole number as its text.
func (p *plain) textOrDigits() string {
	if p.space(); p.next() == '"' {
		return p.text()
	}
	return p.digits()
}

// digits reads a number without sign, fraction and exponent as its text.
func (p *plain) digits() string {
	from := p.at
	for p.next() >= '0' && p.next() <= '9' {
		p.at++
	}
	s := p.s[from:p.at]
	switch p.next() {
	case ',', '}', ']', ' ', '\n', '\r', '\t':
	default:
		p.odd = true
	}
	p.odd = p.odd || s == "" || (len(s) > 1 && s[0] == '0')
	return s
}

// number reads a number of digits between 1 and most.
func (p *plain) number(most int64) int64 {
	p.space()
	n, err := strconv.ParseInt(p.digits(), 10, 64)
	p.odd = p.odd || err != nil || n < 1 || n > most
	return n
}

func (p *plain) bool() bool {
	p.space()
	for _, word := range []string{"true", "false"} {
		if len(p.s)-p.at >= len(word) && p.s[p.at:p.at+len(word)] == word {
			p.at += len(word)
			return word == "true"
		}
	}
	p.odd = true
	return false
}

func (p *plain) time() (t time.Time) {
	p.space()
	from := p.at
	p.text()
	p.odd = p.odd || t.UnmarshalJSON([]byte(p.s[from:p.at])) != nil
	return t
}

// raw reads an object as it is written.
func (p *plain) raw() json.RawMessage {
	p.space()
	from, depth := p.at, 0
	for p.odd = p.odd || p.next() != '{'; !p.odd; {
		switch p.next() {
		case 0:
			p.odd = true
		case '"':
			p.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if p.at++; depth == 0 {
			break
		}
	}
	if p.odd {
		return nil
	}
	raw := json.RawMessage(p.s[from:p.at])
	p.odd = !json.Valid(raw)
	return raw
}

func (p *plain) space() {
	for p.at < len(p.s) && (p.s[p.at] == ' ' || p.s[p.at] == '\n' || p.s[p.at] == '\r' || p.s[p.at] == '\t') {
		p.at++
	}
}

// next returns the byte that comes next, or 0 at the end.
func (p *plain) next() byte {
	if p.at >= len(p.s) {
		return 0
	}
	return p.s[p.at]
}

// take reads one byte, which must be c.
func (p *plain) take(c byte) {
	if p.odd = p.odd || p.next() != c; !p.odd {
		p.at++
	}
}
