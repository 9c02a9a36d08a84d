package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
)

type campaignWatch struct {
	campaignOf
	Every time.Duration `default:"1s" help:"How often to look." placeholder:"TIME"`
}

// Run follows a campaign to its end.
func (c *campaignWatch) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	before := ""
	bar := !c.JSON && terminal(e.Stdout)
	for {
		var raw json.RawMessage
		err := cl.poll(e.Ctx, &raw, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetCampaignsId(ctx, c.ID) })
		if e.Ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		var v campaignView
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		line := v.line()
		switch {
		case c.JSON && line != before:
			if err := console.PrintJSON(e.Stdout, raw); err != nil {
				return err
			}
		case bar:
			fmt.Fprintf(e.Stdout, "\r\033[K%s %s", bars(v.done(), v.Counts["total"]), line)
		case !c.JSON && line != before:
			fmt.Fprintln(e.Stdout, line)
		}
		before = line
		if v.Status == "finished" || v.Status == "cancelled" {
			if bar {
				fmt.Fprintln(e.Stdout)
			}
			return nil
		}
		if !pause(e.Ctx, c.Every) {
			return nil
		}
	}
}

type campaignValidate struct{ campaignOf }

// validation is the result of a validation.
type validation struct {
	Status     string         `json:"status"`
	Ready      bool           `json:"ready"`
	Recipients int            `json:"recipients"`
	WouldSkip  map[string]int `json:"would_skip"`
	Account    int            `json:"zone_from_account"`
	Problems   []struct {
		Row    int    `json:"row"`
		Line   int    `json:"line"`
		To     string `json:"to"`
		Reason string `json:"reason"`
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"problems"`
	Segments int         `json:"segments"`
	Price    json.Number `json:"price"`
	StartsAt *time.Time  `json:"starts_at"`
	EndsAt   *time.Time  `json:"ends_at"`
	Late     int         `json:"late"`
}

// Run validates a campaign and waits for the result.
func (c *campaignValidate) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	_, err = cl.ask(e.Ctx, &raw, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdValidate(ctx, c.ID)
	})
	if err != nil {
		return err
	}
	var v validation
	for {
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if v.Status != "running" {
			break
		}
		if !pause(e.Ctx, time.Second) {
			return e.Ctx.Err()
		}
		err := cl.poll(e.Ctx, &raw, func(ctx context.Context, cl *client) (*http.Response, error) {
			return cl.GetCampaignsIdValidation(ctx, c.ID)
		})
		if err != nil {
			return err
		}
	}
	if c.JSON {
		err = console.PrintJSON(e.Stdout, raw)
	} else {
		v.print(e)
	}
	if err == nil && !v.Ready {
		return console.ErrReported
	}
	return err
}

func (v *validation) print(e *console.Env) {
	if v.Ready {
		fmt.Fprintf(e.Stdout, "ready: %d recipients", v.Recipients)
	} else {
		fmt.Fprint(e.Stdout, "not ready")
	}
	for _, reason := range slices.Sorted(maps.Keys(v.WouldSkip)) {
		fmt.Fprintf(e.Stdout, ", %d skipped (%s)", v.WouldSkip[reason], reason)
	}
	fmt.Fprintln(e.Stdout)
	if v.Price != "" && v.Price != "0" {
		fmt.Fprintf(e.Stdout, "price: %s credits\n", v.Price)
	}
	if v.StartsAt != nil && v.EndsAt != nil {
		fmt.Fprintf(e.Stdout, "from %s to %s\n", console.LocalTime(v.StartsAt), console.LocalTime(v.EndsAt))
	}
	if v.Late > 0 {
		fmt.Fprintf(e.Stdout, "%d would be late\n", v.Late)
	}
	for _, p := range v.Problems {
		place := fmt.Sprint("row ", p.Row)
		if p.Line > 0 {
			place = fmt.Sprint("line ", p.Line)
		}
		reason := p.Reason
		if p.Field != "to" && p.Field != "" {
			reason += " " + p.Field
		}
		fmt.Fprintf(e.Stdout, "  %s, to %s: %s: %s\n", place, p.To, reason, p.Detail)
	}
}
