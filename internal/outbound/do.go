package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Do makes one call and reads its answer. An error is an *Error.
func (c *Client) Do(ctx context.Context, req *http.Request) (Response, error) {
	r, getBody := prepare(ctx, req)
	for tries := 0; ; tries++ {
		resp, t, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		// Go would do the same with GetBody set; it is not, so that nothing is ever
		// sent again that Go (not this package) takes for unwritten.
		if t.again(ctx, tries) && rewind(r, getBody) == nil {
			continue
		}
		return Response{}, &Error{Written: t.written, Err: strip(err)}
	}
}

// try is what became of one try's request.
type try struct {
	reused  bool // the connection had served before
	written bool // bytes of it may have left
}

// again reports whether the call may be tried once more: the server had closed a
// kept connection, which was found out before a byte was written, so another one does.
func (t try) again(ctx context.Context, tries int) bool {
	return t.reused && !t.written && ctx.Err() == nil && tries < 3
}

// prepare copies the request, and takes from it what Go's transport takes as
// leave to send a POST again.
func prepare(ctx context.Context, req *http.Request) (r *http.Request, getBody func() (io.ReadCloser, error)) {
	r = req.WithContext(ctx)
	r.GetBody = nil
	keyed := r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""
	user := r.URL.User != nil && r.Header.Get("Authorization") == ""
	if keyed || user {
		r.Header = r.Header.Clone()
		r.Header.Del("Idempotency-Key")
		r.Header.Del("X-Idempotency-Key")
	}
	if user { // as http.Client does
		password, _ := r.URL.User.Password()
		r.SetBasicAuth(r.URL.User.Username(), password)
	}
	return r, req.GetBody
}

// once makes one try.
func (c *Client) once(ctx context.Context, r *http.Request) (Response, try, error) {
	if c.own != nil && c.own.handles(r) {
		return c.own.do(ctx, message{key: keyOf(r.URL), req: r}, c.maxBody)
	}
	std := c.std
	if c.proxied != nil && c.proxied.handles(r) {
		if err := c.proxied.check(ctx, r.URL.Hostname()); err != nil {
			return Response{}, try{}, err
		}
		std = c.proxied.http
	}
	w := new(watch)
	trace := &httptrace.ClientTrace{GotConn: w.gotConn, WroteHeaders: w.wroteHeaders}
	res, err := std.Do(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return Response{}, try{reused: w.reused.Load(), written: w.written()}, err
	}
	defer res.Body.Close()
	out := Response{Status: res.StatusCode, header: res.Header}
	out.Body, out.Cut = readLimited(res, c.maxBody)
	return out, try{}, nil
}

func rewind(req *http.Request, getBody func() (io.ReadCloser, error)) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	if getBody == nil {
		return errors.New("request body can't be read again")
	}
	body, err := getBody()
	if err != nil {
		return fmt.Errorf("read request body again: %w", err)
	}
	req.Body = body
	return nil
}

// watch sees what becomes of a call of net/http's.
type watch struct {
	conn    atomic.Pointer[countedConn]
	start   atomic.Int64
	reused  atomic.Bool
	headers atomic.Bool
}

func (w *watch) gotConn(info httptrace.GotConnInfo) {
	w.reused.Store(info.Reused)
	if c := counted(info.Conn); c != nil {
		w.start.Store(c.writes.Load())
		w.conn.Store(c)
	}
}

func (w *watch) wroteHeaders() { w.headers.Store(true) }

// written reports whether bytes of the request may have left. A connection that
// New's dialer didn't make isn't counted: there, filled headers count as sent.
func (w *watch) written() bool {
	if c := w.conn.Load(); c != nil {
		return c.writes.Load() > w.start.Load()
	}
	return w.headers.Load()
}
