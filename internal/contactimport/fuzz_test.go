package contactimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

func seeds(f *testing.F, pattern string, add func([]byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/corpus/" + pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(b)
	}
}

// check reads a file and fails if a row breaks a promise.
func check(t *testing.T, file []byte, o Options) {
	t.Helper()
	r, err := Open(bytes.NewReader(file), o)
	if err != nil {
		if e, ok := errors.AsType[*dispatch.Error](err); !ok || e.Reason == "" {
			t.Fatalf("no refusal: %v", err)
		}
		return
	}
	defer closed(t, r)
	lines := bytes.Count(file, []byte{'\n'}) + bytes.Count(file, []byte{'\r'}) + 1
	for number, line := 1, 0; ; number++ {
		row, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, ErrStopped) {
				t.Fatal(err)
			}
			return
		}
		if row.Number != number || row.Line <= line || row.Line > lines {
			t.Fatalf("row %d of line %d after line %d of %d", row.Number, row.Line, line, lines)
		}
		line = row.Line
		checkRow(t, row)
	}
}

func checkRow(t *testing.T, row *Row) {
	t.Helper()
	if row.Problem != nil {
		if row.Problem.Reason == "" || row.Phone != "" || row.Fields != nil {
			t.Fatalf("bad row %+v", row)
		}
		return
	}
	if row.Phone == "" && row.WaID == "" && row.UserID == "" {
		t.Fatalf("nobody: %+v", row)
	}
	if e164, err := phone.Parse(row.Phone); row.Phone != "" && (err != nil || e164 != row.Phone) {
		t.Fatalf("%q is not E.164: %v", row.Phone, err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row.Fields, &fields); err != nil || strings.Contains(string(row.Fields), `\u0000`) {
		t.Fatalf("fields %q: %v", row.Fields, err)
	}
	for _, s := range []string{row.Name, row.TimeZone, string(row.Fields)} {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			t.Fatalf("Postgres can't store %q", s)
		}
	}
}

func FuzzCSV(f *testing.F) {
	seeds(f, "*.csv", func(b []byte) { f.Add(b, "DE") })
	f.Fuzz(func(t *testing.T, file []byte, country string) {
		if !phone.Region(country) {
			country = ""
		}
		check(t, file, Options{Format: CSV, DefaultCountry: country, Force: true})
		check(t, append([]byte("phone\n"), file...), Options{Format: CSV, DefaultCountry: country})
		agreesWithStandard(t, string(file))
	})
}

func FuzzNDJSON(f *testing.F) {
	seeds(f, "*.ndjson", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, file []byte) {
		check(t, file, Options{Format: NDJSON, Force: true})
		check(t, append([]byte(`{"phone":"+12025550100","wa_id":""}`+"\n"), file...), Options{Format: NDJSON})
	})
}

func FuzzSniff(f *testing.F) {
	seeds(f, "*", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, file []byte) {
		check(t, file, Options{})
		if d := sniffDelimiter(file, true); strings.IndexByte(delimiters, d) < 0 {
			t.Errorf("delimiter %q", d)
		}
		charset, bom := sniffCharset(file)
		if charset == nil && !isASCII(file) && utf8.Valid(file) || bom > len(file) {
			t.Errorf("no charset, mark of %d bytes", bom)
		}
	})
}
