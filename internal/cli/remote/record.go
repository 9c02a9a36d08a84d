package remote

import (
	"context"
	"net/http"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Usage is the command usage.
type Usage struct{ Flags }

// Run prints the requests and messages of each key.
func (c *Usage) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var all object
	err = cl.exact(e, &all, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetUsage(ctx, nil) })
	if err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, all)
	}
	var keys []object
	for _, key := range all["data"].([]any) {
		keys = append(keys, key.(map[string]any))
	}
	return table(e, keys, []string{"key_id", "name", "calls_today", "messages_today", "calls_30_days", "messages_30_days", "last_used_at"})
}

// Audit is the command audit.
type Audit struct {
	Listing
	Actor  string `help:"Only of this actor." placeholder:"TEXT"`
	Action string `help:"Only this action, as key.create." placeholder:"TEXT"`
}

// Run lists the audit log.
func (c *Audit) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetAudit(ctx, &api.GetAuditParams{Limit: &limit, Cursor: cursor, Actor: given(c.Actor), Action: given(c.Action)})
	}, "id", "at", "actor", "action", "target", "detail")
}
