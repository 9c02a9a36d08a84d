package provider

import (
	"cmp"
	"crypto/subtle"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Number returns which number of ours a part of a callback is about, as the vendor's
// callbacks name it: by a setting of its channel, or by the sender.
type Number struct {
	Setting string // empty: the sender, as digits
	Value   string // empty: the number of the address that was called
	Secret  string // the secret that proves that both belong to one owner
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
	return ch.Account == at.Account && ch.Provider == at.Provider && n.Value != "" && value == n.Value &&
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

// Add adds p to the part of its number: cb itself for the zero Number.
func (cb *Callback) Add(p Part) {
	if p.Number == (Number{}) {
		cb.Statuses, cb.Inbound = append(cb.Statuses, p.Statuses...), append(cb.Inbound, p.Inbound...)
		cb.Notes, cb.Unread = append(cb.Notes, p.Notes...), append(cb.Unread, p.Unread...)
		cb.Consents = append(cb.Consents, p.Consents...)
		cb.Templates, cb.Reports = append(cb.Templates, p.Templates...), append(cb.Reports, p.Reports...)
		cb.MessagingLimit = cmp.Or(p.MessagingLimit, cb.MessagingLimit)
		return
	}
	for i := range cb.Others {
		o := &cb.Others[i]
		if o.Number == p.Number {
			o.Statuses, o.Inbound = append(o.Statuses, p.Statuses...), append(o.Inbound, p.Inbound...)
			o.Notes, o.Unread = append(o.Notes, p.Notes...), append(o.Unread, p.Unread...)
			o.Consents = append(o.Consents, p.Consents...)
			o.Templates, o.Reports = append(o.Templates, p.Templates...), append(o.Reports, p.Reports...)
			o.MessagingLimit = cmp.Or(p.MessagingLimit, o.MessagingLimit)
			return
		}
	}
	cb.Others = append(cb.Others, p)
}

// Own returns the part about the number of the address.
func (cb *Callback) Own() Part {
	return Part{
		Statuses: cb.Statuses, Inbound: cb.Inbound, Consents: cb.Consents, Notes: cb.Notes, Templates: cb.Templates, Reports: cb.Reports,
		Unread: cb.Unread, MessagingLimit: cb.MessagingLimit,
	}
}
