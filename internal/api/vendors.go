package api

import (
	"maps"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/message"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// vendors serves the formats of other vendors' APIs. Every one goes through the
// same pipeline: authenticate, decode, permit, limit, accept, reply.
type vendors struct {
	dialects []dialect.Dialect
	auth     *middleware.Auth
	limits   middleware.Limits
	turns    *middleware.Turns
	sender   *message.Sender
	reader   reader
	messages *message.Handler
	channels Registry
	passer   passer
}

// mount adds the routes of every dialect.
func (v *vendors) mount(e *echo.Echo) {
	for i := range v.dialects {
		d := &v.dialects[i]
		for k := range d.Routes {
			rt := &d.Routes[k]
			e.Add(rt.Method, rt.Path, func(c echo.Context) error { return v.handle(c, d, rt) })
		}
	}
}

func (v *vendors) handle(c echo.Context, d *dialect.Dialect, rt *dialect.Route) error {
	if rt.Matches != nil && !rt.Matches(c.Request().URL.Path) {
		return middleware.NoRoute(c)
	}
	c.Set("dialect", d)
	r := c.Request()
	for i, name := range c.ParamNames() {
		r.SetPathValue(name, c.ParamValues()[i])
	}
	rep, err := v.serve(c, d, rt)
	if err != nil {
		return err
	}
	return reply(c, rep, nil)
}

// serve is the pipeline around the pure functions of a dialect.
func (v *vendors) serve(c echo.Context, d *dialect.Dialect, rt *dialect.Route) (dialect.Reply, error) {
	r := c.Request()
	who, err := v.auth.AuthenticateRequest(r, d.Credential(r))
	if err != nil {
		return dialect.Reply{}, err
	}
	c.Set("caller", who)
	if sid := r.PathValue("sid"); sid != "" && sid != who.Account.SID {
		return dialect.Reply{}, v.limits.SpendRefused(c, who, middleware.Unauthorized("sid", "the key does not belong to this account"))
	}
	if rt.Read != nil {
		return v.read(c, who, rt)
	}
	if rt.Pass != nil {
		return v.pass(c, who, rt)
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return dialect.Reply{}, v.limits.SpendRefused(c, who, err)
	}
	if rt.Change != nil {
		if err := v.limits.Spend(c, who, 1, true); err != nil {
			return dialect.Reply{}, err
		}
		return rt.Change(r.Context(), changer{v.messages, who}, dialect.Account{ID: who.Account.ID, SID: who.Account.SID}, r, body)
	}
	if rt.Aside != nil {
		if about, err := rt.Aside(r, body); err != nil || about != nil {
			return v.aside(c, who, rt, about, err)
		}
	}
	drafts, err := rt.Decode(dialect.WithRegion(r, who.Region()), body)
	if err != nil {
		return dialect.Reply{}, v.limits.SpendRefused(c, who, err)
	}
	receipts, err := v.sender.Send(c, who, drafts)
	if err != nil {
		return dialect.Reply{}, err
	}
	return rt.Accept(r, drafts, receipts), nil
}

// aside answers a note about a message, such as a mark-as-read: it counts as a
// read, and its channel must be the account's. It is sent on to the vendor if a
// contact sent that message.
func (v *vendors) aside(c echo.Context, who *accept.Caller, rt *dialect.Route, about *dialect.Aside, err error) (dialect.Reply, error) {
	if err != nil {
		return dialect.Reply{}, v.limits.SpendRefused(c, who, err)
	}
	if err := v.limits.Spend(c, who, 1, true); err != nil {
		return dialect.Reply{}, err
	}
	ctx, named := c.Request().Context(), &about.Channel
	ch, err := v.channels.FindChannel(ctx, who.Account.ID, named.Channel, named.ChannelBy, named.Kind)
	if err != nil {
		return dialect.Reply{}, err
	}
	id, err := v.passer.inbound.FindInbound(ctx, ch.ID, about.Ours, about.Message)
	if err != nil {
		return dialect.Reply{}, middleware.ReadError(err)
	}
	if p := about.Pass(id); id != "" && p.Provider == ch.Provider {
		return v.passer.call(c, who, p)
	}
	return rt.Accept(c.Request(), nil, nil), nil
}

func (v *vendors) read(c echo.Context, who *accept.Caller, rt *dialect.Route) (dialect.Reply, error) {
	if err := v.limits.Spend(c, who, 1, true); err != nil {
		return dialect.Reply{}, err
	}
	if rt.Permission != "" {
		if err := who.Require(rt.Permission); err != nil {
			return dialect.Reply{}, err
		}
	}
	if err := v.turns.Take(c, who); err != nil {
		return dialect.Reply{}, err
	}
	src, from := v.reader, dialect.Account{ID: who.Account.ID, SID: who.Account.SID, Region: who.Region()}
	src.test = who.Key.Test
	return rt.Read(c.Request().Context(), src, from, c.Request())
}

// of returns the dialect in whose envelope a request is answered, or nil for the
// native one: that of its path, whatever the method, or for an unknown path that
// of the key header it carries. Several vendors use X-API-Key (so do we): there the route that shares
// most of the path decides.
func (v *vendors) of(c echo.Context) *dialect.Dialect {
	if d, ok := c.Get("dialect").(*dialect.Dialect); ok {
		return d
	}
	r := c.Request()
	if ours(r.URL.Path) {
		return v.strayed(c)
	}
	if d := v.at(echo.GetPath(r)); d != nil {
		return d
	}
	var best *dialect.Dialect
	most := -1
	for i := range v.dialects {
		d := &v.dialects[i]
		scheme := d.Header == echo.HeaderAuthorization // which several share, each with its own scheme
		if r.Header.Get(d.Header) == "" || scheme && d.Credential(r) == "" {
			continue
		}
		shared := sharedSegments(d, r.URL.Path)
		if scheme && shared == 0 && middleware.NativeKey(r) != "" {
			continue
		}
		if shared > most {
			best, most = d, shared
		}
	}
	return best
}

// strayed returns the dialect of an unknown path of ours, if its key header is one
// that our own API does not read, else nil.
func (v *vendors) strayed(c echo.Context) *dialect.Dialect {
	r := c.Request()
	if middleware.NativeKey(r) != "" || middleware.Known(c) {
		return nil
	}
	for i := range v.dialects {
		if d := &v.dialects[i]; d.Credential(r) != "" {
			return d
		}
	}
	return nil
}

// at returns the dialect that has a route of this path, or nil.
func (v *vendors) at(path string) *dialect.Dialect {
	for i := range v.dialects {
		for _, rt := range v.dialects[i].Routes {
			if middleware.PathMatches(rt.Path, path) && (rt.Matches == nil || rt.Matches(path)) {
				return &v.dialects[i]
			}
		}
	}
	return nil
}

// ours reports whether a path belongs to the native API or to callbacks.
func ours(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/callbacks/")
}

// sharedSegments returns how many leading segments path has in common with the
// closest route of a dialect.
func sharedSegments(d *dialect.Dialect, path string) int {
	most := 0
	have := strings.Split(strings.Trim(path, "/"), "/")
	for _, rt := range d.Routes {
		n := 0
		for i, want := range strings.Split(strings.Trim(rt.Path, "/"), "/") {
			if i >= len(have) || !middleware.SegmentMatches(want, have[i]) {
				break
			}
			n++
		}
		most = max(most, n)
	}
	return most
}

// reply writes the response of a dialect. cause is the error that it reports, or
// nil.
func reply(c echo.Context, rep dialect.Reply, cause error) error {
	h := c.Response().Header()
	maps.Copy(h, rep.Header)
	if cause != nil {
		middleware.SetRetryAfter(c, dispatch.AsError(cause))
	}
	if h.Get(echo.HeaderContentType) == "" {
		h.Set(echo.HeaderContentType, "application/json")
	}
	c.Response().WriteHeader(rep.Status)
	if rep.Body == nil {
		return nil
	}
	return middleware.WriteJSON(c, rep.Body)
}
