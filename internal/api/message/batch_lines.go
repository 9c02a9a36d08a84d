package message

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// lineReader gives one message after the other; io.EOF ends it. A line that is
// too long comes with errLong, and reading may go on.
type lineReader interface{ next() ([]byte, error) }

var errLong = &dispatch.Error{Code: dispatch.TooLarge, Msg: "the message is larger than 64 KiB"}

// errHuge ends the request: what comes after such a message can't be found.
var errHuge = &dispatch.Error{Code: dispatch.TooLarge, Msg: "a message is far larger than 64 KiB: what was read before is accepted"}

// countedReader bounds the whole body.
type countedReader struct {
	r    io.Reader
	left int64
	most int64 // what one message may take, if it is bounded at all
	read int64 // of that
}

func (c *countedReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, dispatch.Errorf(dispatch.TooLarge, "the body is larger than %d bytes", int64(maxBatchBody))
	}
	if c.most > 0 && c.read > c.most {
		return 0, errHuge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.read += int64(n)
	return n, err
}

type ndjsonLines struct{ r *bufio.Reader }

func (l *ndjsonLines) next() ([]byte, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = l.r.ReadSlice('\n')
			}
			return nil, errLong
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 {
			return bytes.Clone(line), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// arrayLines reads {"messages":[...]} without holding it.
type arrayLines struct {
	dec    *json.Decoder
	body   *countedReader
	inside bool
}

func (l *arrayLines) next() ([]byte, error) {
	if !l.inside {
		if err := l.open(); err != nil {
			return nil, err
		}
		l.inside = true
	}
	l.body.most = 0
	if !l.dec.More() {
		return nil, l.close()
	}
	// The decoder holds a whole message: one far too long ends the request.
	l.body.most, l.body.read = middleware.MaxBody, 0
	var raw json.RawMessage
	if err := l.dec.Decode(&raw); err != nil {
		return nil, malformedBatch(err)
	}
	if len(raw) > maxLine {
		return nil, errLong
	}
	return raw, nil
}

func (l *arrayLines) open() error {
	for _, want := range []json.Token{json.Delim('{'), "messages", json.Delim('[')} {
		t, err := l.dec.Token()
		if err != nil {
			return malformedBatch(err)
		}
		if t != want {
			return dispatch.Errorf(dispatch.Malformed, `the body must be {"messages":[...]}`)
		}
	}
	return nil
}

func (l *arrayLines) close() error {
	for _, want := range []json.Token{json.Delim(']'), json.Delim('}')} {
		if t, err := l.dec.Token(); err != nil || t != want {
			return dispatch.Errorf(dispatch.Malformed, `the body must be {"messages":[...]} and nothing else`)
		}
	}
	return io.EOF
}

func malformedBatch(err error) error {
	if e, ok := errors.AsType[*dispatch.Error](err); ok {
		return e
	}
	return &dispatch.Error{Code: dispatch.Malformed, Msg: "the body is not valid JSON or broke off: what was read before is accepted; repeat with the same Idempotency-Key to learn the ids", Err: err}
}
