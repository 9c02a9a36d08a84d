package outbound

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// maxHeader bounds an answer's header.
const maxHeader = 256 << 10

// errLongHeader refuses an answer whose header goes on and on.
var errLongHeader = errors.New("answer's header is too long")

// conn is a connection that serves one call at a time.
type conn struct {
	net.Conn
	counted *countedConn
	bw      *bufio.Writer
	br      *bufio.Reader
	inbound boundedReader
	key     string
	since   time.Time // idle since
	reused  bool
}

// boundedReader ends when an answer's header is too long.
type boundedReader struct {
	conn    net.Conn
	bounded bool
	left    int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if !b.bounded {
		return b.conn.Read(p)
	}
	if b.left <= 0 {
		return 0, errLongHeader
	}
	n, err := b.conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (c *conn) close() { _ = c.Conn.Close() } // nothing can be done about it

// exchange writes the request and reads the answer. keep reports whether the
// connection may serve another call.
func (c *conn) exchange(ctx context.Context, deadline time.Time, r *http.Request, limit int64) (res Response, keep bool, err error) {
	if err := c.SetDeadline(deadline); err != nil {
		return Response{}, false, err
	}
	// A context that ends early breaks off what is under way.
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	res, keep, err = c.talk(r, limit)
	if !stop() {
		keep = false // its deadline has passed, or is about to
		if err != nil {
			err = context.Cause(ctx)
		}
	}
	return res, keep, err
}

func (c *conn) talk(r *http.Request, limit int64) (Response, bool, error) {
	if err := r.Write(c.bw); err != nil {
		return Response{}, false, err
	}
	if err := c.bw.Flush(); err != nil {
		return Response{}, false, err
	}
	answer, err := c.readHeader(r)
	if err != nil {
		return Response{}, false, err
	}
	defer answer.Body.Close()
	res := Response{Status: answer.StatusCode, Header: answer.Header}
	res.Body, res.Cut = readLimited(answer, limit)
	return res, res.Cut == nil && !answer.Close && !r.Close && c.br.Buffered() == 0, nil
}

// readHeader skips what only announces the answer (100 to 199).
func (c *conn) readHeader(r *http.Request) (*http.Response, error) {
	c.inbound.bounded, c.inbound.left = true, maxHeader
	defer func() { c.inbound.bounded = false }()
	for range 6 {
		answer, err := http.ReadResponse(c.br, r)
		if err != nil || answer.StatusCode >= 200 {
			return answer, err
		}
		if answer.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	return nil, errors.New("no final answer")
}
