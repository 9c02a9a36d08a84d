package manage

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/webhook"
)

// deliveryView is a delivery as its log shows it. A pending one whose endpoint
// is disabled waits until that is enabled.
type deliveryView struct {
	ID          dispatch.ID     `json:"id"` // the webhook-id
	Event       string          `json:"event"`
	Message     dispatch.ID     `json:"message_id,omitzero"`
	Sequence    int             `json:"sequence,omitempty"`
	State       string          `json:"state"` // pending, delivered, failed
	Attempts    int             `json:"attempts"`
	NextAttempt *time.Time      `json:"next_attempt_at,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	DoneAt      *time.Time      `json:"done_at,omitempty"`
	Request     deliveryRequest `json:"request"`
	Response    *deliveryAnswer `json:"response,omitempty"`
	Tries       []store.Try     `json:"tries"`
}

type deliveryRequest struct {
	URL  string          `json:"url"`
	Body json.RawMessage `json:"body"` // what was sent; a string where that is a form
}

// deliveryAnswer is the last answer; its body's first KiB.
type deliveryAnswer struct {
	store.Try
	Body string `json:"body"`
}

var deliveryStates = []string{store.DeliveryPending: "pending", store.DeliveryDelivered: "delivered", store.DeliveryFailed: "failed"}

func viewDelivery(w *store.Webhook, d *store.LoggedDelivery) (deliveryView, error) {
	tries, err := d.TriesMade()
	v := deliveryView{
		ID: d.ID, Event: webhook.EventName(d.Kind), Message: d.Message, Sequence: d.Seq, State: deliveryStates[d.State], Attempts: d.Attempts,
		CreatedAt: d.CreatedAt, DoneAt: d.DoneAt, Tries: tries, Request: deliveryRequest{URL: w.URL, Body: json.RawMessage(d.Payload)},
	}
	if d.State == store.DeliveryPending && w.Enabled {
		v.NextAttempt = &d.WakeAt
	}
	if d.Format == webhook.Twilio {
		v.Request.Body, _ = json.Marshal(d.Payload) // a text can't fail
	}
	if n := len(tries); n > 0 {
		v.Response = &deliveryAnswer{Try: tries[n-1]}
		if d.Response != nil {
			v.Response.Body = *d.Response
		}
	}
	return v, err
}

// listDeliveries shows an endpoint's deliveries, newest event first; ?state
// narrows the newest 20,000.
func (s *server) listDeliveries(c echo.Context) error {
	w, err := s.endpoint(c)
	if err != nil {
		return err
	}
	limit, state := 50, -1
	if q := c.QueryParam("limit"); q != "" {
		n, err := strconv.Atoi(q)
		if err != nil || n < 1 {
			return dispatch.InvalidField("/limit", "must be a positive whole number")
		}
		limit = min(n, 200)
	}
	if q := c.QueryParam("state"); q != "" {
		for i, name := range deliveryStates {
			if name == q {
				state = i
			}
		}
		if state < 0 {
			return dispatch.InvalidField("/state", "must be pending, delivered or failed")
		}
	}
	ds, next, err := s.Store.Deliveries(c.Request().Context(), w.ID, state, c.QueryParam("cursor"), limit)
	if err != nil {
		return middleware.ReadError(err)
	}
	out := middleware.List[deliveryView]{Data: []deliveryView{}, Next: next}
	for i := range ds {
		v, err := viewDelivery(&w, &ds[i])
		if err != nil {
			return err
		}
		out.Data = append(out.Data, v)
	}
	return c.JSON(http.StatusOK, out)
}

// serving reads the endpoint that the route names and refuses a disabled one:
// nothing would go out.
func (s *server) serving(c echo.Context) (store.Webhook, error) {
	w, err := s.endpoint(c)
	if err == nil && !w.Enabled {
		err = dispatch.Errorf(dispatch.Conflict, "the webhook is disabled; enable it first")
	}
	return w, err
}

// testWebhook sends a test event: the delivery log shows what becomes of it.
func (s *server) testWebhook(c echo.Context) error {
	w, err := s.serving(c)
	if err != nil {
		return err
	}
	id, err := s.Store.TestDelivery(context.WithoutCancel(c.Request().Context()), &w, webhook.TestPayload(w.Format, middleware.Caller(c).Account.SID, time.Now()))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]dispatch.ID{"delivery_id": id})
}

// replayDelivery sends one event once more: the same id, the same bytes.
func (s *server) replayDelivery(c echo.Context) error {
	w, err := s.serving(c)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(c.Param("delivery"))
	if err != nil {
		return dispatch.ErrNotFound
	}
	who, ctx := middleware.Caller(c), context.WithoutCancel(c.Request().Context())
	replayed := map[string]dispatch.ID{"delivery_id": id}
	if err := s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "webhook.replay", Target: target("webhook", w.ID), Detail: replayed}, s.Store.In(st.Tx()).ReplayDelivery(ctx, w.ID, id)
	}); err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, replayed)
}

// replayMost bounds the range of a replay.
const replayMost = 31 * 24 * time.Hour

// replayWebhook sends the events of a time range once more, in the background:
// those that the endpoint's filter wants now, whether they were delivered
// before, given up, or never tried because the endpoint was disabled.
func (s *server) replayWebhook(c echo.Context) error {
	w, err := s.serving(c)
	if err != nil {
		return err
	}
	var req struct {
		From *time.Time `json:"from"`
		To   *time.Time `json:"to"`
	}
	if err := strictBody(c, &req); err != nil {
		return err
	}
	now := time.Now()
	if req.To == nil || req.To.After(now) {
		req.To = &now
	}
	switch {
	case req.From == nil:
		return dispatch.InvalidField("/from", "is required")
	case !req.From.Before(*req.To):
		return dispatch.InvalidField("/from", "must be before to and not in the future")
	case req.To.Sub(*req.From) > replayMost:
		return dispatch.InvalidField("/from", "must be at most 31 days before to")
	}
	who, ctx := middleware.Caller(c), context.WithoutCancel(c.Request().Context())
	r := map[string]time.Time{"from": req.From.UTC(), "to": req.To.UTC()}
	if err := s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "webhook.replay", Target: target("webhook", w.ID), Detail: r}, s.Store.In(st.Tx()).ReplayWebhook(ctx, w.ID, *req.From, *req.To)
	}); err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, r)
}
