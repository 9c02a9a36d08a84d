package outbound

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxHeader bounds an answer's header.
const maxHeader = 256 << 10

// deadlineSlack is how much longer than asked for a call may last, so that the calls of a
// busy connection set its deadline once for several.
const deadlineSlack = 50 * time.Millisecond

// errGone is of a kept connection that is closed, or on which something came that nobody
// asked for. Nothing was written.
var errGone = errors.New("connection was closed by the other side")

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
	liveness
	deadline time.Time // what was set last

	watched <-chan struct{} // of the context whose end breaks off every call; nil: of none
	unwatch func() bool
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

func (c *conn) close() {
	c.ignore()
	_ = c.Conn.Close() // nothing can be done about it
}

// watch has the end of the context that ctx was made of by Until break off what is under
// way, from now on: the calls of a connection usually have it in common, so that it is not
// registered anew for each. Other contexts are watched call by call. It
// returns false if the connection may have been broken off, or be about to.
func (c *conn) watch(ctx context.Context) bool {
	var done <-chan struct{}
	u, ok := ctx.(*until)
	if ok {
		done = u.parent.Done()
	}
	if done == c.watched {
		return true
	}
	if !c.ignore() {
		return false
	}
	if done != nil {
		c.watched, c.unwatch = done, context.AfterFunc(u.parent, c.breakOff)
	}
	return true
}

// ignore undoes watch. It returns false if breakOff has begun.
func (c *conn) ignore() bool {
	if c.watched == nil {
		return true
	}
	c.watched = nil
	return c.unwatch()
}

func (c *conn) breakOff() { _ = c.SetDeadline(time.Unix(1, 0)) } // an error: it is closed

// exchange writes the request and reads the answer. keep reports whether the
// connection may serve another call.
func (c *conn) exchange(ctx context.Context, deadline time.Time, m *message, limit int64) (res Response, keep bool, err error) {
	if over := c.deadline.Sub(deadline); over < 0 || over > deadlineSlack {
		c.deadline = deadline.Add(deadlineSlack)
		if err := c.SetDeadline(c.deadline); err != nil {
			return Response{}, false, err
		}
	}
	// A context that ends early breaks off what is under way.
	var stop func() bool
	if c.watched == nil {
		stop = context.AfterFunc(ctx, c.breakOff)
	} else if ctx.Err() != nil { // breakOff may have come before the deadline was set
		return Response{}, false, context.Cause(ctx)
	}
	res, keep, err = c.talk(m, limit)
	if (stop != nil && !stop()) || (stop == nil && ctx.Err() != nil) {
		keep = false // its deadline has passed, or is about to
		if err != nil {
			err = context.Cause(ctx)
		}
	}
	return res, keep, err
}

func (c *conn) talk(m *message, limit int64) (Response, bool, error) {
	if c.looks(m) {
		c.counted.hold(c.reused)
	}
	if err := c.write(m); err != nil {
		return Response{}, false, err
	}
	_, err := c.br.Peek(1)
	switch {
	case c.counted.holding: // TLS had read more than the last call's answer
		return Response{}, false, errGone
	case errors.Is(err, io.EOF): // as net/http says it
		return Response{}, false, io.ErrUnexpectedEOF
	case err != nil:
		return Response{}, false, err
	}
	if res, ok := c.readPlain(m.req, limit); ok {
		return res, !m.req.Close && c.br.Buffered() == 0, nil
	}
	answer, err := c.readHeader(m.req)
	if err != nil {
		return Response{}, false, err
	}
	defer answer.Body.Close()
	res := Response{Status: answer.StatusCode, header: answer.Header}
	res.Body, res.Cut = readLimited(answer, limit)
	return res, res.Cut == nil && !answer.Close && !m.req.Close && c.br.Buffered() == 0, nil
}

func (c *conn) write(m *message) error {
	if m.target == nil {
		if err := m.req.Write(c.bw); err != nil {
			return err
		}
		return c.bw.Flush()
	}
	// A bufio.Writer keeps its first error for Flush.
	_, _ = c.bw.Write(m.target.before)
	_, _ = c.bw.Write(strconv.AppendInt(c.bw.AvailableBuffer(), int64(len(m.body)), 10))
	_, _ = c.bw.Write(m.target.end)
	_, _ = c.bw.Write(m.body)
	return c.bw.Flush()
}

// readPlain reads the answer if it is a plain one whose head arrives in one piece (see
// plainHead) and that fits into the buffer. Else it leaves what came in the buffer.
func (c *conn) readPlain(r *http.Request, limit int64) (Response, bool) {
	if r.Method == http.MethodHead || r.Method == http.MethodConnect {
		return Response{}, false
	}
	came, _ := c.br.Peek(c.br.Buffered())
	status, head, length, ok := plainHead(came)
	if !ok || int64(length) > limit {
		return Response{}, false
	}
	came, err := c.br.Peek(head + length)
	if err != nil {
		return Response{}, false
	}
	kept := bytes.Clone(came)
	_, _ = c.br.Discard(len(kept)) // it is in the buffer
	return Response{Status: status, head: kept[:head:head], Body: kept[head:]}, true
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
