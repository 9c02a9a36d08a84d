package contactimport

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

var update = flag.Bool("update", false, "write the golden reports anew")

// report is what a golden file has of a file.
type report struct {
	Options *Options `json:"options,omitempty"`
	Refused string   `json:"refused,omitempty"` // reason and message
	*Info
	Lines   int        `json:"lines"`
	Bad     int        `json:"bad"`
	Stopped bool       `json:"stopped,omitempty"`
	Rows    []rowShown `json:"rows"` // the first 12
}

type rowShown struct {
	Line     int             `json:"line"`
	Phone    string          `json:"phone,omitempty"`
	WaID     string          `json:"wa_id,omitempty"`
	UserID   string          `json:"user_id,omitempty"`
	Name     string          `json:"name,omitempty"`
	TimeZone string          `json:"time_zone,omitempty"`
	Fields   json.RawMessage `json:"fields,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
	Cells    []string        `json:"cells,omitempty"`
}

// TestCorpus compares the report of each file in testdata/corpus with its golden
// file; options stand in a file of their own beside it.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/corpus/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".json") {
			continue
		}
		seen++
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got, err := json.MarshalIndent(reportOf(t, file), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := file + ".golden.json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("report differs (-want +got):\n%s", diff)
			}
		})
	}
	if seen < 40 {
		t.Errorf("the corpus has %d files; want 40", seen)
	}
}

func reportOf(t *testing.T, file string) report {
	t.Helper()
	var rep report
	if b, err := os.ReadFile(file + ".options.json"); err == nil {
		rep.Options = &Options{}
		if err := json.Unmarshal(b, rep.Options); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, f)
	o := Options{}
	if rep.Options != nil {
		o = *rep.Options
	}
	r, err := Open(f, o)
	if err != nil {
		rep.Refused = refusal(t, err)
		return rep
	}
	defer closed(t, r)
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, ErrStopped) {
			break
		}
		if err != nil {
			rep.Refused = refusal(t, err)
			break
		}
		if rep.Lines++; row.Problem != nil {
			rep.Bad++
		}
		if row.Problem == nil {
			row.Cells = nil
		}
		if len(rep.Rows) < 12 {
			rep.Rows = append(rep.Rows, rowShown{
				row.Line, row.Phone, row.WaID, row.UserID, row.Name, row.TimeZone, row.Fields, row.Problem, row.Cells,
			})
		}
	}
	info := r.Info()
	rep.Info, rep.Stopped = &info, r.Stopped()
	return rep
}

// refusal returns reason and text of an error that a client may read.
func refusal(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*dispatch.Error](err)
	if !ok || e.Code != dispatch.Invalid || e.Reason == "" {
		t.Fatalf("%v is no refusal with a reason", err)
	}
	return e.Reason + ": " + e.Msg
}
