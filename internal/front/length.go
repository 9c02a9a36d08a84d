package front

import (
	"context"
	"net"
	"net/http"
)

type connKey struct{}

// OneLength makes srv, which serves a Listener, refuse requests that have Content-Length and are chunked: a
// proxy in front may have read another body than we do (RFC 9112, 6.3). The
// connection of a chunked request is closed after the answer.
func OneLength(srv *http.Server) {
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if p, ok := c.(*conn); ok {
			ctx = p.until(ctx)
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		p, ok := c.(*conn)
		switch {
		case ok && s == http.StateIdle:
			p.next()
			p.phase.Store(int32(waiting))
		case ok && s == http.StateActive:
			p.phase.Store(int32(reading))
		}
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(connKey{}).(*conn)
		if ok {
			p.phase.Store(int32(handled))
		}
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
			if ok && p.hasLength() {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(twoLengths)) // the client has gone if this fails
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

const twoLengths = `{"type":"https://sendoff.dev/problems/malformed_request","title":"Bad Request",` +
	`"status":400,"code":"malformed_request",` +
	`"detail":"the request has Content-Length and Transfer-Encoding; send one of them"}`
