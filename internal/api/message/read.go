package message

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store"
)

func pathID(c echo.Context) (dispatch.ID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return id, dispatch.ErrNotFound
	}
	middleware.Names(c, id)
	return id, nil
}

// Get returns one message; with ?wait it answers at the next change, with
// &status at that status.
func (h *Handler) Get(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	wait, err := waitSeconds(c)
	if err != nil {
		return err
	}
	if wait > 0 {
		middleware.Waits(c)
	}
	least, err := leastStatus(c)
	if err != nil {
		return err
	}
	v, err := h.await(c, id, wait, least)
	if err != nil {
		return err
	}
	tag := etag(v)
	c.Response().Header().Set("ETag", tag)
	if matches(c, tag) {
		return c.NoContent(http.StatusNotModified)
	}
	if v.Status.Finished() {
		return c.JSON(http.StatusOK, v)
	}
	out := *v // shared with concurrent readers
	h.Gates.Explain(c.Request().Context(), &out)
	return c.JSON(http.StatusOK, &out)
}

func etag(v *dispatch.View) string { return fmt.Sprintf(`"%d-%d"`, v.Version, v.Attempts) }

func matches(c echo.Context, tag string) bool {
	for t := range strings.SplitSeq(c.Request().Header.Get("If-None-Match"), ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// Statuses returns the statuses of up to 1,000 messages.
func (h *Handler) Statuses(c echo.Context) error {
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	var req struct {
		IDs []string `json:"ids"`
	}
	unread, err := native.Fill(body, &req)
	if err != nil {
		return err
	}
	ids, faults := messageIDs(req.IDs)
	if len(ids) == 0 || len(ids) > 1000 {
		faults.AddWith([]string{}, "/ids", "must hold 1 to 1000 ids, has %d", len(ids))
	}
	if err := slices.Concat(unread, faults.Apart(unread)).Err(); err != nil {
		return err
	}
	found, err := h.Store.Briefs(c.Request().Context(), ids)
	if err != nil {
		return middleware.ReadError(err)
	}
	by := make(map[dispatch.ID]*store.Brief, len(found))
	for i := range found {
		by[found[i].ID] = &found[i]
	}
	who := middleware.Caller(c)
	out := make([]store.Brief, 0, len(found))
	for _, id := range ids {
		if b := by[id]; b != nil && b.Account == who.Account.ID && who.RequireData(b.Test) == nil {
			out = append(out, *b)
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"messages": out})
}

// List returns messages, newest first.
func (h *Handler) List(c echo.Context) error {
	f, err := h.filter(c)
	if err != nil {
		return err
	}
	f.Test = middleware.Caller(c).Key.Test
	page, err := h.Store.ListMessages(c.Request().Context(), middleware.Caller(c).Account.ID, f)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, middleware.Page[dispatch.View]{Data: page.Views, Next: page.Next})
}

func (h *Handler) filter(c echo.Context) (dispatch.Filter, error) {
	f := dispatch.Filter{
		Reference: c.QueryParam("reference"), Type: dispatch.Type(c.QueryParam("type")), Search: strings.TrimSpace(c.QueryParam("search")),
		Code:   c.QueryParam("code"),
		Cursor: c.QueryParam("cursor"),
	}
	var faults dispatch.Faults
	if f.Type != "" && !slices.Contains(dispatch.Types, f.Type) {
		faults.Add("/type", "there is no type %q", f.Type)
	}
	for _, q := range c.QueryParams()["status"] {
		for name := range strings.SplitSeq(q, ",") {
			if st, ok := dispatch.ParseStatus(name); ok {
				f.Statuses = append(f.Statuses, st)
			} else if q != "" {
				faults.Add("/status", "there is no status %q", name)
			}
		}
	}
	if q := c.QueryParam("to"); q != "" {
		to, err := person.ParseQuery(q, middleware.Caller(c).Region())
		if err != nil {
			faults.Add("/to", "%s", dispatch.AsError(err).Msg)
		}
		f.To = to
	}
	switch order := c.QueryParam("order"); {
	case order == "":
	case order == "due" && len(f.Statuses) == 1 && f.Statuses[0] == dispatch.Scheduled:
		f.ByDue = true
	default:
		faults.Add("/order", "must be due, and go with status=scheduled")
	}
	q := c.QueryParams()
	f.Campaign = middleware.Whole(q, "campaign", &faults)
	f.Limit = middleware.Limit(q, &faults)
	f.CreatedFrom = middleware.Time(q.Get("created_from"), "created_from", &faults)
	f.CreatedTo = middleware.Time(q.Get("created_to"), "created_to", &faults)
	err := h.channel(c, &f, &faults)
	return f, cmp.Or(faults.Err(), err)
}

// channel sets the channel of f. An id is taken as it is, since a deleted channel's
// messages remain; a key, which begins with a letter, is looked up.
func (h *Handler) channel(c echo.Context, f *dispatch.Filter, faults *dispatch.Faults) error {
	q := c.QueryParams()
	if key := q.Get("channel"); key != "" && unicode.IsLetter(rune(key[0])) {
		ch, err := h.FindChannel(c.Request().Context(), middleware.Caller(c).Account.ID, key)
		if err == nil {
			f.Channel = ch.ID
		}
		return err
	}
	f.Channel = middleware.Whole(q, "channel", faults)
	return nil
}

// Timeline returns every event and provider call of a message.
func (h *Handler) Timeline(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if _, err := h.Views.For(c.Request().Context(), middleware.Caller(c), id); err != nil {
		return err
	}
	evs, err := h.Store.Timeline(c.Request().Context(), id)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, middleware.Page[store.TimelineEvent]{Data: evs})
}
