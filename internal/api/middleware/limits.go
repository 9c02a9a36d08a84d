package middleware

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
)

// Limiter spends from the limits of a key.
type Limiter interface {
	Spend(ctx context.Context, s limit.Spend) (limit.Decision, error)
}

// Limits applies the limits of API keys to requests and sets the RateLimit
// headers. Its methods return an error with the code dispatch.RateLimited or
// dispatch.DailyLimited if the limit is used up, dispatch.Overloaded if it
// cannot be checked.
type Limits struct{ limiter Limiter }

// NewLimits returns Limits that spend from l.
func NewLimits(l Limiter) Limits { return Limits{l} }

// Spend spends n messages, at least one, from the limits of who's key. Reads
// have limits of their own.
func (l Limits) Spend(c echo.Context, who *accept.Caller, n int, read bool) error {
	k := &who.Key
	return l.spend(c, limit.Spend{Key: k.ID, N: max(n, 1), Read: read, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
}

// SpendRepeat spends a repeated request from the limits of reads. It sends
// nothing, so neither a limit of messages nor a daily limit refuses it; a limit
// per second or minute may, because the client can repeat it again.
func (l Limits) SpendRepeat(c echo.Context, who *accept.Caller) error {
	k := &who.Key
	return l.spend(c, limit.Spend{Key: k.ID, N: 1, Read: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute})
}

// SpendRefused spends a request that was refused before its messages were
// counted, and returns cause unless the limit refuses the request: every
// request counts, and every answer carries the RateLimit headers.
func (l Limits) SpendRefused(c echo.Context, who *accept.Caller, cause error) error {
	if limited := l.Spend(c, who, 1, false); limited != nil {
		return limited
	}
	return cause
}

// SpendPage spends a page of n messages of a batch and returns how many of them
// the limits allow, and the refusal of the others.
func (l Limits) SpendPage(ctx context.Context, who *accept.Caller, n int) (allowed int, refusal error) {
	k := &who.Key
	d, err := l.limiter.Spend(ctx, limit.Spend{Key: k.ID, N: n, Batch: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
	if err != nil {
		return 0, Unavailable(err)
	}
	return d.AllowedN, limited(d)
}

func (l Limits) spend(c echo.Context, ask limit.Spend) error {
	d, err := l.limiter.Spend(c.Request().Context(), ask)
	if err != nil {
		return Unavailable(err)
	}
	d.SetHeaders(c.Response().Header())
	if d.Allowed {
		return nil
	}
	return limited(d)
}

// limited returns the error of a decision that refuses.
func limited(d limit.Decision) error {
	wait := int((d.RetryAfter + time.Second - 1) / time.Second)
	if d.Why == limit.Day {
		return &dispatch.Error{Code: dispatch.DailyLimited, Msg: "the key's daily limit is used up", RetryAfter: max(wait, 1)}
	}
	return &dispatch.Error{Code: dispatch.RateLimited, Msg: "the key's limit per " + string(d.Why) + " is used up", RetryAfter: max(wait, 1)}
}

// Reads guards a route that reads: it spends from the limits of reads and
// requires a permission of the caller.
func (l Limits) Reads(permission string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			who := Caller(c)
			if err := l.Spend(c, who, 1, true); err != nil {
				return err
			}
			if err := who.Require(permission); err != nil {
				return err
			}
			return next(c)
		}
	}
}
