package remote

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Status is the command status.
type Status struct {
	Flags
	ID string `arg:"" help:"The message_id."`
}

// Run shows a message and its timeline.
func (c *Status) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var m dispatch.View
	_, err = cl.ask(e.Ctx, &m, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetMessagesId(ctx, c.ID, nil) })
	if err != nil {
		return err
	}
	var events struct {
		Data []store.TimelineEvent `json:"data"`
	}
	_, err = cl.ask(e.Ctx, &events, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.GetMessagesIdEvents(ctx, c.ID)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, map[string]any{"message": m, "events": events.Data})
	}
	fmt.Fprintf(e.Stdout, "%s  %s to %s on channel %d: %s%s\n", m.ID, m.Type, m.To, m.Channel, m.StatusName, why(&m))
	if m.MaybeSent {
		fmt.Fprintln(e.Stdout, "the outcome of a call is unknown: the provider may have more than one copy")
	}
	if m.WaitsFor != "" {
		fmt.Fprintln(e.Stdout, waiting(&m))
	}
	fmt.Fprintln(e.Stdout)
	rows := [][]string{}
	for i := range events.Data {
		ev := &events.Data[i]
		rows = append(rows, []string{ev.At.Local().Format("2006-01-02 15:04:05.000"), ev.Type, ev.Cause, detail(ev)})
	}
	return console.PrintTable(e.Stdout, "", rows)
}

// waits are the sentences for the values of waits_for.
var waits = map[string]string{
	"worker":      "waits for a worker; is sendoff work running?",
	"send_at":     "waits for its send_at",
	"rate":        "waits for its turn: the channel sends at its rate",
	"circuit":     "waits for the channel: its circuit is open, since the provider failed",
	"paused":      "waits for the channel, which is paused or disabled; see: sendoff channel show",
	"spacing":     "waits for its recipient, who got another message a moment ago",
	"window":      "waits for the conversation window, which has closed since; unless the recipient writes, the provider refuses it",
	"retry":       "waits for another try: the last call did not succeed, or its outcome is being looked up",
	"quiet_hours": "waits for the end of the quiet hours",
	"canary":      "waits for the result of the campaign's first messages",
	"budget":      "waits for the messaging limit of the number",
	"campaign":    "waits for its campaign, which is paused",
}

// waiting returns what a message waits for, and until when.
func waiting(m *dispatch.View) string {
	s := cmp.Or(waits[m.WaitsFor], "waits for "+m.WaitsFor)
	if m.NextAttemptAt != nil {
		s += "; next attempt at " + console.LocalTime(m.NextAttemptAt)
	}
	return s
}

// detail returns the other facts of an event on one line.
func detail(ev *store.TimelineEvent) string {
	var parts []string
	add := func(format string, v any, given bool) {
		if given {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add("%s", ev.Outcome, ev.Outcome != "")
	add("HTTP %d", ev.HTTP, ev.HTTP != 0)
	add("in %d ms", ev.LatencyMS, ev.LatencyMS != 0)
	add("%s", ev.Code, ev.Code != "")
	add("%s", strings.Join(strings.Fields(ev.Detail), " "), ev.Detail != "")
	add("%s", ev.ProviderID, ev.ProviderID != "")
	return strings.Join(parts, ", ")
}
