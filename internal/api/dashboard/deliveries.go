package dashboard

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/middleware"
)

// deliveries lists the webhook deliveries of a message's events.
func (h *Handler) deliveries(c echo.Context) error {
	v, err := h.own(c)
	if err != nil {
		return err
	}
	page, err := h.Admin.DeliveriesOfMessage(c.Request().Context(), manage.Actor(middleware.Caller(c)), v.ID)
	if err != nil {
		return readable(err)
	}
	return c.JSON(http.StatusOK, page)
}
