// Package dialecttest runs the tables of a dialect: a request, its drafts and the
// vendor's response, as internal/api would call the dialect.
//
// The tables are testdata/cases.json (requests and their outcomes) and
// testdata/refusals.json (the response to each error of the pipeline). "go test
// -update" rewrites the outcomes; review the difference.
package dialecttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dialect"
)

var update = flag.Bool("update", false, "write the golden tables anew")

const (
	casesFile    = "testdata/cases.json"
	refusalsFile = "testdata/refusals.json"
)

// Case is one row of the table.
type Case struct {
	Name    string   `json:"name"`
	Request Request  `json:"request"`
	Want    *Outcome `json:"want"`
}

// Outcome is the outcome of a request.
type Outcome struct {
	Drafts []json.RawMessage `json:"drafts,omitempty"`
	Reply  Reply             `json:"reply"`
}

// Reply is the answer as the client sees it.
type Reply struct {
	Status int             `json:"status"`
	Header http.Header     `json:"header,omitempty"`
	Body   json.RawMessage `json:"body"`
}

// Run plays both tables of the package under test.
func Run(t *testing.T, d dialect.Dialect) {
	t.Helper()
	t.Run("cases", func(t *testing.T) { runCases(t, d) })
	t.Run("refusals", func(t *testing.T) { runRefusals(t, d) })
}

func runCases(t *testing.T, d dialect.Dialect) {
	cases := loadCases(t)
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			got := Play(t, d, c.Request)
			if *update {
				c.Want = &got
				return
			}
			if c.Want == nil {
				t.Fatal("the case has no outcome yet: run with -update and read it")
			}
			compare(t, *c.Want, got)
		})
	}
	if *update {
		writeJSON(t, casesFile, cases)
	}
}

func runRefusals(t *testing.T, d dialect.Dialect) {
	golden := map[string]Reply{}
	if !*update {
		readJSON(t, refusalsFile, &golden)
	}
	refusals := Refusals()
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		t.Run(name, func(t *testing.T) {
			got := render(t, d.Reject(Request{Method: http.MethodPost, Path: "/"}.build(t), refusals[name]))
			switch {
			case got.Status < 400 || got.Status > 599:
				t.Errorf("status %d for an error", got.Status)
			case bytes.Contains(got.Body, []byte(secret)):
				t.Errorf("internal text leaks: %s", got.Body)
			}
			if *update {
				golden[name] = got
				return
			}
			compare(t, golden[name], got)
		})
	}
	if *update {
		writeJSON(t, refusalsFile, golden)
	}
}

// compare reports the difference of the two as JSON.
func compare(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(string(marshal(t, want)), string(marshal(t, got))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func loadCases(t testing.TB) []Case {
	t.Helper()
	var cases []Case
	readJSON(t, casesFile, &cases)
	return cases
}

func readJSON(t testing.TB, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t testing.TB, file string, v any) {
	t.Helper()
	if err := os.WriteFile(file, marshal(t, v), 0o600); err != nil {
		t.Fatal(err)
	}
}

// marshal writes JSON as the golden files hold it.
func marshal(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
