package message

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// maxCancel is how many messages a request may cancel.
const maxCancel = 1000

// cancelMany is the body of CancelMany: ids or a reference.
type cancelMany struct {
	IDs       []string `json:"ids"`
	Reference string   `json:"reference"`
}

// cancelResult is what became of one message.
type cancelResult struct {
	ID        string `json:"message_id"`
	Status    string `json:"status,omitempty"`
	Cancelled bool   `json:"cancelled"`
	Code      string `json:"code,omitempty"` // of one that is not found
}

// cancelAnswer is the answer to CancelMany.
type cancelAnswer struct {
	Cancelled int            `json:"cancelled"`
	Results   []cancelResult `json:"results"`
}

// CancelMany cancels up to a thousand messages before their next call, by their
// ids or by their reference. Messages that can no longer be cancelled stay as
// they are.
func (h *Handler) CancelMany(c echo.Context) error {
	who := middleware.Caller(c)
	if err := maySend(who); err != nil {
		return err
	}
	in, err := readCancelMany(c)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	ids, err := h.named(ctx, who.Account.ID, in)
	if err != nil {
		return err
	}
	if err := h.Limits.Spend(c, who, 1, true); err != nil {
		return err
	}
	results := make([]cancelResult, len(ids))
	n := 0
	for i, id := range ids {
		if results[i], err = h.cancelOne(c, ctx, id); err != nil {
			return err
		}
		if results[i].Cancelled {
			n++
		}
	}
	return c.JSON(http.StatusOK, cancelAnswer{n, results})
}

// readCancelMany returns the body, of which every fault is told.
func readCancelMany(c echo.Context) (cancelMany, error) {
	var in cancelMany
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return in, err
	}
	found, err := native.Fill(body, &in)
	if err != nil {
		return in, err
	}
	var faults dispatch.Faults
	switch {
	case (len(in.IDs) > 0) == (in.Reference != ""):
		faults.AddWith([]string{"/reference"}, "/ids", "give ids or reference")
	case len(in.IDs) > maxCancel:
		faults.AddWith([]string{}, "/ids", "has %d ids, at most %d are allowed", len(in.IDs), maxCancel)
	}
	_, wrong := messageIDs(in.IDs)
	return in, slices.Concat(found, append(faults, wrong...).Apart(found)).Err()
}

// maxWrong is the number of faults after which no more of a list's are told.
const maxWrong = 100

// messageIDs returns the ids of messages in texts, and a fault for each that is none.
func messageIDs(texts []string) (ids []dispatch.ID, faults dispatch.Faults) {
	ids = make([]dispatch.ID, 0, len(texts))
	for i, text := range texts {
		id, err := uuid.Parse(text)
		if err != nil && len(faults) < maxWrong {
			faults.Add("/ids/"+strconv.Itoa(i), "is not a message id")
		}
		ids = append(ids, id)
	}
	return ids, faults
}

// named returns the messages that a request names.
func (h *Handler) named(ctx context.Context, account int64, in cancelMany) ([]dispatch.ID, error) {
	if in.Reference == "" {
		ids, faults := messageIDs(in.IDs)
		return ids, faults.Err()
	}
	var ids []dispatch.ID
	page, err := h.Store.ListMessages(ctx, account, dispatch.Filter{Reference: in.Reference, Limit: maxCancel})
	for i := range page.Views {
		ids = append(ids, page.Views[i].ID)
	}
	return ids, middleware.ReadError(err)
}

// cancelOne cancels one message that the caller may send.
func (h *Handler) cancelOne(c echo.Context, ctx context.Context, id dispatch.ID) (cancelResult, error) {
	who := middleware.Caller(c)
	r := cancelResult{ID: id.String()}
	v, err := h.Views.For(ctx, who, id)
	if err == nil {
		err = who.Require(v.Type.Permission())
	}
	switch code := dispatch.CodeOf(err); {
	case err != nil && (code == dispatch.NotFound || code == dispatch.Forbidden):
		r.Code = string(code)
		return r, nil
	case err != nil:
		return r, err
	}
	done, err := h.Store.Cancel(ctx, id)
	if err != nil {
		return r, middleware.ReadError(err)
	}
	if v, err = h.Views.Of(ctx, who.Account.ID, id); err != nil {
		return r, err
	}
	r.Status, r.Cancelled = v.StatusName, done || v.Status == dispatch.Cancelled
	return r, nil
}
