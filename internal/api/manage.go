package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// manager serves the administrative routes through huma, which checks requests
// against the same schemas that it describes in OpenAPI.
type manager struct {
	s   *Server
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

// manage serves the administrative routes, and describes all others.
func (s *Server) manage(*echo.Group) {
	setHuma()
	cfg := huma.DefaultConfig("Sendoff", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.FieldsOptionalByDefault = true
	m := &manager{s: s, api: humaecho.New(s.echo, cfg)}
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
	s.describe(m.api.OpenAPI())
}

// call is an administrative request on its way to its handler.
type call struct {
	c   echo.Context
	who *accept.Caller
}

type callKey struct{}

// metaPermissions is where an operation keeps what it asks of a key.
const metaPermissions = "permissions"

// guard does for these routes what middleware does for the others: the key, a
// permission, the budget of reads, the body's size and form.
func (m *manager) guard(hc huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(hc)
	err := m.s.native(func(c echo.Context) error {
		who := caller(c)
		if err := requireAny(who, hc.Operation().Metadata[metaPermissions].([]string)); err != nil {
			return err
		}
		if err := m.s.spend(c, who, 1, true); err != nil {
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
	if err := jsonBody(c); err != nil {
		return err
	}
	body, err := readBody(c, maxBody)
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
		Security: nativeSecurity, Metadata: map[string]any{metaPermissions: r.permissions}, MaxBodyBytes: maxBody + 1,
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
		err = readError(err)
	}
	m.s.logInternal(c, err)
	return err
}

// change makes a change and notes it, both or neither; it counts in this
// process at once. An outcome that nobody knows counts as a change.
func (s *Server) change(ctx context.Context, who *accept.Caller, f func(*store.Store) (store.Note, error)) error {
	defer s.Registry.Drop()
	return s.Store.Change(ctx, keyActor(who), func(st *store.Store) (store.Note, error) {
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
