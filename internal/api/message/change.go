package message

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Cancel cancels a message before its next call of the provider.
func (h *Handler) Cancel(c echo.Context) error {
	v, err := h.changeable(c)
	if err != nil {
		return err
	}
	if v, err = h.cancel(c.Request().Context(), v); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

func (h *Handler) cancel(ctx context.Context, v *dispatch.View) (*dispatch.View, error) {
	ctx = context.WithoutCancel(ctx)
	done, err := h.Store.Cancel(ctx, v.ID)
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	if v, err = h.Views.Of(ctx, v.Account, v.ID); err != nil {
		return nil, err
	}
	if !done && v.Status != dispatch.Cancelled {
		return nil, conflict(v, "and can no longer be cancelled")
	}
	return v, nil
}

// CancelFor cancels a message of the caller.
func (h *Handler) CancelFor(ctx context.Context, who *accept.Caller, id dispatch.ID) (*dispatch.View, error) {
	v, err := h.owned(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return h.cancel(ctx, v)
}

// RedactFor blanks the content of a finished message of the caller.
func (h *Handler) RedactFor(ctx context.Context, who *accept.Caller, id dispatch.ID) (*dispatch.View, error) {
	v, err := h.owned(ctx, who, id)
	if err != nil {
		return nil, err
	}
	if done, err := h.Store.Redact(ctx, id); err != nil || !done {
		return nil, unfinished(v, err)
	}
	return h.Views.Of(ctx, who.Account.ID, id)
}

// DeleteFor deletes a finished message of the caller.
func (h *Handler) DeleteFor(ctx context.Context, who *accept.Caller, id dispatch.ID) error {
	v, err := h.owned(ctx, who, id)
	if err != nil {
		return err
	}
	if done, err := h.Store.Delete(ctx, id); err != nil || !done {
		return unfinished(v, err)
	}
	return nil
}

// unfinished returns err, or the refusal of a change that comes too early.
func unfinished(v *dispatch.View, err error) error {
	if err != nil {
		return middleware.ReadError(err)
	}
	e := conflict(v, "and not finished yet")
	e.Reason = "unfinished"
	return e
}

// owned returns a message of the caller, who must be allowed to send its content.
func (h *Handler) owned(ctx context.Context, who *accept.Caller, id dispatch.ID) (*dispatch.View, error) {
	v, err := h.Views.For(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return v, who.Require(v.Type.Permission())
}

// conflict returns the refusal of a change that comes too late.
func conflict(v *dispatch.View, why string) *dispatch.Error {
	return &dispatch.Error{
		Code: dispatch.Conflict, Msg: "the message is " + v.StatusName + " " + why, Detail: map[string]string{"status": v.StatusName},
	}
}

// changeable returns the message that a route changes. The caller must be allowed
// to send its content.
func (h *Handler) changeable(c echo.Context) (*dispatch.View, error) {
	who := middleware.Caller(c)
	if err := h.Limits.Spend(c, who, 1, true); err != nil {
		return nil, err // before the look-up: unknown ids count too
	}
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	return h.owned(c.Request().Context(), who, id)
}

// Patch changes a scheduled message: content, send_at, to.
func (h *Handler) Patch(c echo.Context) error {
	v, err := h.changeable(c)
	if err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	done, err := h.Accept.Change(ctx, middleware.Caller(c), v, body)
	if err != nil {
		return middleware.ReadError(err)
	}
	if v, err = h.Views.Of(ctx, middleware.Caller(c).Account.ID, v.ID); err != nil {
		return err
	}
	if !done {
		return conflict(v, "and can no longer be changed: only scheduled messages can")
	}
	return c.JSON(http.StatusOK, v)
}
