// Package contactimport reads files of contacts: it finds out format, encoding,
// delimiter and columns, and turns rows into contacts or problems. It reads as a
// stream, in memory that does not grow with the file, and writes the CSV files
// that people get from us, so that they read back to the same data.
//
// Duplicates within a file are not its business: each row carries the keys of
// its person, and SQL compares them.
package contactimport

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strconv"
	"strings"
)

// ErrStopped ends a file of which too many of the first rows are bad.
var ErrStopped = errors.New("over 20 % of the first 1,000 rows are bad: is the right column mapped?")

const (
	stopRows    = 1000    // rows that decide whether a file is stopped
	stopAtLeast = 100     // a shorter file never is
	aheadBytes  = 8 << 20 // of rows that are read before the first is returned
)

// Reader yields the rows of one file.
type Reader struct {
	src     source
	build   builder
	ahead   []Row // read and not returned yet
	waiting []record
	rows    int // built so far
	bad     int
	force   bool
	stopped bool
	err     error // after ahead
	info    Info
	decoder *decoder
	closer  io.Closer
}

// Info is what a file turned out to be.
type Info struct {
	Format    Format   `json:"format"`
	Encoding  string   `json:"encoding"`
	Delimiter string   `json:"delimiter,omitempty"`
	Sheet     string   `json:"sheet,omitempty"` // of a workbook
	Columns   []Column `json:"columns"`
}

// Open reads the head of src: up to 1,000 rows, so that Stopped is known before
// anything is written. Returns a *dispatch.Error with code Invalid if the file
// or an option can't be used, else what src returned. Close removes temporary
// files.
func Open(src io.Reader, o Options) (*Reader, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	r := &Reader{force: o.Force}
	if err := r.open(src, &o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Reader) open(src io.Reader, o *Options) error {
	w := newWindow(&maxReader{src: src, left: cmp.Or(o.maxBytes, MaxBytes), limit: "1 GB"})
	if err := w.fill(); err != nil {
		return err
	}
	format, err := sniffFormat(w.bytes(), o.Format)
	if err != nil {
		return err
	}
	r.info.Format, r.build.format = format, format
	if format == XLSX {
		err = r.openWorkbook(w, o)
	} else {
		err = r.openText(w, o)
	}
	if err != nil {
		return err
	}
	return r.start(o)
}

// openText sets the source of a CSV or NDJSON file.
func (r *Reader) openText(w *window, o *Options) error {
	w, err := r.decode(w, o)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(w.bytes())) == 0 && w.last {
		return errEmpty()
	}
	if r.info.Format == NDJSON {
		r.src = &ndjsonSource{w: w, decoder: r.decoder, index: map[string]int{}}
		return nil
	}
	delimiter, err := o.delimiter()
	if err != nil {
		return err
	}
	if delimiter == 0 {
		delimiter = sniffDelimiter(w.bytes(), w.last)
	}
	s := &csvSource{w: w, decoder: r.decoder, line: 1, parser: csvParser{delimiter: delimiter}}
	if err := s.header(o.Delimiter == ""); err != nil {
		return err
	}
	r.src, r.info.Delimiter = s, string(s.parser.delimiter)
	return nil
}

// decode chooses the charset and returns the window to read from: for UTF-16 it
// is one of UTF-8.
func (r *Reader) decode(w *window, o *Options) (*window, error) {
	charset, bom := sniffCharset(w.bytes())
	if wanted := findCharset(o.Encoding); wanted != nil && bom == 0 { // a byte order mark is a fact
		charset = wanted
	}
	r.decoder = &decoder{charset: charset}
	w.take(bom)
	if charset != nil && charset.utf16() {
		w = newWindow(fromUTF16(io.MultiReader(bytes.NewReader(w.bytes()), w.src), charset))
		return w, w.fill()
	}
	if head := w.bytes()[:min(len(w.bytes()), 4096)]; bytes.Count(head, []byte{0})*5 > len(head) {
		return nil, refuse("unsupported_file", "binary, or UTF-16 without byte order mark: set the encoding, or save the file as UTF-8")
	}
	return w, nil
}

// start assigns the columns from the first records and reads ahead.
func (r *Reader) start(o *Options) error {
	size := 0
	for len(r.waiting) < sniffRecords && size < aheadBytes {
		rec, err := r.src.read()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil {
			break
		}
		r.waiting = append(r.waiting, rec)
		size += rec.size()
	}
	table, err := resolveColumns(r.src.names(), r.waiting, o)
	if err != nil {
		return err
	}
	r.build.table, r.build.country, r.build.zones = table, strings.ToUpper(o.DefaultCountry), map[string]string{}
	r.build.scopes = o.Scopes
	r.readAhead()
	return nil
}

// readAhead reads the rows that decide whether the file is stopped.
func (r *Reader) readAhead() {
	for size := 0; r.rows < stopRows && size < aheadBytes && r.err == nil; {
		row, n, err := r.row()
		if err != nil {
			r.err = err
			break
		}
		r.ahead, size = append(r.ahead, row), size+n
	}
}

// row reads and builds one row; size is about the memory that it takes. The
// row that shows that the file is to be stopped is returned, nothing after it.
func (r *Reader) row() (row Row, size int, err error) {
	if r.stopped {
		return Row{}, 0, ErrStopped
	}
	rec, err := r.record()
	if err != nil {
		if errors.Is(err, io.EOF) && r.rows < stopRows && r.tooMany() {
			r.stopped, err = true, ErrStopped
		}
		return Row{}, 0, err
	}
	if names := r.src.names(); len(names) > len(r.build.table.columns) {
		r.build.table.add(names)
	}
	row = r.build.build(&rec)
	r.rows++
	row.Number = r.rows
	if row.Problem != nil {
		r.bad++
	}
	r.stopped = r.rows == stopRows && r.tooMany()
	return row, rec.size(), nil
}

func (r *Reader) record() (record, error) {
	if len(r.waiting) > 0 {
		rec := r.waiting[0]
		r.waiting = r.waiting[1:]
		return rec, nil
	}
	return r.src.read()
}

// tooMany reports whether over 20 % of the rows so far are bad.
func (r *Reader) tooMany() bool {
	return !r.force && r.rows >= stopAtLeast && 5*r.bad > r.rows
}

// Next returns the next row, bad ones too. After the last it returns io.EOF, or
// ErrStopped if the file was stopped, or a *dispatch.Error if the rest can't be
// read.
func (r *Reader) Next() (*Row, error) {
	if len(r.ahead) > 0 {
		row := &r.ahead[0]
		r.ahead = r.ahead[1:]
		return row, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	row, _, err := r.row()
	if err != nil {
		r.err = err
		return nil, err
	}
	return &row, nil
}

// Stopped reports whether too many of the first rows are bad. Next still returns
// the rows that were read, so that their problems can be shown. It is known
// when Open returns, except for rows that take more than 8 MiB together.
func (r *Reader) Stopped() bool { return r.stopped }

// Info returns what the file is. Encoding and Columns may change while rows are
// read: a file may be ASCII for long, objects may bring new keys.
func (r *Reader) Info() Info {
	info := r.info
	info.Columns = r.build.table.columns
	if r.decoder != nil {
		info.Encoding = r.decoder.name()
	}
	return info
}

// ErrorColumns returns the columns of Row.Cells, for NewErrorWriter.
func (r *Reader) ErrorColumns() []string {
	info := r.Info()
	return info.ErrorColumns()
}

// ErrorColumns returns the columns of Row.Cells, for NewErrorWriter.
func (i *Info) ErrorColumns() []string {
	if i.Format == NDJSON {
		return objectColumns
	}
	var names []string
	for k := range i.Columns {
		if name := i.Columns[k].Name; !skipped(name) {
			names = append(names, name)
		}
	}
	return names
}

// skipped reports whether a column is not read: ours begin so in a bad-rows file.
func skipped(name string) bool { return strings.HasPrefix(name, "_") }

// Close removes temporary files.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// count returns n with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
