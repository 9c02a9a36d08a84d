// Package dialect defines what serves a vendor's API format: pure functions from
// a request to drafts, and from receipts or errors to the vendor's envelope. A
// dialect translates; it never decides.
package dialect

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// Dialect is the API format of one vendor. It is a value; internal/app/dialects.go
// lists them all.
type Dialect struct {
	Name string
	// Header is the header that carries the key; a request to an unknown route
	// is answered in the envelope of the dialect whose header it carries.
	Header string
	// Credential returns the API key of a request, or "" if there is none.
	Credential func(r *http.Request) string
	Routes     []Route
	// Reject returns the vendor's response to an error. An error that is not a
	// *dispatch.Error counts as dispatch.Internal.
	Reject func(r *http.Request, err error) Reply
	Doc    Doc
}

// Route is one endpoint: it sends (Decode and Accept), reads (Read) or changes
// what was sent (Change).
type Route struct {
	Method string
	Path   string // echo syntax; parameters are read with r.PathValue
	// Permission that a read needs; a send's follows from its content.
	Permission string
	// Decode reads the request into drafts, one message each.
	Decode func(r *http.Request, body []byte) ([]dispatch.Draft, error)
	// Accept returns the vendor's answer to accepted (or simulated) drafts, in
	// their order.
	Accept func(r *http.Request, drafts []dispatch.Draft, receipts []dispatch.Receipt) Reply
	// Aside returns the note about a message that a body holds, such as a
	// mark-as-read, or nil if it holds a message to send. A note counts as a read.
	Aside func(r *http.Request, body []byte) (*Aside, error)
	// Pass returns what a request asks of the vendor itself. It is sent on with a
	// channel's credentials, and the vendor's answer is returned.
	Pass func(r *http.Request) (Pass, error)
	// Matches reports whether the route serves a path that fits Path; nil: all.
	Matches func(path string) bool
	// Change answers a request that changes a message; body is the request's.
	Change func(ctx context.Context, c Changer, a Account, r *http.Request, body []byte) (Reply, error)
	// Read answers a GET.
	Read func(ctx context.Context, src Reader, a Account, r *http.Request) (Reply, error)
	Doc  RouteDoc
}

// Aside is a note about a message that a contact sent.
type Aside struct {
	Channel dispatch.Draft // names the channel
	Message string         // the vendor's id of the message
	Ours    dispatch.ID    // our id of it, if it was named by that
	// Pass returns the call that tells the vendor, which knows the message by id.
	Pass func(id string) Pass
}

// Pass is a call of a vendor's own API.
type Pass struct {
	Provider string     // the vendor
	ID       string     // the object's id, the first part of the path
	Settings []string   // the settings of channels that hold such ids; the channel whose it is makes the call
	Hint     string     // for an ID that is in none: a channel's id in the first of Settings, or empty for the default channel
	Any      bool       // such an ID is allowed
	Suffix   string     // the rest of the path
	Query    url.Values // nil for none
	Body     []byte     // in place of the request's, as JSON
	MaxBody  int64      // the longest body of the request, in bytes; 0: that of messages
}

// Reply is a response: a status code and a body that is written as JSON.
type Reply struct {
	Status int
	Header http.Header // further headers; nil for none
	Body   any
}

// Account identifies the caller of a read.
type Account struct {
	ID  int64
	SID string // AC…
	// Region is the country whose national numbers the caller may send to, or "".
	Region string
}

// Given returns a time that a request gives. The zero time, which in a draft stands
// for none, becomes one a microsecond later: it has passed as well.
func Given(t time.Time) time.Time {
	if t.IsZero() {
		return t.Add(time.Microsecond)
	}
	return t
}

type regionKey struct{}

// WithRegion returns r with the country whose national numbers its caller may
// send to.
func WithRegion(r *http.Request, region string) *http.Request {
	if region == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), regionKey{}, region))
}

// RegionOf returns the region of WithRegion, or "".
func RegionOf(r *http.Request) string {
	region, _ := r.Context().Value(regionKey{}).(string)
	return region
}

// Changer changes the caller's messages. Errors are dispatch.Conflict if the
// message's status forbids the change.
type Changer interface {
	// Cancel cancels a message before its next call of the provider.
	Cancel(ctx context.Context, id dispatch.ID) (dispatch.View, error)
	// Redact blanks the content of a finished message.
	Redact(ctx context.Context, id dispatch.ID) (dispatch.View, error)
	// Delete deletes a finished message.
	Delete(ctx context.Context, id dispatch.ID) error
}

// Profile is what an account shows of itself.
type Profile struct {
	Name     string
	Balance  string // credits, in decimals
	Disabled bool
	Created  time.Time
}

// Reader returns the data of an account.
type Reader interface {
	Message(ctx context.Context, account int64, id dispatch.ID) (dispatch.View, error)
	Messages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error)
	Templates(ctx context.Context, account int64) ([]template.Template, error)
	Profile(ctx context.Context, account int64) (Profile, error)
	Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error)
	Users(ctx context.Context, account int64) ([]dispatch.User, error)
}
