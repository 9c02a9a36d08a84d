package openapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/apidoc"
)

// nativeSecurity are the two ways in which a native request carries its key.
var nativeSecurity = []map[string][]string{{"bearer": {}}, {"api_key": {}}}

// describer adds operations to a description.
type describer struct {
	doc     *huma.OpenAPI
	schemas huma.Registry
}

func newDescriber(doc *huma.OpenAPI) *describer {
	registerTypes(doc.Components.Schemas)
	return &describer{doc: doc, schemas: doc.Components.Schemas}
}

// add adds an operation.
func (d *describer) add(o *apidoc.Operation) {
	op := &huma.Operation{
		OperationID: strings.ToLower(o.Method) + "-" + operationName(o.Path), Method: o.Method, Path: o.Path, Tags: []string{o.Tag},
		Summary: o.Summary, Description: o.Description,
		Security: security(o), Parameters: parameters(o), Responses: map[string]*huma.Response{},
	}
	if o.Permission != "" {
		op.Metadata = map[string]any{permissionsKey: []string{o.Permission}}
	}
	if o.Request.Type != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: d.request(&o.Request)}
	}
	for status, r := range o.Responses {
		op.Responses[strconv.Itoa(status)] = d.response(status, &r)
	}
	for status, when := range o.Refusals {
		op.Responses[strconv.Itoa(status)] = d.problem(when)
	}
	if o.Problems {
		op.Responses["4XX"] = d.problem("A problem (RFC 9457): the request is refused, and code says why")
		op.Responses["5XX"] = d.problem("A problem (RFC 9457): repeat the request, with the same Idempotency-Key")
	}
	d.doc.AddOperation(op)
}

// operationName returns a path as a part of the id of its operation.
func operationName(path string) string {
	name := strings.NewReplacer("/v1", "", "/", "-", "{", "", "}", "", ".", "-").Replace(path)
	return strings.Trim(name, "-")
}

// security returns the ways in which a request may carry its key; none for a
// public route.
func security(o *apidoc.Operation) []map[string][]string {
	if o.Security == nil && !o.Public {
		return nativeSecurity
	}
	all := []map[string][]string{} // empty, not absent: the route is open
	for _, scheme := range o.Security {
		all = append(all, map[string][]string{scheme: {}})
	}
	return all
}

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

// parameters describes those of the path and the others.
func parameters(o *apidoc.Operation) []*huma.Param {
	var all []*huma.Param
	for _, m := range pathParam.FindAllStringSubmatch(o.Path, -1) {
		all = append(all, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, p := range o.Parameters {
		param := &huma.Param{Name: p.Name, In: p.In, Description: p.Description, Schema: &huma.Schema{Type: p.Type}}
		if p.Type == huma.TypeArray {
			param.Schema.Items, param.Explode = &huma.Schema{Type: huma.TypeString}, new(true)
		}
		if name := comparison.Replace(p.Name); name != p.Name {
			param.Extensions = map[string]any{"x-go-name": name}
		}
		all = append(all, param)
	}
	return all
}

// comparison returns names such as DateSent< as they can stand in a program.
var comparison = strings.NewReplacer("<", "Before", ">", "After")

func (d *describer) request(r *apidoc.Request) map[string]*huma.MediaType {
	m := &huma.MediaType{Schema: d.schemas.Schema(reflect.TypeOf(r.Type), true, "")}
	switch len(r.Examples) {
	case 0:
	case 1:
		m.Example = json.RawMessage(r.Examples[0])
	default:
		m.Examples = map[string]*huma.Example{}
		for i, text := range r.Examples {
			m.Examples[strconv.Itoa(i+1)] = &huma.Example{Value: json.RawMessage(text)}
		}
	}
	return map[string]*huma.MediaType{media(r.Media): m}
}

func (d *describer) response(status int, r *apidoc.Response) *huma.Response {
	out := &huma.Response{Description: r.Description}
	if out.Description == "" {
		out.Description = http.StatusText(status)
	}
	if r.Type == nil {
		return out
	}
	m := &huma.MediaType{Schema: d.schemas.Schema(reflect.TypeOf(r.Type), true, "")}
	switch {
	case r.Example != "" && r.Media == "":
		m.Example = json.RawMessage(r.Example)
	case r.Example != "":
		m.Example = r.Example
	}
	for name, e := range r.Examples {
		if m.Examples == nil {
			m.Examples = map[string]*huma.Example{}
		}
		m.Examples[name] = &huma.Example{Summary: e.Summary, Value: json.RawMessage(e.Value)}
	}
	out.Content = map[string]*huma.MediaType{media(r.Media): m}
	return out
}

// problem describes a refusal of the native API.
func (d *describer) problem(when string) *huma.Response {
	schema := d.schemas.Schema(reflect.TypeFor[middleware.Problem](), true, "")
	return &huma.Response{Description: when, Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

func media(m string) string {
	if m == "" {
		return "application/json"
	}
	return m
}
