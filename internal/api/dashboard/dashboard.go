package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/admin/stats"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	users "github.com/sendoff/sendoff/internal/store/session"
)

// Sessions signs users in and out; admin/session has the errors.
type Sessions interface {
	Find(ctx context.Context, token string) (users.User, error)
	Recheck(ctx context.Context, token string) (users.User, error)
	SignIn(ctx context.Context, email, password, address string) (string, users.User, error)
	SignOut(ctx context.Context, token string) error
	ChangePassword(ctx context.Context, token, current, password string) error
	Invite(ctx context.Context, user string) (token string, until time.Time, err error)
	Accept(ctx context.Context, token, password string) (string, users.User, error)
}

// Accounts finds accounts, cached.
type Accounts interface {
	Account(ctx context.Context, id int64) (account.Account, error)
}

// Keys finds the keys of an account, and notes their use in the audit log.
type Keys interface {
	Key(ctx context.Context, account, id int64) (account.Key, error)
	Change(ctx context.Context, actor string, f func(*account.Store) (account.Note, error)) error
}

// Messages reads messages.
type Messages interface {
	Views(ctx context.Context, ids []dispatch.ID) ([]dispatch.View, error)
	Timeline(ctx context.Context, id dispatch.ID) ([]store.TimelineEvent, error)
}

// Login is what the sign-in page is filled in with.
type Login struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Options are what the routes of the dashboard need.
type Options struct {
	Sessions Sessions // nil: there is no dashboard, and all else is not needed
	Accounts Accounts
	Keys     Keys
	Messages Messages
	Stats    *stats.Service
	Admin    *admin.Service
	// Secret signs the links to shared messages.
	Secret    []byte
	PublicURL string
	// Reads returns a context whose reads take no connection from the messages.
	Reads func(context.Context) context.Context
	// Login is filled in for clients on this machine; nil: it is not.
	Login *Login
}

// Handler serves the routes of the dashboard that are not the API's own.
type Handler struct {
	Options
	auth   *middleware.Auth
	limits middleware.Limits
	api    http.Handler // serves the requests of the playground
	routes []Route
}

// Mount adds the routes of the dashboard. play are the routes that the playground
// may call.
func Mount(e *echo.Echo, o Options, auth *middleware.Auth, limits middleware.Limits, play []Route) {
	h := &Handler{Options: o, auth: auth, limits: limits, api: e, routes: play}
	e.POST("/v1/session", h.signIn)
	e.DELETE("/v1/session", h.signOut)
	e.GET("/v1/session", h.session, auth.Native)
	e.GET("/v1/session/login", h.login)
	e.POST("/v1/session/password", h.password, auth.Native)
	e.POST("/v1/invitations", h.invite, auth.Native)
	e.POST("/v1/invitations/accept", h.accept)
	e.GET("/v1/stats", h.stats, auth.Native, limits.Reads("view_messages"))
	e.GET("/v1/playground", h.endpoints, auth.Native)
	e.POST("/v1/playground", h.play, auth.Native)
	e.GET("/v1/messages/:id/deliveries", h.deliveries, auth.Native, limits.Reads("view_messages"))
	e.POST("/v1/messages/:id/share", h.share, auth.Native, limits.Reads("view_messages"))
	e.GET("/v1/share/:token", h.shared)
}

// Limits of a session, per second, minute and day. Reads have ten times these.
const perSecond, perMinute, perDay = 50, 1000, 100_000

// Reading implements middleware.Sessions.
func (o *Options) Reading(ctx context.Context) context.Context { return o.Reads(ctx) }

// Caller implements middleware.Sessions.
func (o *Options) Caller(ctx context.Context, token string) (*accept.Caller, error) {
	u, err := o.Sessions.Find(ctx, token)
	return o.caller(ctx, u, err)
}

// Recheck implements middleware.Sessions.
func (o *Options) Recheck(ctx context.Context, token string) (*accept.Caller, error) {
	u, err := o.Sessions.Recheck(ctx, token)
	return o.caller(ctx, u, err)
}

// caller returns the caller of a session that was found, or why it was not.
func (o *Options) caller(ctx context.Context, u users.User, err error) (*accept.Caller, error) {
	if err != nil {
		return nil, readable(err)
	}
	a, err := o.Accounts.Account(ctx, u.Account)
	if err != nil {
		return nil, middleware.Unavailable(err)
	}
	role := auth.Role(u.Role)
	return &accept.Caller{
		Account: a, Permissions: role.Permissions(), User: &accept.User{ID: u.ID, Name: u.Name, Email: u.Email, Role: role},
		Key: account.Key{
			ID: limitKey(u.ID), Account: u.Account, Name: u.Name, Active: true, Permissions: role.Permissions().Names(),
			PerSecond: perSecond, PerMinute: perMinute, PerDay: perDay,
		},
	}, nil
}

// limitKey returns the negative number under which a user's requests are counted.
func limitKey(user string) int64 {
	sum := sha256.Sum256([]byte(user))
	return -int64(binary.BigEndian.Uint64(sum[:8])>>1) - 1
}

// readable returns err, or the refusal to try again later if it is none of the
// domain.
func readable(err error) error {
	if err != nil && dispatch.CodeOf(err) == dispatch.Internal {
		return middleware.Unavailable(err)
	}
	return err
}

// decode reads a JSON body, whose fields are checked by their tags.
func decode[T any](c echo.Context) (*T, error) {
	if err := middleware.RequireJSON(c); err != nil {
		return nil, err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return nil, err
	}
	if err := input.CheckJSON(body); err != nil {
		return nil, err
	}
	in := new(T)
	if f := input.Decode(body, in); len(f) > 0 {
		return nil, f.Err()
	}
	return in, input.Check(in).Err()
}

// clientAddress returns the address of the client, or of the last proxy.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// local reports whether a request comes from this machine, asks for it by a name
// that only it has, and passed no proxy.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return loopback(clientAddress(r)) && (host == "localhost" || loopback(host))
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
