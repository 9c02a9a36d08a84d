package openapi

import (
	"maps"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/apidoc"
)

// eventHeaders are the headers of Standard Webhooks.
var eventHeaders = []apidoc.Parameter{
	apidoc.Header("webhook-id", "The id of the event: the same on every try."),
	apidoc.Header("webhook-timestamp", "When this try was made, in seconds since 1970."),
	apidoc.Header("webhook-signature", "v1, and the signature in base64; after a rotation one of each secret, separated by spaces."),
}

// event adds the request that an endpoint of the customer receives.
func (d *describer) event(e *apidoc.Event) {
	op := &huma.Operation{
		OperationID: "on-" + operationName(e.Name), Method: "POST", Tags: []string{"Webhooks"}, Summary: e.Summary,
		Description: "Posted to each webhook that subscribes to it, in the format standard (Standard Webhooks).",
		Security:    []map[string][]string{}, Parameters: parameters(&apidoc.Operation{Parameters: eventHeaders}),
		RequestBody: &huma.RequestBody{Required: true, Content: d.request(&apidoc.Request{Type: e.Type, Examples: []string{e.Example}})},
		Responses: map[string]*huma.Response{
			"2XX": {Description: "Received. Any other answer is repeated, ten tries in about 75 hours."},
			"410": {Description: "The endpoint is gone: the webhook is disabled."},
		},
	}
	if d.doc.Webhooks == nil {
		d.doc.Webhooks = map[string]*huma.PathItem{}
	}
	d.doc.Webhooks[e.Name] = &huma.PathItem{Post: op}
}

// inlineEvents writes the schemas that webhooks alone use where they are used.
// oapi-codegen 2.8.2 drops such schemas and uses them, which does not compile.
func inlineEvents(doc *huma.OpenAPI) {
	used := map[string]bool{}
	for _, item := range doc.Paths {
		for _, op := range operations(item) {
			if op.RequestBody != nil {
				reach(doc, op.RequestBody.Content, used)
			}
			for _, r := range op.Responses {
				reach(doc, r.Content, used)
			}
		}
	}
	schemas := doc.Components.Schemas.Map()
	inline := func(s *huma.Schema) *huma.Schema {
		if name, ok := strings.CutPrefix(s.Ref, schemaRef); ok && !used[name] {
			return schemas[name]
		}
		return s
	}
	for _, item := range doc.Webhooks {
		for _, m := range item.Post.RequestBody.Content {
			m.Schema = inline(m.Schema)
			for name, p := range m.Schema.Properties {
				m.Schema.Properties[name] = inline(p)
			}
		}
	}
	maps.DeleteFunc(schemas, func(name string, _ *huma.Schema) bool { return !used[name] })
}
