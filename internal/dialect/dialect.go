// Package dialect says what a vendor's API format is to us: pure functions
// from a request to drafts and from receipts or errors to the vendor's
// envelope. A dialect translates; it never decides.
package dialect

import (
	"context"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// Dialect is one vendor's API as we speak it. It is a value: one list in
// internal/app/dialects.go names them all.
type Dialect struct {
	Name string
	// Header is the header that carries the key; a request to an unknown route
	// is answered in the envelope of the dialect whose header it carries.
	Header string
	// Credential takes the api key out of a request; empty when there is none.
	Credential func(r *http.Request) string
	Routes     []Route
	// Reject gives the vendor's answer to an error: what isn't a
	// *dispatch.Error counts as dispatch.Internal.
	Reject func(r *http.Request, err error) Reply
	Doc    Doc
}

// Route is one endpoint: it either sends (Decode and Accept) or reads (Read).
type Route struct {
	Method string
	Path   string // echo syntax; parameters are read with r.PathValue
	// Permission that a read needs; a send's follows from its content.
	Permission string
	// Decode reads the request into drafts, one message each.
	Decode func(r *http.Request, body []byte) ([]dispatch.Draft, error)
	// Accept gives the vendor's answer to accepted (or simulated) drafts, in
	// their order.
	Accept func(r *http.Request, drafts []dispatch.Draft, receipts []dispatch.Receipt) Reply
	// Read answers a GET.
	Read func(ctx context.Context, src Reader, a Account, r *http.Request) (Reply, error)
	Doc  RouteDoc
}

// Reply is an answer: a status code and a body to be written as JSON.
type Reply struct {
	Status int
	Header http.Header // further headers; nil for none
	Body   any
}

// Account is what a read may know of the caller.
type Account struct {
	ID  int64
	SID string // AC…
}

// Reader is where reads find their data; everything is limited to the account.
type Reader interface {
	Message(ctx context.Context, account int64, id dispatch.ID) (dispatch.View, error)
	Messages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error)
	Templates(ctx context.Context, account int64) ([]template.Template, error)
	Users(ctx context.Context, account int64) ([]dispatch.User, error)
}
