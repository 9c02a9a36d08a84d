// Package provider is what the worker knows of a vendor: send one message,
// explain the outcome in one closed set of kinds, read callbacks.
package provider

import (
	"context"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Provider is one vendor's client. It keeps no state of a message: retry, rate
// and status belong to the worker. Implementations are safe for concurrent use.
type Provider interface {
	// Spec returns the vendor's description, which must not be changed.
	Spec() *Spec
	// Send makes one call. Its error is always an *Error. What it needs of the
	// content it gets by Load.
	Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (Accepted, error)
	// ParseCallback verifies the request first, then reads it. body is the raw
	// body; url is the public address that the provider called.
	ParseCallback(ch *dispatch.Channel, r *http.Request, url string, body []byte) (Callback, error)
	// Check asks the provider whether the channel's credentials work (doctor).
	Check(ctx context.Context, ch *dispatch.Channel) error
}

// Finder is a Provider that can be asked whether it has a message of which we
// don't know whether it arrived (Twilio's message list).
type Finder interface {
	// Find looks for m, whose call started after since. Found is false when the
	// provider surely doesn't have it; an error means that it can't be said.
	Find(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message, callbackURL string) (u dispatch.StatusUpdate, found bool, err error)
}

// Accepted is the provider's yes.
type Accepted struct {
	ProviderID string // may be empty where the provider gives none
	WaID       string // the provider's id of the recipient, if it told one
	HTTP       int
	Detail     string // such as held_for_quality_assessment
}

// Callback is what a provider told us in one request.
type Callback struct {
	Statuses []dispatch.StatusUpdate
	Inbound  []dispatch.Inbound
	// Reply is the answer's body, for providers that want one (empty: 200 and
	// no body).
	Reply string
}

// Parse verifies and parses a callback with p. It marks the statuses of a vendor
// that echoes no id of ours.
func Parse(p Provider, ch *dispatch.Channel, r *http.Request, url string, body []byte) (Callback, error) {
	cb, err := p.ParseCallback(ch, r, url, body)
	if p.Spec().Echo == EchoNone {
		for i := range cb.Statuses {
			cb.Statuses[i].ByRecipient = true
		}
	}
	return cb, err
}

// CallbackURL is where a provider calls a channel back. Send gets it through
// the context-free channel setting "callback_url" (no trailing slash); id lets
// a provider carry our message id in the address.
func CallbackURL(ch *dispatch.Channel) string { return ch.Settings["callback_url"] }

// ErrBadSignature refuses a callback whose signature or secret is wrong.
var ErrBadSignature = &dispatch.Error{Code: dispatch.Unauthorized, Msg: "callback signature does not match"}
