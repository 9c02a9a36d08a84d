// Package apidoc holds the descriptions of routes from which internal/api/openapi
// assembles OpenAPI and /docs. Whoever serves a route describes it.
package apidoc

// Operation describes one route in OpenAPI and in /docs. Bodies are described
// by values whose Go types have the schema: struct tags as huma reads them
// (json, doc, required, enum, ...), or the types of this package.
type Operation struct {
	Method      string
	Path        string // in OpenAPI's syntax: /v1/messages/{id}
	Tag         string
	Summary     string
	Description string
	// Permission that the API key needs, in words.
	Permission string
	// Security names the schemes, any of which will do; nil: those of the native
	// API. A Public route needs none.
	Security   []string
	Public     bool
	Parameters []Parameter
	Request    Request
	// Responses by status.
	Responses map[int]Response
	// Problems adds a default response: a problem of RFC 9457.
	Problems bool
	// Refusals describes problems by status.
	Refusals map[int]string
}

// Parameter is a query parameter or a header.
type Parameter struct {
	In          string // "query" or "header"
	Name        string
	Type        string // "string", "integer", "number", "boolean", or "array" of texts
	Description string
}

// Query returns a query parameter.
func Query(name, kind, description string) Parameter {
	return Parameter{In: "query", Name: name, Type: kind, Description: description}
}

// Queries returns a query parameter that may be given several times, each a text.
func Queries(name, description string) Parameter {
	return Parameter{In: "query", Name: name, Type: "array", Description: description}
}

// Header returns a header parameter.
func Header(name, description string) Parameter {
	return Parameter{In: "header", Name: name, Type: "string", Description: description}
}

// Request describes the body of a request. Without a Type there is none.
type Request struct {
	Type     any
	Media    string   // empty: application/json
	Examples []string // JSON; of a form: an object of its fields
}

// Response describes an answer. Without a Type it has no body.
type Response struct {
	Type        any
	Media       string // empty: application/json
	Description string // empty: the status text
	Example     string // JSON, or text if Media is not JSON
	Examples    map[string]Example
}

// Event describes an event that is posted to the customer's webhooks.
type Event struct {
	Name    string // such as message.sent
	Summary string
	Type    any    // the payload
	Example string // JSON
}

// Text returns a response of plain text.
func Text(example string) Response { return TextOf("text/plain", example) }

// TextOf returns a response of text of a media type.
func TextOf(media, example string) Response {
	return Response{Type: "", Media: media, Example: example}
}

// Example is a named example.
type Example struct {
	Summary string
	Value   string // JSON
}

// Types whose schema Go types cannot express. They only describe: nothing is
// read into them.
type (
	// Any is JSON of any type.
	Any struct{}
	// Object is a JSON object with any fields.
	Object struct{}
	// IDOrText is one of our integer ids, or the same as a string.
	IDOrText struct{}
	// Texts is a JSON object of strings.
	Texts map[string]string
	// ErrorOrNull is the error of a message (code, provider_code, message), or null.
	ErrorOrNull struct{}
)

// IdempotencyKey is the header that every route that sends understands.
var IdempotencyKey = Header(
	"Idempotency-Key", "At most 255 visible characters. A repeat with the same key and body within 24 hours returns the first response.",
)

// Strings with a fixed set of values.
type (
	// MessageType is a type of content (dispatch.Type).
	MessageType string
	// Status is the status of a message (dispatch.Status).
	Status string
)
