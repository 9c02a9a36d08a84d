// Package external implements the API of the "Comprehensive API Management Guide":
// templates filled by variable name, the status of a message, the list of
// templates.
package external

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

const (
	keyHeader = "X-API-Key"
	prefix    = "/api/v1/external"
)

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "external",
		Header:     keyHeader,
		Credential: dialect.HeaderKey(keyHeader),
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: prefix + "/messages/template/send", Decode: decode, Accept: accept, Doc: sendDoc},
			{Method: http.MethodGet, Path: prefix + "/messages/:uuid", Permission: "view_messages", Read: readMessage, Doc: messageDoc},
			{Method: http.MethodGet, Path: prefix + "/templates", Permission: "view_templates", Read: readTemplates, Doc: templatesDoc},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// decode reads a template send. A template that exists in one language only
// needs no language: accept finds it.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	d := dispatch.Draft{
		To: o.Required("to"),
		Content: dispatch.Content{
			Type: dispatch.TypeTemplate,
			Template: &dispatch.TemplateUse{
				Name:     o.Required("template_name"),
				Language: dispatch.Language{Code: o.Text("language")},
			},
		},
		Kind:      "whatsapp",
		Variables: &dispatch.Variables{Named: o.Values("variables")},
		Reference: o.Text("reference"),
		Simulate:  o.Bool("simulate"),
	}
	o.Hold(&d, fields)
	return []dispatch.Draft{d}, nil
}

// fields maps the page's fields to ours where accept checks them, too.
var fields = dialect.Pointers{"/template_name": "/template/name", "/language": "/template/language", "/variables": "/template/variables"}
