package contactimport

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// xmlReader reads a part of a workbook token by token. It bounds a token: an
// archive can hide a gigabyte of spaces in one.
type xmlReader struct {
	decoder *xml.Decoder
	src     *bufio.Reader
	part    io.ReadCloser
	left    int
}

const maxToken = 1 << 20

var errToken = errors.New("a value of more than 1 MiB")

func newXMLReader(part io.ReadCloser) *xmlReader {
	x := &xmlReader{src: bufio.NewReaderSize(part, 64<<10), part: part}
	x.decoder = xml.NewDecoder(x)
	x.decoder.Strict = true
	return x
}

// Read is there for the decoder, which uses ReadByte alone.
func (x *xmlReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := x.ReadByte()
	p[0] = c
	return 1, err
}

// ReadByte returns the next byte.
func (x *xmlReader) ReadByte() (byte, error) {
	if x.left--; x.left < 0 {
		return 0, errToken
	}
	return x.src.ReadByte()
}

// token returns the next token; it is valid until the next call.
func (x *xmlReader) token() (xml.Token, error) {
	x.left = maxToken
	return x.decoder.RawToken()
}

// maxTexts bounds the index of shared strings: 40 MB.
const maxTexts = 10_000_000

// sharedTexts are the texts that cells refer to by number. They stay on disk.
type sharedTexts struct {
	file   *os.File
	ends   []uint32 // of each text in file
	blocks [64]block
}

// block is a part of a file in memory. Rows use a few texts again and again and
// the others in turn.
type block struct {
	start int64
	data  []byte
}

const blockSize = 8 << 10

// sharedTexts unpacks the shared strings.
func (b *workbook) sharedTexts(part, dir string) (*sharedTexts, error) {
	x, err := b.stream(part)
	if err != nil {
		return nil, err
	}
	defer x.part.Close()
	if b.texts, err = os.CreateTemp(dir, "sendoff-import-*"); err != nil {
		return nil, err
	}
	t := &sharedTexts{file: b.texts}
	out := bufio.NewWriterSize(b.texts, 64<<10)
	if err := t.unpack(x, out); err != nil {
		return nil, err
	}
	return t, out.Flush()
}

// unpack writes each text to out and notes where it ends.
func (t *sharedTexts) unpack(x *xmlReader, out *bufio.Writer) error {
	text, end := plainText{}, 0
	for {
		token, err := x.token()
		if errors.Is(err, io.EOF) {
			return badWorkbook("its texts end too early")
		}
		if err != nil {
			return badWorkbook("its texts are damaged: " + err.Error())
		}
		text.token(token)
		tag, ok := token.(xml.EndElement)
		switch {
		case ok && tag.Name.Local == "sst":
			return nil
		case ok && tag.Name.Local == "si":
			if len(t.ends) == maxTexts {
				return refuse("file_too_large", "the workbook has more than 10,000,000 different texts: save it as CSV")
			}
			n, err := out.WriteString(text.take())
			if err != nil {
				return err
			}
			end += n
			t.ends = append(t.ends, uint32(end))
		}
	}
}

// get returns text number i.
func (t *sharedTexts) get(i int) (string, error) {
	if t == nil || i < 0 || i >= len(t.ends) {
		return "", errors.New("a text is missing")
	}
	start, end := int64(0), int64(t.ends[i])
	if i > 0 {
		start = int64(t.ends[i-1])
	}
	b := &t.blocks[start/blockSize%int64(len(t.blocks))]
	if start < b.start || end > b.start+int64(len(b.data)) {
		if err := b.read(t.file, start, end); err != nil {
			return "", err
		}
	}
	return string(b.data[start-b.start : end-b.start]), nil
}

// read fills the block with what stands between start and end, and around it.
func (b *block) read(file io.ReaderAt, start, end int64) error {
	b.start = start - start%blockSize
	if size := max(blockSize, end-b.start); size > int64(cap(b.data)) {
		b.data = make([]byte, size)
	}
	n, err := file.ReadAt(b.data[:cap(b.data)], b.start)
	b.data = b.data[:n]
	if err != nil && !errors.Is(err, io.EOF) || b.start+int64(n) < end {
		return badWorkbook("a text is missing")
	}
	return nil
}

// plainText gathers the text of <t> elements, without the pronunciation that
// East Asian spreadsheets add (<rPh>).
type plainText struct {
	text     strings.Builder
	inText   bool
	phonetic bool
}

func (p *plainText) token(token xml.Token) {
	switch t := token.(type) {
	case xml.StartElement:
		p.inText = t.Name.Local == "t"
		p.phonetic = p.phonetic || t.Name.Local == "rPh"
	case xml.EndElement:
		p.inText = false
		p.phonetic = p.phonetic && t.Name.Local != "rPh"
	case xml.CharData:
		if p.inText && !p.phonetic && p.text.Len() <= maxCell { // what is longer is refused later
			p.text.Write(t)
		}
	}
}

// take returns the text so far and begins a new one.
func (p *plainText) take() string {
	s := unescapeX(p.text.String())
	p.text.Reset()
	return s
}

// escapedX is a character that XML can't hold, as spreadsheets write it
// (ECMA-376 part 1, 22.9.2.19).
var escapedX = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescapeX(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escapedX.ReplaceAllStringFunc(s, func(e string) string {
		n, err := strconv.ParseUint(e[2:6], 16, 16)
		if err != nil {
			return e
		}
		return string(rune(n))
	})
}
