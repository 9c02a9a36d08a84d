package admin

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/webhook"
)

// Delivery is one event on its way to a webhook. A pending delivery whose
// webhook is disabled waits until the webhook is enabled.
type Delivery struct {
	ID          dispatch.ID     `json:"id" doc:"The webhook-id of the request."`
	Webhook     int64           `json:"webhook_id"`
	Event       string          `json:"event"`
	Message     dispatch.ID     `json:"message_id,omitzero"`
	Sequence    int             `json:"sequence,omitempty"`
	State       string          `json:"state" enum:"pending,delivered,failed"`
	Attempts    int             `json:"attempts"`
	NextAttempt *time.Time      `json:"next_attempt_at,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	DoneAt      *time.Time      `json:"done_at,omitempty"`
	Request     DeliveryRequest `json:"request"`
	Response    *DeliveryAnswer `json:"response,omitempty"`
	Tries       []hookstore.Try `json:"tries"`
}

// DeliveryRequest is the request of a delivery.
type DeliveryRequest struct {
	URL  string          `json:"url"`
	Body json.RawMessage `json:"body" doc:"What was sent; a string if it was a form."`
}

// DeliveryAnswer is the last answer to a delivery.
type DeliveryAnswer struct {
	hookstore.Try

	Body string `json:"body" doc:"The first KiB."`
}

// deliveryStates are the names of the states, by state.
var deliveryStates = []string{hookstore.Pending: "pending", hookstore.Delivered: "delivered", hookstore.Failed: "failed"}

// viewDelivery returns a delivery to an endpoint at url, which may be disabled.
func viewDelivery(url string, enabled bool, d *hookstore.LoggedDelivery) (*Delivery, error) {
	tries, err := d.TriesMade()
	v := &Delivery{
		ID: d.ID, Webhook: d.Webhook, Event: webhook.EventName(d.Kind), Message: d.Message, Sequence: d.Seq, State: deliveryStates[d.State],
		Attempts:  d.Attempts,
		CreatedAt: d.CreatedAt.UTC(), DoneAt: UTC(d.DoneAt), Tries: tries, Request: DeliveryRequest{URL: url, Body: json.RawMessage(d.Payload)},
	}
	if d.State == hookstore.Pending && enabled {
		v.NextAttempt = UTC(&d.WakeAt)
	}
	if webhook.IsForm(d.Format) {
		v.Request.Body, _ = json.Marshal(d.Payload) // a string always encodes
	}
	if n := len(tries); n > 0 {
		v.Response = &DeliveryAnswer{Try: tries[n-1]}
		set(&v.Response.Body, d.Response)
	}
	return v, err
}

// maxDeliveries is the longest page of deliveries, whose bodies are large.
const maxDeliveries = 200

// DeliveryFilter selects deliveries.
type DeliveryFilter struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"The most entries to return; 200 at most."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The next_cursor of the previous page."`
	State  string `query:"state" enum:"pending,delivered,failed"`
}

// Deliveries lists the deliveries of a webhook, newest event first.
func (s *Service) Deliveries(ctx context.Context, who Actor, id int64, in DeliveryFilter) (Page[*Delivery], error) {
	out := Page[*Delivery]{Data: []*Delivery{}}
	w, err := s.Store.Webhook(ctx, who.Account, id)
	if err != nil {
		return out, err
	}
	ds, next, err := s.Store.Deliveries(ctx, w.ID, slices.Index(deliveryStates, in.State), in.Cursor, min(in.Limit, maxDeliveries))
	if err != nil {
		return out, err
	}
	out.Next = next
	for i := range ds {
		v, err := viewDelivery(w.URL, w.Enabled, &ds[i])
		if err != nil {
			return out, err
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

// DeliveriesOfMessage lists the deliveries of a message's events, oldest first.
func (s *Service) DeliveriesOfMessage(ctx context.Context, who Actor, message dispatch.ID) (Page[*Delivery], error) {
	out := Page[*Delivery]{Data: []*Delivery{}}
	ds, err := s.Store.OfMessage(ctx, who.Account, message)
	if err != nil {
		return out, err
	}
	for i := range ds {
		v, err := viewDelivery(*ds[i].URL, true, &ds[i])
		if err != nil {
			return out, err
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

// QueuedDelivery names a delivery that was queued.
type QueuedDelivery struct {
	ID dispatch.ID `json:"delivery_id"`
}

// serving returns a webhook that is enabled, and dispatch.Conflict if it is not:
// nothing would be sent.
func serving(ctx context.Context, r webhookReader, account, id int64) (*hookstore.Endpoint, error) {
	w, err := r.Webhook(ctx, account, id)
	if err == nil && !w.Enabled {
		err = dispatch.Errorf(dispatch.Conflict, "the webhook is disabled; enable it first")
	}
	return &w, err
}

// webhookReader reads webhooks; Store and Tx do.
type webhookReader interface {
	Webhook(ctx context.Context, account, id int64) (hookstore.Endpoint, error)
}

// TestWebhook sends a test event to a webhook.
func (s *Service) TestWebhook(ctx context.Context, who Actor, id int64) (*QueuedDelivery, error) {
	w, err := serving(ctx, s.Store, who.Account, id)
	if err != nil {
		return nil, err
	}
	a, err := s.Store.Account(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	delivery, err := s.Store.TestDelivery(ctx, w, webhook.TestPayload(w.Format, a.SID, time.Now().Truncate(time.Microsecond)))
	return &QueuedDelivery{delivery}, err
}

// ReplayDelivery sends one event again: the same id, the same body.
func (s *Service) ReplayDelivery(ctx context.Context, who Actor, id int64, delivery string) (*QueuedDelivery, error) {
	queued := &QueuedDelivery{}
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		w, err := serving(ctx, tx, who.Account, id)
		if err != nil {
			return n, err
		}
		if queued.ID, err = uuid.Parse(delivery); err != nil {
			return n, errNotFound()
		}
		return note{"webhook.replay", target("webhook", w.ID), queued}, tx.ReplayDelivery(ctx, w.ID, queued.ID)
	})
	return queued, err
}

// maxReplay is the longest range of a replay.
const maxReplay = 31 * 24 * time.Hour

// Replay is the input of ReplayWebhook.
type Replay struct {
	From *time.Time `json:"from,omitempty" doc:"At most 31 days before to."`
	To   *time.Time `json:"to,omitempty" doc:"Now if left out."`
}

// Required lists the required fields.
func (*Replay) Required() []string { return []string{"from"} }

// Replayed is the range of a replay.
type Replayed struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// span returns the range in UTC.
func (in *Replay) span(now time.Time) (Replayed, error) {
	if err := input.Check(in).Err(); err != nil {
		return Replayed{}, err
	}
	r := Replayed{From: in.From.UTC(), To: now.UTC()}
	if in.To != nil && in.To.Before(now) {
		r.To = in.To.UTC()
	}
	var f dispatch.Faults
	switch {
	case !r.From.Before(r.To):
		f.AddWith([]string{"/to"}, "/from", "must be before to and not in the future")
	case r.To.Sub(r.From) > maxReplay:
		f.AddWith([]string{"/to"}, "/from", "must be at most 31 days before to")
	}
	return r, f.Err()
}

// ReplayWebhook sends the events of a time range again, in the background: those
// that the webhook's filter selects now, whether they were delivered, given up,
// or never tried because the webhook was disabled. It returns dispatch.Conflict
// while another replay of the webhook is running.
func (s *Service) ReplayWebhook(ctx context.Context, who Actor, id int64, in Replay) (*Replayed, error) {
	var r Replayed
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		w, err := serving(ctx, tx, who.Account, id)
		if err != nil {
			return n, err
		}
		if r, err = in.span(time.Now().Truncate(time.Microsecond)); err != nil {
			return n, err
		}
		return note{"webhook.replay", target("webhook", w.ID), r}, tx.ReplayWebhook(ctx, w.ID, r.From, r.To)
	})
	return &r, err
}
