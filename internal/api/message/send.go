package message

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Sender is the pipeline of every request that sends messages: idempotency,
// limits, permissions, accept.
type Sender struct {
	accept Once
	limits middleware.Limits
}

// Once accepts the drafts of one request.
type Once interface {
	Once(ctx context.Context, who *accept.Caller, key string, drafts []dispatch.Draft) (
		held []dispatch.Draft, first []dispatch.Receipt, release func(), err error,
	)
	AllOrNone(ctx context.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error)
}

// NewSender returns a Sender.
func NewSender(o Once, l middleware.Limits) *Sender { return &Sender{accept: o, limits: l} }

// replayedHeader marks an answer that repeats that of an earlier request with
// the same Idempotency-Key.
const replayedHeader = "Idempotent-Replayed"

// Send accepts all drafts of a request or none, whatever the request's format. A
// repeated Idempotency-Key returns the first receipts before anything else is
// checked.
func (s *Sender) Send(c echo.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if middleware.Simulated(c.Request().Context()) {
		for i := range drafts {
			drafts[i].Simulate = true
		}
	}
	key, err := idempotencyKey(c.Request())
	if err != nil {
		return nil, s.limits.SpendRefused(c, who, err)
	}
	if key == "" {
		return s.sendNew(c, who, drafts)
	}
	drafts, first, release, err := s.accept.Once(c.Request().Context(), who, key, drafts)
	defer release()
	if first == nil && err == nil {
		return s.sendNew(c, who, drafts)
	}
	if limited := s.limits.SpendRepeat(c, who); limited != nil {
		return nil, limited
	}
	if err == nil {
		c.Response().Header().Set(replayedHeader, "true")
		middleware.Names(c, first[0].ID)
	}
	return first, err
}

// sendNew accepts drafts that were not accepted before: it spends limits,
// checks permissions and accepts. What is simulated or refused does not count
// against the day.
func (s *Sender) sendNew(c echo.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if simulated(drafts) {
		if err := s.limits.SpendWithoutDay(c, who, len(drafts)); err != nil {
			return nil, err
		}
		return s.permitted(c, who, drafts)
	}
	day, err := s.limits.SpendMessages(c, who, len(drafts))
	if err != nil {
		return nil, err
	}
	receipts, err := s.permitted(c, who, drafts)
	if err != nil {
		return nil, s.limits.Refuse(c, who, len(drafts), day, err)
	}
	if len(receipts) > 0 {
		middleware.Names(c, receipts[0].ID)
		if receipts[0].Replayed { // of two at once, in two processes
			c.Response().Header().Set(replayedHeader, "true")
		}
	}
	return receipts, nil
}

// permitted accepts drafts if the key has the permissions for them.
func (s *Sender) permitted(c echo.Context, who *accept.Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if err := who.RequireFor(drafts); err != nil {
		return nil, err
	}
	return s.accept.AllOrNone(c.Request().Context(), who, drafts)
}

// simulated reports whether all drafts are simulations.
func simulated(drafts []dispatch.Draft) bool {
	for i := range drafts {
		if !drafts[i].Simulate {
			return false
		}
	}
	return true
}

// idempotencyKey returns the Idempotency-Key header (IETF
// draft-ietf-httpapi-idempotency-key-header), of at most 255 visible characters.
// An empty one is refused: its client believes to be safe and is not.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" && len(r.Header.Values("Idempotency-Key")) > 0 {
		return "", dispatch.Errorf(dispatch.Malformed, "Idempotency-Key must not be empty; leave the header out or send a key")
	}
	if len(key) > 255 || !middleware.VisibleASCII(key) {
		return "", dispatch.Errorf(dispatch.Malformed, "Idempotency-Key must have at most 255 visible ASCII characters")
	}
	return key, nil
}
