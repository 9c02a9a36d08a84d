package contactimport

import (
	"errors"
	"io"
)

// window is the part of a file that is being read: at most one record and a
// chunk, whatever the file holds.
type window struct {
	src        io.Reader
	buf        []byte
	start, end int
	last       bool // the end of src is in buf
}

const windowSize = maxRecord + 256<<10

func newWindow(src io.Reader) *window { return &window{src: src, buf: make([]byte, windowSize)} }

// bytes returns what is in the window and not yet taken.
func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

// take drops n bytes.
func (w *window) take(n int) { w.start += n }

// fill reads until the window is full or src ends.
func (w *window) fill() error {
	copy(w.buf, w.bytes())
	w.start, w.end = 0, w.end-w.start
	n, err := io.ReadFull(w.src, w.buf[w.end:])
	w.end += n
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		w.last = true
	default:
		return err
	}
	return nil
}

// skipLine drops the rest of a line, however long it is.
func (w *window) skipLine() error {
	for {
		if line, n := firstLine(w.bytes()); n > len(line) && (n < len(w.bytes()) || w.last) {
			w.take(n)
			return nil
		}
		w.skipText()
		if w.last {
			w.take(len(w.bytes()))
			return nil
		}
		if err := w.fill(); err != nil {
			return err
		}
	}
}

// skipText drops what stands in front of the first line end.
func (w *window) skipText() {
	line, _ := firstLine(w.bytes())
	w.take(len(line))
}

// maxReader returns an error when more than left bytes come.
type maxReader struct {
	src   io.Reader
	left  int64
	limit string
}

func (r *maxReader) Read(p []byte) (int, error) {
	if r.left < 0 {
		return 0, refuse("file_too_large", "the file is larger than %s: split it", r.limit)
	}
	n, err := r.src.Read(p[:min(int64(len(p)), r.left+1)])
	if r.left -= int64(n); r.left < 0 {
		return 0, refuse("file_too_large", "the file is larger than %s: split it", r.limit)
	}
	return n, err
}
