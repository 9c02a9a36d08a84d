package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

type statusCmd struct {
	remote
	ID string `arg:"" help:"The message_id."`
}

// Run shows a message and its timeline.
func (c *statusCmd) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	path := "/v1/messages/" + url.PathEscape(c.ID)
	var m dispatch.View
	if _, err := cl.call(e.Ctx, http.MethodGet, path, nil, nil, &m); err != nil {
		return err
	}
	var events struct {
		Data []store.TimelineEvent `json:"data"`
	}
	if _, err := cl.call(e.Ctx, http.MethodGet, path+"/events", nil, nil, &events); err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, map[string]any{"message": m, "events": events.Data})
	}
	fmt.Fprintf(e.Stdout, "%s  %s to %s on channel %d: %s%s\n", m.ID, m.Type, m.To, m.Channel, m.StatusName, why(&m))
	if m.MaybeSent {
		fmt.Fprintln(e.Stdout, "the outcome of a call is unknown: the provider may have more than one copy")
	}
	if m.NextAttemptAt != nil {
		fmt.Fprintln(e.Stdout, "next attempt at", console.LocalTime(m.NextAttemptAt))
	}
	fmt.Fprintln(e.Stdout)
	rows := [][]string{}
	for i := range events.Data {
		ev := &events.Data[i]
		rows = append(rows, []string{ev.At.Local().Format("2006-01-02 15:04:05.000"), ev.Type, ev.Cause, detail(ev)})
	}
	return console.PrintTable(e.Stdout, "", rows)
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
