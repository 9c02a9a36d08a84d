// Package api is the front door: the native API, the vendors' dialects, the
// providers' callbacks. One pipeline stands behind every format: key, decode,
// permission, limit, accept, reply.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/health"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Limits of a batch (SPEC 3): of its body, of one line, of its messages.
const (
	maxBatchBody = 256 << 20
	maxLine      = 64 << 10
	maxBatch     = 100_000
)

// Observer counts requests; metrics implement it.
type Observer interface {
	middleware.Observer
	AcceptTime(took time.Duration)
	Callback(provider string, statuses, inbound int)
	Failed(channel int64, code string)
}

// Options of a Server.
type Options struct {
	Store     *store.Store
	Accounts  *account.Store
	Registry  *registry.Registry
	Accept    *accept.Service
	Limits    middleware.Limiter
	Admin     *admin.Service
	Providers map[string]provider.Provider
	Specs     []*provider.Spec // of Providers, in the order in which people see them
	Dialects  []dialect.Dialect
	Observer  Observer
	Metrics   http.Handler
	Log       *slog.Logger
	PublicURL string // as providers and customers reach us
	// CallbackURL is where the provider of a channel calls back.
	CallbackURL func(*dispatch.Channel) string
	// TestChannel gives the emulator's stand-in for a channel.
	TestChannel func(*dispatch.Channel) *dispatch.Channel
	// PingPostgres returns an error if Postgres does not answer.
	PingPostgres func(ctx context.Context) error
	// PingRedis asks whether Redis answers (readyz reports it as degraded).
	PingRedis func(ctx context.Context) error
}

// Server is the front door. It keeps no state of a request.
type Server struct {
	Options
	echo     *echo.Echo
	views    *batch.Batcher[dispatch.ID, *dispatch.View]
	statuses *batch.Batcher[dispatch.StatusUpdate, bool]
	hub      *hub
	auth     *middleware.Auth
	limits   middleware.Limits
}

// New makes a server. Run does its background work.
func New(o Options) *Server {
	s := &Server{Options: o, echo: echo.New(), auth: middleware.NewAuth(o.Registry, o.Accounts, o.Log), limits: middleware.NewLimits(o.Limits)}
	s.hub = newHub(o.Store, o.Log)
	s.views = batch.New(batch.Options{Max: 200, Queue: 10_000, Workers: 3, Timeout: 5 * time.Second}, s.readViews)
	s.statuses = batch.New(batch.Options{Max: 500, Queue: 20_000, Workers: 2, Timeout: 10 * time.Second}, s.applyStatuses)
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Use(middleware.Observe(o.Observer, o.Log), middleware.Options)
	s.routes()
	return s
}

// Handler is the server as an http.Handler.
func (s *Server) Handler() http.Handler { return s.echo }

// Run follows the event log for live readers and counts calls until ctx ends.
func (s *Server) Run(ctx context.Context) {
	go s.auth.Run(ctx)
	s.hub.run(ctx)
}

// Drain ends event streams and long polls, and lets no stream begin: a client
// finds another process. What else is under way is left alone.
func (s *Server) Drain() { s.hub.stop() }

// Close waits for open flushes.
func (s *Server) Close(ctx context.Context) error {
	return errors.Join(s.views.Close(ctx), s.statuses.Close(ctx))
}

func (s *Server) routes() {
	e := s.echo
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", echo.WrapHandler(health.Ready(s.PingPostgres, s.PingRedis)))
	e.GET("/metrics", echo.WrapHandler(s.Metrics))
	v1 := e.Group("/v1", s.auth.Native)
	v1.POST("/messages", s.postMessage)
	v1.POST("/messages/batch", s.postBatch)
	v1.GET("/messages", s.listMessages, s.limits.Reads("view_messages"))
	v1.POST("/messages/status", s.postStatus, s.limits.Reads("view_messages"))
	v1.GET("/messages/:id", s.getMessage, s.limits.Reads("view_messages"))
	v1.PATCH("/messages/:id", s.patchMessage)
	v1.GET("/messages/:id/events", s.getTimeline, s.limits.Reads("view_messages"))
	v1.POST("/messages/:id/cancel", s.cancelMessage)
	v1.GET("/events", s.streamEvents, s.limits.Reads("view_messages"))
	s.describe(manage.Register(e, manage.Options{
		Auth: s.auth, Limits: s.limits, Admin: s.Admin, Inbound: s.Store, FindChannel: s.findChannel, Specs: s.Specs, Log: s.Log,
	}))
	for _, m := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
		e.Add(m, "/callbacks/:provider/:channel", s.callback)
		e.Add(m, "/callbacks/:provider/:channel/:secret", s.callback)
	}
	for i := range s.Dialects {
		s.mount(&s.Dialects[i])
	}
}

// findChannel returns the account's channel with an id or key.
func (s *Server) findChannel(ctx context.Context, account int64, name string) (*dispatch.Channel, error) {
	return s.Registry.FindChannel(ctx, account, name, dispatch.ByIDOrKey, "")
}

// handleError is where echo brings what no handler answered: unknown routes,
// wrong methods, and errors that handlers return.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch he.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			err = middleware.NoRoute(c)
		default:
			err = dispatch.Errorf(dispatch.Malformed, "%v", he.Message)
		}
	}
	middleware.Drain(c)
	middleware.LogInternal(c, s.Log, err)
	if d := s.dialectOf(c); d != nil {
		err = s.reply(c, d.Reject(c.Request(), err), err)
	} else {
		err = middleware.WriteProblem(c, err)
	}
	if err != nil {
		s.Log.Debug("answer not written", "error", err)
	}
}
