package manage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Options are what the administrative routes need.
type Options struct {
	Auth      *middleware.Auth
	Limits    middleware.Limits
	Store     *store.Store
	Accounts  *account.Store
	Registry  *registry.Registry
	Channels  *limit.Channels
	Providers map[string]provider.Provider
	Specs     []*provider.Spec // of Providers, in the order in which people see them
	Log       *slog.Logger
	// WebhookLocal lets webhooks go to loopback addresses.
	WebhookLocal bool
	// CallbackURL returns where the provider of a channel calls back.
	CallbackURL func(*dispatch.Channel) string
}

// server handles the administrative routes.
type server struct{ Options }

// manager serves the administrative routes through huma, which checks requests
// against the same schemas that it describes in OpenAPI.
type manager struct {
	s   *server
	api huma.API
}

// setHuma makes huma, whose settings are the package's, answer as we do.
var setHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, msg, errs...)
	}
	huma.NewErrorWithContext = humaProblem
})

// schemaName returns the name of a type in the OpenAPI's components. A template's
// definition has parts of the same names as a message's content.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t == reflect.TypeFor[template.Component]() || t == reflect.TypeFor[template.Button]() {
		return "Template" + name
	}
	return name
}

// Register adds the administrative routes to e and returns their description.
func Register(e *echo.Echo, o Options) *huma.OpenAPI {
	setHuma()
	cfg := huma.DefaultConfig("Sendoff", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	cfg.FieldsOptionalByDefault = true
	m := &manager{s: &server{o}, api: humaecho.New(e, cfg)}
	m.api.UseMiddleware(m.guard)
	m.keys()
	m.channels()
	m.templates()
	m.contacts()
	m.lists()
	m.suppressions()
	m.users()
	m.records()
	m.credits()
	m.s.webhookRoutes(e.Group("/v1", o.Auth.Native))
	m.requireFields()
	m.describeVendors()
	return m.api.OpenAPI()
}

// neededFields are those of new things. The handlers look for them, so that a
// client learns of a missing one together with all else that is wrong.
var neededFields = map[string][]string{
	"KeyCreateBody":      {"name", "permissions"},
	"ChannelCreateBody":  {"provider", "name", "sender", "settings", "secrets"},
	"TemplateCreateBody": {"name", "language", "category", "components"},
	"ContactCreateBody":  {"phone"},
	"UserCreateBody":     {"name", "email"},
}

// requireFields describes the needed fields as required, after huma has taken
// the schemas by which it checks requests.
func (m *manager) requireFields() {
	schemas := m.api.OpenAPI().Components.Schemas.Map()
	for name, fields := range neededFields {
		schemas[name].Required = fields
	}
}

// call is an administrative request on its way to its handler.
type call struct {
	c   echo.Context
	who *accept.Caller
}

type callKey struct{}

// metaPermissions is where an operation keeps the permissions of which a key
// needs one; internal/api/openapi reads it.
const metaPermissions = "permissions"

// guard does for these routes what middleware does for the others: the key, a
// permission, the budget of reads, the body's size and form.
func (m *manager) guard(hc huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(hc)
	err := m.s.Auth.Native(func(c echo.Context) error {
		who := middleware.Caller(c)
		if err := requireAny(who, hc.Operation().Metadata[metaPermissions].([]string)); err != nil {
			return err
		}
		if err := m.s.Limits.Spend(c, who, 1, true); err != nil {
			return err
		}
		if rb := hc.Operation().RequestBody; rb != nil {
			if err := checkBody(c, rb.Required); err != nil {
				return err
			}
		}
		next(huma.WithValue(hc, callKey{}, call{c, who}))
		return nil
	})(c)
	if err != nil {
		c.Error(err)
	}
}

// requireAny refuses a caller who has none of the permissions; it names the
// last, the least powerful that would do.
func requireAny(who *accept.Caller, permissions []string) error {
	var err error
	for _, p := range permissions {
		if err = who.Require(p); err == nil {
			return nil
		}
	}
	return err
}

// checkBody reads a JSON body and puts it back, once it is sure that Postgres
// can keep all that stands in it.
func checkBody(c echo.Context, required bool) error {
	if err := middleware.RequireJSON(c); err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) > 0 || required {
		if err := checkJSON(body); err != nil {
			return err
		}
	}
	c.Request().Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	c.Request().Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// route is one administrative operation.
type route struct {
	method, path string // huma's syntax: /v1/keys/{id}
	permissions  []string
	tag, summary string
	text         string // what is worth knowing besides
	status       int    // of success; 0: 200, or 204 without a body
}

// Who may call what. A key with manage may do everything here.
var (
	forManage    = []string{"manage"}
	forMessages  = []string{"manage", "view_messages"}
	forTemplates = []string{"manage", "view_templates"}
)

func (r *route) operation() huma.Operation {
	id := strings.ToLower(r.method) + strings.NewReplacer("/v1", "", "/", "-", "{", "", "}", "").Replace(r.path)
	return huma.Operation{
		OperationID: id, Method: r.method, Path: r.path, Tags: []string{r.tag}, Summary: r.summary, Description: r.text, DefaultStatus: r.status,
		Security: []map[string][]string{{"bearer": {}}, {"api_key": {}}}, Metadata: map[string]any{metaPermissions: r.permissions}, MaxBodyBytes: middleware.MaxBody + 1,
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}
}

// answer is what huma writes of a handler's result.
type answer[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// located is a result with an address of its own, for 201.
type located interface{ location() string }

// handle serves a route that answers with a body.
func handle[I, O any](m *manager, r route, f func(ctx context.Context, who *accept.Caller, in *I) (O, error)) {
	huma.Register(m.api, r.operation(), func(ctx context.Context, in *I) (*answer[O], error) {
		cl := ctx.Value(callKey{}).(call)
		out, err := f(started(ctx, cl.c), cl.who, in)
		if err != nil {
			return nil, m.failed(cl.c, err)
		}
		a := &answer[O]{Body: out}
		if l, ok := any(out).(located); ok && r.status == http.StatusCreated {
			a.Location = l.location()
		}
		return a, nil
	})
}

// remove serves a DELETE.
func remove[I any](m *manager, r route, f func(ctx context.Context, who *accept.Caller, in *I) error) {
	r.method, r.status = http.MethodDelete, http.StatusNoContent
	huma.Register(m.api, r.operation(), func(ctx context.Context, in *I) (*struct{}, error) {
		cl := ctx.Value(callKey{}).(call)
		if err := f(started(ctx, cl.c), cl.who, in); err != nil {
			return nil, m.failed(cl.c, err)
		}
		return nil, nil
	})
}

// started frees a change from its client: it is finished, and noted, even when
// that hangs up.
func started(ctx context.Context, c echo.Context) context.Context {
	if c.Request().Method == http.MethodGet {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// failed prepares a handler's error for the client. A read that found no
// database may be tried again.
func (m *manager) failed(c echo.Context, err error) error {
	if c.Request().Method == http.MethodGet {
		err = middleware.ReadError(err)
	}
	middleware.LogInternal(c, m.s.Log, err)
	return err
}

// change makes a change and notes it, both or neither; it counts in this
// process at once. An outcome that nobody knows counts as a change.
func (s *server) change(ctx context.Context, who *accept.Caller, f func(*account.Store) (account.Note, error)) error {
	defer s.Registry.Drop()
	return s.Accounts.Change(ctx, keyActor(who), func(st *account.Store) (account.Note, error) {
		n, err := f(st)
		n.Account = who.Account.ID
		return n, err
	})
}

// schemaOf is the schema of a Go value's type.
func schemaOf(r huma.Registry, v any) *huma.Schema { return r.Schema(reflect.TypeOf(v), true, "") }

// conflictSays words a refusal of the database for people.
func conflictSays(err error, format string, args ...any) error {
	if e, ok := errors.AsType[*dispatch.Error](err); ok && e.Code == dispatch.Conflict && e.Err != nil {
		return &dispatch.Error{Code: dispatch.Conflict, Msg: dispatch.Errorf("", format, args...).Msg, Err: e.Err}
	}
	return err
}
