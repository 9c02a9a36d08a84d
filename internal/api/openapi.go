package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/apidoc"
)

// nativeSecurity are the two ways to hand in a key.
var nativeSecurity = []map[string][]string{{"bearer": {}}, {"api_key": {}}}

// tags are the sections of the description, in their order.
var tags = []*huma.Tag{
	{Name: "Messages", Description: "Send, follow, change and cancel messages."},
	{Name: "Templates", Description: "The registry of what may be sent outside a conversation."},
	{Name: "Channels", Description: "Senders: a WhatsApp number or an SMS sender at a provider."},
	{Name: "Contacts"},
	{Name: "Lists", Description: "Contact lists."},
	{Name: "Suppressions", Description: "Numbers that nothing may be sent to."},
	{Name: "Inbound", Description: "What contacts have sent."},
	{Name: "Campaigns", Description: "One message to many."},
	{Name: "Webhooks", Description: "Events, sent to an address of yours (Standard Webhooks)."},
	{Name: "Keys", Description: "API keys, their permissions and limits."},
	{Name: "Users", Description: "The team."},
	{Name: "Credits"},
	{Name: "Account"},
	{Name: "Callbacks", Description: "Where providers call us."},
	{Name: "Operation"},
	{Name: dialectTag, Description: "Other vendors' APIs, for clients that exist already: change the host and the key, nothing else."},
}

const dialectTag = "Dialects"

// describe makes OpenAPI whole when it is first asked for: huma has described
// the administrative routes, we describe all others.
func (s *Server) describe(o *huma.OpenAPI) {
	o.Info.Description = "Accepts WhatsApp and SMS messages durably, sends them through Meta, Twilio, Gupshup or Kaleyra, and says what became of them."
	o.Servers = []*huma.Server{{URL: s.PublicURL}}
	o.Tags = tags
	o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":  {Type: "http", Scheme: "bearer", Description: "Authorization: Bearer sk_live_..."},
		"api_key": {Type: "apiKey", In: "header", Name: "X-API-Key"},
		"apikey":  {Type: "apiKey", In: "header", Name: "apikey"},
		"api-key": {Type: "apiKey", In: "header", Name: "api-key"},
		"basic":   {Type: "http", Scheme: "basic", Description: "The account's sid and, as the password, an API key."},
	}
	whole := sync.OnceValue(func() *huma.OpenAPI {
		d := describer{o: o, reg: o.Components.Schemas}
		d.natives()
		d.callbacks()
		s.describeDialects(&d)
		d.others(s.echo.Routes())
		return o
	})
	spec := sync.OnceValues(func() ([]byte, error) { return json.Marshal(whole()) })
	page := sync.OnceValues(func() ([]byte, error) { return s.renderDocs(whole()) })
	s.echo.GET("/openapi.json", serveOnce("application/json", spec))
	s.echo.GET("/docs", serveOnce("text/html; charset=utf-8", page))
}

// serveOnce serves what is made at the first request.
func serveOnce(contentType string, made func() ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		b, err := made()
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "max-age=60")
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		return c.Blob(http.StatusOK, contentType, b)
	}
}

// describer adds operations to a description.
type describer struct {
	o   *huma.OpenAPI
	reg huma.Registry
}

// described is an operation in short. Bodies and answers are values whose types
// have the schema.
type described struct {
	method, path, tag, summary, text string
	query                            []huma.Param
	body                             any
	example                          string // of the body, JSON
	more                             []string
	answers                          map[int]any
	refusals                         map[int]string // problems by status, and when they come
	permission                       string
	public                           bool
	security                         []map[string][]string // nil: the native ones
	problems                         bool                  // errors are problem+json
	contentType                      string                // of the body; empty: JSON
}

// answerDoc is an answer that says more than its type: one example, or several
// by name.
type answerDoc struct {
	body     any
	text     string
	example  string
	examples map[string]*huma.Example
}

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

// add puts an operation into the description.
func (d *describer) add(x described) {
	op := &huma.Operation{
		OperationID: strings.ToLower(x.method) + strings.NewReplacer("/v1", "", "/", "-", "{", "", "}", "", ".", "-").Replace(x.path),
		Method:      x.method, Path: x.path, Tags: []string{x.tag}, Summary: x.summary, Description: x.text, Security: x.security, Responses: map[string]*huma.Response{},
	}
	if x.security == nil && !x.public {
		op.Security = nativeSecurity
	}
	if x.permission != "" {
		op.Metadata = map[string]any{"permissions": []string{x.permission}}
	}
	for _, m := range pathParam.FindAllStringSubmatch(x.path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for i := range x.query {
		op.Parameters = append(op.Parameters, &x.query[i])
	}
	if x.body != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: d.content(x.contentType, x.body, x.example)}
		for _, m := range op.RequestBody.Content {
			several(m, x.example, x.more)
		}
	}
	for status, v := range x.answers {
		r := &huma.Response{Description: http.StatusText(status)}
		switch v := v.(type) {
		case nil:
		case answerDoc:
			r.Content = d.content("", v.body, v.example)
			if v.text != "" {
				r.Description = v.text
			}
			for _, m := range r.Content {
				m.Examples = v.examples
			}
		default:
			r.Content = d.content("", v, "")
		}
		op.Responses[strconv.Itoa(status)] = r
	}
	for status, when := range x.refusals {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: when, Content: d.content("application/problem+json", middleware.Problem{}, "")}
	}
	if x.problems {
		op.Responses["default"] = &huma.Response{Description: "A problem (RFC 9457)", Content: d.content("application/problem+json", middleware.Problem{}, "")}
	}
	d.o.AddOperation(op)
}

// operations adds what other packages describe.
func (d *describer) operations(all []apidoc.Operation) {
	for _, o := range all {
		x := described{method: o.Method, path: o.Path, tag: o.Tag, summary: o.Summary, text: o.Description, permission: o.Permission, problems: o.Problems, body: o.Request.Type, answers: map[int]any{}}
		for status, r := range o.Responses {
			x.answers[status] = r.Type
		}
		d.add(x)
	}
}

// several puts further examples beside the first, if there are any.
func several(m *huma.MediaType, first string, more []string) {
	if len(more) == 0 {
		return
	}
	m.Example, m.Examples = nil, map[string]*huma.Example{}
	for i, text := range append([]string{first}, more...) {
		m.Examples[strconv.Itoa(i+1)] = &huma.Example{Value: json.RawMessage(text)}
	}
}

// content describes a body: a Go value by its type, raw text as it is.
func (d *describer) content(contentType string, v any, example string) map[string]*huma.MediaType {
	m := &huma.MediaType{}
	switch v := v.(type) {
	case json.RawMessage:
		m.Schema, m.Example = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}, v
	case string:
		m.Schema, m.Example = &huma.Schema{Type: huma.TypeString}, v
	default:
		m.Schema = d.reg.Schema(reflect.TypeOf(v), true, "")
	}
	if example != "" {
		m.Example = json.RawMessage(example)
	}
	if contentType == "" {
		contentType = "application/json"
		if _, ok := v.(string); ok {
			contentType = "text/plain"
		}
	}
	return map[string]*huma.MediaType{contentType: m}
}

// callbacks describes where providers call, and what operators ask.
func (d *describer) callbacks() {
	const text = "Verified by the provider's signature (Meta: X-Hub-Signature-256, Twilio: X-Twilio-Signature), or by the secret in the address."
	for _, tail := range []string{"", "/{secret}"} {
		at := "/callbacks/{provider}/{channel}" + tail
		d.add(described{method: http.MethodPost, path: at, tag: "Callbacks", summary: "Take statuses and inbound messages", text: text, body: json.RawMessage(`{}`), answers: map[int]any{200: "OK", 401: nil, 404: nil, 503: nil}, public: true})
		d.add(described{method: http.MethodGet, path: at, tag: "Callbacks", summary: "Answer Meta's verification, or a provider that calls with GET", answers: map[int]any{200: "1158201444", 403: nil, 404: nil}, public: true})
		d.add(described{method: http.MethodPut, path: at, tag: "Callbacks", summary: "The same for providers that call with PUT", body: json.RawMessage(`{}`), answers: map[int]any{200: "OK", 401: nil, 404: nil, 503: nil}, public: true})
	}
	d.add(described{method: http.MethodGet, path: "/healthz", tag: "Operation", summary: "Say that the process lives", answers: map[int]any{200: map[string]string{}}, public: true})
	d.add(described{method: http.MethodGet, path: "/readyz", tag: "Operation", summary: "Say whether requests can be served", text: "Without Redis: 200 and degraded. Without Postgres: 503.", answers: map[int]any{200: map[string]string{}, 503: map[string]string{}}, public: true})
	d.add(described{method: http.MethodGet, path: "/metrics", tag: "Operation", summary: "Figures for Prometheus", answers: map[int]any{200: "# HELP ..."}, public: true})
	d.add(described{method: http.MethodGet, path: "/openapi.json", tag: "Operation", summary: "This description", answers: map[int]any{200: json.RawMessage(`{}`)}, public: true})
	d.add(described{method: http.MethodGet, path: "/docs", tag: "Operation", summary: "This description, to read", answers: map[int]any{200: "<!doctype html>..."}, public: true})
}

// others describes in short what of the native API nobody has described.
func (d *describer) others(routes []*echo.Route) {
	for _, r := range routes {
		path := braced(r.Path)
		if !strings.HasPrefix(path, "/v1/") || r.Method == echo.RouteNotFound || d.has(r.Method, path) {
			continue
		}
		tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
		x := described{method: r.Method, path: path, tag: strings.ToUpper(tag[:1]) + tag[1:], summary: otherSummary(r.Method, path), answers: map[int]any{200: json.RawMessage(`{}`)}, problems: true}
		if r.Method != http.MethodGet && r.Method != http.MethodDelete {
			x.body = json.RawMessage(`{}`)
		}
		d.add(x)
	}
}

func otherSummary(method, path string) string {
	last := path[strings.LastIndex(path, "/")+1:]
	switch verbs := map[string]string{http.MethodGet: "Show", http.MethodPost: "Make", http.MethodPatch: "Change", http.MethodPut: "Replace", http.MethodDelete: "Delete"}; {
	case !strings.HasPrefix(last, "{"):
		return verbs[method] + ": " + last
	default:
		return verbs[method] + " one"
	}
}

// has says whether an operation is described.
func (d *describer) has(method, path string) bool {
	item := d.o.Paths[path]
	if item == nil {
		return false
	}
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[method] != nil
}

var echoParam = regexp.MustCompile(`:([A-Za-z_]+)`)

// braced turns echo's path syntax into OpenAPI's.
func braced(path string) string { return echoParam.ReplaceAllString(path, "{$1}") }

// query makes a parameter.
func query(name, kind, text string) huma.Param {
	return huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: kind}}
}

// header makes a parameter.
func header(name, text string) huma.Param {
	return huma.Param{Name: name, In: "header", Description: text, Schema: &huma.Schema{Type: huma.TypeString}}
}
