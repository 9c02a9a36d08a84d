package middleware

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// The slowest client that is waited for sends paceBytes of a body in paceTime, or
// all of a smaller one. When the process stops, a body may arrive for lastTime more.
const (
	paceBytes = 64 << 10
	paceTime  = 30 * time.Second
	lastTime  = time.Second
)

// errStopping is the error of a body that had not arrived when the process stopped.
var errStopping = &dispatch.Error{
	Code: dispatch.Overloaded, RetryAfter: 1,
	Msg: "the server stops before the request body has arrived; repeat the request with the same Idempotency-Key",
}

// Pace ends the reading of a body whose client is slower than that, or that has not
// arrived soon after stopping is closed.
func Pace(stopping <-chan struct{}) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r := c.Request(); r.Body != nil && r.Body != http.NoBody {
				var b *pacedBody
				if x, ok := c.(*exchange); ok {
					b = &x.body
				} else {
					b = new(pacedBody)
				}
				*b = pacedBody{ReadCloser: r.Body, to: c.Response().Writer, stopping: stopping}
				r.Body = b
			}
			return next(c)
		}
	}
}

// pacedBody moves the deadline of reads on with the bytes that arrive.
type pacedBody struct {
	io.ReadCloser

	to       http.ResponseWriter // has the deadlines
	stopping <-chan struct{}
	end      time.Time // it stops then; zero: it does not
	left     int64     // bytes until the deadline is moved on
	free     bool      // somebody else sets deadlines
}

// Read implements io.Reader. It returns errStopping if the process stops before the
// end of the body. The connection of a client that goes on sending gets no error: it
// would be reset, and the client not see the answer.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.free {
		return b.ReadCloser.Read(p)
	}
	if b.stops() && time.Now().After(b.end) {
		return 0, errStopping
	}
	n, err := b.pace(p)
	if err != nil && !errors.Is(err, io.EOF) && b.stops() {
		return n, errStopping
	}
	return n, err
}

// stops reports whether the process stops, and notes when it was seen first.
func (b *pacedBody) stops() bool {
	select {
	case <-b.stopping:
		if b.end.IsZero() {
			b.end = time.Now().Add(lastTime)
		}
		return true
	default:
		return false
	}
}

func (b *pacedBody) pace(p []byte) (int, error) {
	if b.left <= 0 {
		b.left = paceBytes
		_ = http.NewResponseController(b.to).SetReadDeadline(time.Now().Add(paceTime)) // not supported: no network either
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); errors.Is(err, io.EOF) {
		_ = http.NewResponseController(b.to).SetReadDeadline(time.Time{}) // from here on net/http watches for the client's end
	}
	return n, err
}
