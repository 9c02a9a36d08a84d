package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// spoolAfter is how many bytes of results are kept in memory.
const spoolAfter = 1 << 20

// spool keeps the results of a batch, one a line: the first bytes in memory, the
// rest in a temporary file without a name. Where no file can be made, it is all
// memory.
type spool struct {
	memory bytes.Buffer
	file   *os.File
	buffer *bufio.Writer
	err    error
}

// Write implements io.Writer.
func (s *spool) Write(b []byte) (int, error) {
	if s.buffer == nil && s.err == nil && s.memory.Len()+len(b) > spoolAfter {
		s.open()
	}
	if s.buffer == nil {
		return s.memory.Write(b)
	}
	return s.buffer.Write(b)
}

func (s *spool) open() {
	if s.file, s.err = os.CreateTemp("", "sendoff-batch"); s.err != nil {
		return
	}
	s.buffer = bufio.NewWriterSize(s.file, 64<<10)
	s.err = os.Remove(s.file.Name())
}

// close frees the file.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// reader returns what was written, from its beginning.
func (s *spool) reader() (io.Reader, error) {
	if s.buffer == nil {
		return &s.memory, nil
	}
	if err := s.buffer.Flush(); err != nil {
		return nil, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.MultiReader(&s.memory, s.file), nil
}

// joined copies the lines of r to w with commas between them.
func joined(w *bufio.Writer, r io.Reader) error {
	lines := bufio.NewReader(r)
	for first := true; ; first = false {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !first {
			_ = w.WriteByte(',') // a failure is the next Write's
		}
		if _, err := w.Write(line[:len(line)-1]); err != nil {
			return err
		}
	}
}
