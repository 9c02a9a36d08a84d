package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// transport makes calls over HTTP/1.1 connections that it keeps. A call runs on
// the caller's goroutine from dial to the last byte, and reports itself whether
// it was written. net/http's Transport keeps two goroutines and two channels per
// connection, and costs more: client and server together took 73 µs of CPU a
// call over TLS where this one took 57 (BenchmarkCalls, 2 cores). A dispatched
// message costs a worker some 70 µs over plain HTTP in all, so that this is a
// fifth of it. Proxies and international names go through net/http.
type transport struct {
	proxy func(*http.Request) (*url.URL, error) // nil: none
	opts  Options
	dial  func(ctx context.Context, network, addr string) (*countedConn, error)
	tls   *tls.Config

	mu       sync.Mutex
	idle     map[string][]*conn // by scheme and host, the last used at the end
	sweeping bool
}

// closeIdle closes the kept connections.
func (t *transport) closeIdle() {
	t.mu.Lock()
	all := t.idle
	t.idle = nil
	t.mu.Unlock()
	for _, cs := range all {
		for _, c := range cs {
			c.close()
		}
	}
}

// handles reports whether t makes the call itself.
func (t *transport) handles(r *http.Request) bool {
	if r.URL == nil || r.URL.Host == "" || (r.URL.Scheme != "http" && r.URL.Scheme != "https") {
		return false
	}
	for i := range len(r.URL.Host) {
		if r.URL.Host[i] >= 0x80 {
			return false // an international name
		}
	}
	if t.proxy == nil {
		return true
	}
	proxy, err := t.proxy(r)
	return proxy == nil && err == nil
}

// do makes one call on one connection.
func (t *transport) do(ctx context.Context, m message, limit int64) (Response, try, error) {
	now := time.Now()
	deadline := now.Add(t.opts.Timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	for {
		c, err := t.get(ctx, now, &m)
		if err != nil {
			return Response{}, try{}, err
		}
		before := c.counted.writes.Load()
		res, keep, err := c.exchange(ctx, deadline, &m, limit)
		result := try{reused: c.reused, written: c.counted.writes.Load() > before}
		if keep {
			t.put(c) // from here on c is another call's
			return res, result, nil
		}
		c.close()
		if !errors.Is(err, errGone) || !c.reused { // else another one may be open
			return res, result, err
		}
	}
}

// get takes a kept connection that is still open, or that looks so itself, or dials one.
func (t *transport) get(ctx context.Context, now time.Time, m *message) (*conn, error) {
	for {
		c := t.pop(m.key)
		if c == nil {
			return t.connect(ctx, m.req.URL, m.key)
		}
		if now.Sub(c.since) < t.opts.IdleTimeout && (c.looks(m) || c.alive()) && c.watch(ctx) {
			c.reused = true
			return c, nil
		}
		c.close()
	}
}

// looks reports whether the connection looks, when it writes, whether it is still open.
func (c *conn) looks(m *message) bool { return m.target != nil && c.counted.asks() }

func (t *transport) pop(key string) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	cs := t.idle[key]
	if len(cs) == 0 {
		return nil
	}
	c := cs[len(cs)-1]
	cs[len(cs)-1] = nil
	t.idle[key] = cs[:len(cs)-1]
	return c
}

// put keeps a connection for the next call.
func (t *transport) put(c *conn) {
	c.since = time.Now()
	t.mu.Lock()
	full := len(t.idle[c.key]) >= t.opts.MaxIdleConnsPerHost
	if !full {
		if t.idle == nil {
			t.idle = make(map[string][]*conn)
		}
		t.idle[c.key] = append(t.idle[c.key], c)
		if !t.sweeping {
			t.sweeping = true
			time.AfterFunc(t.opts.IdleTimeout, t.sweep)
		}
	}
	t.mu.Unlock()
	if full {
		c.close()
	}
}

// sweep closes what has been idle too long, and comes again while any is left.
func (t *transport) sweep() {
	var old []*conn
	t.mu.Lock()
	for key, cs := range t.idle {
		n := 0
		for n < len(cs) && time.Since(cs[n].since) >= t.opts.IdleTimeout {
			n++
		}
		old = append(old, cs[:n]...)
		if n == len(cs) {
			delete(t.idle, key)
		} else if n > 0 {
			t.idle[key] = append([]*conn(nil), cs[n:]...)
		}
	}
	t.sweeping = len(t.idle) > 0
	if t.sweeping {
		time.AfterFunc(t.opts.IdleTimeout/2, t.sweep)
	}
	t.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// connect dials and, for https, shakes hands.
func (t *transport) connect(ctx context.Context, u *url.URL, key string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.opts.DialTimeout)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	raw, err := t.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, counted: raw, key: key}
	c.prepareAlive()
	if u.Scheme == "https" {
		cfg := t.tls.Clone()
		cfg.ServerName = u.Hostname()
		secure := tls.Client(raw, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.close()
			return nil, fmt.Errorf("shake hands: %w", err)
		}
		c.Conn = secure
	}
	c.bw, c.br = bufio.NewWriter(c.Conn), bufio.NewReader(&c.inbound)
	c.inbound.conn = c.Conn
	c.watch(ctx)
	return c, nil
}
