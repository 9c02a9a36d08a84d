package message

import (
	"context"
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

// Gates explains what an unfinished message waits for.
type Gates interface {
	Explain(ctx context.Context, v *dispatch.View)
}

// waitSeconds returns the query parameter wait, of at most 30 seconds.
func waitSeconds(c echo.Context) (time.Duration, error) {
	q := c.QueryParam("wait")
	if q == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(q, 64)
	if err != nil || !(n >= 0 && n <= 30) { // NaN is neither
		return 0, dispatch.InvalidField("/wait", "must be between 0 and 30 seconds")
	}
	return time.Duration(n * float64(time.Second)), nil
}

// leastStatus returns the query parameter status: the status that a waiting
// request waits for, or 0.
func leastStatus(c echo.Context) (dispatch.Status, error) {
	q := c.QueryParam("status")
	st, ok := dispatch.ParseStatus(q)
	switch {
	case q == "":
		return 0, nil
	case !ok || st > dispatch.Read:
		return 0, dispatch.InvalidField("/status", "must be scheduled, queued, sending, sent, delivered or read")
	}
	return st, nil
}

// await returns a message once it has changed since the first read, or since the
// state that the client has (If-None-Match), or when wait is over; with a least
// status, once it has reached that. It returns at once if no change is expected.
// An event only causes another read: it may be older than the previous one.
func (h *Handler) await(c echo.Context, id dispatch.ID, wait time.Duration, least dispatch.Status) (*dispatch.View, error) {
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
		reached := v.Status >= least
		if least == 0 {
			reached = otherThan(c, v) || etag(v) != first
		}
		if over || settled(v) || reached {
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

// settled reports whether no change of a message is expected: SMS has no read,
// and a receipt that is missing for days will not come.
func settled(v *dispatch.View) bool {
	return v.Status.Final() || v.Status == dispatch.Read || (v.Status == dispatch.Delivered && v.ChannelKind == "sms") || v.Receipt == "none"
}

// otherThan reports whether the client has an older state than v.
func otherThan(c echo.Context, v *dispatch.View) bool {
	return c.Request().Header.Get("If-None-Match") != "" && !matches(c, etag(v))
}
