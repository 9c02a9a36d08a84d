package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func report() *Report {
	return &Report{
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Quick: true, Lost: 1, Duplicated: 2,
		Figures: []Figure{
			{
				Name: "accept", How: "64 connections", Raw: 40_000, RawIs: "bare <echo>", Value: 12_345.6, Unit: "messages/s", Ratio: .31,
				Must: "0.20 x", Reach: true, Detail: "p99 9.1 ms",
			},
			{Name: "memory", How: "after the run", Value: 63.25, Unit: "MiB", Must: "< 60 MiB"},
		},
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0.0", 1.25: "1.2", 99.94: "99.9", 100: "100", 999.6: "1,000", 12_345.6: "12,346", 999_999: "999,999", 1_234_567: "1,234,567",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) is %q, want %q", v, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	r := report()
	for i, want := range []string{
		"accept                 12,346 messages/s, 0.31 x bare <echo> (40,000), p99 9.1 ms",
		"memory                   63.2 MiB",
	} {
		if got := r.Figures[i].line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every figure is a row with all of its parts, whether it has a raw limit or not.
func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := report().Table(&b); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for line := range strings.Lines(b.String()) {
		var cells []string
		for cell := range strings.SplitSeq(strings.TrimRight(line, " \n"), "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		got = append(got, cells)
	}
	want := [][]string{
		{"figure", "how", "raw limit", "measured", "ratio", "must reach"},
		{"accept", "64 connections", "40,000 bare <echo>", "12,346 messages/s (p99 9.1 ms)", "0.31", "0.20 x: yes"},
		{"memory", "after the run", "63.2 MiB", "< 60 MiB: no"},
		{"lost 1", "duplicated 2"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
}

func TestJSON_ReadsBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*report(), got); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
}

// The drawing is well-formed whatever the names are, and has one bar for each
// figure with a raw limit, of at most twice that limit.
func TestSVG(t *testing.T) {
	t.Parallel()
	r := report()
	r.Figures = append(r.Figures, Figure{Name: "fast", Raw: 1, Value: 9, Ratio: 9, RawIs: "one"})
	var b bytes.Buffer
	if err := r.SVG(&b); err != nil {
		t.Fatal(err)
	}
	var bars []string
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "rect" {
			continue
		}
		for _, a := range e.Attr {
			if a.Name.Local == "width" && a.Value != "100%" {
				bars = append(bars, a.Value)
			}
		}
	}
	if d := cmp.Diff([]string{"65", "420"}, bars); d != "" {
		t.Errorf("bars (-want +got):\n%s", d)
	}
}

func TestAdd_ComputesTheRatio(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := &stage{o: Options{Out: &out}, report: &Report{}}
	s.add(Figure{Name: "a", Raw: 200, Value: 50, Unit: "x", RawIs: "raw"})
	s.add(Figure{Name: "b", Value: 50, Unit: "x"})
	if f := s.report.Figures; len(f) != 2 || f[0].Ratio != .25 || f[1].Ratio != 0 {
		t.Errorf("%+v", f)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "0.25 x raw (200)") {
		t.Errorf("printed %q", got)
	}
}

// What used CPU is named where the figure is; a report without figures is drawn too.
func TestPrint_CPUAndNothing(t *testing.T) {
	t.Parallel()
	f := Figure{Name: "a", Value: 1, Unit: "x", Must: "1", Detail: "d", CPU: map[string]float64{"all": 30, "work": 20, "serve": 10}}
	const cpu = "CPU 30 us a message: serve 10, work 20"
	if got, want := f.line(), "a                         1.0 x, d, "+cpu; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var table, drawing, none strings.Builder
	must(t, (&Report{Figures: []Figure{f}}).Table(&table))
	if !strings.Contains(table.String(), "1.0 x (d) ("+cpu+")") {
		t.Errorf("%s", &table)
	}
	must(t, (&Report{}).SVG(&drawing))
	must(t, (&Report{}).Table(&none))
	if strings.Contains(drawing.String(), "#2a7") || !strings.HasSuffix(drawing.String(), "</svg>\n") ||
		strings.Count(none.String(), "\n") != 2 {
		t.Errorf("%s%s", &drawing, &none)
	}
	broken := brokenWriter{}
	for what, err := range map[string]error{"table": report().Table(broken), "JSON": report().JSON(broken), "SVG": report().SVG(broken)} {
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s to a full disk: %v", what, err)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
