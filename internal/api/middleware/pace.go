package middleware

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// The slowest client that is waited for sends paceBytes of a body in paceTime, or
// all of a smaller one.
const (
	paceBytes = 64 << 10
	paceTime  = 30 * time.Second
)

// Pace ends the reading of a body whose client is slower than that.
func Pace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r := c.Request(); r.Body != nil && r.Body != http.NoBody {
			r.Body = &pacedBody{ReadCloser: r.Body, control: http.NewResponseController(c.Response().Writer), left: 0}
		}
		return next(c)
	}
}

// pacedBody moves the deadline of reads on with the bytes that arrive.
type pacedBody struct {
	io.ReadCloser

	control *http.ResponseController
	left    int64 // bytes until the deadline is moved on
	free    bool  // somebody else sets deadlines
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.free {
		return b.ReadCloser.Read(p)
	}
	if b.left <= 0 {
		b.left = paceBytes
		_ = b.control.SetReadDeadline(time.Now().Add(paceTime)) // not supported: no network either
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{}) // from here on net/http watches for the client's end
	}
	return n, err
}
