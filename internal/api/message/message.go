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
	"sync"
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

// appendReceipt appends the body of r as JSON. That of nearly every message is written by
// hand, as encoding/json would.
func appendReceipt(out []byte, r *dispatch.Receipt, id string) []byte {
	if r.ID == dispatch.NoID || r.To == "" || person.IsUserID(r.To) || !r.SendAt.IsZero() || r.CreatedAt.IsZero() || r.WouldSend != nil {
		body, _ := json.Marshal(newReceiptBody(r)) // plain values
		return append(append(out, body...), '\n')
	}
	out = append(append(append(out, `{"message_id":"`...), id...), `","status":"`...)
	out = append(append(append(out, r.Status.String()...), `","to":"`...), r.To...)
	out = strconv.AppendInt(append(out, `","channel_id":`...), r.Channel, 10)
	out = r.CreatedAt.UTC().AppendFormat(append(out, `,"created_at":"`...), time.RFC3339Nano)
	out = append(out, '"')
	if r.Segments != 0 {
		out = strconv.AppendInt(append(out, `,"segments":`...), int64(r.Segments), 10)
	}
	if r.Price != 0 {
		out = append(append(out, `,"price":`...), store.Credits(r.Price)...)
	}
	return append(out, "}\n"...)
}

// location is the path of a message before its id.
const location = "/v1/messages/"

// Answers of at most mostAnswer bytes are written in room that is used again.
const mostAnswer = 2 << 10

var answers = sync.Pool{New: func() any { return new([]byte) }}

// Post accepts one message.
func (h *Handler) Post(c echo.Context) error {
	began := time.Now()
	drafts := make([]dispatch.Draft, 1)
	err := readMessage(c, &drafts[0])
	if err != nil {
		return h.Limits.SpendRefused(c, middleware.Caller(c), err)
	}
	receipts, err := h.Sender.Send(c, middleware.Caller(c), drafts)
	if err != nil {
		return err
	}
	r, status := &receipts[0], http.StatusOK
	at := location + r.ID.String()
	if r.Status != dispatch.Simulated {
		status = http.StatusAccepted
		c.Response().Header()[echo.HeaderLocation] = []string{at}
	}
	h.Observer.AcceptTime(time.Since(began))
	room := answers.Get().(*[]byte)
	*room = appendReceipt((*room)[:0], r, at[len(location):])
	err = middleware.WriteJSONBlob(c, status, *room)
	if cap(*room) <= mostAnswer { // else it was a simulation's
		answers.Put(room)
	}
	return err
}

// readMessage decodes the message of a request.
func readMessage(c echo.Context, into *dispatch.Draft) error {
	if err := middleware.RequireJSON(c); err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	*into, err = native.Read(body)
	return err
}
