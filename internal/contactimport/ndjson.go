package contactimport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ndjsonSource reads one JSON object a line. Its columns are the keys in the
// order in which they come up.
type ndjsonSource struct {
	w       *window
	decoder *decoder
	columns []string
	index   map[string]int
	line    int
}

func (s *ndjsonSource) names() []string { return s.columns }

func (s *ndjsonSource) read() (record, error) {
	for {
		line, n, err := s.next()
		if err != nil {
			return record{}, err
		}
		s.line++
		r := record{line: s.line}
		if n < 0 {
			r.fault = &Problem{Reason: faultLong}
			return r, s.w.skipLine()
		}
		if len(bytes.TrimSpace(line)) > 0 {
			s.object(&r, line)
		}
		s.w.take(n)
		if r.fault != nil || !r.blank() {
			return r, nil
		}
	}
}

// next returns the next line and its size; -1: it is too long.
func (s *ndjsonSource) next() (line []byte, n int, err error) {
	for {
		data := s.w.bytes()
		if i := bytes.IndexByte(data, '\n'); i >= 0 && i <= maxRecord {
			return data[:i], i + 1, nil
		}
		switch {
		case len(data) > maxRecord:
			return nil, -1, nil
		case s.w.last && len(data) == 0:
			return nil, 0, io.EOF
		case s.w.last:
			return data, len(data), nil
		}
		if err := s.w.fill(); err != nil {
			return nil, 0, err
		}
	}
}

// object sets r's cells, or its fault.
func (s *ndjsonSource) object(r *record, line []byte) {
	text, err := s.decoder.text(line)
	if err != nil {
		r.fault, r.raw = &Problem{Reason: "not valid " + s.decoder.name()}, cut(text)
		return
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		r.fault, r.raw = &Problem{Reason: "not a JSON object on one line: " + jsonReason(err)}, cut(text)
		return
	}
	r.cells = make([]cell, len(s.columns))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		i, fault := s.column(key)
		if fault != "" {
			r.fault, r.raw = &Problem{Reason: fault}, cut(text)
			return
		}
		for len(r.cells) <= i {
			r.cells = append(r.cells, cell{})
		}
		r.cells[i] = jsonCell(values[key])
	}
}

func jsonReason(err error) string {
	if e, ok := err.(*json.SyntaxError); ok {
		return fmt.Sprintf("%s at byte %d", e.Error(), e.Offset)
	}
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return "it is a JSON " + e.Value
	}
	return err.Error()
}

// column returns the place of a key, or why it can't have one.
func (s *ndjsonSource) column(key string) (i int, fault string) {
	if i, ok := s.index[key]; ok {
		return i, ""
	}
	if len(s.columns) == maxColumns {
		return 0, "the objects have more than 10,000 different keys"
	}
	if fault := textFault(key); fault != "" {
		return 0, "a key: " + fault
	}
	s.index[key] = len(s.columns)
	s.columns = append(s.columns, key)
	return s.index[key], ""
}

// jsonCell returns a cell of a JSON value. null is empty.
func jsonCell(v json.RawMessage) cell {
	var c cell
	switch {
	case bytes.Equal(v, []byte("null")):
	case v[0] == '"':
		_ = json.Unmarshal(v, &c.text) // v is valid: it comes out of json.Unmarshal
	default:
		c.text, c.json = string(v), v
	}
	if len(v) > maxCell {
		c = cell{text: cut(c.text), bad: faultCell}
	} else if c.json != nil {
		c.json, c.bad = storableJSON(v)
	}
	return c
}

// maxDepth bounds objects in objects; Postgres refuses about 6,000.
const maxDepth = 32

// storableJSON returns v in a form that Postgres' jsonb takes, or what is wrong
// with it: jsonb refuses NUL, lone surrogates (which Go reads as U+FFFD) and
// numbers beyond its numeric type.
func storableJSON(v json.RawMessage) (out []byte, bad string) {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, "not valid JSON: " + jsonReason(err)
	}
	if bad := unstorable(value, 0); bad != "" {
		return nil, bad
	}
	return marshalJSON(value), ""
}

// unstorable returns why value can't be stored, or "".
func unstorable(value any, depth int) string {
	if depth > maxDepth {
		return "JSON of more than 32 levels"
	}
	switch v := value.(type) {
	case string:
		return textFault(v)
	case json.Number:
		return numberFault(string(v))
	case []any:
		for _, e := range v {
			if bad := unstorable(e, depth+1); bad != "" {
				return bad
			}
		}
	case map[string]any:
		for k, e := range v {
			if bad := cmp.Or(textFault(k), unstorable(e, depth+1)); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// textFault returns why Postgres can't store s, or "".
func textFault(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return "a NUL character can't be stored"
	}
	return ""
}

func numberFault(n string) string {
	_, exponent, ok := strings.Cut(strings.ToLower(n), "e")
	if e, err := strconv.Atoi(exponent); len(n) > 1000 || ok && (err != nil || e > 1000 || e < -1000) {
		return "a number of more than 1,000 digits"
	}
	return ""
}

// marshalJSON encodes what came out of a JSON decoder.
func marshalJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null") // never: v has only what JSON has
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
