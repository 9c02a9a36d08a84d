package message

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Cancel cancels a message before its next call of the provider.
func (h *Handler) Cancel(c echo.Context) error {
	v, err := h.changeable(c)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	done, err := h.Store.Cancel(ctx, v.ID)
	if err != nil {
		return middleware.ReadError(err)
	}
	if v, err = h.Views.Of(ctx, middleware.Caller(c).Account.ID, v.ID); err != nil {
		return err
	}
	if !done && v.Status != dispatch.Cancelled {
		return conflict(v, "and can no longer be cancelled")
	}
	return c.JSON(http.StatusOK, v)
}

// conflict returns the refusal of a change that comes too late.
func conflict(v *dispatch.View, why string) error {
	return &dispatch.Error{
		Code: dispatch.Conflict, Msg: "the message is " + v.StatusName + " " + why, Detail: map[string]string{"status": v.StatusName},
	}
}

// changeable returns the message that a route changes. The caller must be allowed
// to send its content.
func (h *Handler) changeable(c echo.Context) (*dispatch.View, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	who := middleware.Caller(c)
	if err := h.Limits.Spend(c, who, 1, true); err != nil {
		return nil, err // before the look-up: unknown ids count too
	}
	v, err := h.Views.For(c.Request().Context(), who, id)
	if err != nil {
		return nil, err
	}
	if err := who.Require(v.Type.Permission()); err != nil {
		return nil, err
	}
	return v, nil
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
