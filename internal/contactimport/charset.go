package contactimport

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is an encoding that files may have.
type charset struct {
	name    string
	aliases []string
	table   *charmap.Charmap // nil: UTF-8, or UTF-16 that is converted before everything else
	endian  unicode.Endianness
}

// utf16 reports whether text is converted before it is read.
func (c *charset) utf16() bool { return c == utf16LECharset || c == utf16BECharset }

var (
	utf8Charset    = &charset{name: "utf-8", aliases: []string{"utf8"}}
	windows1252    = &charset{name: "windows-1252", aliases: []string{"cp1252", "iso-8859-1", "latin1", "ansi"}, table: charmap.Windows1252}
	utf16LECharset = &charset{name: "utf-16le", endian: unicode.LittleEndian}
	utf16BECharset = &charset{name: "utf-16be", endian: unicode.BigEndian}
)

// charsets are the choices of the option; "iso-8859-1" means windows-1252, as
// it does on the web (encoding.spec.whatwg.org).
var charsets = []*charset{
	utf8Charset, utf16LECharset, utf16BECharset, windows1252,
	{name: "iso-8859-15", aliases: []string{"latin9", "latin-9"}, table: charmap.ISO8859_15},
	{name: "macintosh", aliases: []string{"mac", "macroman", "x-mac-roman"}, table: charmap.Macintosh},
}

// findCharset returns the charset of a name, or nil.
func findCharset(name string) *charset {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, c := range charsets {
		if c.name == name {
			return c
		}
		if slices.Contains(c.aliases, name) {
			return c
		}
	}
	return nil
}

func charsetNames() string {
	names := make([]string, len(charsets))
	for i, c := range charsets {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// sniffCharset returns the charset that the head of a file shows and the length
// of its byte order mark. nil: all is ASCII so far.
func sniffCharset(head []byte) (c *charset, bom int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return utf8Charset, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return utf16LECharset, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return utf16BECharset, 2
	}
	good, bad := countUTF8(head)
	switch {
	case good == 0 && bad == 0:
		return nil, 0
	case good > 4*bad: // text in another encoding has hardly any sequence that is also UTF-8
		return utf8Charset, 0
	}
	return windows1252, 0
}

// countUTF8 counts the characters outside ASCII that are UTF-8, and the bytes
// that are not. A character cut off at the end counts as neither.
func countUTF8(b []byte) (good, bad int) {
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		switch {
		case r != utf8.RuneError || n > 1:
			good++
		case !utf8.FullRune(b):
			return good, bad
		default:
			bad++
		}
		b = b[n:]
	}
	return good, bad
}

// fromUTF16 converts what src holds after its byte order mark. An unpaired half
// of a character becomes U+FFFD.
func fromUTF16(src io.Reader, c *charset) io.Reader {
	return transform.NewReader(src, unicode.UTF16(c.endian, unicode.IgnoreBOM).NewDecoder())
}

// decoder turns the bytes of cells into text. Until the first byte outside ASCII
// its charset is open: a file may be plain for megabytes before the first é.
type decoder struct {
	charset *charset // nil: open
}

var errBadByte = errors.New("bad byte")

// text decodes one cell. Returns errBadByte, and the text with U+FFFD in its
// place, if a byte has no meaning in the charset.
func (d *decoder) text(b []byte) (string, error) {
	if isASCII(b) {
		return string(b), nil
	}
	if d.charset == nil {
		d.charset = windows1252
		if utf8.Valid(b) {
			d.charset = utf8Charset
		}
	}
	if d.charset.table == nil {
		if utf8.Valid(b) {
			return string(b), nil
		}
		return strings.ToValidUTF8(string(b), "\ufffd"), errBadByte
	}
	return decodeTable(d.charset.table, b)
}

// decodeTable decodes b. charmap decodes the five unused bytes of Windows-1252
// to U+FFFD and not to control characters as browsers do (x/text v0.43.0).
func decodeTable(table *charmap.Charmap, b []byte) (string, error) {
	var s strings.Builder
	s.Grow(len(b) + len(b)/2)
	var err error
	for _, c := range b {
		r := table.DecodeByte(c)
		if r == utf8.RuneError {
			err = errBadByte
		}
		s.WriteRune(r)
	}
	return s.String(), err
}

// name returns the charset as reports show it.
func (d *decoder) name() string {
	if d.charset == nil {
		return utf8Charset.name // ASCII is UTF-8
	}
	return d.charset.name
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
