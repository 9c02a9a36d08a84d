package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/logs"
)

// slow is how long a request may take before it is logged, unless it waits on
// purpose (see Waits).
const slow = 2 * time.Second

// Observer counts requests.
type Observer interface {
	Request(route, method string, status int, took time.Duration)
}

// Observe sets the request id, recovers panics, counts each request and logs it:
// reads at level debug, changes at info, failures of ours and slow ones at warn.
// Bodies, phone numbers and keys are not logged.
//
// inner are what stands between it and the handlers: echo would put them together anew for
// each request.
func Observe(o Observer, log *slog.Logger, inner ...echo.MiddlewareFunc) echo.MiddlewareFunc {
	run := func(c echo.Context) error { return c.(*exchange).next(c) }
	for _, m := range slices.Backward(inner) {
		run = m(run)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(of echo.Context) (err error) {
			began := time.Now()
			c := &exchange{Context: of, next: next}
			id, method := RequestID(c), c.Request().Method
			c.ids = [...]string{id, id}
			c.Response().Header()[requestIDHeader] = c.ids[:1:1]
			c.Request().Header[requestIDHeader] = c.ids[1:] // dialects show it
			if err = recovered(c, log, run); err != nil {
				c.Error(err)
			}
			now := time.Now()
			took, status := now.Sub(began), c.Response().Status
			o.Request(c.Path(), method, status, took)
			if ctx, level := c.Request().Context(), levelOf(c, method, status, took); log.Enabled(ctx, level) {
				line := slog.NewRecord(now, level, logs.Request, 0) // LogAttrs would look up its caller, which the line does not show
				var room [8]slog.Attr
				line.AddAttrs(attributes(room[:0], c, id, method, status, took)...)
				_ = log.Handler().Handle(ctx, line) // nobody can be told
			}
			return nil
		}
	}
}

// levelOf returns the level at which a request is logged. Callbacks count as reads:
// what is wrong with one has a line of its own.
func levelOf(c echo.Context, method string, status int, took time.Duration) slog.Level {
	long, _ := c.Get("long").(bool)
	switch {
	case status >= 500 || (took > slow && !long):
		return slog.LevelWarn
	case method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || c.Param("provider") != "":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// attributes adds the facts of a request to out: with the id that the client got, so
// that a request that a customer quotes is found.
func attributes(out []slog.Attr, c *exchange, id, method string, status int, took time.Duration) []slog.Attr {
	out = append(out, slog.String("request_id", id), slog.String("method", method), slog.String("route", c.Path()), slog.Int("status", status))
	if who, ok := c.Get("caller").(*accept.Caller); ok {
		if who.User != nil { // the id of a session's key is no key's
			out = append(out, slog.String("user_id", who.User.ID))
		} else {
			out = append(out, slog.Int64("key_id", who.Key.ID))
		}
	}
	if c.message != dispatch.NoID {
		out = append(out, slog.String("message_id", c.message.String()))
	}
	if code, ok := c.Get("code").(dispatch.Code); ok {
		out = append(out, slog.String("code", string(code)))
	}
	return append(out, slog.Int64("ms", took.Milliseconds()))
}

// Failed notes the code with which a request is refused, for its line in the log.
func Failed(c echo.Context, err error) { c.Set("code", dispatch.CodeOf(err)) }

// Names notes the message that a request makes, the first of several, or is about,
// for its line in the log. A simulated one has no id.
func Names(c echo.Context, id dispatch.ID) {
	if x, ok := c.(*exchange); ok && id != dispatch.NoID {
		x.message = id
	}
}

// Waits marks a request that waits on purpose: it is not logged as slow.
func Waits(c echo.Context) { c.Set("long", true) }

// recovered runs a handler and returns its panic as an internal error.
func recovered(c echo.Context, log *slog.Logger, next echo.HandlerFunc) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler {
				panic(r)
			}
			log.Error("handler panicked", "request_id", RequestID(c), "route", c.Path(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if misrouted(c) {
		return echo.ErrNotFound
	}
	if err := checkParams(c); err != nil {
		return err
	}
	return next(c)
}
