// Package openapi assembles the OpenAPI description and the /docs page from
// what the packages that serve routes say about them. It describes nothing
// itself: a route that nobody describes fails a test.
package openapi

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

// tags are the sections of the description, in their order.
var tags = []*huma.Tag{
	{Name: "Messages", Description: "Send, follow, change and cancel messages."},
	{Name: "Templates", Description: "The content that can be sent outside a conversation."},
	{Name: "Channels", Description: "Senders: a WhatsApp number or an SMS sender at a provider."},
	{Name: "Contacts", Description: "Recipients and their attributes."},
	{Name: "Lists", Description: "Lists of contacts."},
	{Name: "Imports", Description: "Files of contacts, suppressions and audiences, in and out."},
	{Name: "Suppressions", Description: "Numbers to which nothing is sent."},
	{Name: "Inbound", Description: "Messages that contacts have sent."},
	{Name: "Campaigns", Description: "One message to many recipients."},
	{Name: "Webhooks", Description: "Events, posted to a URL of yours (Standard Webhooks)."},
	{Name: "Keys", Description: "API keys, their permissions and limits."},
	{Name: "Users", Description: "Team members."},
	{Name: "Dashboard", Description: "Signing in with a browser, and what only the dashboard needs."},
	{Name: "Credits", Description: "Prepaid credits and their ledger."},
	{Name: "Account", Description: "The account, its usage and its audit log."},
	{Name: "Callbacks", Description: "URLs that providers call."},
	{Name: "Operation", Description: "Probes, metrics and this description."},
	{Name: dialectTag, Description: "The APIs of other vendors, for existing clients: change the host and the key, and nothing else."},
}

const dialectTag = "Dialects"

// securitySchemes are the ways in which a request carries its API key.
var securitySchemes = map[string]*huma.SecurityScheme{
	"bearer":  {Type: "http", Scheme: "bearer", Description: "Authorization: Bearer sk_live_..."},
	"api_key": {Type: "apiKey", In: "header", Name: "X-API-Key"},
	"apikey":  {Type: "apiKey", In: "header", Name: "apikey"},
	"api-key": {Type: "apiKey", In: "header", Name: "api-key"},
	"basic":   {Type: "http", Scheme: "basic", Description: "The account's sid and, as the password, an API key."},
}

// permissionsKey is where huma's operations keep the permissions of which a key
// needs one; internal/api/manage sets it.
const permissionsKey = "permissions"

// Options are what the description is assembled from.
type Options struct {
	PublicURL  string
	Base       *huma.OpenAPI // with the operations that huma serves
	Operations []apidoc.Operation
	Dialects   []dialect.Dialect
	Events     []apidoc.Event // what webhooks receive
}

// Register serves the description at /openapi.json and /docs, and returns it. It
// is built at the first request.
func Register(e *echo.Echo, o Options) func() ([]byte, error) {
	whole := sync.OnceValue(func() *huma.OpenAPI { return assemble(&o) })
	spec := sync.OnceValues(func() ([]byte, error) { return json.Marshal(whole()) })
	page := sync.OnceValues(func() ([]byte, error) { return renderDocs(whole(), &o) })
	e.GET("/openapi.json", serveOnce("application/json", spec))
	e.GET("/docs", serveOnce("text/html; charset=utf-8", page))
	return spec
}

// assemble adds all operations to the base.
func assemble(o *Options) *huma.OpenAPI {
	doc := o.Base
	doc.Info.Description = "Accepts WhatsApp and SMS messages, stores them durably, " +
		"sends them through your messaging providers, and reports their status."
	doc.Servers = []*huma.Server{{URL: o.PublicURL}}
	doc.Tags = tags
	doc.Components.SecuritySchemes = securitySchemes
	d := newDescriber(doc)
	for i := range o.Operations {
		d.add(&o.Operations[i])
	}
	for i := range o.Dialects {
		for _, op := range dialectOperations(&o.Dialects[i]) {
			d.add(&op)
		}
	}
	for i := range o.Events {
		d.event(&o.Events[i])
	}
	completeAnswers(doc)
	describeEnums(doc)
	inlineEvents(doc)
	return doc
}

// policy allows the page its own style, and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// serveOnce serves what build returns at the first request.
func serveOnce(contentType string, build func() ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		b, err := build()
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "max-age=60")
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", policy)
		return c.Blob(http.StatusOK, contentType, b)
	}
}
