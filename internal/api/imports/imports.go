// Package imports serves imports of files, and the files that we write: bodies
// in both directions are streamed.
package imports

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/audience"
)

// Handler serves the routes.
type Handler struct {
	imports *imports.Service
	limits  middleware.Limits
}

// New returns a Handler.
func New(s *imports.Service, limits middleware.Limits) *Handler { return &Handler{s, limits} }

// Mount adds the routes to a group whose requests are authenticated.
func (h *Handler) Mount(v1 *echo.Group) {
	v1.POST("/imports", h.create)
	v1.GET("/imports", h.list)
	v1.GET("/imports/:id", h.one(h.get))
	v1.PUT("/imports/:id", h.one(h.put))
	v1.DELETE("/imports/:id", h.one(h.act(h.imports.Undo)))
	v1.POST("/imports/:id/finish", h.one(h.act(func(ctx context.Context, who admin.Actor, id int64) (*imports.Import, error) {
		return h.imports.Finish(ctx, who, id, "")
	})))
	v1.POST("/imports/:id/continue", h.one(h.act(h.imports.Continue)))
	v1.GET("/imports/:id/errors.csv", h.one(h.errors))
	v1.GET("/contacts.csv", h.contacts)
	v1.GET("/lists/:id/contacts.csv", h.contacts)
	v1.GET("/suppressions.csv", h.suppressions)
}

func actor(c echo.Context) admin.Actor { return manage.Actor(middleware.Caller(c)) }

// mayAll reports whether the caller works with imports of every kind.
func mayAll(c echo.Context) bool {
	who := middleware.Caller(c)
	return who.Require("manage") == nil || manage.RoleMay(c, who)
}

// allow spends a request from the limits and checks that the key may work with
// imports of a kind; a test key changes none.
func (h *Handler) allow(c echo.Context, kind string) error {
	who := middleware.Caller(c)
	if err := h.limits.Spend(c, who, 1, true); err != nil {
		return err
	}
	if err := manage.TestKeyMay(c, who); err != nil {
		return err
	}
	return may(c, kind)
}

func may(c echo.Context, kind string) error {
	if mayAll(c) {
		return nil
	}
	if kind == audience.Audience {
		return middleware.Caller(c).Require("send_template")
	}
	return middleware.Caller(c).Require("manage")
}

// one serves a route of one import that the key may work with.
func (h *Handler) one(serve func(echo.Context, *imports.Import) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := h.allow(c, audience.Audience); err != nil { // whoever may work with no import learns of none
			return err
		}
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil || id < 1 {
			return dispatch.ErrNotFound
		}
		i, err := h.imports.Get(c.Request().Context(), actor(c), id)
		if err != nil {
			return middleware.ReadError(err)
		}
		if err := may(c, i.Kind); err != nil {
			return err
		}
		return serve(c, i)
	}
}

func (h *Handler) get(c echo.Context, i *imports.Import) error { return c.JSON(http.StatusOK, i) }

// act serves a change of an import: it is completed even if the client hangs up.
func (h *Handler) act(
	f func(ctx context.Context, who admin.Actor, id int64) (*imports.Import, error),
) func(echo.Context, *imports.Import) error {
	return func(c echo.Context, i *imports.Import) error {
		changed, err := f(context.WithoutCancel(c.Request().Context()), actor(c), i.ID)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, changed)
	}
}

func (h *Handler) list(c echo.Context) error {
	in := imports.Filter{Kind: c.QueryParam("kind"), Status: c.QueryParam("status")}
	var faults dispatch.Faults
	in.Limit = middleware.Limit(c.QueryParams(), &faults)
	if err := faults.Err(); err != nil {
		return err
	}
	in.Cursor = c.QueryParam("cursor")
	if !mayAll(c) {
		in.Kind = audience.Audience
	}
	if err := h.allow(c, in.Kind); err != nil {
		return err
	}
	page, err := h.imports.List(c.Request().Context(), actor(c), in)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, page)
}

// errors, contacts and suppressions stream CSV.
func (h *Handler) errors(c echo.Context, i *imports.Import) error {
	return middleware.CSV(c, "import-"+strconv.FormatInt(i.ID, 10)+"-errors", func(ctx context.Context, w io.Writer) error {
		return h.imports.Errors(ctx, actor(c), i.ID, w)
	})
}

func (h *Handler) contacts(c echo.Context) error {
	if err := h.view(c); err != nil {
		return err
	}
	list, name := int64(0), "contacts"
	if id := c.Param("id"); id != "" {
		var err error
		if list, err = strconv.ParseInt(id, 10, 64); err != nil || list < 1 {
			return dispatch.ErrNotFound
		}
		name = "list-" + id
	}
	return middleware.CSV(c, name, func(ctx context.Context, w io.Writer) error { return h.imports.Contacts(ctx, actor(c), list, w) })
}

func (h *Handler) suppressions(c echo.Context) error {
	if err := h.view(c); err != nil {
		return err
	}
	return middleware.CSV(c, "suppressions", func(ctx context.Context, w io.Writer) error { return h.imports.Suppressions(ctx, actor(c), w) })
}

func (h *Handler) view(c echo.Context) error {
	who := middleware.Caller(c)
	if err := h.limits.Spend(c, who, 1, true); err != nil {
		return err
	}
	if mayAll(c) {
		return nil
	}
	return who.Require("view_messages")
}
