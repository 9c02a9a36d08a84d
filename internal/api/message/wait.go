package message

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Changes notifies of changes of messages.
type Changes interface {
	// Watch returns a channel that is closed at the next event of a message. stop
	// ends the watch.
	Watch(id dispatch.ID) (changed <-chan struct{}, stop func())
	// Stopping is closed when waiting must end because the process stops.
	Stopping() <-chan struct{}
}

// waitSeconds returns the query parameter wait, of at most 30 seconds.
func waitSeconds(c echo.Context) (time.Duration, error) {
	q := c.QueryParam("wait")
	if q == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(q, 64)
	if err != nil || n < 0 || n > 30 {
		return 0, dispatch.InvalidField("/wait", "must be between 0 and 30 seconds")
	}
	return time.Duration(n * float64(time.Second)), nil
}

// await returns a message once it has changed since the first read, or since the
// state that the client knows (If-None-Match), or when wait is over. An event
// only causes another read: it may be older than the previous one.
func (h *Handler) await(c echo.Context, id dispatch.ID, wait time.Duration) (*dispatch.View, error) {
	ctx, who := c.Request().Context(), middleware.Caller(c)
	if wait == 0 {
		return h.Views.For(ctx, who, id)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for first, over := "", false; ; {
		changed, stop := h.Changes.Watch(id) // before the read: no change is missed
		v, err := h.Views.For(ctx, who, id)
		if err != nil {
			stop()
			return nil, err
		}
		if first == "" {
			first = etag(v)
		}
		if over || settled(v) || otherThan(c, v) || etag(v) != first {
			stop()
			return v, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			over = true
		case <-h.Changes.Stopping():
			stop()
			return v, nil
		case <-ctx.Done(): // the client has gone
			stop()
			return v, nil
		}
		stop()
	}
}

// settled reports whether a message will not change again.
func settled(v *dispatch.View) bool { return v.Status.Final() || v.Status == dispatch.Read }

// otherThan reports whether the client knows an older state than v.
func otherThan(c echo.Context, v *dispatch.View) bool {
	return c.Request().Header.Get("If-None-Match") != "" && !matches(c, etag(v))
}
