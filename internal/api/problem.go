package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// problem is an error as RFC 9457 writes it, with a stable code.
type problem struct {
	Type      string           `json:"type"`
	Title     string           `json:"title"`
	Status    int              `json:"status"`
	Detail    string           `json:"detail"`
	Code      dispatch.Code    `json:"code"`
	Errors    []dispatch.Fault `json:"errors,omitempty"`
	RequestID string           `json:"request_id,omitempty"`
	More      any              `json:"more,omitempty"`
}

var httpStatus = map[dispatch.Code]int{
	dispatch.Invalid: http.StatusUnprocessableEntity, dispatch.Malformed: http.StatusBadRequest, dispatch.Unauthorized: http.StatusUnauthorized,
	dispatch.Forbidden: http.StatusForbidden, dispatch.NotFound: http.StatusNotFound, dispatch.ChannelNotFound: http.StatusUnprocessableEntity,
	dispatch.TemplateNotFound: http.StatusUnprocessableEntity, dispatch.ContactNotFound: http.StatusUnprocessableEntity, dispatch.Conflict: http.StatusConflict,
	dispatch.InProgress: http.StatusConflict, dispatch.KeyReused: http.StatusUnprocessableEntity, dispatch.UnsupportedType: http.StatusUnprocessableEntity,
	dispatch.OutsideWindow: http.StatusUnprocessableEntity, dispatch.Suppressed: http.StatusUnprocessableEntity, dispatch.RateLimited: http.StatusTooManyRequests,
	dispatch.DailyLimited: http.StatusTooManyRequests, dispatch.LowBalance: http.StatusPaymentRequired, dispatch.TooLarge: http.StatusRequestEntityTooLarge,
	dispatch.MethodNotAllowed: http.StatusMethodNotAllowed, dispatch.UnsupportedMedia: http.StatusUnsupportedMediaType, dispatch.CountryNotAllowed: http.StatusForbidden,
	dispatch.Overloaded: http.StatusServiceUnavailable, dispatch.OutcomeUnknown: http.StatusServiceUnavailable, dispatch.Internal: http.StatusInternalServerError,
}

// statusOf is the HTTP status of a refusal in the native API.
func statusOf(code dispatch.Code) int {
	if s, ok := httpStatus[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// writeProblem answers err natively. An internal error says the same sentence
// whatever the cause, and the request id that stands in the log.
func (s *Server) writeProblem(c echo.Context, err error) error {
	e := dispatch.AsError(err)
	p := newProblem(e)
	p.RequestID = requestID(c)
	retryAfter(c, e)
	c.Response().Header().Set(echo.HeaderContentType, p.ContentType(""))
	c.Response().WriteHeader(p.Status)
	return writeJSON(c, p)
}

// newProblem says what e means in HTTP.
func newProblem(e *dispatch.Error) *problem {
	status := statusOf(e.Code)
	p := &problem{Type: "https://sendoff.dev/problems/" + string(e.Code), Title: http.StatusText(status), Status: status, Detail: e.Msg, Code: e.Code, Errors: e.Faults, More: e.Detail}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return p
}

func retryAfter(c echo.Context, e *dispatch.Error) {
	if e.RetryAfter > 0 && c.Response().Header().Get("Retry-After") == "" {
		c.Response().Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if e.Code == dispatch.Unauthorized && c.Response().Header().Get(echo.HeaderWWWAuthenticate) == "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="sendoff"`)
	}
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
			err = s.noRoute(c)
		default:
			err = dispatch.Errorf(dispatch.Malformed, "%v", he.Message)
		}
	}
	drain(c)
	s.logInternal(c, err)
	if d := s.dialectOf(c); d != nil {
		err = s.reply(c, d.Reject(c.Request(), err), err)
	} else {
		err = s.writeProblem(c, err)
	}
	if err != nil {
		s.Log.Debug("answer not written", "error", err)
	}
}

func (s *Server) logInternal(c echo.Context, err error) {
	e := dispatch.AsError(err)
	if e.Code == dispatch.Internal || e.Code == dispatch.OutcomeUnknown {
		s.Log.Error("request failed", "request_id", requestID(c), "route", c.Path(), "error", err)
	}
}

// drain reads what is left of a refused body, so that the answer arrives.
func drain(c echo.Context) {
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, r.Body, drainBytes)
	_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Time{})
}

// readBody reads a whole body of at most limit bytes.
func readBody(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	if r.ContentLength > limit {
		return nil, dispatch.Errorf(dispatch.TooLarge, "the body is larger than %d bytes", limit)
	}
	size := r.ContentLength
	if size < 0 {
		size = 512
	}
	b := make([]byte, 0, size+1)
	for {
		if int64(len(b)) > limit {
			return nil, dispatch.Errorf(dispatch.TooLarge, "the body is larger than %d bytes", limit)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, dispatch.Errorf(dispatch.Malformed, "the body broke off")
		}
	}
}

const requestIDHeader = "X-Request-Id"

// requestID names a request in answers and in the log; a client's own id is
// kept when it is short and plain.
func requestID(c echo.Context) string {
	if id, ok := c.Get("request_id").(string); ok {
		return id
	}
	id := c.Request().Header.Get(requestIDHeader)
	if len(id) == 0 || len(id) > 64 || !plain(id) {
		id = uuid.NewString()
	}
	c.Set("request_id", id)
	return id
}

func plain(s string) bool {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}
