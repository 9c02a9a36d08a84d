package api

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
)

// spend takes a request from its key's limits and says in the headers what is
// left. Each message counts, whatever the request holds.
func (s *Server) spend(c echo.Context, who *accept.Caller, n int, read bool) error {
	return s.spendFrom(c, limit.Spend{Key: who.Key.ID, N: max(n, 1), Read: read, PerSecond: who.Key.PerSecond, PerMinute: who.Key.PerMinute, PerDay: who.Key.PerDay})
}

// spendRepeat takes a repeat from the limits of reads: it sends nothing, so no
// limit of messages may refuse it, nor a limit of the day. That of a second or a
// minute may: the client repeats it again.
func (s *Server) spendRepeat(c echo.Context, who *accept.Caller) error {
	return s.spendFrom(c, limit.Spend{Key: who.Key.ID, N: 1, Read: true, PerSecond: who.Key.PerSecond, PerMinute: who.Key.PerMinute})
}

func (s *Server) spendFrom(c echo.Context, ask limit.Spend) error {
	d, err := s.Limits.Spend(c.Request().Context(), ask)
	if err != nil {
		return unavailable(err)
	}
	d.SetHeaders(c.Response().Header())
	if d.Allowed {
		return nil
	}
	return limited(d)
}

// limited is the refusal of a decision.
func limited(d limit.Decision) error {
	wait := int((d.RetryAfter + time.Second - 1) / time.Second)
	if d.Why == limit.Day {
		return &dispatch.Error{Code: dispatch.DailyLimited, Msg: "the key's daily limit is used up", RetryAfter: max(wait, 1)}
	}
	return &dispatch.Error{Code: dispatch.RateLimited, Msg: "the key's limit per " + string(d.Why) + " is used up", RetryAfter: max(wait, 1)}
}
