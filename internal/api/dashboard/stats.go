package dashboard

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// stats returns the figures of the overview.
func (h *Handler) stats(c echo.Context) error {
	if h.Stats == nil {
		return dispatch.ErrNotFound
	}
	st, err := h.Stats.Stats(c.Request().Context(), manage.Actor(middleware.Caller(c)), cmp.Or(c.QueryParam("range"), "hour"))
	if err != nil {
		return readable(err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, st)
}
