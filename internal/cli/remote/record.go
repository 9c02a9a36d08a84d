package remote

import "github.com/sendoff/sendoff/internal/cli/console"

// Usage is the command usage.
type Usage struct{ Flags }

// Run prints the requests and messages of each key.
func (c *Usage) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var u struct {
		Keys []object `json:"data"`
	}
	if c.JSON {
		var all object
		if err := cl.get(e, "/v1/usage", &all); err != nil {
			return err
		}
		return console.PrintJSON(e.Stdout, all)
	}
	if err := cl.get(e, "/v1/usage", &u); err != nil {
		return err
	}
	return table(e, u.Keys, []string{"key_id", "name", "calls_today", "messages_today", "calls_30_days", "messages_30_days", "last_used_at"})
}

// Audit is the command audit.
type Audit struct {
	Listing
	Actor  string `help:"Only of this actor." placeholder:"TEXT"`
	Action string `help:"Only this action, as key.create." placeholder:"TEXT"`
}

// Run lists the audit log.
func (c *Audit) Run(e *console.Env) error {
	return c.list(e, "/v1/audit", query("actor", c.Actor, "action", c.Action), "id", "at", "actor", "action", "target", "detail")
}
