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
	// Return takes what was spent out of the count of that day.
	Return(ctx context.Context, s limit.Spend, day int64) (limit.Decision, error)
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
	_, err := l.spend(c, limit.Spend{Key: k.ID, N: max(n, 1), Read: read, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
	return err
}

// SpendMessages spends n messages from the limits of who's key. It returns the
// day that counts them, for Refuse.
func (l Limits) SpendMessages(c echo.Context, who *accept.Caller, n int) (day int64, err error) {
	k := &who.Key
	return l.spend(c, limit.Spend{Key: k.ID, N: max(n, 1), PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
}

// SpendRepeat spends a repeated request from the limits of reads. It sends
// nothing, so neither a limit of messages nor a daily limit refuses it; a limit
// per second or minute may, because the client can repeat it again.
func (l Limits) SpendRepeat(c echo.Context, who *accept.Caller) error {
	k := &who.Key
	_, err := l.spend(c, limit.Spend{Key: k.ID, N: 1, Read: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute})
	return err
}

// SpendRefused spends a request that was refused before its messages were
// counted, and returns cause unless the limit refuses the request: every
// request counts against second and minute, and every answer carries the
// RateLimit headers.
func (l Limits) SpendRefused(c echo.Context, who *accept.Caller, cause error) error {
	if limited := l.SpendWithoutDay(c, who, 1); limited != nil {
		return limited
	}
	return cause
}

// SpendWithoutDay spends a request that sends nothing, as a simulation: the
// daily limit neither counts nor refuses it.
func (l Limits) SpendWithoutDay(c echo.Context, who *accept.Caller, n int) error {
	k := &who.Key
	_, err := l.spend(c, limit.Spend{Key: k.ID, N: max(n, 1), NoDay: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
	return err
}

// Refuse returns cause, for which n messages that were spent on day are not
// sent, and takes them out of the day's count if cause is the client's fault.
// After other errors the messages may have been accepted.
func (l Limits) Refuse(c echo.Context, who *accept.Caller, n int, day int64, cause error) error {
	if !Refused(cause) {
		return cause
	}
	n = max(n, 1)
	k := &who.Key
	ask := limit.Spend{Key: k.ID, N: n, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay}
	d, err := l.limiter.Return(c.Request().Context(), ask, day)
	if err == nil {
		d.SetHeaders(c.Response().Header())
	}
	return cause
}

// SpendRejected spends n messages of a batch that were rejected, from minute alone,
// and returns how many of them the limit allows, and the refusal of the others.
func (l Limits) SpendRejected(ctx context.Context, who *accept.Caller, n int) (allowed int, refusal error) {
	k := &who.Key
	ask := limit.Spend{Key: k.ID, N: n, Batch: true, NoDay: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay}
	d, err := l.limiter.Spend(ctx, ask)
	if err != nil {
		return 0, Unavailable(err)
	}
	return d.AllowedN, limited(d)
}

// ReturnPage takes n messages of a page, which were refused or simulated, out of
// the count of the day on which SpendPage spent them.
func (l Limits) ReturnPage(ctx context.Context, who *accept.Caller, n int, day int64) {
	k := &who.Key
	ask := limit.Spend{Key: k.ID, N: n, Batch: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay}
	_, _ = l.limiter.Return(ctx, ask, day) // without an answer the key has a little less today
}

// Refused reports whether err is the client's fault: nothing was accepted.
func Refused(err error) bool {
	switch dispatch.CodeOf(err) {
	case dispatch.Internal, dispatch.Overloaded, dispatch.OutcomeUnknown:
		return false
	}
	return err != nil
}

// SpendPage spends a page of n messages of a batch and returns how many of them
// the limits allow, the day that counts them, and the refusal of the others.
func (l Limits) SpendPage(ctx context.Context, who *accept.Caller, n int) (allowed int, day int64, refusal error) {
	k := &who.Key
	d, err := l.limiter.Spend(ctx, limit.Spend{Key: k.ID, N: n, Batch: true, PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay})
	if err != nil {
		return 0, 0, Unavailable(err)
	}
	return d.AllowedN, d.Day, limited(d)
}

func (l Limits) spend(c echo.Context, ask limit.Spend) (day int64, err error) {
	d, err := l.limiter.Spend(c.Request().Context(), ask)
	if err != nil {
		return 0, Unavailable(err)
	}
	d.SetHeaders(c.Response().Header())
	if d.Allowed {
		return d.Day, nil
	}
	return d.Day, limited(d)
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
