package remote

import (
	"context"
	"fmt"
	"net/http"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Message are the commands for messages.
type Message struct {
	List   messageList   `cmd:"" help:"List messages, newest first."`
	Cancel messageCancel `cmd:"" help:"Cancel messages that are scheduled, queued or waiting for a retry."`
}

type messageList struct {
	Listing
	Status    string `help:"Only with this status, as failed." placeholder:"STATUS"`
	Channel   string `help:"Only of the channel with this id or key." placeholder:"CHANNEL"`
	To        string `help:"Only to this number." placeholder:"NUMBER"`
	Reference string `help:"Only with this reference." placeholder:"TEXT"`
	Search    string `help:"An id, a number or a reference." placeholder:"TEXT"`
}

// Run lists messages.
func (c *messageList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetMessages(ctx, &api.GetMessagesParams{
			Limit: new(int(limit)), Cursor: cursor, Status: given(c.Status), Channel: given(c.Channel), To: given(c.To),
			Reference: given(c.Reference), Search: given(c.Search),
		})
	}, "message_id", "status", "to", "type", "channel_id", "reference", "created_at", "error.code")
}

type messageCancel struct {
	Flags
	IDs []string `arg:"" name:"id" help:"The message_id of each."`
}

// Run cancels messages, and ends at the first that can't be cancelled.
func (c *messageCancel) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var all []object
	for _, id := range c.IDs {
		var m object
		err := cl.exact(e, &m, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.PostMessagesIdCancel(ctx, id) })
		if err != nil {
			return fmt.Errorf("message %s: %w", id, err)
		}
		all = append(all, m)
		if !c.JSON {
			fmt.Fprintf(e.Stdout, "message %s is %s\n", id, m["status"])
		}
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, map[string]any{"data": all})
	}
	return nil
}

// Inbound are the commands for what contacts have sent.
type Inbound struct {
	List inboundList `cmd:"" help:"List inbound messages, newest first."`
	Show inboundShow `cmd:"" help:"Show an inbound message."`
}

type inboundList struct {
	Listing
	From    string `help:"Only of this number." placeholder:"NUMBER"`
	Channel string `help:"Only of the channel with this id or key." placeholder:"CHANNEL"`
	Type    string `help:"Only of this type, as text or image." placeholder:"TYPE"`
	Since   string `help:"Only received at or after this time, as 2026-01-02T15:04:05Z." placeholder:"TIME"`
	Until   string `help:"Only received before this time." placeholder:"TIME"`
}

// Run lists inbound messages.
func (c *inboundList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetInbound(ctx, &api.GetInboundParams{
			Limit: &limit, Cursor: cursor, From: given(c.From), Channel: given(c.Channel), Type: given(c.Type),
			CreatedFrom: given(c.Since), CreatedTo: given(c.Until),
		})
	}, "id", "from", "type", "text", "channel_id", "received_at")
}

type inboundShow struct {
	Flags
	ID string `arg:"" help:"Id (sendoff inbound list)."`
}

// Run shows an inbound message.
func (c *inboundShow) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetInboundId(ctx, c.ID) })
}
