package middleware

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// misrouted reports whether echo chose a route that does not match the path: it
// lets a last parameter take in slashes, and a route of the form
// /:version/:id/messages any path of three segments.
func misrouted(c echo.Context) bool {
	for i, name := range c.ParamNames() {
		v := c.ParamValues()[i]
		if name != "*" && strings.Contains(v, "/") || !SegmentMatches(":"+name, v) {
			return true
		}
	}
	return false
}

// Options answers OPTIONS with the methods of the path's routes, without a key:
// they are public in the OpenAPI description. Echo would answer for the route
// that it takes the path for (see misrouted).
func Options(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		methods := methodsAt(c.Echo(), echo.GetPath(c.Request()))
		if len(methods) == 0 {
			return echo.ErrNotFound
		}
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
		return c.NoContent(http.StatusNoContent)
	}
}

// NoRoute returns the error for a request that no route serves: dispatch.NotFound,
// or dispatch.MethodNotAllowed with an Allow header if the path has routes of
// other methods. Echo's own answer is of no use: to it every path below /v1 has
// all methods.
func NoRoute(c echo.Context) error {
	r := c.Request()
	methods := methodsAt(c.Echo(), echo.GetPath(r))
	c.Response().Header().Del(echo.HeaderAllow) // echo's own, of the route it took the path for
	if len(methods) == 0 || slices.Contains(methods, r.Method) {
		return dispatch.Errorf(dispatch.NotFound, "there is no %s %s", r.Method, r.URL.Path)
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
	return dispatch.Errorf(dispatch.MethodNotAllowed, "%s does not allow %s", r.URL.Path, r.Method)
}

// Known reports whether a request's path has routes, of whatever method.
func Known(c echo.Context) bool { return Routed(c.Echo(), echo.GetPath(c.Request())) }

// Routed reports whether a path has routes, of whatever method.
func Routed(e *echo.Echo, path string) bool { return len(methodsAt(e, path)) > 0 }

// headKey marks the context of a request that came as HEAD.
type headKey struct{}

// Head serves HEAD requests with the routes of GET, except for callbacks, which
// change something; net/http leaves the body out.
func Head(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, "/callbacks/") {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true))
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// IsHead reports whether a request came as HEAD.
func IsHead(r *http.Request) bool { return r.Context().Value(headKey{}) != nil }

// methodsAt returns the sorted methods of a path's routes, OPTIONS included.
func methodsAt(e *echo.Echo, path string) []string {
	methods := []string{}
	for _, rt := range e.Routes() {
		if rt.Method != echo.RouteNotFound && PathMatches(rt.Path, path) {
			methods = append(methods, rt.Method)
			if rt.Method == http.MethodGet && !strings.HasPrefix(path, "/callbacks/") {
				methods = append(methods, http.MethodHead)
			}
		}
	}
	if len(methods) > 0 {
		methods = append(methods, http.MethodOptions)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// PathMatches reports whether path matches a route's path in echo's syntax,
// segment by segment.
func PathMatches(route, path string) bool {
	want, have := strings.Split(route, "/"), strings.Split(path, "/")
	for i, segment := range want {
		switch {
		case segment == "*":
			return true
		case i >= len(have) || !SegmentMatches(segment, have[i]):
			return false
		}
	}
	return len(want) == len(have)
}

// objectSegment matches a parameter named object: an id of Meta's.
var objectSegment = regexp.MustCompile(`^\d{1,64}$`)

// versionSegment matches a parameter named version, such as v25.0.
var versionSegment = regexp.MustCompile(`^v\d+\.\d+$`)

// SegmentMatches reports whether a path's segment matches a route's.
func SegmentMatches(want, have string) bool {
	switch {
	case want == ":version":
		return versionSegment.MatchString(have)
	case want == ":object":
		return objectSegment.MatchString(have)
	case strings.HasPrefix(want, ":"):
		return have != ""
	}
	return want == have
}
