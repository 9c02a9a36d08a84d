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

// lineReader reads the messages of a batch one by one. next returns io.EOF after
// the last one, and errLong for one that is too long; reading can go on then.
type lineReader interface{ next() ([]byte, error) }

var errLong = &dispatch.Error{Code: dispatch.TooLarge, Msg: "the message is larger than 64 KiB"}

// errHuge ends the request: the end of such a message is not looked for.
var errHuge = &dispatch.Error{Code: dispatch.TooLarge, Msg: "a message is far larger than 64 KiB: the messages before it are accepted"}

// countedReader limits the size of the whole body and, with most, of one message.
type countedReader struct {
	r    io.Reader
	left int64
	most int64 // limit of the present message in bytes; 0: none
	read int64 // bytes of the present message
}

func (c *countedReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, dispatch.Errorf(dispatch.TooLarge, "the request body is larger than %d bytes", int64(maxBatchBody))
	}
	if c.most > 0 && c.read > c.most {
		return 0, errHuge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.read += int64(n)
	return n, err
}

type ndjsonLines struct {
	r    *bufio.Reader
	room []byte // for the lines to come; many share one allocation
}

func newNDJSON(r io.Reader) *ndjsonLines { return &ndjsonLines{r: bufio.NewReaderSize(r, maxLine)} }

// roomBytes is the size of the allocation that lines share.
const roomBytes = 32 << 10

// keep returns a copy of a line.
func (l *ndjsonLines) keep(line []byte) []byte {
	if len(line) > cap(l.room)-len(l.room) {
		l.room = make([]byte, 0, max(roomBytes, len(line)))
	}
	from := len(l.room)
	l.room = append(l.room, line...)
	return l.room[from:len(l.room):len(l.room)]
}

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
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return l.keep(line), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// arrayLines reads {"messages":[...]} without keeping it in memory.
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
	// The decoder keeps a whole message in memory: a huge one ends the request.
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
			return dispatch.Errorf(dispatch.Malformed, `the request body must be {"messages":[...]}`)
		}
	}
	return nil
}

func (l *arrayLines) close() error {
	for _, want := range []json.Token{json.Delim(']'), json.Delim('}')} {
		if t, err := l.dec.Token(); err != nil || t != want {
			return errNotAlone
		}
	}
	if _, err := l.dec.Token(); !errors.Is(err, io.EOF) {
		return errNotAlone
	}
	return io.EOF
}

var errNotAlone = dispatch.Errorf(dispatch.Malformed, `the request body must be {"messages":[...]} and nothing else`)

func malformedBatch(err error) error {
	if e, ok := errors.AsType[*dispatch.Error](err); ok {
		return e
	}
	return &dispatch.Error{
		Code: dispatch.Malformed, Err: err,
		Msg: "the request body is not valid JSON or ended unexpectedly: the messages before that point are accepted; " +
			"repeat the request with the same Idempotency-Key to get their ids",
	}
}
