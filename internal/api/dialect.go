package api

import (
	"maps"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// mount serves a dialect's routes.
func (s *Server) mount(d *dialect.Dialect) {
	for i := range d.Routes {
		rt := &d.Routes[i]
		s.echo.Add(rt.Method, rt.Path, func(c echo.Context) error {
			c.Set("dialect", d)
			r := c.Request()
			for k, name := range c.ParamNames() {
				r.SetPathValue(name, c.ParamValues()[k])
			}
			reply, err := s.serveDialect(c, d, rt)
			if err != nil {
				return err
			}
			return s.reply(c, reply, nil)
		})
	}
}

// serveDialect is the pipeline around a dialect's pure functions.
func (s *Server) serveDialect(c echo.Context, d *dialect.Dialect, rt *dialect.Route) (dialect.Reply, error) {
	r := c.Request()
	who, err := s.auth.Authenticate(r.Context(), d.Credential(r))
	if err != nil {
		return dialect.Reply{}, err
	}
	if sid := r.PathValue("sid"); sid != "" && sid != who.Account.SID {
		return dialect.Reply{}, middleware.Unauthorized("sid", "the key does not belong to this account")
	}
	if rt.Read != nil {
		return s.readDialect(c, who, rt)
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return dialect.Reply{}, s.limits.SpendRefused(c, who, err)
	}
	drafts, err := rt.Decode(r, body)
	if err != nil {
		return dialect.Reply{}, s.limits.SpendRefused(c, who, err)
	}
	receipts, err := s.send(c, who, drafts)
	if err != nil {
		return dialect.Reply{}, err
	}
	return rt.Accept(r, drafts, receipts), nil
}

func (s *Server) readDialect(c echo.Context, who *accept.Caller, rt *dialect.Route) (dialect.Reply, error) {
	if err := s.limits.Spend(c, who, 1, true); err != nil {
		return dialect.Reply{}, err
	}
	if rt.Permission != "" {
		if err := who.Require(rt.Permission); err != nil {
			return dialect.Reply{}, err
		}
	}
	return rt.Read(c.Request().Context(), reader{s}, dialect.Account{ID: who.Account.ID, SID: who.Account.SID}, c.Request())
}

// replayedHeader says that an earlier request with the same key was accepted.
const replayedHeader = "Idempotent-Replayed"

// send is the way of every request that sends, whatever its format. A repeat is
// told what it is before anything is checked or counted.
func (s *Server) send(c echo.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	key, err := idempotencyKey(c.Request())
	if err != nil {
		return nil, s.limits.SpendRefused(c, who, err)
	}
	if key == "" {
		return s.sendNew(c, who, drafts)
	}
	drafts, first, release, err := s.Accept.Once(c.Request().Context(), who, key, drafts)
	defer release()
	if first == nil && err == nil {
		return s.sendNew(c, who, drafts)
	}
	if limited := s.limits.SpendRepeat(c, who); limited != nil {
		return nil, limited
	}
	if err == nil {
		c.Response().Header().Set(replayedHeader, "true")
	}
	return first, err
}

// sendNew is the way of what was not accepted before: limits, permission,
// accept.
func (s *Server) sendNew(c echo.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if err := s.limits.Spend(c, who, len(drafts), false); err != nil {
		return nil, err
	}
	if err := who.RequireFor(drafts); err != nil {
		return nil, err
	}
	receipts, err := s.Accept.AllOrNone(c.Request().Context(), who, drafts)
	if err != nil {
		return nil, err
	}
	if len(receipts) > 0 && receipts[0].Replayed { // of two at once, in two processes
		c.Response().Header().Set(replayedHeader, "true")
	}
	return receipts, nil
}

// idempotencyKey reads the Idempotency-Key header (IETF draft): at most 255
// visible characters.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 255 || !middleware.VisibleASCII(key) {
		return "", dispatch.Errorf(dispatch.Malformed, "Idempotency-Key must have at most 255 visible ASCII characters")
	}
	return key, nil
}

// dialectOf says in whose envelope a request is answered: that of its path,
// whatever the method, or for an unknown path that of the key header it
// carries. Several vendors use X-API-Key (so do we): there the route that shares
// most of the path decides.
func (s *Server) dialectOf(c echo.Context) *dialect.Dialect {
	if d, ok := c.Get("dialect").(*dialect.Dialect); ok {
		return d
	}
	r := c.Request()
	if d := s.dialectAt(echo.GetPath(r)); d != nil {
		return d
	}
	if ours(r.URL.Path) {
		return nil
	}
	var best *dialect.Dialect
	most := -1
	for i := range s.Dialects {
		d := &s.Dialects[i]
		if r.Header.Get(d.Header) == "" {
			continue
		}
		shared := sharedSegments(d, r.URL.Path)
		if d.Header == echo.HeaderAuthorization && shared == 0 {
			continue
		}
		if shared > most {
			best, most = d, shared
		}
	}
	return best
}

// dialectAt gives the dialect that has a route of this path, or nil.
func (s *Server) dialectAt(path string) *dialect.Dialect {
	for i := range s.Dialects {
		for _, rt := range s.Dialects[i].Routes {
			if middleware.PathMatches(rt.Path, path) {
				return &s.Dialects[i]
			}
		}
	}
	return nil
}

// ours says that a path is our own API's or a provider's.
func ours(path string) bool {
	return path == "/v1" || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/callbacks/")
}

// sharedSegments counts how many leading path segments a dialect's closest
// route has in common with path.
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

// reply writes a dialect's answer; cause is the error behind it, if any.
func (s *Server) reply(c echo.Context, rep dialect.Reply, cause error) error {
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
