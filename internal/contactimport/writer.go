package contactimport

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// guarded are the first characters of a cell that a spreadsheet may run as a
// formula (owasp.org, CSV Injection), and the guard itself.
const guarded = "=+-@'\t\r"

// guard puts an apostrophe before a cell that a spreadsheet may run.
func guard(s string) string {
	if s != "" && strings.IndexByte(guarded, s[0]) >= 0 {
		return "'" + s
	}
	return s
}

// unguard drops the apostrophe of guard.
func unguard(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte(guarded, s[1]) >= 0 {
		return s[1:]
	}
	return s
}

// Writer writes the CSV files that people get from us: with commas, LF, in
// UTF-8, nothing that a spreadsheet runs. Open reads the same cells back.
type Writer struct {
	w   *csv.Writer
	row []string
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: csv.NewWriter(w)} }

// Write writes one row. It is buffered until Flush.
func (w *Writer) Write(cells ...string) error {
	w.row = w.row[:0]
	for _, c := range cells {
		w.row = append(w.row, guard(c))
	}
	return w.w.Write(w.row)
}

// Flush writes what is buffered and returns the first error of all writes.
func (w *Writer) Flush() error {
	w.w.Flush()
	return w.w.Error()
}

// ErrorWriter writes the bad rows of a file. Corrected, its output is a valid
// upload: its own columns begin with _, which are skipped.
type ErrorWriter struct {
	Writer
	cells []string
}

// NewErrorWriter writes the header for the columns of Reader.ErrorColumns.
func NewErrorWriter(w io.Writer, columns []string) (*ErrorWriter, error) {
	e := &ErrorWriter{Writer: *NewWriter(w)}
	return e, e.Write(append([]string{"_line", "_column", "_error"}, columns...)...)
}

// WriteRow writes one bad row.
func (e *ErrorWriter) WriteRow(line int, p *Problem, cells []string) error {
	e.cells = append(append(e.cells[:0], strconv.Itoa(line), p.Column, p.Reason), cells...)
	return e.Write(e.cells...)
}

// ContactWriter writes contacts. Each field that it is made with has a column
// of its own for texts; all else is kept exactly in the JSON column "fields".
type ContactWriter struct {
	Writer
	fields []string
	cells  []string
}

// NewContactWriter writes the header for contacts with these fields.
func NewContactWriter(w io.Writer, fields []string) (*ContactWriter, error) {
	c := &ContactWriter{Writer: *NewWriter(w)}
	header := []string{"phone", "wa_id", "user_id", "name", "time_zone"}
	for _, f := range fields {
		if f != "" && len(f) <= maxName && !slices.Contains(c.fields, f) {
			c.fields, header = append(c.fields, f), append(header, fieldPrefix+f)
		}
	}
	return c, c.Write(append(header, "fields")...)
}

// WriteContact writes one contact. Returns an error if its fields are not a JSON
// object.
func (w *ContactWriter) WriteContact(c *Contact) error {
	rest := map[string]json.RawMessage{}
	if len(c.Fields) > 0 {
		if err := json.Unmarshal(c.Fields, &rest); err != nil {
			return err
		}
	}
	w.cells = append(w.cells[:0], c.Phone, c.WaID, c.UserID, c.Name, c.TimeZone)
	for _, f := range w.fields {
		w.cells = append(w.cells, takeText(rest, f))
	}
	return w.Write(append(w.cells, fieldsCell(rest))...)
}

// takeText removes a field from rest and returns it if it is a text.
func takeText(rest map[string]json.RawMessage, field string) string {
	var s string
	if v := rest[field]; len(v) < 3 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	delete(rest, field)
	return s
}

func fieldsCell(rest map[string]json.RawMessage) string {
	if len(rest) == 0 {
		return ""
	}
	f := fieldWriter{}
	for _, k := range slices.Sorted(maps.Keys(rest)) {
		f.add(append(marshalJSON(k), ':'), &cell{json: rest[k]})
	}
	return string(f.object())
}
