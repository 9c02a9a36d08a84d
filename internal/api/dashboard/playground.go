package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Route is an endpoint that the playground may call.
type Route struct {
	Format      string `json:"format" doc:"native, or the name of a vendor's format."`
	Method      string `json:"method"`
	Path        string `json:"path" doc:"With :names for its parameters."`
	Sends       bool   `json:"sends"`
	Header      string `json:"header" doc:"The header that carries the API key."`
	Prefix      string `json:"header_prefix,omitempty" doc:"What stands before the API key in the header."`
	Form        bool   `json:"form,omitempty" doc:"The body is a form, not JSON."`
	Example     string `json:"example,omitempty" doc:"A body that sends something."`
	ExamplePath string `json:"example_path,omitempty"`
}

// endpointsBody lists the endpoints of the playground.
type endpointsBody struct {
	Data []Route `json:"data"`
}

// endpoints lists what the playground may call.
func (h *Handler) endpoints(c echo.Context) error {
	if err := h.limits.Spend(c, middleware.Caller(c), 1, true); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, endpointsBody{h.routes})
}

// playBody is the input of POST /v1/playground.
type playBody struct {
	Key      int64     `json:"key_id" minimum:"1" doc:"The API key as which the request is made."`
	Method   string    `json:"method" enum:"GET,POST"`
	Path     string    `json:"path" maxLength:"2000" doc:"Of an endpoint that sends or reads messages, with its query."`
	Body     input.Raw `json:"body,omitzero" doc:"JSON; a string is sent as it is."`
	Simulate *bool     `json:"simulate,omitempty" doc:"Validates and sends nothing. True if left out."`
}

// Required lists the required fields.
func (*playBody) Required() []string { return []string{"key_id", "method", "path"} }

// playedBody is the answer that the request of the playground got.
type playedBody struct {
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Body     json.RawMessage   `json:"body" doc:"JSON; a string if the answer was none."`
	Duration float64           `json:"duration_ms"`
	Simulate bool              `json:"simulate"`
}

// play makes a request in this process, as the chosen key and with the rights that
// both the key and the user have.
func (h *Handler) play(c echo.Context) error {
	if err := signedIn(c); err != nil {
		return err
	}
	in, err := decode[playBody](c)
	if err != nil {
		return err
	}
	who, ctx := middleware.Caller(c), c.Request().Context()
	simulate := in.Simulate == nil || *in.Simulate
	target, route, err := h.target(in)
	if err != nil {
		_, unusable := h.player(ctx, who, in.Key, simulate)
		return alsoFaults(err, unusable)
	}
	if route.Sends && !simulate && who.User.Role == auth.Viewer {
		return &dispatch.Error{Code: dispatch.Forbidden, Reason: "role", Msg: "your role (viewer) may simulate, and not send"}
	}
	as, err := h.player(ctx, who, in.Key, simulate)
	if err != nil {
		return err
	}
	if route.Sends && !simulate {
		if err := h.noteSend(ctx, who, in); err != nil {
			return err
		}
	}
	began := time.Now()
	rec := h.call(middleware.Play(context.WithoutCancel(ctx), as, simulate), c, in, target, &route)
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, rec.answer(time.Since(began), simulate))
}

// alsoFaults returns the refusal err of a request with those that another has found.
func alsoFaults(err, other error) error {
	e, ok := errors.AsType[*dispatch.Error](other)
	if !ok || e.Code != dispatch.Invalid {
		return err
	}
	return dispatch.Faults(slices.Concat(dispatch.AsError(err).Faults, e.Faults)).Err()
}

// target returns the parsed path of a request and its route. It returns a
// validation error if the playground may not call it.
func (h *Handler) target(in *playBody) (*url.URL, Route, error) {
	u, err := url.ParseRequestURI(in.Path)
	if err != nil || u.Host != "" || !strings.HasPrefix(in.Path, "/") || strings.Contains(u.Path, "..") {
		return nil, Route{}, dispatch.InvalidField("/path", "is not the path of a request")
	}
	for _, rt := range h.routes {
		if rt.Method == in.Method && middleware.PathMatches(rt.Path, u.Path) {
			return u, rt, nil
		}
	}
	return nil, Route{}, dispatch.InvalidField("/path", "is not an endpoint that the playground may call: it sends and reads messages")
}

// player returns the chosen key as a caller with the rights that the user has too.
// In a simulation, which changes nothing, everybody may send.
func (h *Handler) player(ctx context.Context, who *accept.Caller, id int64, simulate bool) (*accept.Caller, error) {
	key, err := h.Keys.Key(ctx, who.Account.ID, id)
	switch {
	case err != nil && dispatch.CodeOf(err) == dispatch.NotFound:
		return nil, dispatch.InvalidField("/key_id", "there is no such key")
	case err != nil:
		return nil, readable(err)
	case !key.Active:
		return nil, dispatch.InvalidField("/key_id", "the key is inactive")
	case key.ExpiresAt != nil && time.Now().After(*key.ExpiresAt):
		return nil, dispatch.InvalidField("/key_id", "the key has expired")
	}
	perms, err := auth.ParsePermissions(key.Permissions)
	if err != nil {
		return nil, err
	}
	mine := who.Permissions
	if simulate {
		mine |= auth.Sending
	}
	return &accept.Caller{Account: who.Account, Key: key, Permissions: perms & mine}, nil
}

// noteSend writes a real send into the audit log.
func (h *Handler) noteSend(ctx context.Context, who *accept.Caller, in *playBody) error {
	err := h.Keys.Change(ctx, "user:"+who.User.ID, func(*account.Store) (account.Note, error) {
		return account.Note{
			Account: who.Account.ID, Action: "playground.send", Target: "key:" + strconv.FormatInt(in.Key, 10),
			Detail: map[string]string{"path": in.Path},
		}, nil
	})
	return readable(err)
}

// call makes the request and returns its answer. The request carries no header of
// the browser's.
func (h *Handler) call(ctx context.Context, c echo.Context, in *playBody, target *url.URL, route *Route) *recorder {
	body := []byte(in.Body)
	var text string
	if json.Unmarshal(in.Body, &text) == nil {
		body = []byte(text)
	}
	if in.Method == http.MethodGet {
		body = nil
	}
	r := (&http.Request{
		Method: in.Method, URL: target, RequestURI: in.Path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Host: c.Request().Host, RemoteAddr: c.Request().RemoteAddr, Body: http.NoBody,
	}).WithContext(ctx)
	if len(body) > 0 {
		r.Body, r.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
		r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		if route.Form {
			r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
		}
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	h.api.ServeHTTP(rec, r)
	return rec
}

type readCloser struct{ *bytes.Reader }

// Close does nothing.
func (readCloser) Close() error { return nil }

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter; what exceeds a mebibyte is discarded.
func (r *recorder) Write(b []byte) (int, error) {
	if room := middleware.MaxBody - r.body.Len(); room > 0 {
		r.body.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// answer returns the answer as the playground shows it.
func (r *recorder) answer(took time.Duration, simulate bool) playedBody {
	out := playedBody{
		Status: r.status, Headers: map[string]string{}, Body: bytes.TrimSpace(r.body.Bytes()), Duration: float64(took.Microseconds()) / 1000,
		Simulate: simulate,
	}
	for name, values := range r.header {
		out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if !json.Valid(out.Body) {
		out.Body, _ = json.Marshal(r.body.String()) // a string always can
	}
	return out
}
