// Package api serves HTTP: the native API, the formats of other vendors' APIs
// (dialects), and the callbacks of providers.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/admin/erasures"
	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/api/dashboard"
	files "github.com/sendoff/sendoff/internal/api/imports"
	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/message"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/api/openapi"
	"github.com/sendoff/sendoff/internal/api/site"
	"github.com/sendoff/sendoff/internal/api/stream"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/health"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/webhook"
	"github.com/sendoff/sendoff/web"
)

// Observer counts requests; metrics implement it.
type Observer interface {
	middleware.Observer
	AcceptTime(took time.Duration)
	Callback(provider string, statuses, inbound int)
	CallbackIgnored(provider string)
	CallbackLate(provider string)
	CallbackRejected(channel int64, reason string)
	Failed(channel int64, code string)
}

// Store is the hot path of the store, as the packages below use it.
type Store interface {
	message.Store
	message.ViewStore
	stream.Log
	CallbackStore
	InboundFinder
	manage.Inbound
}

// Registry looks up what requests name, cached.
type Registry interface {
	middleware.Keys
	Channels
	Directory
	FindChannel(ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string) (*dispatch.Channel, error)
}

// Accepter accepts messages.
type Accepter interface {
	message.Accepter
	message.Once
}

// Options of a Server.
type Options struct {
	Store     Store
	Ignored   IgnoredStore
	Reports   ReportStore
	Calls     middleware.CallLog
	Registry  Registry
	Accept    Accepter
	Limits    middleware.Limiter
	Imports   *imports.Service
	Erasures  *erasures.Service
	Admin     *admin.Service
	Campaigns *campaigns.Service
	Providers map[string]provider.Provider
	Specs     []*provider.Spec // of Providers, in the order in which people see them
	Dialects  []dialect.Dialect
	Gates     message.Gates
	Observer  Observer
	Metrics   http.Handler // nil: not on this address
	Log       *slog.Logger
	PublicURL string // as providers and customers reach us
	Dashboard dashboard.Options
	// TestChannel returns the emulator's stand-in for a channel.
	TestChannel func(*dispatch.Channel) *dispatch.Channel
	// PingPostgres and PingRedis return an error if the server does not answer.
	// Without Redis readyz reports degraded.
	PingPostgres, PingRedis func(ctx context.Context) error
	// CheckSecrets returns an error if a channel or webhook has secrets that no key
	// opens: readyz reports degraded.
	CheckSecrets func(ctx context.Context) error
}

// Server is the HTTP API. It keeps no state of a request.
type Server struct {
	options   Options
	echo      *echo.Echo
	auth      *middleware.Auth
	limits    middleware.Limits
	turns     *middleware.Turns
	hub       *stream.Hub
	views     *message.Views
	vendors   *vendors
	callbacks *callbacks
	describe  func() ([]byte, error)
}

// New returns a Server. Run does its background work.
func New(o Options) *Server {
	s := &Server{
		options: o, echo: echo.New(), auth: middleware.NewAuth(o.Registry, o.Calls, sessions(&o), o.Log), limits: middleware.NewLimits(o.Limits),
		turns: middleware.NewTurns(),
		hub:   stream.NewHub(o.Store, o.Log), views: message.NewViews(o.Store),
	}
	s.callbacks = newCallbacks(&o, s.views)
	sender := message.NewSender(o.Accept, s.limits)
	messages := message.New(message.Options{
		Auth: s.auth, Limits: s.limits, Sender: sender, Views: s.views, Store: o.Store, Accept: o.Accept,
		Changes: s.hub, Gates: o.Gates, Observer: o.Observer, Log: o.Log, FindChannel: s.findChannel,
	})
	s.vendors = &vendors{
		dialects: o.Dialects, auth: s.auth, limits: s.limits, turns: s.turns, sender: sender,
		reader:   reader{views: s.views, messages: o.Store, directory: o.Registry, profiles: o.Admin},
		messages: messages, channels: o.Registry,
		passer: passer{providers: o.Providers, directory: o.Registry, inbound: o.Store, test: o.TestChannel},
	}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Use(middleware.Observe(o.Observer, o.Log, middleware.Options, middleware.Pace(s.hub.Stopping()), s.turns.Hold))
	s.routes(messages, stream.NewHandler(s.hub, s.auth, s.views))
	return s
}

// Handler returns the server as an http.Handler.
func (s *Server) Handler() http.Handler {
	known := func(path string) bool { return middleware.Routed(s.echo, path) }
	return dashboard.NewFiles(web.Files(), web.Placeholder()).Wrap(middleware.Head(s.echo), known)
}

// OpenAPI returns the description of the API as JSON.
func (s *Server) OpenAPI() ([]byte, error) { return s.describe() }

// Run follows the event log and counts calls until ctx ends.
func (s *Server) Run(ctx context.Context) {
	go s.auth.Run(ctx)
	go s.callbacks.counts.run(ctx)
	s.hub.Run(ctx)
}

// Drain ends event streams and long polls and refuses new ones, so that clients
// go to another process. Other requests are served.
func (s *Server) Drain() { s.hub.Stop() }

// Close waits for reads and callbacks under way.
func (s *Server) Close(ctx context.Context) error {
	err := errors.Join(s.views.Close(ctx), s.callbacks.statuses.Close(ctx))
	s.callbacks.counts.flush(ctx)
	return err
}

// routes lists every route: those of administration stand in manage.Register,
// those of vendors' formats in the dialects.
func (s *Server) routes(m *message.Handler, events *stream.Handler) {
	e, o := s.echo, &s.options
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", echo.WrapHandler(health.Ready(o.PingPostgres, o.PingRedis, o.CheckSecrets)))
	e.GET("/metrics", s.metrics)

	v1, reads := e.Group("/v1", s.auth.Native), s.limits.Reads("view_messages")
	e.POST("/v1/messages", s.auth.Native(m.Post)) // of a group echo would put it together for each request
	v1.POST("/messages/batch", m.Batch)
	v1.GET("/messages", m.List, reads, s.turns.List)
	v1.POST("/messages/status", m.Statuses, reads, s.turns.List)
	v1.GET("/messages/:id", m.Get, reads)
	v1.PATCH("/messages/:id", m.Patch)
	v1.GET("/messages/:id/events", m.Timeline, reads, s.turns.List)
	v1.POST("/messages/:id/cancel", m.Cancel)
	v1.POST("/messages/cancel", m.CancelMany)
	v1.GET("/events", events.Serve, reads)
	files.New(o.Imports, s.limits).Mount(v1)

	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
		e.Add(method, "/callbacks/:provider/:channel", s.callbacks.serve)
		e.Add(method, "/callbacks/:provider/:channel/:secret", s.callbacks.serve)
	}
	s.vendors.mount(e)
	s.auth.TrustOrigin(o.PublicURL)
	dashboard.Mount(e, o.Dashboard, s.auth, s.limits, playable(o.Dialects))
	site.Register(e, site.Options{PublicURL: o.PublicURL, Dialects: o.Dialects})
	s.describe = openapi.Register(e, openapi.Options{
		Events:    webhook.Events(),
		PublicURL: o.PublicURL, Dialects: o.Dialects,
		Operations: slices.Concat(operations(), message.Operations(), files.Operations(), stream.Operations(), dashboard.Operations(),
			site.Operations()),
		Base: manage.Register(e, manage.Options{
			Auth: s.auth, Limits: s.limits, Turns: s.turns, Admin: o.Admin, Campaigns: o.Campaigns, Erasures: o.Erasures,
			Inbound: o.Store, Ignored: o.Ignored, FindChannel: s.findChannel, Specs: o.Specs, Log: o.Log,
		}),
	})
}

// metrics serves the figures, where they are not on an address of their own.
func (s *Server) metrics(c echo.Context) error {
	if s.options.Metrics == nil {
		return middleware.NoRoute(c)
	}
	s.options.Metrics.ServeHTTP(c.Response(), c.Request())
	return nil
}

// findChannel returns the account's channel with an id or key.
func (s *Server) findChannel(ctx context.Context, account int64, name string) (*dispatch.Channel, error) {
	return s.options.Registry.FindChannel(ctx, account, name, dispatch.ByIDOrKey, "")
}

// handleError answers what no handler answered: unknown routes, wrong methods
// and errors that handlers return.
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
	middleware.Failed(c, err)
	d := s.vendors.of(c)
	if d != nil && ours(c.Request().URL.Path) { // no key was looked for in that header
		err = middleware.NoRoute(c)
	}
	middleware.Drain(c)
	middleware.LogInternal(c, s.options.Log, err)
	if d != nil {
		err = reply(c, d.Reject(c.Request(), err), err)
	} else {
		err = middleware.WriteProblem(c, err)
	}
	if err != nil {
		s.options.Log.Debug("answer not written", "error", err)
	}
}
