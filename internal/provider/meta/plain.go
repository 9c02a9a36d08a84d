package meta

import (
	"strings"

	"github.com/sendoff/sendoff/internal/provider"
)

// plainAccepted reads the answer that Meta usually gives to a send:
//
//	{"messaging_product":"whatsapp","contacts":[{"input":"1555","wa_id":"1555"}],"messages":[{"id":"wamid.1"}]}
//
// It returns false for whatever else encoding/json should read: other members, a member
// that comes twice, values that are no texts, escapes, characters beyond ASCII, no id. A
// fuzz test holds that both agree.
func plainAccepted(body []byte) (acc provider.Accepted, ok bool) {
	p := plain{s: string(body)}
	var contact, message [3]string
	var contacts, messages, product bool
	p.members(func(name string) bool {
		switch {
		case name == "messaging_product" && !product:
			product = true
			_, ok := p.text()
			return ok
		case name == "contacts" && !contacts:
			contacts = true
			return p.objects([3]string{"input", "wa_id", "user_id"}, &contact)
		case name == "messages" && !messages:
			messages = true
			return p.objects([3]string{"id", "message_status"}, &message)
		}
		return false
	})
	p.space()
	if p.bad || p.at != len(p.s) || message[0] == "" {
		return acc, false
	}
	acc.ProviderID, acc.WaID, acc.UserID = message[0], contact[1], contact[2]
	if s := strings.ToLower(message[1]); s != "accepted" {
		acc.Detail = s
	}
	return acc, true
}

// plain reads JSON of which nothing is out of the ordinary. Its methods set bad when
// something is.
type plain struct {
	s   string
	at  int
	bad bool
}

func (p *plain) space() {
	for p.at < len(p.s) && (p.s[p.at] == ' ' || p.s[p.at] == '\n' || p.s[p.at] == '\r' || p.s[p.at] == '\t') {
		p.at++
	}
}

// take reads a character of the syntax, if it comes next.
func (p *plain) take(c byte) bool {
	p.space()
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

// text reads a text of visible ASCII and spaces without escapes.
func (p *plain) text() (string, bool) {
	if !p.take('"') {
		p.bad = true
		return "", false
	}
	for i := p.at; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			s := p.s[p.at:i]
			p.at = i + 1
			return s, true
		case c < ' ' || c > '~' || c == '\\':
			p.bad = true
			return "", false
		}
	}
	p.bad = true
	return "", false
}

// members reads an object, whose values value reads; it returns false for one that it does
// not.
func (p *plain) members(value func(name string) bool) {
	if !p.take('{') {
		p.bad = true
		return
	}
	if p.take('}') {
		return
	}
	for {
		name, ok := p.text()
		if !ok || !p.take(':') || !value(name) {
			p.bad = true
			return
		}
		if p.take('}') {
			return
		}
		if !p.take(',') {
			p.bad = true
			return
		}
	}
}

// objects reads an array of one object whose members are texts of these names.
func (p *plain) objects(names [3]string, values *[3]string) bool {
	if !p.take('[') {
		return false
	}
	var seen [3]bool
	p.members(func(name string) bool {
		for i, n := range names {
			if name == n && n != "" && !seen[i] {
				seen[i] = true
				var ok bool
				values[i], ok = p.text()
				return ok
			}
		}
		return false
	})
	return !p.bad && p.take(']')
}
