package contactimport

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// Excel's own limits.
const (
	maxSheetRows    = 1 << 20
	maxSheetColumns = 1 << 14
)

// sheetSource reads the rows of one sheet (ECMA-376 part 1, 18.3).
type sheetSource struct {
	xml     *xmlReader
	texts   *sharedTexts
	columns []string
	pending *record
	line    int
	done    bool
}

func (s *sheetSource) names() []string { return s.columns }

// header reads the column names from the first row that has any cell.
func (s *sheetSource) header() error {
	r, err := s.read()
	if errors.Is(err, io.EOF) {
		return errEmpty()
	}
	if err != nil {
		return err
	}
	s.columns, s.pending, err = splitHeader(&r)
	return err
}

func (s *sheetSource) read() (record, error) {
	if r := s.pending; r != nil {
		s.pending = nil
		return *r, nil
	}
	for !s.done {
		token, err := s.token()
		if err != nil {
			return record{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "row" {
				r, err := s.row(&t)
				if err != nil || !r.blank() {
					return r, err
				}
			}
		case xml.EndElement:
			s.done = t.Name.Local == "sheetData" || t.Name.Local == "worksheet"
		}
	}
	return record{}, io.EOF
}

// token returns the next token. A sheet that ends too early is an error, not
// the end.
func (s *sheetSource) token() (xml.Token, error) {
	token, err := s.xml.token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badWorkbook("its sheet ends after row " + strconv.Itoa(s.line))
	case err != nil:
		return nil, badWorkbook("its sheet is damaged after row " + strconv.Itoa(s.line) + ": " + err.Error())
	}
	return token, nil
}

// row reads one row to its end.
func (s *sheetSource) row(start *xml.StartElement) (record, error) {
	s.line++
	if n, err := strconv.Atoi(attribute(start, "r")); err == nil {
		s.line = n
	}
	if s.line > maxSheetRows {
		return record{}, badWorkbook("its sheet has more than 1,048,576 rows")
	}
	r, column, size := record{line: s.line}, 0, 0
	for {
		token, err := s.token()
		if err != nil {
			return r, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			if column = columnOf(attribute(&t, "r"), column+1); column > maxSheetColumns {
				return r, badWorkbook("row " + strconv.Itoa(s.line) + " has more than 16,384 cells")
			}
			c, err := s.cell(attribute(&t, "t"))
			if err != nil {
				return r, err
			}
			if size += len(c.text); size > maxRecord {
				r.fault, r.cells = &Problem{Reason: faultLong}, nil
			}
			if r.fault == nil && (!c.empty() || c.bad != "") {
				r.cells = append(r.cells, make([]cell, max(0, column-len(r.cells)))...)
				r.cells[column-1] = c
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return r, nil
			}
		}
	}
}

// cell reads one cell of a type to its end.
func (s *sheetSource) cell(kind string) (cell, error) {
	inline, inValue := plainText{}, false
	var value strings.Builder
	for {
		token, err := s.token()
		if err != nil {
			return cell{}, err
		}
		inline.token(token)
		switch t := token.(type) {
		case xml.StartElement:
			inValue = t.Name.Local == "v"
		case xml.CharData:
			if inValue && value.Len() <= maxCell {
				value.Write(t)
			}
		case xml.EndElement:
			inValue = false
			if t.Name.Local == "c" {
				return s.value(kind, value.String(), inline.take())
			}
		}
	}
}

// value returns a cell by its type.
func (s *sheetSource) value(kind, v, inline string) (cell, error) {
	c := cell{text: v}
	switch kind {
	case "inlineStr":
		c.text = inline
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil && v == "" {
			return cell{}, nil
		}
		if c.text, err = s.texts.get(i); err != nil {
			return c, badWorkbook("row " + strconv.Itoa(s.line) + ": " + err.Error())
		}
	case "b":
		c.text = map[string]string{"1": "TRUE", "0": "FALSE"}[v]
	case "e":
		c.bad = "the formula's result is an error"
	case "str":
		c.text = unescapeX(v)
	case "", "n":
		c.text = number(v)
	}
	if len(c.text) > maxCell {
		return cell{text: cut(c.text), bad: faultCell}, nil
	}
	c.text = unguard(c.text)
	return c, nil
}

// number returns an integer in digits: programs write 491701234567 as
// 4.91701234567E11 or with .0. A workbook has all its digits, unlike a CSV file.
func number(v string) string {
	if f, err := strconv.ParseFloat(v, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return v
}

// columnOf returns the column number of a reference such as AB12, or next if it
// has none.
func columnOf(ref string, next int) int {
	n := 0
	for i := 0; i < len(ref) && i < 4; i++ {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n
}

func attribute(e *xml.StartElement, name string) string {
	for i := range e.Attr {
		if e.Attr[i].Name.Local == name && e.Attr[i].Name.Space == "" {
			return e.Attr[i].Value
		}
	}
	return ""
}
