package manage

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/webhook"
)

// secretOverlap is how long the old secret signs beside a new one.
const secretOverlap = 24 * time.Hour

func (s *server) webhookRoutes(v1 *echo.Group) {
	g := v1.Group("/webhooks", s.Limits.Reads("manage"))
	g.POST("", s.createWebhook)
	g.GET("", s.listWebhooks)
	g.GET("/twilio-token", s.twilioToken)
	g.GET("/:id", s.getWebhook)
	g.PATCH("/:id", s.patchWebhook)
	g.DELETE("/:id", s.deleteWebhook)
	g.POST("/:id/enable", s.enableWebhook)
	g.POST("/:id/rotate", s.rotateWebhook)
	g.POST("/:id/test", s.testWebhook)
	g.POST("/:id/replay", s.replayWebhook)
	g.GET("/:id/deliveries", s.listDeliveries)
	g.POST("/:id/deliveries/:delivery/replay", s.replayDelivery)
}

// webhookFields are what may be said of an endpoint.
type webhookFields struct {
	URL         *string            `json:"url"`
	Description *string            `json:"description"`
	Events      *[]string          `json:"events"` // empty: all
	Format      *string            `json:"format"`
	Headers     *map[string]string `json:"headers"`
	Enabled     *bool              `json:"enabled"`
	Secret      *string            `json:"secret"` // a receiver's own; left out: a fresh one
}

// webhookView is an endpoint as it is shown: the secret only once, of custom
// headers only the names.
type webhookView struct {
	ID             int64             `json:"id"`
	URL            string            `json:"url"`
	Description    string            `json:"description"`
	Format         string            `json:"format"`
	Events         []string          `json:"events"`
	Headers        map[string]string `json:"headers"`
	Enabled        bool              `json:"enabled"`
	DisabledReason string            `json:"disabled_reason,omitempty"`
	DisabledAt     *time.Time        `json:"disabled_at,omitempty"`
	FailingSince   *time.Time        `json:"failing_since,omitempty"`
	Secret         string            `json:"secret,omitempty"`
	OldUntil       *time.Time        `json:"old_secret_valid_until,omitempty"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

func viewWebhook(w *store.Webhook) webhookView {
	v := webhookView{
		ID: w.ID, URL: w.URL, Description: w.Description, Format: w.Format, Events: []string{}, Headers: map[string]string{}, Enabled: w.Enabled,
		DisabledReason: w.DisabledReason, DisabledAt: w.DisabledAt, FailingSince: w.FailingSince, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
	for _, k := range w.Kinds {
		v.Events = append(v.Events, webhook.EventName(int16(k)))
	}
	for name := range w.Headers {
		v.Headers[name] = "***"
	}
	if w.OldUntil != nil && w.OldUntil.After(time.Now()) {
		v.OldUntil = w.OldUntil
	}
	return v
}

// apply puts fields into an endpoint, or says everything that is wrong.
func (f *webhookFields) apply(w *store.Webhook, allowLoopback bool) error {
	var faults dispatch.Faults
	if f.URL != nil {
		w.URL = *f.URL
		if err := webhook.CheckURL(w.URL, allowLoopback); err != nil {
			faults.Add("/url", "%v", err)
		}
	}
	if f.Description != nil {
		w.Description = *f.Description
		if utf8.RuneCountInString(w.Description) > 500 {
			faults.Add("/description", "must be at most 500 characters")
		}
	}
	f.applyEvents(w, &faults)
	f.applyHeaders(w, &faults)
	if f.Enabled != nil {
		w.Enabled = *f.Enabled
	}
	if f.Format != nil {
		w.Format = *f.Format
		if !slices.Contains(webhook.Formats, w.Format) {
			faults.Add("/format", "must be one of %s", strings.Join(webhook.Formats, ", "))
		}
	}
	if f.Secret != nil {
		w.Secret = *f.Secret
	}
	if err := webhook.CheckSecret(w.Format, w.Secret); err != nil {
		faults.Add("/secret", "%v for format %s", err, w.Format)
	}
	return faults.Err()
}

func (f *webhookFields) applyEvents(w *store.Webhook, faults *dispatch.Faults) {
	if f.Events == nil {
		return
	}
	w.Kinds = nil
	for i, name := range *f.Events {
		k, ok := webhook.KindOf(name)
		if !ok {
			faults.Add("/events/"+strconv.Itoa(i), "must be one of %s", strings.Join(webhook.EventNames(), ", "))
			continue
		}
		if !slices.Contains(w.Kinds, int64(k)) {
			w.Kinds = append(w.Kinds, int64(k))
		}
	}
}

// maxHeaders is how many custom headers an endpoint can have.
const maxHeaders = 20

func (f *webhookFields) applyHeaders(w *store.Webhook, faults *dispatch.Faults) {
	if f.Headers == nil {
		return
	}
	if len(*f.Headers) > maxHeaders {
		faults.Add("/headers", "must be at most %d", maxHeaders)
	}
	headers := map[string]string{}
	for name, value := range *f.Headers {
		if err := webhook.CheckHeader(name, value); err != nil {
			faults.Add("/headers/"+name, "%v", err)
		}
		headers[http.CanonicalHeaderKey(name)] = value
	}
	w.Headers = headers
}

// strictBody reads a JSON body into v; an empty one leaves v as it is.
func strictBody(c echo.Context, v any) error {
	if err := middleware.RequireJSON(c); err != nil {
		return err
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	if err := checkJSON(body); err != nil {
		return err
	}
	return native.Strict(body, v)
}

func (s *server) createWebhook(c echo.Context) error {
	var f webhookFields
	if err := strictBody(c, &f); err != nil {
		return err
	}
	if f.URL == nil {
		return dispatch.InvalidField("/url", "is required")
	}
	who := middleware.Caller(c)
	w := store.Webhook{Account: who.Account.ID, Format: webhook.Standard, Secret: webhook.NewSecret(), Enabled: true}
	if err := f.apply(&w, s.WebhookLocal); err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		w, err = s.Store.In(st.Tx()).CreateWebhook(ctx, w)
		return account.Note{Action: "webhook.create", Target: target("webhook", w.ID), Detail: viewWebhook(&w)}, err
	})
	if err != nil {
		return err
	}
	v := viewWebhook(&w)
	v.Secret = w.Secret
	c.Response().Header().Set(echo.HeaderLocation, "/v1/webhooks/"+strconv.FormatInt(w.ID, 10))
	return c.JSON(http.StatusCreated, v)
}

func (s *server) listWebhooks(c echo.Context) error {
	ws, err := s.Store.Webhooks(c.Request().Context(), middleware.Caller(c).Account.ID)
	if err != nil {
		return middleware.ReadError(err)
	}
	out := middleware.List[webhookView]{Data: []webhookView{}}
	for i := range ws {
		out.Data = append(out.Data, viewWebhook(&ws[i]))
	}
	return c.JSON(http.StatusOK, out)
}

// endpoint reads the endpoint that the route names.
func (s *server) endpoint(c echo.Context) (store.Webhook, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return store.Webhook{}, dispatch.ErrNotFound
	}
	w, err := s.Store.Webhook(c.Request().Context(), middleware.Caller(c).Account.ID, id)
	return w, middleware.ReadError(err)
}

func (s *server) getWebhook(c echo.Context) error {
	w, err := s.endpoint(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewWebhook(&w))
}

// changeWebhook alters the endpoint that the route names, and notes it.
func (s *server) changeWebhook(c echo.Context, action string, change func(*store.Webhook) error) (store.Webhook, error) {
	w, err := s.endpoint(c)
	if err != nil {
		return w, err
	}
	who, ctx := middleware.Caller(c), context.WithoutCancel(c.Request().Context())
	err = s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		w, err = s.Store.In(st.Tx()).ChangeWebhook(ctx, who.Account.ID, w.ID, change)
		return account.Note{Action: action, Target: target("webhook", w.ID), Detail: viewWebhook(&w)}, err
	})
	return w, err
}

func (s *server) patchWebhook(c echo.Context) error {
	var f webhookFields
	if err := strictBody(c, &f); err != nil {
		return err
	}
	if f.Secret != nil {
		return dispatch.InvalidField("/secret", "is changed by POST /v1/webhooks/{id}/rotate")
	}
	w, err := s.changeWebhook(c, "webhook.update", func(w *store.Webhook) error { return f.apply(w, s.WebhookLocal) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewWebhook(&w))
}

func (s *server) enableWebhook(c echo.Context) error {
	w, err := s.changeWebhook(c, "webhook.enable", func(w *store.Webhook) error { w.Enabled = true; return nil })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewWebhook(&w))
}

// rotateWebhook gives an endpoint a new secret. The old one signs as well for a
// day, in the formats that have room for two signatures.
func (s *server) rotateWebhook(c echo.Context) error {
	var req struct {
		Secret string `json:"secret"`
	}
	if err := strictBody(c, &req); err != nil {
		return err
	}
	w, err := s.changeWebhook(c, "webhook.rotate", func(w *store.Webhook) error {
		fresh := req.Secret
		if fresh == "" {
			fresh = webhook.NewSecret()
		}
		if err := webhook.CheckSecret(w.Format, fresh); err != nil {
			return dispatch.InvalidField("/secret", "%v for format %s", err, w.Format)
		}
		until := time.Now().Add(secretOverlap)
		w.Secret, w.OldSecret, w.OldUntil = fresh, w.Secret, &until
		return nil
	})
	if err != nil {
		return err
	}
	v := viewWebhook(&w)
	v.Secret = w.Secret
	return c.JSON(http.StatusOK, v)
}

func (s *server) deleteWebhook(c echo.Context) error {
	w, err := s.endpoint(c)
	if err != nil {
		return err
	}
	who, ctx := middleware.Caller(c), context.WithoutCancel(c.Request().Context())
	if err := s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "webhook.delete", Target: target("webhook", w.ID)}, s.Store.In(st.Tx()).DeleteWebhook(ctx, who.Account.ID, w.ID)
	}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// twilioToken shows what signs the status callbacks (StatusCallback) of
// messages sent through the Twilio dialect: Twilio signs with the account's auth
// token, and of our keys only a hash is kept.
func (s *server) twilioToken(c echo.Context) error {
	who := middleware.Caller(c)
	token, err := s.Store.TwilioToken(c.Request().Context(), who.Account.ID)
	if err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, map[string]string{"account_sid": who.Account.SID, "auth_token": token})
}
