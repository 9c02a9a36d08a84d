package remote

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Webhook are the commands for webhook endpoints.
type Webhook struct {
	List       webhookList       `cmd:"" help:"List webhooks."`
	Create     webhookCreate     `cmd:"" help:"Create a webhook. Its secret is shown once."`
	Show       webhookShow       `cmd:"" help:"Show a webhook."`
	Update     webhookUpdate     `cmd:"" help:"Change a webhook."`
	Enable     webhookEnable     `cmd:"" help:"Enable a disabled webhook."`
	Rotate     webhookRotate     `cmd:"" help:"Create a new secret, which is shown once."`
	Test       webhookTest       `cmd:"" help:"Send a test event."`
	Deliveries webhookDeliveries `cmd:"" help:"List the deliveries of a webhook, newest first."`
	Replay     webhookReplay     `cmd:"" help:"Send the events of a time range, or one delivery, again."`
	Delete     webhookDelete     `cmd:"" help:"Delete a webhook."`
}

type webhookList struct{ Listing }

// Run lists webhooks.
func (c *webhookList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetWebhooks(ctx, &api.GetWebhooksParams{Limit: &limit, Cursor: cursor})
	}, "id", "url", "format", "enabled", "events", "created_at")
}

type webhookCreate struct {
	Flags
	URL    string   `arg:"" name:"address" help:"Where events are sent, as https://example.com/hook."`
	Event  []string `help:"Only these events, as message.delivered,message.failed. Default: all." placeholder:"TYPE"`
	Format string   `default:"standard" help:"standard, or the format of the vendor that the receiver was built for." placeholder:"NAME"`
}

// Run creates a webhook.
func (c *webhookCreate) Run(e *console.Env) error {
	body := api.WebhookCreate{Url: c.URL, Format: given(api.WebhookCreateFormat(c.Format))}
	if len(c.Event) > 0 {
		body.Events = events[api.WebhookCreateEvents](c.Event)
	}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.PostWebhooks(ctx, body) })
}

// events returns the types of events of a body.
func events[E ~string](names []string) *[]E {
	out := make([]E, len(names))
	for i, name := range names {
		out[i] = E(name)
	}
	return &out
}

// webhookID names a webhook.
type webhookID struct {
	Flags
	ID int64 `arg:"" help:"Id (sendoff webhook list)."`
}

type (
	webhookShow   struct{ webhookID }
	webhookEnable struct{ webhookID }
	webhookRotate struct{ webhookID }
	webhookTest   struct{ webhookID }
	webhookDelete struct {
		webhookID
		Yes bool `help:"Confirm."`
	}
	webhookDeliveries struct {
		Listing
		ID int64 `arg:"" help:"Id (sendoff webhook list)."`
	}
)

// Run shows a webhook.
func (c *webhookShow) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetWebhooksId(ctx, c.ID) })
}

// Run enables a webhook.
func (c *webhookEnable) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostWebhooksIdEnable(ctx, c.ID)
	})
}

// Run rotates the secret of a webhook.
func (c *webhookRotate) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostWebhooksIdRotate(ctx, c.ID, api.WebhookSecret{})
	})
}

// Run sends a test event.
func (c *webhookTest) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.PostWebhooksIdTest(ctx, c.ID) })
}

// Run lists deliveries.
func (c *webhookDeliveries) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetWebhooksIdDeliveries(ctx, c.ID, &api.GetWebhooksIdDeliveriesParams{Limit: &limit, Cursor: cursor})
	}, "id", "event", "state", "attempts", "message_id", "created_at", "next_attempt_at", "response.status")
}

type webhookUpdate struct {
	webhookID
	URL         string   `name:"address" help:"Where events are sent." placeholder:"URL"`
	Description *string  `help:"What it is for." placeholder:"TEXT"`
	Event       []string `help:"Only these events; all for all." placeholder:"TYPE"`
	Enabled     *bool    `help:"Whether it receives events (--enabled=false)."`
}

// Run changes the fields that are given.
func (c *webhookUpdate) Run(e *console.Env) error {
	body := api.WebhookUpdate{Url: given(c.URL), Description: c.Description, Enabled: c.Enabled}
	if slices.Equal(c.Event, []string{"all"}) {
		body.Events = &[]api.WebhookUpdateEvents{}
	} else if len(c.Event) > 0 {
		body.Events = events[api.WebhookUpdateEvents](c.Event)
	}
	if body == (api.WebhookUpdate{}) {
		return fmt.Errorf("%w: name what to change: --address, --description, --event or --enabled", console.ErrUsage)
	}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PatchWebhooksId(ctx, c.ID, body)
	})
}

type webhookReplay struct {
	webhookID
	Delivery string `help:"Only the delivery with this id (sendoff webhook deliveries)." placeholder:"ID"`
	From     string `help:"The first time: 2026-01-02T15:04:05Z." placeholder:"TIME"`
	Until    string `help:"The end. Default: now." placeholder:"TIME"`
}

// Run sends events again, with their ids.
func (c *webhookReplay) Run(e *console.Env) error {
	switch {
	case (c.Delivery == "") == (c.From == ""):
		return fmt.Errorf("%w: give --from, or --delivery", console.ErrUsage)
	case c.Delivery != "":
		return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
			return cl.PostWebhooksIdDeliveriesDeliveryReplay(ctx, c.ID, c.Delivery)
		})
	}
	body := map[string]string{"from": c.From}
	if c.Until != "" {
		body["to"] = c.Until
	}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostWebhooksIdReplayWithBody(ctx, c.ID, jsonType, jsonOf(body))
	})
}

// Run deletes a webhook.
func (c *webhookDelete) Run(e *console.Env) error {
	if !c.Yes {
		return fmt.Errorf("%w: this deletes webhook %d and its log of deliveries; repeat with --yes", console.ErrUsage, c.ID)
	}
	return c.do(e, fmt.Sprintf("webhook %d deleted", c.ID), func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.DeleteWebhooksId(ctx, c.ID)
	})
}
