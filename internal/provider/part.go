package provider

import (
	"cmp"
	"crypto/subtle"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

// Number returns which number of ours a part of a callback is about, as the vendor's
// callbacks name it: by a setting of its channel, or by the sender.
type Number struct {
	Setting string // empty: the sender, as digits
	Value   string // empty: the number of the address that was called
	Secret  string // the secret that proves that both belong to one owner
	Kind    string // of the channel; empty: any
	// Exact means that a value that no channel has is not about the channel of
	// the address either.
	Exact bool
}

// Of reports whether ch has the number. at is the channel whose address was
// called: what it may report of another channel is limited to those of its
// account that share its credentials.
func (n Number) Of(ch, at *dispatch.Channel) bool {
	value := strings.TrimPrefix(ch.Sender, "+")
	if n.Setting != "" {
		value = ch.Settings[n.Setting]
	}
	return ch.Account == at.Account && ch.Provider == at.Provider && (n.Kind == "" || n.Kind == ch.Kind) &&
		n.Value != "" && value == n.Value &&
		subtle.ConstantTimeCompare([]byte(ch.Secrets[n.Secret]), []byte(at.Secrets[n.Secret])) == 1
}

// Or returns n, or the zero Number if n is about at.
func (n Number) Or(at *dispatch.Channel) Number {
	if n.Value == "" || n.Of(at, at) || n.Setting != "" && at.Settings[n.Setting] == "" {
		return Number{}
	}
	return n
}

// Part is the part of a callback that is about one number.
type Part struct {
	Number   Number
	Statuses []dispatch.StatusUpdate
	Inbound  []dispatch.Inbound
	Consents []dispatch.Consent
	// Notes are events that change no status (deleted, played); the note is in
	// Detail.
	Notes []dispatch.StatusUpdate
	// Templates are changes of templates.
	Templates []dispatch.TemplateChange
	// MessagingLimit is the new limit of the channels of the business, as
	// dispatch.Policy has it; 0: not reported.
	MessagingLimit int
	// Reports are about the channel itself, or its account at the provider.
	Reports []dispatch.ChannelReport
	// Unread are the kinds of the elements that nothing was read from.
	Unread []string
}

// Read returns how much was read: 0 means nothing that we know.
func (p *Part) Read() int {
	n := len(p.Statuses) + len(p.Inbound) + len(p.Consents) + len(p.Notes) + len(p.Templates) + len(p.Reports)
	if p.MessagingLimit != 0 {
		n++
	}
	return n
}

// Hide removes the number of ch, whose part p is, from the senders of messages: a
// number is nobody who writes to itself. Another number of ours may well do.
func (p *Part) Hide(ch *dispatch.Channel) {
	own := person.ID(ch.Sender)
	for i := range p.Inbound {
		if in := &p.Inbound[i]; own != "" && in.From == own {
			in.From, in.WaID = "", ""
		}
	}
}

// Add adds p to the part of its number: the callback's own for the zero Number.
func (cb *Callback) Add(p Part) {
	for _, known := range cb.Parts() {
		if known.Number == p.Number {
			known.merge(p)
			return
		}
	}
	cb.Others = append(cb.Others, p)
}

// merge adds what o holds to p.
func (p *Part) merge(o Part) {
	p.Statuses, p.Inbound = append(p.Statuses, o.Statuses...), append(p.Inbound, o.Inbound...)
	p.Consents, p.Notes = append(p.Consents, o.Consents...), append(p.Notes, o.Notes...)
	p.Templates, p.Reports = append(p.Templates, o.Templates...), append(p.Reports, o.Reports...)
	p.MessagingLimit, p.Unread = cmp.Or(o.MessagingLimit, p.MessagingLimit), append(p.Unread, o.Unread...)
}
