package admin

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/webhook"
)

// WebhookUpdate is the input of UpdateWebhook. Fields that are nil stay as they
// are.
type WebhookUpdate struct {
	URL         *string            `json:"url,omitempty" doc:"Where events are sent, such as https://example.com/webhooks."`
	Description *string            `json:"description,omitempty" maxLength:"500"`
	Events      *[]string          `json:"events,omitempty" doc:"The events to send, such as message.delivered; empty: all."`
	Format      *string            `json:"format,omitempty"`
	Headers     *map[string]string `json:"headers,omitempty" doc:"Headers to send along. Their values are never returned."`
	Enabled     *bool              `json:"enabled,omitempty"`
}

// Docs describes the fields whose names do not.
func (*WebhookUpdate) Docs() map[string]string {
	return map[string]string{
		"format": "standard (Standard Webhooks), or the format of the vendor that the receiver was built for.",
	}
}

// WebhookCreate is the input of CreateWebhook.
type WebhookCreate struct {
	WebhookUpdate

	Secret *string `json:"secret,omitempty" doc:"A secret that the receiver already has; generated if left out."`
}

// Required lists the required fields.
func (*WebhookCreate) Required() []string { return []string{"url"} }

// WebhookSecret is the input of RotateWebhook.
type WebhookSecret struct {
	Rotate

	Secret string `json:"secret,omitempty" doc:"The new secret; generated if left out."`
}

// Webhook is an endpoint that receives events. Of its headers it has only the
// names.
type Webhook struct {
	ID             int64             `json:"id"`
	URL            string            `json:"url"`
	Description    string            `json:"description"`
	Format         string            `json:"format"`
	Events         []string          `json:"events"`
	Headers        map[string]string `json:"headers"`
	Enabled        bool              `json:"enabled"`
	DisabledReason string            `json:"disabled_reason,omitempty"`
	DisabledAt     *time.Time        `json:"disabled_at,omitempty"`
	FailingSince   *time.Time        `json:"failing_since,omitempty" doc:"The first failure since the last success."`
	Secret         string            `json:"secret,omitempty" doc:"Only in the answer that creates the webhook or rotates its secret."`
	OldUntil       *time.Time        `json:"old_secret_valid_until,omitempty" doc:"After a rotation: how long the old secret signs as well."`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

// Location returns the path of the webhook in the API.
func (w *Webhook) Location() string { return "/v1/webhooks/" + strconv.FormatInt(w.ID, 10) }

func viewWebhook(w *hookstore.Endpoint) *Webhook {
	v := &Webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, Format: w.Format, Events: []string{}, Headers: map[string]string{}, Enabled: w.Enabled,
		DisabledReason: w.DisabledReason, DisabledAt: UTC(w.DisabledAt), FailingSince: UTC(w.FailingSince),
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}
	for _, k := range w.Kinds {
		v.Events = append(v.Events, webhook.EventName(int16(k)))
	}
	for name := range w.Headers {
		v.Headers[name] = "***"
	}
	v.OldUntil = UTC(w.OldSecrets.End(time.Now()))
	return v
}

// withSecret is viewWebhook with the secret.
func withSecret(w *hookstore.Endpoint) *Webhook {
	v := viewWebhook(w)
	v.Secret = w.Secret
	return v
}

// apply changes w and reports what is wrong.
func (in *WebhookUpdate) apply(w *hookstore.Endpoint, allowLoopback bool, f *dispatch.Faults) {
	if in.URL != nil {
		url, err := webhook.NormalURL(*in.URL, allowLoopback)
		if err != nil {
			f.Add("/url", "%v", err)
		}
		w.URL = url
	}
	set(&w.Description, in.Description)
	set(&w.Enabled, in.Enabled)
	if in.Events != nil {
		w.Kinds = kinds(*in.Events, f)
	}
	if in.Headers != nil {
		w.Headers = headers(*in.Headers, f)
	}
	if in.Format != nil {
		w.Format = *in.Format
		if !slices.Contains(webhook.Formats, w.Format) {
			f.Add("/format", "must be one of %s", strings.Join(webhook.Formats, ", "))
		}
	}
	if err := webhook.CheckSecret(w.Format, w.Secret); err != nil {
		f.AddWith([]string{"/format"}, "/secret", "%v for format %s", err, w.Format)
	}
}

// kinds returns the kinds of events, each once.
func kinds(names []string, f *dispatch.Faults) []int64 {
	var out []int64
	for i, name := range names {
		k, ok := webhook.KindOf(name)
		if !ok {
			f.Add("/events/"+strconv.Itoa(i), "must be one of %s", strings.Join(webhook.EventNames(), ", "))
			continue
		}
		if !slices.Contains(out, int64(k)) {
			out = append(out, int64(k))
		}
	}
	return out
}

// maxHeaders is the most custom headers of a webhook.
const maxHeaders = 20

func headers(given map[string]string, f *dispatch.Faults) map[string]string {
	if len(given) > maxHeaders {
		f.Add("/headers", "must be at most %d", maxHeaders)
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if err := webhook.CheckHeader(name, value); err != nil {
			f.Add(dispatch.Pointer("/headers", name), "%v", err)
		}
		out[http.CanonicalHeaderKey(name)] = value
	}
	return out
}

// Webhooks lists webhooks by id.
func (s *Service) Webhooks(ctx context.Context, who Actor, p Paging) (Page[*Webhook], error) {
	ws, err := s.Store.Webhooks(ctx, who.Account)
	if err != nil {
		return Page[*Webhook]{}, err
	}
	return pageOfAll(&p, ws, viewWebhook, func(w *hookstore.Endpoint) int64 { return w.ID })
}

// Webhook returns a webhook.
func (s *Service) Webhook(ctx context.Context, who Actor, id int64) (*Webhook, error) {
	w, err := s.Store.Webhook(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewWebhook(&w), nil
}

// CreateWebhook creates a webhook. Its secret is in the result only.
func (s *Service) CreateWebhook(ctx context.Context, who Actor, in WebhookCreate) (*Webhook, error) {
	w := hookstore.Endpoint{Account: who.Account, Format: webhook.Standard, Secret: webhook.NewSecret(), Enabled: true}
	set(&w.Secret, in.Secret)
	f := input.Check(&in)
	in.apply(&w, s.WebhookLocal, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		w, err = tx.CreateWebhook(ctx, w)
		return note{"webhook.create", target("webhook", w.ID), viewWebhook(&w)}, err
	})
	if err != nil {
		return nil, err
	}
	return withSecret(&w), nil
}

// changeWebhook changes a webhook.
func (s *Service) changeWebhook(
	ctx context.Context, who Actor, id int64, action string, change func(*hookstore.Endpoint) error,
) (*hookstore.Endpoint, error) {
	var w hookstore.Endpoint
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		w, err = tx.ChangeWebhook(ctx, who.Account, id, change)
		return note{action, target("webhook", id), viewWebhook(&w)}, err
	})
	return &w, err
}

// UpdateWebhook changes a webhook. One that is enabled again gets what was
// pending, and the events from then on.
func (s *Service) UpdateWebhook(ctx context.Context, who Actor, id int64, in WebhookUpdate) (*Webhook, error) {
	f := input.Check(&in)
	w, err := s.changeWebhook(ctx, who, id, in.action(), func(w *hookstore.Endpoint) error {
		in.apply(w, s.WebhookLocal, &f)
		return f.Err()
	})
	if err != nil {
		return nil, err
	}
	return viewWebhook(w), nil
}

// action names the change in the audit log.
func (in WebhookUpdate) action() string {
	on := in.Enabled
	in.Enabled = nil
	return switched("webhook", on, reflect.ValueOf(in).IsZero())
}

// EnableWebhook enables a webhook again.
func (s *Service) EnableWebhook(ctx context.Context, who Actor, id int64) (*Webhook, error) {
	return s.UpdateWebhook(ctx, who, id, WebhookUpdate{Enabled: new(true)})
}

// RotateWebhook sets a new secret of a webhook. The old one signs as well until
// the overlap ends, in the formats that have room for two signatures.
func (s *Service) RotateWebhook(ctx context.Context, who Actor, id int64, in WebhookSecret) (*Webhook, error) {
	f := input.Check(&in)
	until := overlapUntil(in.Overlap)
	w, err := s.changeWebhook(ctx, who, id, "webhook.rotate", func(w *hookstore.Endpoint) error {
		fresh := in.Secret
		if fresh == "" {
			fresh = webhook.NewSecret()
		}
		if err := webhook.CheckSecret(w.Format, fresh); err != nil {
			f.AddWith([]string{"/format"}, "/secret", "%v for format %s", err, w.Format)
		}
		olds, err := w.OldSecrets.Add(w.Secret, until, time.Now())
		if err != nil {
			return err
		}
		w.Secret, w.OldSecrets = fresh, olds
		return f.Err()
	})
	if err != nil {
		return nil, err
	}
	return withSecret(w), nil
}

// DeleteWebhook deletes a webhook at once.
func (s *Service) DeleteWebhook(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (note, error) {
		return note{action: "webhook.delete", target: target("webhook", id)}, tx.DeleteWebhook(ctx, who.Account, id)
	})
}

// StatusCallbackToken is what signs the status callbacks of messages sent through the
// Twilio dialect.
type StatusCallbackToken struct {
	AccountSID string `json:"account_sid"`
	AuthToken  string `json:"auth_token"`
}

// StatusCallbackToken returns the token that signs status callbacks in Twilio's form:
// Twilio signs with the account's auth token, and of API keys only a hash is
// stored.
func (s *Service) StatusCallbackToken(ctx context.Context, who Actor) (*StatusCallbackToken, error) {
	a, err := s.Store.Account(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	token, err := s.Store.StatusCallbackToken(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	return &StatusCallbackToken{a.SID, token}, nil
}
