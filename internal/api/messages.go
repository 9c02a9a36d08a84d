package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store"
)

// receiptBody is the answer to an accepted message.
type receiptBody struct {
	ID        dispatch.ID     `json:"message_id,omitzero"`
	Status    string          `json:"status"`
	To        string          `json:"to"`
	Channel   int64           `json:"channel_id"`
	SendAt    *time.Time      `json:"send_at,omitempty"`
	CreatedAt *time.Time      `json:"created_at,omitempty"`
	WouldSend json.RawMessage `json:"would_send,omitempty"`
	Segments  int             `json:"segments,omitempty"`
	Price     json.Number     `json:"price,omitempty"`
}

func newReceiptBody(r *dispatch.Receipt) receiptBody {
	b := receiptBody{ID: r.ID, Status: r.Status.String(), To: r.To, Channel: r.Channel, WouldSend: r.WouldSend, Segments: r.Segments}
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

// postMessage accepts one message.
func (s *Server) postMessage(c echo.Context) error {
	began := time.Now()
	draft, err := readMessage(c)
	if err != nil {
		return s.limits.SpendRefused(c, middleware.Caller(c), err)
	}
	receipts, err := s.send(c, middleware.Caller(c), []dispatch.Draft{draft})
	if err != nil {
		return err
	}
	b := newReceiptBody(&receipts[0])
	status := http.StatusOK
	if receipts[0].Status != dispatch.Simulated {
		status = http.StatusAccepted
		c.Response().Header().Set(echo.HeaderLocation, "/v1/messages/"+b.ID.String())
	}
	s.Observer.AcceptTime(time.Since(began))
	return c.JSON(status, b)
}

// readMessage reads a request's one message.
func readMessage(c echo.Context) (dispatch.Draft, error) {
	if err := middleware.RequireJSON(c); err != nil {
		return dispatch.Draft{}, err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return dispatch.Draft{}, err
	}
	return native.Decode(body)
}

// view reads one message of the caller's account.
func (s *Server) view(ctx context.Context, account int64, id dispatch.ID) (*dispatch.View, error) {
	v, err := s.views.Do(ctx, id)
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	if v == nil || v.Account != account {
		return nil, dispatch.ErrNotFound
	}
	return v, nil
}

// readViews serves concurrent readers with one query.
func (s *Server) readViews(ctx context.Context, ids []dispatch.ID) ([]*dispatch.View, error) {
	vs, err := s.Store.Views(ctx, ids)
	if err != nil {
		return nil, err
	}
	by := make(map[dispatch.ID]*dispatch.View, len(vs))
	for i := range vs {
		by[vs[i].ID] = &vs[i]
	}
	out := make([]*dispatch.View, len(ids))
	for i, id := range ids {
		out[i] = by[id]
	}
	return out, nil
}

func pathID(c echo.Context) (dispatch.ID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return id, dispatch.ErrNotFound
	}
	return id, nil
}

// getMessage shows one message; with ?wait it answers at the next change.
func (s *Server) getMessage(c echo.Context) error {
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
	v, err := s.await(c, id, wait)
	if err != nil {
		return err
	}
	tag := etag(v)
	c.Response().Header().Set("ETag", tag)
	if matches(c, tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(http.StatusOK, v)
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

// postStatus answers pollers: up to 1,000 ids at once.
func (s *Server) postStatus(c echo.Context) error {
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	var req struct {
		IDs []string `json:"ids"`
	}
	if err := native.Strict(body, &req); err != nil {
		return err
	}
	if len(req.IDs) == 0 || len(req.IDs) > 1000 {
		return dispatch.InvalidField("/ids", "must hold 1 to 1000 ids, has %d", len(req.IDs))
	}
	ids := make([]dispatch.ID, 0, len(req.IDs))
	for i, t := range req.IDs {
		id, err := uuid.Parse(t)
		if err != nil {
			return dispatch.InvalidField(fmt.Sprintf("/ids/%d", i), "is not a message id")
		}
		ids = append(ids, id)
	}
	vs, err := s.Store.Views(c.Request().Context(), ids)
	if err != nil {
		return middleware.ReadError(err)
	}
	by := make(map[dispatch.ID]*dispatch.View, len(vs))
	for i := range vs {
		by[vs[i].ID] = &vs[i]
	}
	out := make([]store.Brief, 0, len(vs))
	for _, id := range ids {
		if v := by[id]; v != nil && v.Account == middleware.Caller(c).Account.ID {
			out = append(out, store.Brief{ID: v.ID, Status: v.StatusName, MaybeSent: v.MaybeSent, UpdatedAt: v.UpdatedAt})
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"messages": out})
}

// listMessages lists messages, newest first.
func (s *Server) listMessages(c echo.Context) error {
	f, err := filter(c)
	if err != nil {
		return err
	}
	page, err := s.Store.ListMessages(c.Request().Context(), middleware.Caller(c).Account.ID, f)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, middleware.List[dispatch.View]{Data: page.Views, Next: page.Next})
}

func filter(c echo.Context) (dispatch.Filter, error) {
	f := dispatch.Filter{Reference: c.QueryParam("reference"), Type: dispatch.Type(c.QueryParam("type")), Search: c.QueryParam("search"), Cursor: c.QueryParam("cursor"), Limit: 50}
	var faults dispatch.Faults
	if q := c.QueryParam("status"); q != "" {
		st, ok := dispatch.ParseStatus(q)
		if !ok {
			faults.Add("/status", "there is no status %q", q)
		}
		f.Status = st
	}
	if q := c.QueryParam("to"); q != "" {
		to, err := dispatch.ParsePhone(strings.Replace(q, " ", "+", 1))
		if err != nil {
			faults.Add("/to", "is not a phone number")
		}
		f.To = to
	}
	whole := func(name string, into func(int64)) {
		if q := c.QueryParam(name); q != "" {
			n, err := strconv.ParseInt(q, 10, 64)
			if err != nil || n < 1 {
				faults.Add("/"+name, "must be a positive whole number")
				return
			}
			into(n)
		}
	}
	whole("channel", func(n int64) { f.Channel = n })
	whole("campaign", func(n int64) { f.Campaign = n })
	whole("limit", func(n int64) { f.Limit = int(min(n, 1000)) })
	for name, into := range map[string]*time.Time{"created_from": &f.CreatedFrom, "created_to": &f.CreatedTo} {
		if q := c.QueryParam(name); q != "" {
			t, err := time.Parse(time.RFC3339, strings.Replace(q, " ", "+", 1))
			if err != nil {
				faults.Add("/"+name, "is not a time like 2026-01-02T15:04:05Z")
			}
			*into = t
		}
	}
	return f, faults.Err()
}

// getTimeline shows every event and provider call of a message.
func (s *Server) getTimeline(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if _, err := s.view(c.Request().Context(), middleware.Caller(c).Account.ID, id); err != nil {
		return err
	}
	evs, err := s.Store.Timeline(c.Request().Context(), id)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, middleware.List[store.TimelineEvent]{Data: evs})
}

// cancelMessage ends a message before its next call.
func (s *Server) cancelMessage(c echo.Context) error {
	v, err := s.changeable(c)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	done, err := s.Store.Cancel(ctx, v.ID)
	if err != nil {
		return middleware.ReadError(err)
	}
	if v, err = s.view(ctx, middleware.Caller(c).Account.ID, v.ID); err != nil {
		return err
	}
	if !done && v.Status != dispatch.Cancelled {
		return &dispatch.Error{Code: dispatch.Conflict, Msg: "the message is " + v.StatusName + " and can no longer be cancelled", Detail: map[string]string{"status": v.StatusName}}
	}
	return c.JSON(http.StatusOK, v)
}

// changeable reads the message of a route that changes one: the caller must be
// allowed to send what it carries.
func (s *Server) changeable(c echo.Context) (*dispatch.View, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	who := middleware.Caller(c)
	v, err := s.view(c.Request().Context(), who.Account.ID, id)
	if err != nil {
		return nil, err
	}
	if err := who.Require(v.Type.Permission()); err != nil {
		return nil, err
	}
	return v, s.limits.Spend(c, who, 1, true)
}

// patchMessage changes a scheduled message: content, send_at, to.
func (s *Server) patchMessage(c echo.Context) error {
	v, err := s.changeable(c)
	if err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	done, err := s.Accept.Change(ctx, middleware.Caller(c), v, body)
	if err != nil {
		return middleware.ReadError(err)
	}
	if v, err = s.view(ctx, middleware.Caller(c).Account.ID, v.ID); err != nil {
		return err
	}
	if !done {
		return &dispatch.Error{Code: dispatch.Conflict, Msg: "the message is " + v.StatusName + ": only a scheduled one can be changed", Detail: map[string]string{"status": v.StatusName}}
	}
	return c.JSON(http.StatusOK, v)
}

// reader is what dialects may read.
type reader struct{ s *Server }

// Message reads one message of the account.
func (r reader) Message(ctx context.Context, account int64, id dispatch.ID) (dispatch.View, error) {
	v, err := r.s.view(ctx, account, id)
	if err != nil {
		return dispatch.View{}, err
	}
	return *v, nil
}

// Messages lists messages of the account.
func (r reader) Messages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error) {
	p, err := r.s.Store.ListMessages(ctx, account, f)
	return p, middleware.ReadError(err)
}

// Templates lists the account's templates.
func (r reader) Templates(ctx context.Context, account int64) ([]template.Template, error) {
	ts, err := r.s.Registry.Templates(ctx, account)
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	return ts.All, nil
}

// Users lists the account's team.
func (r reader) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	us, err := r.s.Registry.Users(ctx, account)
	return us, middleware.ReadError(err)
}
