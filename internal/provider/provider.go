// Package provider defines what a vendor's client does: send one message, return
// the outcome as one of a closed set of kinds, parse callbacks. A Spec describes
// the vendor to all other packages.
package provider

import (
	"context"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

// Provider is one vendor's client. It keeps no state of a message: retry, rate
// and status belong to the worker. Implementations are safe for concurrent use.
type Provider interface {
	// Spec returns the vendor's description, which must not be changed.
	Spec() *Spec
	// Send makes one call. Its error is always an *Error. It decodes the content
	// with Load.
	Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (Accepted, error)
	// ParseCallback verifies the request, then parses it. body is the raw body;
	// url is the public address that the provider called. Returns
	// ErrBadSignature if signature or secret is wrong.
	ParseCallback(ch *dispatch.Channel, r *http.Request, url string, body []byte) (Callback, error)
	// Check returns an error unless the provider accepts the channel's
	// credentials.
	Check(ctx context.Context, ch *dispatch.Channel) error
}

// Finder is a Provider that can look up a message whose outcome is unknown
// (Twilio's message list).
type Finder interface {
	// Find looks for m, whose first call was made at its due time or later. found
	// is false if the provider certainly does not have m; an error means that the
	// provider's answer does not decide it.
	Find(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (u dispatch.StatusUpdate, found bool, err error)
}

// Accepted is the result of a call that the provider accepted.
type Accepted struct {
	ProviderID string // of the message; empty if the provider returns none
	WaID       string // the provider's id of the recipient, if it returned one
	UserID     string // the recipient's business-scoped user id, if it returned one
	HTTP       int
	Detail     string // such as held_for_quality_assessment
}

// Callback is the content of one callback request.
type Callback struct {
	Part // about the number of the address
	// Others are the parts about other numbers: one address serves all numbers
	// of an app.
	Others []Part
	// Reply is the body of our 200 response; usually empty.
	Reply string
}

// Parts returns the parts of the callback, that of the address first.
func (cb *Callback) Parts() []*Part {
	parts := []*Part{&cb.Part}
	for i := range cb.Others {
		parts = append(parts, &cb.Others[i])
	}
	return parts
}

// Parse verifies and parses a callback with p. It marks the statuses of a vendor
// that echoes no id of ours, and names the persons of inbound messages by their
// ids.
func Parse(p Provider, ch *dispatch.Channel, r *http.Request, url string, body []byte) (Callback, error) {
	cb, err := p.ParseCallback(ch, r, url, body)
	for _, part := range cb.Parts() {
		for i := range part.Statuses {
			part.Statuses[i].ByRecipient = p.Spec().Echo == EchoNone
		}
		for i := range part.Inbound {
			in := &part.Inbound[i]
			if in.From = person.ID(in.From); person.IsUserID(in.From) {
				in.UserID = in.From
			}
		}
	}
	return cb, err
}

// CallbackURL returns the address at which a provider calls the channel back,
// without a trailing slash. The worker puts it into the setting callback_url.
func CallbackURL(ch *dispatch.Channel) string { return ch.Settings["callback_url"] }

// ErrBadSignature is returned for a callback whose signature or secret is wrong.
var ErrBadSignature = &dispatch.Error{Code: dispatch.Unauthorized, Msg: "callback signature does not match"}
