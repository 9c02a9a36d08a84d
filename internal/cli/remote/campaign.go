package remote

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Campaign holds the commands of campaigns.
type Campaign struct {
	Create   campaignCreate   `cmd:"" help:"Create a campaign as a draft."`
	Validate campaignValidate `cmd:"" help:"Look at every recipient before the launch."`
	Launch   campaignLaunch   `cmd:"" help:"Start a campaign, or schedule its start."`
	Watch    campaignWatch    `cmd:"" help:"Follow a campaign to its end."`
	Pause    campaignPause    `cmd:"" help:"Stop a campaign before its next call."`
	Resume   campaignResume   `cmd:"" help:"Go on where a pause has stopped."`
	Cancel   campaignCancel   `cmd:"" help:"End a campaign before its next call."`
	Retry    campaignRetry    `cmd:"" help:"Send again to the failed that can succeed."`
	Report   campaignReport   `cmd:"" help:"Print the report of a campaign, as CSV or JSON."`
	List     campaignList     `cmd:"" help:"List campaigns, newest first."`
}

// campaignView is a campaign as the commands print it.
type campaignView struct {
	ID        int64            `json:"id"`
	Name      string           `json:"name"`
	Status    string           `json:"status"`
	Reason    string           `json:"reason"`
	Counts    map[string]int64 `json:"counts"`
	SkippedBy map[string]int64 `json:"skipped_by"`
	RateNow   float64          `json:"rate_now"`
	LimitedBy string           `json:"limited_by"`
	InFlight  *int64           `json:"in_flight"`
	StartsAt  *time.Time       `json:"starts_at"`
	EndsAt    *time.Time       `json:"ends_at"`
}

// done returns how many recipients are sent or final.
func (c *campaignView) done() int64 {
	return c.Counts["total"] - c.Counts["waiting"] - c.Counts["held"] - c.Counts["queued"] - c.Counts["sending"]
}

// line describes a campaign in one line.
func (c *campaignView) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "campaign %d %q is %s", c.ID, c.Name, c.Status)
	if c.Reason != "" {
		fmt.Fprintf(&b, " (%s)", c.Reason)
	}
	if c.Counts["total"] > 0 {
		fmt.Fprintf(&b, ": %d of %d done", c.done(), c.Counts["total"])
	}
	for _, name := range []string{"delivered", "read", "failed", "unknown", "expired", "cancelled", "skipped", "held"} {
		if n := c.Counts[name]; n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, name)
		}
	}
	if c.Status == "running" {
		fmt.Fprintf(&b, ", %.0f/s", c.RateNow)
		if c.LimitedBy != "nothing" {
			fmt.Fprintf(&b, ", limited by %s", strings.ReplaceAll(c.LimitedBy, "_", " "))
		}
		if c.EndsAt != nil {
			fmt.Fprintf(&b, ", ends about %s", console.LocalTime(c.EndsAt))
		}
	}
	if c.InFlight != nil {
		fmt.Fprintf(&b, "; %d calls were under way", *c.InFlight)
	}
	return b.String()
}

// campaignOf has the flags of commands on one campaign.
type campaignOf struct {
	Flags
	ID int64 `arg:"" help:"The campaign's id."`
}

// print makes a call whose answer is a campaign, and prints it.
func (r *Flags) print(e *console.Env, do call) error {
	cl, err := r.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if _, err := cl.ask(e.Ctx, &raw, do); err != nil {
		return err
	}
	if r.JSON {
		return console.PrintJSON(e.Stdout, raw)
	}
	var v campaignView
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	_, err = fmt.Fprintln(e.Stdout, v.line())
	return err
}

type (
	campaignLaunch struct{ campaignOf }
	campaignPause  struct{ campaignOf }
	campaignResume struct{ campaignOf }
	campaignCancel struct{ campaignOf }
	campaignRetry  struct{ campaignOf }
)

// Run launches a campaign.
func (c *campaignLaunch) Run(e *console.Env) error {
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdLaunch(ctx, c.ID)
	})
}

// Run pauses a campaign.
func (c *campaignPause) Run(e *console.Env) error {
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdPause(ctx, c.ID)
	})
}

// Run resumes a campaign.
func (c *campaignResume) Run(e *console.Env) error {
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdResume(ctx, c.ID)
	})
}

// Run cancels a campaign.
func (c *campaignCancel) Run(e *console.Env) error {
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdCancel(ctx, c.ID)
	})
}

// Run creates the retry of a campaign.
func (c *campaignRetry) Run(e *console.Env) error {
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsIdRetry(ctx, c.ID)
	})
}

type campaignCreate struct {
	Flags
	File     string            `arg:"" optional:"" help:"JSON file with the campaign as in the API; - is stdin." placeholder:"FILE"`
	Name     string            `help:"The campaign's name." placeholder:"TEXT"`
	Template string            `xor:"content" help:"A template, by name." placeholder:"NAME"`
	Language string            `help:"The template's language." placeholder:"CODE"`
	Var      map[string]string `mapsep:"none" help:"A value of the template; {{field}} takes the recipient's." placeholder:"NAME=VALUE"`
	Text     string            `xor:"content" help:"A text; {{field}} takes the recipient's." placeholder:"TEXT"`
	Channel  string            `help:"Id or key. Default: the account's default channel." placeholder:"CHANNEL"`
	List     []int64           `help:"A contact list." placeholder:"ID"`
	Import   int64             `xor:"file" help:"An import of the kind audience." placeholder:"ID"`
	CSV      string            `xor:"file" name:"csv" type:"path" help:"Recipients: a file as sendoff import reads it." placeholder:"FILE"`
	StartAt  string            `help:"A date and time without an offset, as 2027-03-28T10:00:00. Default: at the launch." placeholder:"TIME"`
	TimeZone string            `help:"The zone of --start-at. Default: the account's." placeholder:"ZONE"`
	Rate     float64           `help:"At most so many messages a second." placeholder:"N"`
}

// Run creates a campaign, and imports its file of recipients first.
func (c *campaignCreate) Run(e *console.Env) error {
	body, err := c.body(e)
	if err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	if c.CSV != "" {
		file := Import{Flags: c.Flags, File: c.CSV, Kind: "audience"}
		i, err := file.load(e, cl)
		if err == nil {
			err = i.failed()
		}
		if err != nil {
			return err
		}
		body["audience"].(map[string]any)["import"] = i.ID
	}
	return c.print(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostCampaignsWithBody(ctx, jsonType, jsonOf(body))
	})
}

// body returns the campaign of the file, with what the flags set.
func (c *campaignCreate) body(e *console.Env) (map[string]any, error) {
	body := map[string]any{}
	if c.File != "" {
		in := e.Stdin
		if c.File != "-" {
			f, err := os.Open(c.File)
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }()
			in = f
		}
		dec := json.NewDecoder(io.LimitReader(in, 1<<20))
		dec.UseNumber()
		if err := dec.Decode(&body); err != nil {
			return nil, fmt.Errorf("%s is no JSON object: %w", c.File, err)
		}
	}
	set := func(name string, value any, given bool) {
		if given {
			body[name] = value
		}
	}
	set("name", c.Name, c.Name != "")
	set("channel", c.Channel, c.Channel != "")
	set("start_at", c.StartAt, c.StartAt != "")
	set("time_zone", c.TimeZone, c.TimeZone != "")
	set("rate", c.Rate, c.Rate != 0)
	if c.Template != "" {
		t := map[string]any{"name": c.Template}
		if c.Language != "" {
			t["language"] = c.Language
		}
		if len(c.Var) > 0 {
			t["variables"] = c.Var
		}
		body["type"], body["template"] = "template", t
	}
	if c.Text != "" {
		body["type"], body["text"] = "text", map[string]string{"body": c.Text}
	}
	c.audience(body)
	return body, nil
}

// audience sets the audience that the flags name.
func (c *campaignCreate) audience(body map[string]any) {
	audience, _ := body["audience"].(map[string]any)
	if audience == nil {
		audience = map[string]any{}
	}
	if len(c.List) > 0 {
		audience["lists"] = c.List
	}
	if c.Import != 0 {
		audience["import"] = c.Import
	}
	body["audience"] = audience
}

type campaignList struct {
	Listing
	Status string `help:"Only campaigns in this state." placeholder:"STATUS"`
	Search string `help:"Part of the name." placeholder:"TEXT"`
}

// Run lists campaigns.
func (c *campaignList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetCampaigns(ctx, &api.GetCampaignsParams{
			Limit: &limit, Cursor: cursor, Status: given(api.GetCampaignsParamsStatus(c.Status)), Search: given(c.Search),
		})
	}, "id", "name", "status", "counts.total", "counts.delivered", "counts.failed", "created_at")
}

type campaignReport struct {
	campaignOf
	Output string `short:"o" help:"File to write. Default: standard output." placeholder:"FILE"`
}

// Run prints a report.
func (c *campaignReport) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	resp, err := cl.open(e.Ctx, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.GetCampaignsIdReportCsv(ctx, c.ID)
	})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if c.Output == "" {
		return c.write(e.Stdout, resp.Body)
	}
	f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(c.write(f, resp.Body), f.Close())
}

// write copies the report to w, as it is or as JSON.
func (c *campaignReport) write(w io.Writer, report io.Reader) error {
	if c.JSON {
		return reportJSON(w, report)
	}
	_, err := io.Copy(w, report)
	return err
}

// reportJSON writes the rows of a report as objects, one a line, in the data of one
// object. The cells have the names of their columns; empty ones are left out.
func reportJSON(w io.Writer, report io.Reader) error {
	rows := csv.NewReader(report)
	columns, err := rows.Read()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	separator := "{\"data\": ["
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		row := make(map[string]any, len(cells))
		for i, cell := range cells {
			if v := reportValue(columns[i], cell); v != nil {
				row[columns[i]] = v
			}
		}
		b, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s\n%s", separator, b) // Flush returns the error
		separator = ","
	}
	if separator != "," {
		_, _ = out.WriteString(separator)
	}
	_, _ = out.WriteString("\n]}\n")
	return out.Flush()
}

// reportValue returns the value of a cell: its text without the apostrophe that
// keeps a spreadsheet from running it, or nil for an empty one.
func reportValue(column, cell string) any {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune("=+-@'\t\r", rune(cell[1])) {
		cell = cell[1:]
	}
	switch {
	case cell == "":
		return nil
	case column == "row":
		return json.Number(cell)
	case column == "maybe_sent":
		return cell == "true"
	}
	return cell
}
