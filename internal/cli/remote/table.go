package remote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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

// list prints a page of the list at path: as a table of columns, which are paths
// such as policy.rate, or as the API returns it.
func (c *Listing) list(e *console.Env, path string, query url.Values, columns ...string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	query.Set("limit", strconv.Itoa(min(max(c.Limit, 1), 1000)))
	if c.Cursor != "" {
		query.Set("cursor", c.Cursor)
	}
	var page struct {
		Data []object `json:"data"`
		Next string   `json:"next_cursor,omitempty"`
	}
	if err := cl.get(e, path+"?"+query.Encode(), &page); err != nil {
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

// get reads path into out with its numbers as they are written.
func (c *client) get(e *console.Env, path string, out any) error {
	return c.exact(e, http.MethodGet, path, nil, out)
}

// exact is call, with the numbers of the answer as they are written.
func (c *client) exact(e *console.Env, method, path string, body, out any) error {
	var raw json.RawMessage
	into := any(&raw)
	if out == nil {
		into = nil
	}
	if _, err := c.call(e.Ctx, method, path, nil, body, into); err != nil || out == nil {
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
func (r *Flags) show(e *console.Env, method, path string, body any) error {
	cl, err := r.client()
	if err != nil {
		return err
	}
	var o object
	if err := cl.exact(e, method, path, body, &o); err != nil {
		return err
	}
	return console.PrintJSON(e.Stdout, o)
}

// do calls a route whose answer has no body, and prints a line.
func (r *Flags) do(e *console.Env, method, path, done string) error {
	cl, err := r.client()
	if err != nil {
		return err
	}
	if err := cl.exact(e, method, path, nil, nil); err != nil {
		return err
	}
	if r.JSON {
		return console.PrintJSON(e.Stdout, object{"done": true})
	}
	_, err = fmt.Fprintln(e.Stdout, done)
	return err
}

// query returns the values that are not empty.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}
