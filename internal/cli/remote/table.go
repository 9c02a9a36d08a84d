package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
)

// object is a JSON object of an answer.
type object map[string]any

// Listing are the flags of commands that list.
type Listing struct {
	Flags
	Limit  int    `default:"50" help:"The most to list, at most 1000."`
	Cursor string `help:"The next_cursor of an earlier list, to go on from." placeholder:"TEXT"`
}

// listCall is a call of a list with its page.
type listCall func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error)

// list prints a page of a list: as a table of columns, which are paths such as
// policy.rate, or as the API returns it.
func (c *Listing) list(e *console.Env, do listCall, columns ...string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var page struct {
		Data []object `json:"data"`
		Next string   `json:"next_cursor,omitempty"`
	}
	err = cl.exact(e, &page, func(ctx context.Context, cl *client) (*http.Response, error) {
		return do(ctx, cl, int64(min(max(c.Limit, 1), 1000)), given(c.Cursor))
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, page)
	}
	if err := table(e, page.Data, columns); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(e.Stdout, "\nMore with: --cursor %s\n", page.Next)
	}
	return nil
}

// table prints objects, a column for each path.
func table(e *console.Env, rows []object, columns []string) error {
	var cells [][]string
	for _, row := range rows {
		line := make([]string, len(columns))
		for i, name := range columns {
			line[i] = cell(row.at(name))
		}
		cells = append(cells, line)
	}
	return console.PrintTable(e.Stdout, strings.ToUpper(strings.Join(columns, " ")), cells)
}

// at returns the value at a path, or nil.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for step := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

// cell returns a value on one line: times in the local zone, lists with commas.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return console.LocalTime(&t)
		}
		if v = strings.Join(strings.Fields(v), " "); v == "" {
			return "-"
		}
		return v
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = cell(v[i])
		}
		return strings.Join(parts, ",")
	case map[string]any:
		raw, _ := json.Marshal(v) // it was JSON
		return string(raw)
	}
	return fmt.Sprint(v)
}

// exact is ask, with the numbers of the answer as they are written.
func (c *client) exact(e *console.Env, out any, do call) error {
	var raw json.RawMessage
	if _, err := c.ask(e.Ctx, &raw, do); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// show prints one object, as JSON: its fields differ.
func (r *Flags) show(e *console.Env, do call) error {
	cl, err := r.client()
	if err != nil {
		return err
	}
	var o object
	if err := cl.exact(e, &o, do); err != nil {
		return err
	}
	return console.PrintJSON(e.Stdout, o)
}

// do makes a call whose answer has no body, and prints a line.
func (r *Flags) do(e *console.Env, done string, do call) error {
	cl, err := r.client()
	if err != nil {
		return err
	}
	if _, err := cl.ask(e.Ctx, nil, do); err != nil {
		return err
	}
	if r.JSON {
		return console.PrintJSON(e.Stdout, object{"done": true})
	}
	_, err = fmt.Fprintln(e.Stdout, done)
	return err
}
