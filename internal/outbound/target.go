package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Target is an address that one body after the other is posted to, with the same
// header. It is safe for concurrent use.
type Target struct {
	req         *http.Request // without a body
	own         bool          // own makes the calls
	key         string
	before, end []byte // of the head: up to the length of the body, and from there on
}

// NewTarget returns the target of a request without a body, which is not changed.
// What net/http would refuse to write is an error.
func (c *Client) NewTarget(req *http.Request) (*Target, error) {
	r, _ := prepare(req.Context(), req)
	t := &Target{req: r, own: c.own != nil && c.own.handles(r) && !r.Close && r.Method == http.MethodPost}
	// net/http writes the head, once, so that it is what it would be in every call.
	var head bytes.Buffer
	once := t.request(context.Background(), []byte{'x'})
	if err := once.Write(&head); err != nil {
		return nil, fmt.Errorf("write head: %w", err)
	}
	const length = "\r\nContent-Length: "
	before, end, ok := bytes.Cut(head.Bytes(), []byte(length+"1\r\n"))
	if !ok || !bytes.HasSuffix(end, []byte("\r\n\r\nx")) {
		return nil, errors.New("write head: no length in it")
	}
	t.before, t.end = append(before, length...), append([]byte("\r\n"), end[:len(end)-1]...)
	t.key = keyOf(r.URL)
	return t, nil
}

// request returns the request for a body.
func (t *Target) request(ctx context.Context, body []byte) *http.Request {
	r := t.req.WithContext(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return r
}

// Post is Do for a body that is posted to t, which must be of c or of a client that
// shares its connections.
func (c *Client) Post(ctx context.Context, t *Target, body []byte) (Response, error) {
	if !t.own || len(body) == 0 {
		return c.Do(ctx, t.request(ctx, body))
	}
	for tries := 0; ; tries++ {
		resp, this, err := c.own.do(ctx, message{key: t.key, req: t.req, target: t, body: body}, c.maxBody)
		if err == nil {
			return resp, nil
		}
		if !this.again(ctx, tries) {
			return Response{}, &Error{Written: this.written, Err: strip(err)}
		}
	}
}

// message is what a call sends: req, or body to target, whose request is req.
type message struct {
	key    string // of the connections that it may use
	req    *http.Request
	target *Target // nil: req has all of it
	body   []byte
}

func keyOf(u *url.URL) string { return u.Scheme + " " + u.Host }
