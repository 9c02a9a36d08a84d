// Package message serves the routes of messages: send, batch, read, wait, cancel
// and update. It also holds the pipeline through which every request sends,
// whatever its format.
package message

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store"
)

// Handler serves the routes of messages.
type Handler struct{ Options }

// Options are what a Handler needs.
type Options struct {
	Auth     *middleware.Auth
	Limits   middleware.Limits
	Sender   *Sender
	Views    *Views
	Store    Store
	Accept   Accepter
	Changes  Changes
	Gates    Gates
	Observer Observer
	Log      *slog.Logger
	// FindChannel returns the channel of an account with an id or key.
	FindChannel func(ctx context.Context, account int64, name string) (*dispatch.Channel, error)
}

// Store reads and cancels messages.
type Store interface {
	Briefs(ctx context.Context, ids []dispatch.ID) ([]store.Brief, error)
	ListMessages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error)
	Timeline(ctx context.Context, id dispatch.ID) ([]store.TimelineEvent, error)
	Cancel(ctx context.Context, id dispatch.ID) (bool, error)
	// Redact and Delete return false for a message that is not finished.
	Redact(ctx context.Context, id dispatch.ID) (bool, error)
	Delete(ctx context.Context, id dispatch.ID) (bool, error)
}

// Accepter accepts pages of a batch and changes scheduled messages.
type Accepter interface {
	Hold(ctx context.Context, who *accept.Caller, drafts []dispatch.Draft, wait time.Duration) (
		held []dispatch.Draft, answers []*dispatch.Receipt, release func(),
	)
	Accept(ctx context.Context, who *accept.Caller, drafts []dispatch.Draft, wait time.Duration) []dispatch.Receipt
	Change(ctx context.Context, who *accept.Caller, v *dispatch.View, body []byte) (bool, error)
}

// Observer measures how long accepting takes.
type Observer interface{ AcceptTime(took time.Duration) }

// New returns a Handler.
func New(o Options) *Handler { return &Handler{o} }

// receiptBody is the response to an accepted message.
type receiptBody struct {
	ID        dispatch.ID     `json:"message_id,omitzero"`
	Status    string          `json:"status"`
	To        dispatch.Number `json:"to" nullable:"true"`
	UserID    string          `json:"user_id,omitempty" doc:"The recipient, if it is a user id."`
	Channel   int64           `json:"channel_id"`
	SendAt    *time.Time      `json:"send_at,omitempty"`
	CreatedAt *time.Time      `json:"created_at,omitempty"`
	WouldSend json.RawMessage `json:"would_send,omitempty"`
	Segments  int             `json:"segments,omitempty"`
	Price     json.Number     `json:"price,omitempty"`
}

func newReceiptBody(r *dispatch.Receipt) receiptBody {
	b := receiptBody{
		ID: r.ID, Status: r.Status.String(), To: dispatch.Number(r.To), Channel: r.Channel,
		WouldSend: r.WouldSend, Segments: r.Segments,
	}
	if person.IsUserID(r.To) {
		b.To, b.UserID = "", r.To
	}
	if !r.SendAt.IsZero() {
		t := r.SendAt.UTC()
		b.SendAt = &t
	}
	if !r.CreatedAt.IsZero() {
		t := r.CreatedAt.UTC()
		b.CreatedAt = &t
	}
	if r.Price != 0 {
		b.Price = store.Credits(r.Price)
	}
	return b
}

// json returns b as JSON. The answer to nearly every message is written by hand,
// as encoding/json would.
func (b *receiptBody) json() []byte {
	if b.ID == dispatch.NoID || b.To == "" || b.UserID != "" || b.SendAt != nil || b.CreatedAt == nil || b.WouldSend != nil {
		out, _ := json.Marshal(b) // plain values
		return append(out, '\n')
	}
	out := make([]byte, 0, 256)
	out = append(append(append(out, `{"message_id":"`...), b.ID.String()...), `","status":"`...)
	out = append(append(append(out, b.Status...), `","to":"`...), b.To...)
	out = strconv.AppendInt(append(out, `","channel_id":`...), b.Channel, 10)
	out = b.CreatedAt.AppendFormat(append(out, `,"created_at":"`...), time.RFC3339Nano)
	out = append(out, '"')
	if b.Segments != 0 {
		out = strconv.AppendInt(append(out, `,"segments":`...), int64(b.Segments), 10)
	}
	if b.Price != "" {
		out = append(append(out, `,"price":`...), b.Price...)
	}
	return append(out, "}\n"...)
}

// Post accepts one message.
func (h *Handler) Post(c echo.Context) error {
	began := time.Now()
	draft, err := readMessage(c)
	if err != nil {
		return h.Limits.SpendRefused(c, middleware.Caller(c), err)
	}
	receipts, err := h.Sender.Send(c, middleware.Caller(c), []dispatch.Draft{draft})
	if err != nil {
		return err
	}
	b := newReceiptBody(&receipts[0])
	status := http.StatusOK
	if receipts[0].Status != dispatch.Simulated {
		status = http.StatusAccepted
		c.Response().Header().Set(echo.HeaderLocation, "/v1/messages/"+b.ID.String())
	}
	h.Observer.AcceptTime(time.Since(began))
	return c.JSONBlob(status, b.json())
}

// readMessage decodes the message of a request.
func readMessage(c echo.Context) (dispatch.Draft, error) {
	if err := middleware.RequireJSON(c); err != nil {
		return dispatch.Draft{}, err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return dispatch.Draft{}, err
	}
	return native.Read(body)
}
