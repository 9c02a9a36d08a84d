package contactimport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// records yields a file of n rows without holding it.
type records struct {
	row  func(i int) string
	n, i int
	rest string
}

func (r *records) Read(p []byte) (int, error) {
	if r.rest == "" && r.i == r.n {
		return 0, io.EOF
	}
	var b strings.Builder
	for b.WriteString(r.rest); b.Len() < len(p) && r.i < r.n; r.i++ {
		b.WriteString(r.row(r.i))
	}
	n := copy(p, b.String())
	r.rest = b.String()[n:]
	return n, nil
}

// BenchmarkReader reads a million rows of each kind.
func BenchmarkReader(b *testing.B) {
	const rows = 1_000_000
	for _, c := range []struct {
		name, head string
		row        func(i int) string
		o          Options
	}{
		{name: "csv-e164", head: "phone,name,city\n", row: func(i int) string { return fmt.Sprintf("+1202%07d,Name %d,Oslo\n", 5550000+i, i) }},
		{
			name: "csv-national-de", head: "name;telefon\n", o: Options{DefaultCountry: "DE"},
			row: func(i int) string { return fmt.Sprintf("Müller %d;0176 %08d\n", i, 4069000+i) },
		},
		{name: "ndjson", row: func(i int) string {
			return fmt.Sprintf(`{"phone":"+1202%07d","fields":{"order":"A-%d"}}`+"\n", 5550000+i, i)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				src := io.MultiReader(strings.NewReader(c.head), &records{row: c.row, n: rows})
				benchRead(b, src, c.o, rows)
			}
		})
	}
}

// BenchmarkWorkbook reads a million rows of the workbook that the environment
// names, such as one that a spreadsheet saved.
func BenchmarkWorkbook(b *testing.B) {
	name := os.Getenv("SENDOFF_BENCH_XLSX")
	if name == "" {
		b.Skip("set SENDOFF_BENCH_XLSX")
	}
	for b.Loop() {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		benchRead(b, f, Options{}, 0)
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRead(b *testing.B, src io.Reader, o Options, want int) {
	b.Helper()
	start := time.Now()
	r, err := Open(src, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closed(b, r) })
	n, peak := 0, uint64(0)
	for ; ; n++ {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || row.Problem != nil {
			b.Fatal(err, row)
		}
		if n%50_000 == 0 {
			peak = max(peak, heap())
		}
	}
	if want > 0 && n != want {
		b.Fatalf("%d rows", n)
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "rows/s")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
}
