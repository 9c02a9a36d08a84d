package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// slow is how long a request may take before it is logged, unless it waits on
// purpose (see Waits).
const slow = 2 * time.Second

// Observer counts requests.
type Observer interface {
	Request(route, method string, status int, took time.Duration)
}

// Observe sets the request id, recovers panics, counts each request and logs
// those that fail or are slow. Bodies, phone numbers and keys are not logged.
func Observe(o Observer, log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			began := time.Now()
			id, method := RequestID(c), c.Request().Method
			c.Response().Header().Set(requestIDHeader, id)
			c.Request().Header.Set(requestIDHeader, id) // dialects show it
			if err = recovered(c, log, next); err != nil {
				c.Error(err)
			}
			took := time.Since(began)
			status := c.Response().Status
			o.Request(c.Path(), method, status, took)
			if long, _ := c.Get("long").(bool); status >= 500 || (took > slow && !long) {
				log.Warn("request", "request_id", id, "method", method, "route", c.Path(), "status", status, "ms", took.Milliseconds())
			}
			return nil
		}
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
