package stream

import (
	"context"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Handler serves server-sent events.
type Handler struct {
	hub   *Hub
	auth  *middleware.Auth
	views Views
}

// Views finds messages: nil for one that does not exist.
type Views interface {
	Find(ctx context.Context, id dispatch.ID) (*dispatch.View, error)
}

// NewHandler returns a Handler of the events that hub reads. auth checks
// regularly whether a stream's key may still read. Of views the stream of a test
// key learns which messages are test messages: it shows no others.
func NewHandler(hub *Hub, auth *middleware.Auth, views Views) *Handler {
	return &Handler{hub, auth, views}
}

// testOnly shows the events of messages of test keys.
func (h *Handler) testOnly(ctx context.Context, id dispatch.ID) (bool, error) {
	v, err := h.views.Find(ctx, id)
	return v != nil && v.Test, err
}

// tooMany is the detail of the refusal of a stream.
var tooMany = fmt.Sprintf("the key already has %d event streams open, which is the maximum", maxStreams)

// Serve streams the events of the caller's account as they happen. Last-Event-ID
// resumes after that event, without a gap.
func (h *Handler) Serve(c echo.Context) error {
	middleware.Waits(c)
	hub, err := h.choose(c)
	if err != nil {
		return err
	}
	leave, ok := h.hub.open(middleware.Caller(c).Key.ID)
	if !ok {
		return &dispatch.Error{Code: dispatch.RateLimited, Msg: tooMany, RetryAfter: 5}
	}
	defer leave()
	if h.hub.stopping.Err() != nil {
		return middleware.Unavailable(h.hub.stopping.Err())
	}
	at, err := h.start(c)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	header.Set("Connection", "close") // its deadlines are no other request's
	c.Response().WriteHeader(http.StatusOK)
	if middleware.IsHead(c.Request()) {
		return nil
	}
	st := newStream(middleware.Caller(c).Account.ID, at, c.Response().Writer) // echo's own Response serves other requests later
	if middleware.Caller(c).Key.Test {
		st.shows = h.testOnly
	}
	st.allowed = func(ctx context.Context) bool {
		who, err := h.auth.Recheck(ctx, c.Request())
		return err == nil && who.Require("view_messages") == nil
	}
	if err := st.run(c.Request().Context(), hub); err != nil {
		h.hub.log.Debug("event stream ended; the client resumes", "request_id", middleware.RequestID(c), "error", err)
	}
	return nil
}

// choose returns the hub of a request: ?summary=true asks for summaries.
func (h *Handler) choose(c echo.Context) (*Hub, error) {
	switch c.QueryParam("summary") {
	case "", "false":
		return h.hub, nil
	case "true":
		return h.hub.summary, nil
	}
	return nil, dispatch.InvalidField("/summary", "must be true or false")
}

// start returns the position after which a stream begins: the client's
// Last-Event-ID, or the end of the log. An id beyond the end (from another
// database) counts as the end.
func (h *Handler) start(c echo.Context) (dispatch.Position, error) {
	last := c.Request().Header.Get("Last-Event-Id")
	if last == "" {
		last = c.QueryParam("last_event_id")
	}
	end, err := h.hub.events.EndOfEvents(c.Request().Context())
	if err != nil || last == "" {
		return end, middleware.ReadError(err)
	}
	at, err := dispatch.ParsePosition(last)
	if end.Before(at) {
		at = end
	}
	return at, err
}
