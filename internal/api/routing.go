package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// misrouted says that echo chose a route that isn't the path's: it lets a last
// parameter take in slashes, and Meta's /:version/:id/messages any path of
// three steps.
func misrouted(c echo.Context) bool {
	for i, name := range c.ParamNames() {
		v := c.ParamValues()[i]
		if name != "*" && strings.Contains(v, "/") || !stepMatches(":"+name, v) {
			return true
		}
	}
	return false
}

// options answers OPTIONS with the methods of the path's routes. No key is asked
// for: they stand in the description for all to read. Echo would do this, but
// for what it takes the path for (see misrouted and noRoute).
func (s *Server) options(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		methods := s.methodsAt(echo.GetPath(c.Request()))
		if len(methods) == 0 {
			return echo.ErrNotFound
		}
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
		return c.NoContent(http.StatusNoContent)
	}
}

// noRoute says whether a path that has no such route has one of another method.
// Echo can't be asked: to it every path below /v1 has all methods.
func (s *Server) noRoute(c echo.Context) error {
	r := c.Request()
	methods := s.methodsAt(echo.GetPath(r))
	c.Response().Header().Del(echo.HeaderAllow) // echo's own, of what it took the path for
	if len(methods) == 0 || slices.Contains(methods, r.Method) {
		return dispatch.Errorf(dispatch.NotFound, "there is no %s %s", r.Method, r.URL.Path)
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
	return dispatch.Errorf(dispatch.MethodNotAllowed, "%s does not allow %s", r.URL.Path, r.Method)
}

// methodsAt lists the methods of a path's routes.
func (s *Server) methodsAt(path string) []string {
	methods := []string{}
	for _, rt := range s.echo.Routes() {
		if rt.Method != echo.RouteNotFound && pathMatches(rt.Path, path) {
			methods = append(methods, rt.Method)
		}
	}
	if len(methods) > 0 {
		methods = append(methods, http.MethodOptions)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// dialectAt gives the dialect that has a route of this path, or nil.
func (s *Server) dialectAt(path string) *dialect.Dialect {
	for i := range s.Dialects {
		for _, rt := range s.Dialects[i].Routes {
			if pathMatches(rt.Path, path) {
				return &s.Dialects[i]
			}
		}
	}
	return nil
}

// pathMatches says that a path is a route's, step by step.
func pathMatches(route, path string) bool {
	want, have := strings.Split(route, "/"), strings.Split(path, "/")
	for i, step := range want {
		switch {
		case step == "*":
			return true
		case i >= len(have) || !stepMatches(step, have[i]):
			return false
		}
	}
	return len(want) == len(have)
}

// stepMatches says that a step of a path is what a route has there.
func stepMatches(want, have string) bool {
	switch {
	case want == ":version": // of Meta's API
		return versionSegment.MatchString(have)
	case strings.HasPrefix(want, ":"):
		return have != ""
	}
	return want == have
}
