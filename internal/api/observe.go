package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// slow is when a request that does not wait on purpose is worth a line.
const slow = 2 * time.Second

// observe counts each request and writes a line about those that failed or were
// slow. No body, no number and no key stands in the log.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		began := time.Now()
		c.Response().Header().Set(requestIDHeader, requestID(c))
		c.Request().Header.Set(requestIDHeader, requestID(c)) // dialects show it
		if err = s.recovered(c, next); err != nil {
			c.Error(err)
		}
		took := time.Since(began)
		status := c.Response().Status
		s.Observer.Request(c.Path(), c.Request().Method, status, took)
		if long, _ := c.Get("long").(bool); status >= 500 || (took > slow && !long) {
			s.Log.Warn("request", "request_id", requestID(c), "method", c.Request().Method, "route", c.Path(), "status", status, "ms", took.Milliseconds())
		}
		return nil
	}
}

// recovered runs a handler; its panic is an internal error of this request.
func (s *Server) recovered(c echo.Context, next echo.HandlerFunc) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler {
				panic(r)
			}
			s.Log.Error("handler panicked", "request_id", requestID(c), "route", c.Path(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
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
