package contactimport

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// readAll returns all rows and how the file ended.
func readAll(t testing.TB, src io.Reader, o Options) (*Reader, []Row, error) {
	t.Helper()
	r, err := Open(src, o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { closed(t, r) })
	var rows []Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, rows, nil
		}
		if err != nil {
			return r, rows, err
		}
		rows = append(rows, *row)
	}
}

// closed closes c and fails if that fails.
func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func reasonOf(err error) string {
	if e, ok := errors.AsType[*dispatch.Error](err); ok {
		return e.Reason
	}
	return fmt.Sprint(err)
}

// numbers writes a file of rows of which the first bad ones are bad.
func numbers(rows, bad int) string {
	var b strings.Builder
	b.WriteString("phone,name\n")
	for i := range rows {
		if i < bad {
			fmt.Fprintf(&b, "nobody %d,Ada\n", i)
		} else {
			fmt.Fprintf(&b, "+1202555%04d,Ada\n", i%10000)
		}
	}
	return b.String()
}

func TestReader_StopsWhenTooManyRowsAreBad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rows, bad int
		force     bool
		want      bool
		yields    int
	}{
		{rows: 99, bad: 99, yields: 99},
		{rows: 100, bad: 20, yields: 100},
		{rows: 100, bad: 21, want: true, yields: 100},
		{rows: 1000, bad: 200, yields: 1000},
		{rows: 3000, bad: 200, yields: 3000},
		{rows: 3000, bad: 201, want: true, yields: 1000},
		{rows: 3000, bad: 201, force: true, yields: 3000},
	} {
		r, err := Open(strings.NewReader(numbers(c.rows, c.bad)), Options{Force: c.force})
		if err != nil {
			t.Fatal(err)
		}
		if r.Stopped() != c.want {
			t.Errorf("%+v: stopped %v before the first row", c, r.Stopped())
		}
		yields := 0
		for ; err == nil; yields++ {
			_, err = r.Next()
		}
		if end := map[bool]error{true: ErrStopped, false: io.EOF}[c.want]; yields-1 != c.yields || !errors.Is(err, end) {
			t.Errorf("%+v: %d rows, then %v; want %v", c, yields-1, err, end)
		}
	}
}

func TestReader_NumbersRowsAndLines(t *testing.T) {
	t.Parallel()
	_, rows, err := readAll(t, strings.NewReader("phone,note\r\n\r\n+12025550100,\"a\r\nb\rc\nd\"\r\n+12025550101,x\r\n"), Options{})
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if rows[0].Number != 1 || rows[0].Line != 3 || rows[1].Number != 2 || rows[1].Line != 7 {
		t.Errorf("rows %d and %d on lines %d and %d", rows[0].Number, rows[1].Number, rows[0].Line, rows[1].Line)
	}
}

func TestOpen_RefusesOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"unknown_format":    {Format: "ods"},
		"unknown_delimiter": {Delimiter: ":"},
		"unknown_encoding":  {Encoding: "ebcdic"},
		"unknown_country":   {DefaultCountry: "Germany"},
		"unknown_field":     {Map: []string{"a:colour"}},
		"mapped_twice":      {Map: []string{"phone:phone", "name:phone"}},
		"no_such_column":    {PhoneColumn: "tel"},
	} {
		if _, _, err := readAll(t, strings.NewReader("phone,name\n+12025550100,Ada\n"), o); reasonOf(err) != want {
			t.Errorf("%+v: %v; want %s", o, err, want)
		}
	}
}

// endless yields head, then body again and again.
type endless struct{ rest, body string }

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.body
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestReader_HugeFilesEndInBoundedMemory reads files without end of each awkward
// kind.
func TestReader_HugeFilesEndInBoundedMemory(t *testing.T) {
	long := strings.Repeat("x", 16<<10)
	for name, c := range map[string]struct {
		head, body, want string
		o                Options
	}{
		"one line":           {"phone,name\n+12025550100,Ada\n", long, "file_too_large", Options{}},
		"one cell in quotes": {"phone,name\n+12025550100,\"", long + "\n", "file_too_large", Options{Force: true}},
		"delimiters":         {"phone,name\n+12025550100,Ada\n", strings.Repeat(",", 64<<10), "file_too_large", Options{}},
		"header":             {"", strings.Repeat("phone,", 10<<10), "file_too_large", Options{}},
		"10,001 columns":     {"phone" + strings.Repeat(",c", 10_000) + "\n", "+12025550100\n", "too_many_columns", Options{}},
		"objects":            {`{"phone":"+12025550100"}` + "\n", strings.Repeat(`{"a":`, 10<<10), "file_too_large", Options{Force: true}},
		"blank lines":        {"phone\n+12025550100\n", strings.Repeat(" ", 16<<10) + "\n", "file_too_large", Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.maxBytes = 64 << 20
			r, err := Open(&endless{rest: c.head, body: c.body}, c.o)
			peak := uint64(0)
			for n := 0; err == nil; n++ {
				if _, err = r.Next(); n%10_000 == 0 {
					peak = max(peak, heap())
				}
			}
			if got := reasonOf(err); got != c.want {
				t.Errorf("ends with %v; want %s", err, c.want)
			}
			if peak = max(peak, heap()); peak > 40<<20 {
				t.Errorf("takes %d MiB", peak>>20)
			}
		})
	}
}

// Ten thousand columns are read.
func TestReader_WideFile(t *testing.T) {
	t.Parallel()
	var head, row strings.Builder
	for i := range maxColumns - 1 {
		fmt.Fprintf(&head, ",c%d", i)
		row.WriteString(",x")
	}
	_, rows, err := readAll(t, strings.NewReader("phone"+head.String()+"\n"+strings.Repeat("+12025550100"+row.String()+"\n", 20)), Options{})
	if err != nil || len(rows) != 20 || rows[19].Problem != nil || !bytes.HasSuffix(rows[19].Fields, []byte(`"c9998":"x"}`)) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func TestReader_LongCellsAndRowsAreBadRows(t *testing.T) {
	t.Parallel()
	file := "phone,name\n+12025550100," + strings.Repeat("x", maxCell+1) + "\n+12025550101," + strings.Repeat("y,", maxRecord) + "\n" +
		"+12025550102,\"" + strings.Repeat(strings.Repeat("z", 1023)+"\n", maxRecord>>10) + "\"\n+12025550103,Ada\n"
	_, rows, err := readAll(t, strings.NewReader(file), Options{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if p := rows[0].Problem; p == nil || p.Column != "name" || p.Reason != faultCell {
		t.Errorf("a long cell: %+v", p)
	}
	if p := rows[1].Problem; p == nil || p.Reason != faultLong {
		t.Errorf("a long row: %+v", p)
	}
	if p := rows[2].Problem; p == nil || p.Reason != faultUnclose || rows[2].Line != 4 {
		t.Errorf("a long quote: %+v on line %d", p, rows[2].Line)
	}
	if last := rows[len(rows)-1]; last.Phone != "+12025550103" || last.Line != 4+maxRecord>>10+1 {
		t.Errorf("the last row is %+v on line %d", last.Contact, last.Line)
	}
}

// workbookOf builds a workbook with a sheet that write fills.
func workbookOf(t testing.TB, write func(io.Writer)) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "*.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, f) })
	z := zip.NewWriter(f)
	addParts(t, z)
	sheet, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	write(sheet)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

// addParts adds all parts of a workbook but its sheet.
func addParts(t testing.TB, z *zip.Writer) {
	t.Helper()
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	link := `<Relationships><Relationship Id="r1" Type="` + office + `/%s" Target="%s"/></Relationships>`
	for name, text := range map[string]string{
		"_rels/.rels":                fmt.Sprintf(link, "officeDocument", "xl/workbook.xml"),
		"xl/_rels/workbook.xml.rels": fmt.Sprintf(link, "worksheet", "worksheets/sheet1.xml"),
		"xl/workbook.xml":            `<workbook xmlns:r="` + office + `"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
	} {
		part, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, text); err != nil {
			t.Fatal(err)
		}
	}
}

const sheetHead = `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>phone</t></is></c></row>`

func TestReader_ZipBombsEndInAClearError(t *testing.T) {
	t.Parallel()
	const size = 32 << 20
	for name, c := range map[string]struct{ head, body string }{
		"spaces": {sheetHead, strings.Repeat(" ", 1<<20)},
		"rows":   {sheetHead, strings.Repeat("<row/>", 1<<17)},
		"cells":  {sheetHead + `<row r="2">`, strings.Repeat(`<c><v>1</v></c>`, 1<<16)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := workbookOf(t, func(w io.Writer) {
				io.WriteString(w, c.head)
				for n := 0; n < size; n += len(c.body) {
					io.WriteString(w, c.body)
				}
			})
			_, rows, err := readAll(t, f, Options{Force: true})
			if reasonOf(err) != "bad_workbook" || len(rows) > 0 {
				t.Errorf("%d rows, then %v", len(rows), err)
			}
		})
	}
}

// An archive's own word about sizes is checked: what it declares is refused if
// it is too much, what it hides ends at the declared size.
func TestReader_WorkbooksThatLie(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, sheetHead+strings.Repeat("<row/>", 1<<20))
	closed(t, w)
	for size, want := range map[uint64]string{10: "bad_workbook", maxXMLBytes + 1: "file_too_large"} {
		var file bytes.Buffer
		z := zip.NewWriter(&file)
		addParts(t, z)
		part, err := z.CreateRaw(&zip.FileHeader{
			Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: uint64(packed.Len()),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(packed.Bytes()); err != nil {
			t.Fatal(err)
		}
		closed(t, z)
		if _, _, err := readAll(t, &file, Options{}); reasonOf(err) != want {
			t.Errorf("a sheet that declares %d bytes: %v; want %s", size, err, want)
		}
	}
}

// agreesWithStandard compares records where the standard library accepts the
// file and changes nothing in it.
func agreesWithStandard(t *testing.T, file string) {
	t.Helper()
	std := csv.NewReader(strings.NewReader(file))
	std.FieldsPerRecord = -1
	want, err := std.ReadAll()
	if err != nil || strings.Contains(file, "\r") {
		return
	}
	var got [][]string
	p := csvParser{delimiter: ','}
	for data := []byte(file); len(data) > 0; {
		n, fault := p.parse(data, true)
		if fault != "" {
			t.Fatalf("%q: %s; encoding/csv has no error", file, fault)
		}
		if data = data[n:]; len(p.cells) == 1 && len(p.cells[0]) == 0 && n == 1 {
			continue // blank
		}
		rec := make([]string, len(p.cells))
		for i, c := range p.cells {
			rec[i] = string(c)
		}
		got = append(got, rec)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-encoding/csv +ours):\n%s", file, diff)
	}
}

func TestReader_RemovesTemporaryFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := workbookOf(t, func(w io.Writer) {
		io.WriteString(w, sheetHead+`<row><c><v>12025550100</v></c></row></sheetData></worksheet>`)
	})
	r, err := Open(good, Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	bad := workbookOf(t, func(w io.Writer) { io.WriteString(w, "<worksheet/>") })
	if _, err := Open(bad, Options{TempDir: dir}); reasonOf(err) != "empty_file" {
		t.Errorf("a sheet without rows: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

var errBroken = errors.New("connection reset")

func TestReader_ReturnsErrorsOfTheSource(t *testing.T) {
	t.Parallel()
	file := numbers(100_000, 0)
	src := io.MultiReader(bytes.NewReader([]byte(file)), brokenReader{})
	if _, rows, err := readAll(t, src, Options{}); !errors.Is(err, errBroken) || len(rows) < 30_000 {
		t.Errorf("%d rows, then %v", len(rows), err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// A file without a single object names what its first line is, which is more help than
// that no column is found.
func TestOpen_NoObjects(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		`[{"phone":"+4915112345678"}]`: "line 1: not a JSON object on one line: it is a JSON array",
		"{\n \"phone\": \"+1\"\n}\n":   "line 1: not a JSON object on one line: ",
		"\n\nphone\n":                  "line 3: not a JSON object on one line: ",
	} {
		_, err := Open(strings.NewReader(file), Options{Format: NDJSON})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}
