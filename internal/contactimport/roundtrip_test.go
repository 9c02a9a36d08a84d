package contactimport

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// awkward draws a text with what CSV, spreadsheets and JSON find special.
func awkward() *rapid.Generator[string] {
	parts := rapid.SampledFrom([]string{
		"'", "=", "+", "-", "@", "\t", "\r", "\n", "\r\n", `"`, `""`, ",", ";", " ", "\u00a0", "é", "😀", "\u200b", `\.`, `\`, "<", "a", "1",
		"_x000D_", "sep=;", "\ufeff", "{}", "null", "\u2028",
	})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(parts, 0, 6).Draw(t, "parts"), "") })
}

func drawContact(t *rapid.T, keys []string) Contact {
	c := Contact{
		Phone:    rapid.SampledFrom([]string{"", "+12025550100", "+447700900101", "+390655501234"}).Draw(t, "phone"),
		WaID:     rapid.SampledFrom([]string{"", "5511955550101"}).Draw(t, "wa_id"),
		UserID:   rapid.SampledFrom([]string{"DE.20001", "US.1"}).Draw(t, "user_id"),
		Name:     awkward().Filter(func(s string) bool { return s == "" || strings.TrimSpace(s) != "" }).Draw(t, "name"),
		TimeZone: rapid.SampledFrom([]string{"", "Europe/Berlin", "America/New_York"}).Draw(t, "zone"),
	}
	fields := map[string]any{}
	for _, k := range keys {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0, 1, 2:
			fields[k] = awkward().Draw(t, "text")
		case 3:
			fields[k] = rapid.SampledFrom([]any{1.5, true, nil, []any{"a", 2.0}, map[string]any{"x": "=y"}}).Draw(t, "value")
		}
	}
	c.Fields = marshalJSON(fields)
	return c
}

// Every contact that is exported reads back the same.
func TestContactWriter_ReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(awkward(), 0, 5, rapid.ID[string]).Draw(t, "keys")
		columns := keys[:rapid.IntRange(0, len(keys)).Draw(t, "columns")]
		contacts := make([]Contact, rapid.IntRange(1, 5).Draw(t, "contacts"))
		var file bytes.Buffer
		w, err := NewContactWriter(&file, columns)
		for i := range contacts {
			contacts[i] = drawContact(t, keys)
			if err == nil {
				err = w.WriteContact(&contacts[i])
			}
		}
		if err != nil || w.Flush() != nil {
			t.Fatal(err)
		}
		runsNothing(t, file.String())
		r, err := Open(bytes.NewReader(file.Bytes()), Options{})
		if err != nil {
			t.Fatalf("%v in\n%s", err, file.String())
		}
		for i := range contacts {
			row, err := r.Next()
			if err != nil || row.Problem != nil {
				t.Fatalf("%v %+v in\n%s", err, row, file.String())
			}
			if diff := cmp.Diff(contacts[i], row.Contact, cmp.Comparer(sameJSON)); diff != "" {
				t.Fatalf("(-written +read):\n%s in\n%s", diff, file.String())
			}
		}
	})
}

// runsNothing fails if a spreadsheet would run a cell.
func runsNothing(t *rapid.T, file string) {
	p := csvParser{delimiter: ','}
	for data := []byte(file); len(data) > 0; {
		n, fault := p.parse(data, true)
		if fault != "" {
			t.Fatalf("%s in\n%s", fault, file)
		}
		data = data[n:]
		for _, c := range p.cells {
			if len(c) > 0 && bytes.IndexByte([]byte("=+-@\t\r"), c[0]) >= 0 {
				t.Fatalf("%q would run", c)
			}
		}
	}
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// A bad-rows file is a valid upload: the rows are still bad for the same
// reason, and good once their cell is corrected.
func TestErrorWriter_FixedIsAValidUpload(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"csv":    "phone;=title;Stadt\nFIX;\"A;\"\"da\";-Köln\n+12025550101;Bob;Oslo\nFIX;'x;\n",
		"again":  "_line,_column,_error,phone,=title,Stadt\n9,phone,too short,FIX,\"A;\"\"da\",-Köln\n10,,,FIX,''x,\n",
		"ndjson": `{"phone":"FIX","=title":"A;\"da","Stadt":"-Köln","fields":{"n":1.5}}` + "\n" + `{"phone":"FIX","=title":"'x"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rows, err := readAll(t, strings.NewReader(file), Options{})
			if err != nil {
				t.Fatal(err)
			}
			first := errorsFile(t, r, rows)
			again, bad, err := readAll(t, strings.NewReader(first), Options{})
			if err != nil || len(bad) != 2 || bad[0].Problem == nil || bad[1].Problem == nil {
				t.Fatalf("%+v, %v of\n%s", bad, err, first)
			}
			if !strings.HasPrefix(first, "_line,_column,_error,") || strings.Count(errorsFile(t, again, bad), "_line") != 1 {
				t.Errorf("header of\n%s", first)
			}
			_, fixed, err := readAll(t, strings.NewReader(strings.ReplaceAll(first, "FIX", "+12025550102")), Options{})
			if err != nil || len(fixed) != 2 || fixed[0].Problem != nil || fixed[1].Problem != nil {
				t.Fatalf("%+v, %v of\n%s", fixed, err, first)
			}
			want := `{"=title":"A;\"da","Stadt":"-Köln"}`
			if name == "ndjson" {
				want = `{"=title":"A;\"da","Stadt":"-Köln","n":1.5}`
			}
			if !sameJSON(fixed[0].Fields, json.RawMessage(want)) || !sameJSON(fixed[1].Fields, json.RawMessage(`{"=title":"'x"}`)) {
				t.Errorf("fields %s and %s; want %s", fixed[0].Fields, fixed[1].Fields, want)
			}
		})
	}
}

func errorsFile(t *testing.T, r *Reader, rows []Row) string {
	t.Helper()
	var out bytes.Buffer
	w, err := NewErrorWriter(&out, r.ErrorColumns())
	for i := range rows {
		if err == nil && rows[i].Problem != nil {
			err = w.WriteRow(rows[i].Line, rows[i].Problem, rows[i].Cells)
		}
	}
	if err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	return out.String()
}
