package outbound

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Response is a server's answer.
type Response struct {
	Status int
	Body   []byte
	// Cut is why Body isn't whole: it was longer than the limit, broke off, or
	// didn't end in time. The status stands all the same.
	Cut error

	header http.Header // nil: head holds it
	head   []byte      // status line and header as they came
}

// ErrTooLong is the Cut of an answer that is longer than its limit.
var ErrTooLong = errors.New("answer is too long")

// Header returns the answer's header. It is read only when it is asked for: that of
// an acceptance never is.
func (r Response) Header() http.Header {
	if r.header != nil || r.head == nil {
		return r.header
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(r.head)), nil)
	if err != nil { // readPlain takes no head that net/http refuses
		return nil
	}
	return answer.Header
}

// readLimited reads up to limit bytes.
func readLimited(res *http.Response, limit int64) ([]byte, error) {
	if res.ContentLength == 0 {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if int64(len(b)) > limit {
		return b[:limit], ErrTooLong
	}
	if err != nil {
		return b, fmt.Errorf("read answer: %w", strip(err))
	}
	return b, nil
}
