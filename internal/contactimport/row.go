package contactimport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/zone"
)

// Contact is the person of one row. It has at least one of Phone, WaID
// and UserID.
type Contact struct {
	Phone    string // E.164
	WaID     string // digits
	UserID   string
	Name     string
	TimeZone string          // IANA
	Fields   json.RawMessage // an object of what is set; empty cells are not
}

// Row is one data row: a contact, or a problem.
type Row struct {
	Contact
	Number  int      // 1 is the first data row; Next yields them in order
	Line    int      // physical line of its beginning, sheet row in a workbook
	Problem *Problem // nil: the row is good
	Cells   []string // for ErrorWriter: of a bad row, and of one with several ids, which may turn out to be bad
}

// Problem is what is wrong with a row.
type Problem struct {
	Column string `json:"column,omitempty"` // "": the row as a whole
	Value  string `json:"value,omitempty"`  // its beginning
	Reason string `json:"reason"`           // and what was expected
}

const (
	maxShown = 60  // characters of a value that reports show
	maxName  = 200 // characters, as in the API
)

// cut returns the beginning of s.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := 0
	for i := range s {
		if n == maxShown {
			return s[:i] + "..."
		}
		n++
	}
	return s
}

// builder makes rows of records.
type builder struct {
	table   *columnTable
	country string
	format  Format
	scopes  bool              // Options.Scopes
	zones   map[string]string // time zones met, by name
}

// build returns the row of r. The first problem wins.
func (b *builder) build(r *record) Row {
	row := Row{Line: r.line, Problem: r.fault}
	if row.Problem == nil {
		row.Problem = b.shape(r)
	}
	if row.Problem == nil {
		row.Problem = b.fill(&row.Contact, r)
	}
	if row.Problem != nil {
		row.Contact = Contact{}
	}
	if row.Problem != nil || row.ids() > 1 {
		row.Cells = b.errorCells(r)
	}
	row.clean()
	return row
}

// clean makes what is kept of a bad row storable, whatever its cells have.
func (r *Row) clean() {
	for i, c := range r.Cells {
		r.Cells[i] = storable.Clean(c)
	}
	if p := r.Problem; p != nil {
		r.Problem = &Problem{Column: storable.Clean(p.Column), Value: storable.Clean(p.Value), Reason: storable.Clean(p.Reason)}
	}
}

// ids returns how many ids of the person the row has.
func (c *Contact) ids() int {
	n := 0
	for _, id := range []string{c.Phone, c.WaID, c.UserID} {
		if id != "" {
			n++
		}
	}
	return n
}

// shape returns a problem if the record does not fit the header. Workbooks and
// objects have no cells at the end of a row that has none.
func (b *builder) shape(r *record) *Problem {
	want := len(b.table.columns)
	if b.format == XLSX {
		for n := len(r.cells); n > want && r.cells[n-1].empty(); n-- {
			r.cells = r.cells[:n-1]
		}
	}
	if len(r.cells) > want || b.format == CSV && len(r.cells) < want {
		return &Problem{Reason: "the row has " + count(len(r.cells), "cell") + ", the header " + count(want, "column")}
	}
	return nil
}

// fill puts the cells into c.
func (b *builder) fill(c *Contact, r *record) *Problem {
	fields := fieldWriter{}
	for i := range r.cells {
		cell, column := &r.cells[i], &b.table.columns[i]
		if column.target.kind == toNothing || cell.bad == "" && cell.emptyFor(column.target.kind) {
			continue
		}
		fault := cell.bad
		if fault == "" {
			fault = textFault(cell.text)
		}
		if fault == "" {
			fault = b.set(c, &fields, column, cell)
		}
		if fault != "" {
			return &Problem{Column: column.Name, Value: cut(strings.ToValidUTF8(cell.text, "\ufffd")), Reason: fault}
		}
	}
	if c.Phone == "" && c.WaID == "" && c.UserID == "" {
		return b.missing()
	}
	c.Fields = fields.object()
	return b.scope(c.Fields)
}

// scope returns the problem of a suppression that holds back neither everything
// nor marketing.
func (b *builder) scope(fields []byte) *Problem {
	var has map[string]any
	if !b.scopes || json.Unmarshal(fields, &has) != nil {
		return nil
	}
	switch has["scope"] {
	case nil, "", "all", "marketing":
		return nil
	}
	p := &Problem{Value: cut(fmt.Sprint(has["scope"])), Reason: "the scope must be all or marketing"}
	for i := range b.table.columns {
		if c := &b.table.columns[i]; c.target.kind == toField && c.target.key == "scope" {
			p.Column = c.Name
		}
	}
	return p
}

// missing returns the problem of a row that names nobody.
func (b *builder) missing() *Problem {
	for i := range b.table.columns {
		if b.table.columns[i].target.kind == toPhone {
			return &Problem{Column: b.table.columns[i].Name, Reason: faultMissing}
		}
	}
	return &Problem{Reason: "the row has neither a phone number nor a wa_id nor a user_id"}
}

// set puts one cell where its column goes and returns what is wrong with it.
func (b *builder) set(c *Contact, fields *fieldWriter, column *Column, v *cell) (fault string) {
	if k := column.target.kind; v.json != nil && k != toField && k != toFields && strings.IndexByte("{[tf", v.json[0]) >= 0 {
		return "expected a text"
	}
	switch column.target.kind {
	case toPhone:
		if id := strings.TrimSpace(v.text); person.IsUserID(id) {
			c.UserID = id
			return ""
		}
		if c.Phone, fault = parsePhone(v.text, b.country); fault == faultMissing {
			fault = ""
		}
	case toWaID:
		if c.WaID = strings.TrimPrefix(cleanPhone(v.text), "+"); !waID.MatchString(c.WaID) {
			fault = faultWaID
		}
	case toUserID:
		if c.UserID = strings.TrimSpace(v.text); !person.IsUserID(c.UserID) {
			fault = faultUserID
		}
	case toName:
		if c.Name = v.text; utf8.RuneCountInString(v.text) > maxName {
			fault = "the name is longer than 200 characters"
		}
	case toTimeZone:
		if c.TimeZone = b.zone(strings.TrimSpace(v.text)); c.TimeZone == "" {
			fault = "not a time zone: expected a name such as Europe/Berlin"
		}
	case toField:
		fields.add(column.key, v)
	case toFields:
		fault = fields.merge(v)
	}
	return fault
}

// zone returns today's name of a time zone, "" if there is none of that name.
func (b *builder) zone(name string) string {
	canonical, ok := b.zones[name]
	if ok {
		return canonical
	}
	canonical, err := zone.Canonical(name)
	if err != nil {
		canonical = ""
	}
	if len(b.zones) < 2000 {
		b.zones[name] = canonical
	}
	return canonical
}

// fieldWriter builds the JSON object of a contact's own fields.
type fieldWriter struct {
	buf    []byte // {"a":"b" without its end
	merged map[string]json.RawMessage
}

// add appends one field; key is quoted and has its colon.
func (f *fieldWriter) add(key []byte, v *cell) {
	sep := byte(',')
	if len(f.buf) == 0 {
		sep = '{'
	}
	f.buf = append(append(f.buf, sep), key...)
	if v.json != nil {
		f.buf = append(f.buf, v.json...)
	} else {
		f.buf = appendJSON(f.buf, v.text)
	}
}

// merge adds the fields of a JSON object.
func (f *fieldWriter) merge(v *cell) (fault string) {
	raw := v.json
	if raw == nil {
		if raw, fault = storableJSON(json.RawMessage(v.text)); fault != "" {
			return "expected a JSON object: " + fault
		}
	}
	if json.Unmarshal(raw, &f.merged) != nil || f.merged == nil {
		return "expected a JSON object"
	}
	return ""
}

// object returns the fields. A field that has a column of its own wins over one
// in an object.
func (f *fieldWriter) object() json.RawMessage {
	if f.merged == nil {
		if len(f.buf) == 0 {
			return json.RawMessage("{}")
		}
		return append(f.buf, '}')
	}
	if len(f.buf) > 0 {
		_ = json.Unmarshal(append(f.buf, '}'), &f.merged) // valid: add wrote it
	}
	var out []byte
	for _, key := range slices.Sorted(maps.Keys(f.merged)) {
		out = append(append(append(append(out, ','), marshalJSON(key)...), ':'), f.merged[key]...)
	}
	if len(out) == 0 {
		return json.RawMessage("{}")
	}
	out[0] = '{'
	return append(out, '}')
}

// appendJSON appends s as a JSON string.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' || s[i] >= utf8.RuneSelf {
			return append(b, marshalJSON(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// errorCells returns the cells of a bad row as ErrorWriter writes them.
func (b *builder) errorCells(r *record) []string {
	if b.format == NDJSON {
		return b.objectCells(r)
	}
	cells := make([]string, 0, len(r.cells))
	for i := range r.cells {
		if i < len(b.table.columns) && skipped(b.table.columns[i].Name) {
			continue
		}
		cells = append(cells, r.cells[i].text)
	}
	return cells
}

// objectCells returns a bad object in objectColumns' order.
func (b *builder) objectCells(r *record) []string {
	cells := make([]string, len(objectColumns))
	fields := fieldWriter{}
	for i := range r.cells {
		v, to := &r.cells[i], b.table.columns[i].target
		switch {
		case v.empty() || to.kind == toNothing:
		case to.kind == toField && v.bad == "":
			fields.add(b.table.columns[i].key, v)
		case to.kind == toField, to.kind == toFields && (v.bad != "" || fields.merge(v) != ""):
			cells[slices.Index(objectColumns, "_raw")] = cut(v.text)
		case to.kind == toFields:
		default:
			cells[slices.Index(objectColumns, to.String())] = v.text
		}
	}
	if object := fields.object(); !bytes.Equal(object, []byte("{}")) {
		cells[slices.Index(objectColumns, "fields")] = string(object)
	}
	if r.raw != "" {
		cells[slices.Index(objectColumns, "_raw")] = r.raw
	}
	return cells
}

// objectColumns are the columns of a bad-rows file made from objects; _raw has
// the beginning of a line that is no object.
var objectColumns = []string{"phone", "wa_id", "user_id", "name", "time_zone", "fields", "_raw"}
