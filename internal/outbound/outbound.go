// Package outbound makes HTTP calls to providers and to customers' webhooks. A
// failed call reports whether the server may have received it, which decides
// whether a message may be sent again.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Options configure a Client. The zero value is fit for providers.
type Options struct {
	Timeout             time.Duration // of a whole call; default 30 s (a call's context usually ends earlier)
	DialTimeout         time.Duration // default 5 s
	IdleTimeout         time.Duration // default 30 s: below what providers' servers use, so that we close first
	MaxIdleConnsPerHost int           // default 4096: the calls that a channel may well have open
	MaxBody             int64         // of an answer, in bytes; default MaxBody. Longer answers are cut
	// PublicOnly refuses every address that is not on the public internet,
	// checked on the resolved address at dial time. For addresses that
	// customers choose (webhooks).
	PublicOnly bool
	// Allow are networks exempt from PublicOnly, such as Loopback.
	Allow []netip.Prefix
	// Trusted, if set, reports whether an address to dial, as host:port, was
	// chosen by the operator and is exempt from PublicOnly.
	Trusted func(addr string) bool
	// Proxy uses the proxy of the environment also with PublicOnly. The host is
	// looked up before a call through it, since the proxy does so again unseen.
	Proxy bool
	// NetHTTP makes every call through net/http's Transport.
	NetHTTP bool
	// Transport, if set, makes every call (tests).
	Transport http.RoundTripper
	// RootCAs are the trusted certificate authorities; default the system's.
	RootCAs *x509.CertPool
	// Resolver resolves host names; default the system's.
	Resolver *net.Resolver
}

// MaxBody is the default limit of an answer's body, in bytes.
const MaxBody = 64 << 10

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.MaxIdleConnsPerHost <= 0 {
		o.MaxIdleConnsPerHost = 4096
	}
	if o.MaxBody <= 0 {
		o.MaxBody = MaxBody
	}
	return o
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	std     *http.Client
	own     *transport // nil: std makes every call
	proxied *proxied   // nil: calls through a proxy are as free as others, or there are none
	maxBody int64
}

// New returns a client. It follows no redirect and uses HTTP/1.1 only: there one
// broken connection puts one call in doubt, with HTTP/2 all that share it.
func New(o Options) *Client {
	o = o.withDefaults()
	c := &Client{std: &http.Client{Transport: o.Transport, Timeout: o.Timeout, CheckRedirect: keepRedirect}, maxBody: o.MaxBody}
	if o.Transport != nil {
		return c
	}
	d := &dialer{Dialer: net.Dialer{Timeout: o.DialTimeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}}
	config := &tls.Config{NextProtos: []string{"http/1.1"}, RootCAs: o.RootCAs}
	std := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         func(ctx context.Context, network, addr string) (net.Conn, error) { return d.dial(ctx, network, addr) },
		TLSHandshakeTimeout: o.DialTimeout,
		TLSClientConfig:     config.Clone(),
		MaxIdleConnsPerHost: o.MaxIdleConnsPerHost,
		IdleConnTimeout:     o.IdleTimeout,
		DisableCompression:  true, // answers are small; what is not inflated cannot be a bomb
		Protocols:           new(http.Protocols),
		// As own: an answer's header is bounded.
		MaxResponseHeaderBytes: maxHeader,
	}
	std.Protocols.SetHTTP1(true)
	proxy := std.Proxy
	if o.PublicOnly {
		if proxy = nil; o.Proxy { // a proxy would resolve the address where it cannot be checked
			proxy = std.Proxy
			c.proxied = newProxied(std.Clone(), o)
		}
		d.ControlContext, d.trusted = guard(o.Allow), o.Trusted
		std.Proxy = nil
	}
	c.std.Transport = std
	if !o.NetHTTP {
		c.own = &transport{proxy: proxy, opts: o, dial: d.dial, tls: config}
	}
	return c
}

// WithMaxBody returns a client with another limit of an answer's body, in bytes,
// that shares the connections of c.
func (c *Client) WithMaxBody(limit int64) *Client {
	other := *c
	other.maxBody = limit
	return &other
}

// CloseIdleConnections closes the connections that no call uses.
func (c *Client) CloseIdleConnections() {
	c.std.CloseIdleConnections()
	if c.proxied != nil {
		c.proxied.http.CloseIdleConnections()
	}
	if c.own != nil {
		c.own.closeIdle()
	}
}

// keepRedirect returns a 3xx to the caller: Go would turn a redirected POST into
// a GET, or send it twice.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
