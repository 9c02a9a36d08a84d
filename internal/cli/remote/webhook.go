package remote

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

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
	return c.list(e, "/v1/webhooks", query(), "id", "url", "format", "enabled", "events", "created_at")
}

type webhookCreate struct {
	Flags
	URL    string   `arg:"" name:"address" help:"Where events are sent, as https://example.com/hook."`
	Event  []string `help:"Only these events, as message.delivered,message.failed. Default: all." placeholder:"TYPE"`
	Format string   `default:"standard" help:"standard, or the format of the vendor that the receiver was built for." placeholder:"NAME"`
}

// Run creates a webhook.
func (c *webhookCreate) Run(e *console.Env) error {
	body := map[string]any{"url": c.URL, "format": c.Format}
	if len(c.Event) > 0 {
		body["events"] = c.Event
	}
	return c.show(e, http.MethodPost, "/v1/webhooks", body)
}

// webhookID names a webhook.
type webhookID struct {
	Flags
	ID int64 `arg:"" help:"Id (sendoff webhook list)."`
}

func (c *webhookID) path(tail string) string { return fmt.Sprintf("/v1/webhooks/%d%s", c.ID, tail) }

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
func (c *webhookShow) Run(e *console.Env) error { return c.show(e, http.MethodGet, c.path(""), nil) }

// Run enables a webhook.
func (c *webhookEnable) Run(e *console.Env) error {
	return c.show(e, http.MethodPost, c.path("/enable"), nil)
}

// Run rotates the secret of a webhook.
func (c *webhookRotate) Run(e *console.Env) error {
	return c.show(e, http.MethodPost, c.path("/rotate"), nil)
}

// Run sends a test event.
func (c *webhookTest) Run(e *console.Env) error {
	return c.show(e, http.MethodPost, c.path("/test"), nil)
}

// Run lists deliveries.
func (c *webhookDeliveries) Run(e *console.Env) error {
	return c.list(e, fmt.Sprintf("/v1/webhooks/%d/deliveries", c.ID), query(),
		"id", "event", "state", "attempts", "message_id", "created_at", "next_attempt_at", "response.status")
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
	body := map[string]any{}
	if c.URL != "" {
		body["url"] = c.URL
	}
	if c.Description != nil {
		body["description"] = *c.Description
	}
	if slices.Equal(c.Event, []string{"all"}) {
		body["events"] = []string{}
	} else if len(c.Event) > 0 {
		body["events"] = c.Event
	}
	if c.Enabled != nil {
		body["enabled"] = *c.Enabled
	}
	if len(body) == 0 {
		return fmt.Errorf("%w: name what to change: --address, --description, --event or --enabled", console.ErrUsage)
	}
	return c.show(e, http.MethodPatch, c.path(""), body)
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
		return c.show(e, http.MethodPost, c.path("/deliveries/"+url.PathEscape(c.Delivery)+"/replay"), nil)
	}
	body := map[string]any{"from": c.From}
	if c.Until != "" {
		body["to"] = c.Until
	}
	return c.show(e, http.MethodPost, c.path("/replay"), body)
}

// Run deletes a webhook.
func (c *webhookDelete) Run(e *console.Env) error {
	if !c.Yes {
		return fmt.Errorf("%w: this deletes webhook %d and its log of deliveries; repeat with --yes", console.ErrUsage, c.ID)
	}
	return c.do(e, http.MethodDelete, c.path(""), fmt.Sprintf("webhook %d deleted", c.ID))
}
