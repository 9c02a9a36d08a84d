package middleware

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Problem is an error in the form of RFC 9457, with a stable code. It is an
// error, and has the methods that huma requires of errors.
type Problem struct {
	Type      string           `json:"type"`
	Title     string           `json:"title"`
	Status    int              `json:"status"`
	Detail    string           `json:"detail"`
	Code      dispatch.Code    `json:"code"`
	Errors    []dispatch.Fault `json:"errors,omitempty"`
	RequestID string           `json:"request_id,omitempty"`
	More      any              `json:"more,omitempty"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// httpStatus maps codes to HTTP statuses.
var httpStatus = map[dispatch.Code]int{
	dispatch.Invalid:           http.StatusUnprocessableEntity,
	dispatch.Malformed:         http.StatusBadRequest,
	dispatch.Unauthorized:      http.StatusUnauthorized,
	dispatch.Forbidden:         http.StatusForbidden,
	dispatch.NotFound:          http.StatusNotFound,
	dispatch.ChannelNotFound:   http.StatusUnprocessableEntity,
	dispatch.TemplateNotFound:  http.StatusUnprocessableEntity,
	dispatch.ContactNotFound:   http.StatusUnprocessableEntity,
	dispatch.Conflict:          http.StatusConflict,
	dispatch.InProgress:        http.StatusConflict,
	dispatch.KeyReused:         http.StatusUnprocessableEntity,
	dispatch.UnsupportedType:   http.StatusUnprocessableEntity,
	dispatch.OutsideWindow:     http.StatusUnprocessableEntity,
	dispatch.Suppressed:        http.StatusUnprocessableEntity,
	dispatch.RateLimited:       http.StatusTooManyRequests,
	dispatch.DailyLimited:      http.StatusTooManyRequests,
	dispatch.LowBalance:        http.StatusPaymentRequired,
	dispatch.TooLarge:          http.StatusRequestEntityTooLarge,
	dispatch.MethodNotAllowed:  http.StatusMethodNotAllowed,
	dispatch.UnsupportedMedia:  http.StatusUnsupportedMediaType,
	dispatch.CountryNotAllowed: http.StatusForbidden,
	dispatch.InvalidState:      http.StatusConflict,
	dispatch.EmptyAudience:     http.StatusUnprocessableEntity,
	dispatch.Overloaded:        http.StatusServiceUnavailable,
	dispatch.OutcomeUnknown:    http.StatusServiceUnavailable,
	dispatch.Internal:          http.StatusInternalServerError,
}

// NewProblem returns e as a problem.
func NewProblem(e *dispatch.Error) *Problem {
	status, ok := httpStatus[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	p := &Problem{
		Type: "https://sendoff.dev/problems/" + string(e.Code), Title: http.StatusText(status), Status: status,
		Detail: dialect.Detail(e), Code: e.Code, Errors: e.Faults, More: e.Detail,
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return p
}

// WriteProblem answers err with a problem. An internal error has the same
// detail whatever the cause, and the request id under which it is logged.
func WriteProblem(c echo.Context, err error) error {
	e := dispatch.AsError(err)
	p := NewProblem(e)
	p.RequestID = RequestID(c)
	SetRetryAfter(c, e)
	c.Response().Header().Set(echo.HeaderContentType, p.ContentType(""))
	c.Response().WriteHeader(p.Status)
	return WriteJSON(c, p)
}

// SetRetryAfter sets Retry-After and WWW-Authenticate as e requires, unless
// they are set already.
func SetRetryAfter(c echo.Context, e *dispatch.Error) {
	if e.RetryAfter > 0 && c.Response().Header().Get("Retry-After") == "" {
		c.Response().Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if e.Code == dispatch.Unauthorized && c.Response().Header().Get(echo.HeaderWWWAuthenticate) == "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="sendoff"`)
	}
}

// LogInternal logs err if the client does not get to see its cause, and reports
// whether it did.
func LogInternal(c echo.Context, log *slog.Logger, err error) bool {
	e := dispatch.AsError(err)
	if e.Code != dispatch.Internal && e.Code != dispatch.OutcomeUnknown {
		return false
	}
	log.Error("request failed", "request_id", RequestID(c), "route", c.Path(), "error", err)
	return true
}

// Unavailable returns err as one that the client may retry: the database did
// not answer before anything was written.
func Unavailable(err error) error {
	return &dispatch.Error{
		Code: dispatch.Overloaded, Msg: "the service is not available at the moment; try again shortly", RetryAfter: 1, Err: err,
	}
}

// ReadError returns the error of a read: an internal one becomes Unavailable,
// because a read can be retried.
func ReadError(err error) error {
	if err == nil || dispatch.CodeOf(err) != dispatch.Internal {
		return err
	}
	return Unavailable(err)
}
