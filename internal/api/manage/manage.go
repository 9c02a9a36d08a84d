// Package manage serves the administrative routes: it translates between HTTP
// and the use cases of package admin. The routes stand in routes.go.
package manage

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/admin/erasures"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/webhook"
)

// Options are what the administrative routes need.
type Options struct {
	Auth      *middleware.Auth
	Limits    middleware.Limits
	Turns     *middleware.Turns
	Admin     *admin.Service
	Campaigns *campaigns.Service
	Erasures  *erasures.Service
	Inbound   Inbound
	Ignored   Ignored
	// FindChannel returns the channel of an account with an id or key.
	FindChannel func(ctx context.Context, account int64, name string) (*dispatch.Channel, error)
	Specs       []*provider.Spec // of the vendors, in the order in which people see them
	Log         *slog.Logger
}

// Inbound reads the messages that contacts have sent.
type Inbound interface {
	Inbounds(ctx context.Context, account int64, f people.InboundFilter) (page []dispatch.Received, next *dispatch.ID, err error)
	Inbound(ctx context.Context, account int64, id dispatch.ID) (m dispatch.Received, raw string, err error)
}

// Ignored reads the callbacks that nothing was read from.
type Ignored interface {
	Ignored(ctx context.Context, account int64, before *dispatch.ID, limit int) ([]dispatch.IgnoredCallback, error)
}

// manager serves the administrative routes through huma.
type manager struct {
	Options
	api huma.API
}

// setHuma sets huma's options, which are variables of its packages.
var setHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, msg, errs...)
	}
	huma.NewErrorWithContext = humaProblem
	// The words of package admin/input.
	validation.MsgExpectedMinimumNumber = "must be at least %v"
	validation.MsgExpectedMaximumNumber = "must be at most %v"
	validation.MsgExpectedMaxLength = "must have at most %d characters"
	validation.MsgExpectedOneOf = "must be one of %s"
})

// Register adds the administrative routes to e and returns their description.
func Register(e *echo.Echo, o Options) *huma.OpenAPI {
	setHuma()
	cfg := huma.DefaultConfig("Sendoff", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.FieldsOptionalByDefault = true
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	registerTypes(cfg.Components.Schemas)
	m := &manager{Options: o, api: humaecho.New(e, cfg)}
	m.api.UseMiddleware(m.guard)
	m.routes()
	m.describeFields()
	m.describePermissions()
	m.describeVendors()
	m.exampleChannel()
	return m.api.OpenAPI()
}

// call is an administrative request on its way to its handler.
type call struct {
	c   echo.Context
	who *accept.Caller
}

func (c *call) actor() admin.Actor { return Actor(c.who) }

// Actor returns a caller, a key or a signed-in user, as the actor of use cases.
func Actor(who *accept.Caller) admin.Actor {
	a := admin.KeyActor(who.Account.ID, who.Key.ID, who.Key.Test, who.Permissions)
	if u := who.User; u != nil {
		a = admin.UserActor(who.Account.ID, u.ID, u.Role)
	}
	a.Region = who.Region()
	return a
}

type callKey struct{}

// permissionsKey is where an operation keeps the permissions of which a key
// needs one; internal/api/openapi reads it.
const permissionsKey = "permissions"

// guard authenticates a request, checks its permission and the limits of reads,
// and reads its body, as middleware does for other routes.
func (m *manager) guard(hc huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(hc)
	err := m.Auth.Native(func(c echo.Context) error {
		who := middleware.Caller(c)
		if err := requireAny(who, hc.Operation().Metadata[permissionsKey].([]string)); err != nil && !RoleMay(c, who) {
			return err
		}
		if err := TestKeyMay(c, who); err != nil {
			return err
		}
		if err := m.admit(c, who); err != nil {
			return err
		}
		if rb := hc.Operation().RequestBody; rb != nil {
			if err := checkBody(c, rb.Required); err != nil {
				return err
			}
		}
		next(huma.WithValue(hc, callKey{}, &call{c, who}))
		return nil
	})(c)
	if err != nil {
		c.Error(err)
	}
}

// admit spends a request from the limits of reads; one that reads takes its turn.
func (m *manager) admit(c echo.Context, who *accept.Caller) error {
	err := m.Limits.Spend(c, who, 1, true)
	if err == nil && c.Request().Method == http.MethodGet {
		err = m.Turns.Take(c, who)
	}
	return err
}

// liveMessages match the routes that show live messages, their events, their
// recipients and what contacts have sent.
var liveMessages = regexp.MustCompile(`^/v1/(inbound|callbacks/ignored|webhooks/[^/]+/deliveries|webhooks` + webhook.TokenPath +
	`|campaigns/[^/]+/(recipients|report\.csv|preview|validation|problems\.csv))(/|$)`)

// testChanges match the routes with which a test key may change something, or
// that change nothing: all else is what live messages use.
var testChanges = regexp.MustCompile(`^/v1/(keys(/.*)?|templates/[^/]+/preview)$`)

// TestKeyMay returns a refusal if the caller is a test key and the request reads
// live messages, or changes what they use.
func TestKeyMay(c echo.Context, who *accept.Caller) error {
	if c.Request().Method == http.MethodGet {
		return who.RequireData(!liveMessages.MatchString(c.Path()))
	}
	return who.RequireData(testChanges.MatchString(c.Path()))
}

// requireAny returns nil if the caller has one of the permissions, else the
// refusal for the last one, which is the least powerful.
func requireAny(who *accept.Caller, permissions []string) error {
	var err error
	for _, p := range permissions {
		if err = who.Require(p); err == nil {
			return nil
		}
	}
	return err
}

// checkBody reads a JSON body, checks that Postgres can store it, and puts it
// back.
func checkBody(c echo.Context, required bool) error {
	if err := middleware.RequireJSON(c); err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) > 0 || required {
		if err := input.CheckJSON(body); err != nil {
			return err
		}
	}
	c.Request().Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	c.Request().Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// started frees a change from its client: it is completed, and noted in the
// audit log, even if the client hangs up.
func started(ctx context.Context, c echo.Context) context.Context {
	if c.Request().Method == http.MethodGet {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// failed prepares an error for the client. A read that found no database may be
// repeated.
func (m *manager) failed(c echo.Context, err error) error {
	if c.Request().Method == http.MethodGet {
		err = middleware.ReadError(err)
	}
	middleware.LogInternal(c, m.Log, err)
	return err
}
