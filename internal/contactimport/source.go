package contactimport

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// source yields the records of a file.
type source interface {
	// names returns the columns of the records so far; objects may add some.
	names() []string
	// read returns the next record, io.EOF after the last one.
	read() (record, error)
}

// record is one row of a file, before it is understood.
type record struct {
	line  int // physical line of its beginning, sheet row in a workbook
	cells []cell
	fault *Problem // the row can't be read
	raw   string   // of an object that can't be read
}

// cell is one value. json is set for what is not a text in an object.
type cell struct {
	text string
	json []byte
	bad  string // what is wrong with its text
}

func (c *cell) empty() bool { return c.text == "" && c.json == nil }

// emptyFor reports whether the cell has no value for a target: spaces alone are
// one for a field only.
func (c *cell) emptyFor(kind targetKind) bool {
	return c.empty() || kind != toField && strings.TrimSpace(c.text) == ""
}

// size returns about how much memory the record takes.
func (r *record) size() int {
	n := 48 * (len(r.cells) + 1)
	for i := range r.cells {
		n += len(r.cells[i].text) + len(r.cells[i].json)
	}
	return n
}

// blank reports whether the record has no value: an empty line, or one of
// delimiters alone as spreadsheets write below their last row.
func (r *record) blank() bool {
	for i := range r.cells {
		if !r.cells[i].emptyFor(toNothing) {
			return false
		}
	}
	return r.fault == nil
}

// csvSource reads delimited text.
type csvSource struct {
	w       *window
	parser  csvParser
	decoder *decoder
	columns []string
	line    int // of the next record
	pending *record
}

func (s *csvSource) names() []string { return s.columns }

func (s *csvSource) read() (record, error) {
	if r := s.pending; r != nil {
		s.pending = nil
		return *r, nil
	}
	for {
		n, fault, err := s.next()
		if err != nil {
			return record{}, err
		}
		r := record{line: s.line, cells: s.cells()}
		s.line += s.parser.lines
		s.w.take(n)
		if s.parser.cut {
			if err := s.w.skipLine(); err != nil {
				return record{}, err
			}
		}
		if fault != "" {
			r.fault = &Problem{Reason: fault}
			return r, nil
		}
		if !r.blank() {
			return r, nil
		}
	}
}

// next parses one record at the window's start.
func (s *csvSource) next() (n int, fault string, err error) {
	for {
		if data := s.w.bytes(); len(data) > 0 {
			if n, fault = s.parser.parse(data, s.w.last); n > 0 {
				return n, fault, nil
			}
		}
		if s.w.last {
			return 0, "", io.EOF
		}
		if err := s.w.fill(); err != nil {
			return 0, "", err
		}
	}
}

// cells returns the parser's record as text, without the apostrophes that guard
// against formulas.
func (s *csvSource) cells() []cell {
	cells := make([]cell, len(s.parser.cells))
	for i, b := range s.parser.cells {
		cells[i] = s.cell(b)
	}
	return cells
}

func (s *csvSource) cell(b []byte) cell {
	if len(b) > maxCell {
		return cell{text: cut(string(b[:maxShown*4])), bad: faultCell}
	}
	text, err := s.decoder.text(b)
	c := cell{text: unguard(text)}
	if errors.Is(err, errBadByte) {
		c.bad = "not valid " + s.decoder.name() + ": set the encoding, or save the file as UTF-8"
	}
	return c
}

const faultCell = "the cell is longer than 64 KiB"

// header reads the column names. A first record that has a phone number and no
// name of a column is data: the columns are then called column_1 and so on, or
// phone if there is one alone. sniffed: no client chose the delimiter.
func (s *csvSource) header(sniffed bool) error {
	s.separatorLine(sniffed)
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

// splitHeader returns the columns of a file by its first record, and the record
// itself if it is data.
func splitHeader(r *record) (names []string, data *record, err error) {
	if r.fault != nil {
		return nil, nil, refuse("bad_header", "line %d, the header: %s", r.line, r.fault.Reason)
	}
	if isData(r.cells) {
		return positionNames(len(r.cells)), r, nil
	}
	names, err = headerNames(r.cells)
	return names, nil, err
}

// separatorLine takes the line sep=; that Excel writes and reads. It wins over a
// delimiter that was sniffed.
func (s *csvSource) separatorLine(sniffed bool) {
	line, n := firstLine(s.w.bytes())
	if d, ok := separator(line); ok {
		if sniffed {
			s.parser.delimiter = d
		}
		s.w.take(n)
		s.line++
	}
}

func separator(line []byte) (byte, bool) {
	rest, ok := bytes.CutPrefix(bytes.ToLower(bytes.Trim(line, `"`)), []byte("sep="))
	if !ok || len(rest) != 1 || bytes.IndexByte([]byte(delimiters), rest[0]) < 0 {
		return 0, false
	}
	return rest[0], true
}

func positionNames(n int) []string {
	if n == 1 {
		return []string{"phone"}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "column_" + strconv.Itoa(i+1)
	}
	return names
}

func errEmpty() error { return refuse("empty_file", "the file is empty") }
