package middleware

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// MaxBody is the largest body of a request in bytes. Batches and
// callbacks have limits of their own.
const MaxBody = 1 << 20

// How much is read and discarded of a refused body, and for how long, so that a
// client that is still writing receives the answer.
const (
	drainBytes    = 32 << 20
	drainBuffer   = 4 << 10 // a thousand clients may be drained at the same time
	drainTime     = 5 * time.Second
	drainPatience = 500 * time.Millisecond
)

// ReadBody reads a whole body of at most limit bytes. It returns an error with
// the code dispatch.TooLarge for a larger one, dispatch.Malformed if the body
// ends unexpectedly, dispatch.Overloaded if the process stops before its end.
func ReadBody(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	if r.ContentLength > limit {
		return nil, dispatch.Errorf(dispatch.TooLarge, "the request body is larger than %d bytes", limit)
	}
	size := r.ContentLength
	if size < 0 {
		size = 512
	}
	b := make([]byte, 0, size+1)
	for {
		if int64(len(b)) > limit {
			return nil, dispatch.Errorf(dispatch.TooLarge, "the request body is larger than %d bytes", limit)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if e, ok := errors.AsType[*dispatch.Error](err); ok {
			return nil, e
		}
		if err != nil {
			return nil, dispatch.Errorf(dispatch.Malformed, "the request body ended unexpectedly")
		}
	}
}

// RequireJSON returns an error with the code dispatch.UnsupportedMedia if the
// body's Content-Type is not JSON (see dialect.IsJSON).
func RequireJSON(c echo.Context) error {
	ct := c.Request().Header.Get(echo.HeaderContentType)
	if dialect.IsJSON(ct) {
		return nil
	}
	return dispatch.Errorf(dispatch.UnsupportedMedia, "Content-Type %q is not application/json", ct)
}

// Drain reads the rest of a refused body, so that the client receives the
// answer.
func Drain(c echo.Context) {
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	most := drainTime
	if b, ok := r.Body.(*pacedBody); ok {
		b.free = true
		if b.stops() {
			most = lastTime
		}
	}
	control := http.NewResponseController(c.Response().Writer)
	// A client that still sends is left before the deadline of the connection, which
	// would reset it.
	end := time.Now().Add(most)
	_ = control.SetReadDeadline(end.Add(drainPatience))
	buf := make([]byte, drainBuffer)
	for left := drainBytes; left > 0 && time.Now().Before(end); {
		n, err := r.Body.Read(buf)
		if left -= n; err != nil {
			break
		}
	}
	_ = control.SetReadDeadline(time.Time{})
}

// jsonType is the value of Content-Type, for all answers together.
var jsonType = []string{echo.MIMEApplicationJSON}

// WriteJSONBlob is c.JSONBlob without an allocation. It keeps nothing of b.
func WriteJSONBlob(c echo.Context, status int, b []byte) error {
	c.Response().Header()[echo.HeaderContentType] = jsonType[:1:1]
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(b)
	return err
}

// WriteJSON writes v as JSON without escaping for HTML.
func WriteJSON(c echo.Context, v any) error {
	enc := json.NewEncoder(c.Response())
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Page is one page of a list. An empty Next means the last page.
type Page[T any] struct {
	Data []T    `json:"data"`
	Next string `json:"next_cursor,omitempty"`
}

// checkQuery refuses a query that net/url would drop parts of without a word, such
// as search=100%, and takes a semicolon as what it is. The query of a callback
// stays as it was signed.
func checkQuery(r *http.Request) error {
	if !strings.ContainsAny(r.URL.RawQuery, "%;") || strings.HasPrefix(r.URL.Path, "/callbacks/") {
		return nil
	}
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, ";", "%3B")
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return dispatch.Errorf(dispatch.Malformed, "the query has a %% that is not followed by two hexadecimal digits: write it as %%25")
	}
	return nil
}

// checkParams refuses parameters that Postgres cannot store, and a malformed query.
func checkParams(c echo.Context) error {
	for _, v := range c.ParamValues() {
		if !storable.Text(v) {
			return dispatch.ErrNotFound
		}
	}
	if c.Request().URL.RawQuery == "" {
		return nil
	}
	if err := checkQuery(c.Request()); err != nil {
		return err
	}
	for name, vs := range c.QueryParams() {
		for _, v := range vs {
			if !storable.Text(v) {
				return dispatch.InvalidField("/"+dialect.Escape(strings.ToValidUTF8(name, "?")), "must be UTF-8 without NUL characters")
			}
		}
	}
	return nil
}
