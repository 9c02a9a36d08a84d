package dialect

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Doc describes a dialect in OpenAPI and in /docs. Refusals are not described:
// internal/api/openapi calls Reject for examples. Names, types and required
// fields are those of the vendor's page (named in the package comment of the
// dialect) or else our own. Fields that the dialect ignores are not described.
type Doc struct {
	Title string
	About string
	// Security names the scheme by which the key is sent.
	Security string
	// Curl is the vendor's own example with HOST for our host. Answer is its
	// response.
	Curl, Answer string
	// Differs lists where we differ from the vendor.
	Differs []string
	// Failure is a value whose type is that of errors.
	Failure any
	// AnyContent is set if more than templates can be sent.
	AnyContent bool
	// Samples are values of the parameters in paths, by name.
	Samples map[string]string
}

// DiffersEverywhere lists where we differ from every vendor alike.
var DiffersEverywhere = []string{
	"The key is an API key of this service (sk_live_... or sk_test_...).",
	"The status is queued or scheduled: when the request is answered, nothing has been sent yet.",
	"An Idempotency-Key header is honoured: a repeat within 24 hours creates no second message.",
	"Every response carries RateLimit headers, and a 429 Retry-After.",
}

// RouteDoc describes a route of a dialect.
type RouteDoc struct {
	Summary string // what the route does, in lower case
	// Request describes the body; its first example is the vendor's.
	Request apidoc.Request
	Query   []apidoc.Parameter
	Status  int // of success
	Reply   apidoc.Response
	// OneMessage is set if the route reads a message that may not exist.
	OneMessage bool
}

// ExampleID is the message id in examples.
const ExampleID = "0198c0de-0000-7000-8000-000000000001"

// Curl returns the curl of a JSON request with a header that carries the key. Both
// run in sh: the header's name and value may hold a variable.
func Curl(path, header, body string) string {
	const next = " \\\n  --header '"
	return `curl --request POST "HOST` + path + `"` + " \\\n  --header \"" + header + `"` + next +
		"Content-Type: application/json' \\\n  --data '" + body + "'"
}

// SampleRequest returns a request to a route without a body, with samples as the
// parameters of its path.
func (d *Dialect) SampleRequest(rt *Route) *http.Request {
	r := &http.Request{Method: rt.Method, Header: http.Header{}, URL: &url.URL{Path: rt.Path}}
	for name, value := range d.Doc.Samples {
		r.SetPathValue(name, value)
		r.URL.Path = strings.Replace(r.URL.Path, ":"+name, value, 1)
	}
	return r
}

// ComponentRequest describes a dispatch.Component, whose index clients also
// send as a number.
type ComponentRequest struct {
	Type       string               `json:"type" required:"true" enum:"header,body,button,limited_time_offer,carousel"`
	SubType    string               `json:"sub_type,omitempty" doc:"url, quick_reply, copy_code, flow or catalog."`
	Index      apidoc.IDOrText      `json:"index,omitzero" doc:"Of a button: 0 to 9."`
	Parameters []dispatch.Parameter `json:"parameters,omitempty"`
	Cards      []dispatch.Card      `json:"cards,omitempty" doc:"Of a carousel: the values of each card."`
}

// MetaContent describes what Content reads: the content of a message in the
// form of Meta's Cloud API.
type MetaContent struct {
	Type            apidoc.MessageType    `json:"type,omitempty" doc:"Default: text."`
	Text            *dispatch.Text        `json:"text,omitempty"`
	Template        *MetaTemplate         `json:"template,omitempty"`
	Image           *dispatch.Media       `json:"image,omitempty"`
	Video           *dispatch.Media       `json:"video,omitempty"`
	Audio           *dispatch.Media       `json:"audio,omitempty"`
	Document        *dispatch.Media       `json:"document,omitempty"`
	Sticker         *dispatch.Media       `json:"sticker,omitempty"`
	Location        *dispatch.Location    `json:"location,omitempty"`
	Contacts        apidoc.Any            `json:"contacts,omitzero"`
	Interactive     *dispatch.Interactive `json:"interactive,omitempty"`
	Reaction        *dispatch.Reaction    `json:"reaction,omitempty"`
	Context         *dispatch.Context     `json:"context,omitempty" doc:"The message that this one replies to."`
	IdentityKeyHash string                `json:"recipient_identity_key_hash,omitempty" maxLength:"255"`
}

// MetaTemplate describes the template of a MetaContent.
type MetaTemplate struct {
	Name     string `json:"name" required:"true"`
	Language struct {
		Code string `json:"code" required:"true"`
	} `json:"language" required:"true"`
	Components []ComponentRequest `json:"components,omitempty" doc:"A one-time password stands in both body and button."`
}
