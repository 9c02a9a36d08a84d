package contactimport

import "bytes"

// The standard library's reader is not used: it has no limit for a record (one
// quote that is never closed makes it read the whole file), turns CR LF inside
// quotes into LF, does not know CR as the end of a line, and can't go on after a
// bad quote (encoding/csv of Go 1.26). Where both accept a file their records
// are the same, which FuzzCSV checks.

// csvParser parses one record at a time (RFC 4180). A quote inside a cell that
// does not begin with one is text: 5" pipe.
type csvParser struct {
	delimiter byte
	text      []byte // of all cells, unquoted
	ends      []int  // of each cell in text
	cells     [][]byte
	lines     int  // physical lines of the record
	cut       bool // the record's line goes on behind data
}

// Faults of a record's shape.
const (
	faultQuote   = `text after a closing quote: write a quote inside a quoted cell twice ("")`
	faultUnclose = `a quote is opened and never closed: write a quote inside a quoted cell twice ("")`
	faultLong    = "the row is longer than 1 MiB"
)

// parse reads the record at the start of data into p.cells and returns the
// number of bytes it takes, 0 if it does not end in data. last: nothing comes
// after data. With a fault the record is the first line alone, as it stands: the
// next one starts on the next line.
func (p *csvParser) parse(data []byte, last bool) (n int, fault string) {
	p.text, p.ends, p.lines, p.cut = p.text[:0], p.ends[:0], 1, false
	for {
		size, more, fault := p.cell(data[n:], last)
		if fault != "" {
			return p.literal(data, last, fault)
		}
		if size < 0 {
			if len(data) <= maxRecord && !last {
				return 0, ""
			}
			return p.literal(data, last, faultUnclose)
		}
		n += size
		p.ends = append(p.ends, len(p.text))
		if !more && n > maxRecord {
			return p.literal(data, last, faultUnclose)
		}
		if !more {
			p.split()
			return n, ""
		}
	}
}

// cell appends one cell to p.text and returns its size with what ends it, -1 if
// the end is not in data. more: another cell follows on the line.
func (p *csvParser) cell(data []byte, last bool) (size int, more bool, fault string) {
	start := quoteStart(data)
	if start < 0 {
		i := bytes.IndexAny(data, p.stops())
		if i < 0 {
			i = len(data)
		}
		p.text = append(p.text, data[:i]...)
		return p.end(data, i, last)
	}
	i := start + 1
	for {
		k := bytes.IndexByte(data[i:], '"')
		if k < 0 {
			return -1, false, ""
		}
		p.text = append(p.text, data[i:i+k]...)
		p.lines += countLines(data[i : i+k])
		i += k + 1
		if i == len(data) && !last {
			return -1, false, ""
		}
		if i == len(data) || data[i] != '"' {
			break
		}
		p.text = append(p.text, '"')
		i++
	}
	for i < len(data) && data[i] == ' ' {
		i++
	}
	if i < len(data) && data[i] != p.delimiter && data[i] != '\r' && data[i] != '\n' {
		return 0, false, faultQuote
	}
	return p.end(data, i, last)
}

// end returns the size of a cell whose text ends at i, with the delimiter or the
// end of the line: LF, CR LF or CR.
func (p *csvParser) end(data []byte, i int, last bool) (size int, more bool, fault string) {
	switch {
	case i == len(data) && last:
		return i, false, ""
	case i == len(data):
		return -1, false, ""
	case data[i] == p.delimiter:
		return i + 1, true, ""
	case data[i] == '\n':
		return i + 1, false, ""
	case i+1 < len(data) && data[i+1] == '\n':
		return i + 2, false, ""
	case i+1 < len(data) || last:
		return i + 1, false, ""
	}
	return -1, false, ""
}

func (p *csvParser) stops() string {
	switch p.delimiter {
	case ';':
		return ";\r\n"
	case '\t':
		return "\t\r\n"
	case '|':
		return "|\r\n"
	}
	return ",\r\n"
}

// split sets p.cells from p.text.
func (p *csvParser) split() {
	p.cells = p.cells[:0]
	start := 0
	for _, end := range p.ends {
		p.cells = append(p.cells, p.text[start:end:end])
		start = end
	}
}

// literal makes the first line of data the record, without regard to quotes. A
// line that does not end in data is too long and has no cells.
func (p *csvParser) literal(data []byte, last bool, why string) (n int, fault string) {
	line, n := firstLine(data)
	p.cells, p.lines = p.cells[:0], 1
	if n == len(data) && !last && (n == len(line) || data[n-1] == '\r') { // the line may go on
		if n <= maxRecord {
			return 0, ""
		}
		p.cut = true
	}
	if n > maxRecord {
		return n, faultLong
	}
	p.cells = append(p.cells, bytes.SplitN(line, []byte{p.delimiter}, maxColumns+1)...)
	return n, why
}

// quoteStart returns the place of the quote that opens a cell, -1 if none does.
// Spaces in front of it do not count.
func quoteStart(cell []byte) int {
	for i, c := range cell {
		if c == '"' {
			return i
		}
		if c != ' ' {
			break
		}
	}
	return -1
}

// firstLine returns the first line of data and its size with its end.
func firstLine(data []byte) (line []byte, size int) {
	i := bytes.IndexAny(data, "\r\n")
	if i < 0 {
		return data, len(data)
	}
	if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
		return data[:i], i + 2
	}
	return data[:i], i + 1
}

// countLines counts the line ends in b.
func countLines(b []byte) int {
	return bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
}
