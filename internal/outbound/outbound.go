// Package outbound is the one HTTP client for calls to the outside: providers
// and customers' webhooks. It says whether a call that failed may have reached
// the server, which decides whether a message may be sent again.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// Options configure a client. The zero value is fit for providers.
type Options struct {
	Timeout             time.Duration // of a whole call; default 30 s (a call's context usually ends earlier)
	DialTimeout         time.Duration // default 5 s
	IdleTimeout         time.Duration // default 30 s: below what providers' servers use, so that we close first
	MaxIdleConnsPerHost int           // default 1000: the most concurrent calls a channel is configured for
	// PublicOnly refuses every address that isn't on the public internet,
	// checked on the resolved address at dial time. For addresses that
	// customers choose (webhooks).
	PublicOnly bool
	// AllowLoopback lets PublicOnly reach this machine (development, tests).
	AllowLoopback bool
	// RootCAs vouch for servers; default the system's.
	RootCAs *x509.CertPool
	// Resolver finds addresses; default the system's.
	Resolver *net.Resolver
}

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
		o.MaxIdleConnsPerHost = 1000
	}
	return o
}

// New makes a client. It follows no redirect and speaks HTTP/1.1 only: there
// one broken connection puts one call in doubt, with HTTP/2 all that share it.
func New(o Options) *http.Client {
	o = o.withDefaults()
	d := &dialer{net.Dialer{Timeout: o.DialTimeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}}
	std := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         func(ctx context.Context, network, addr string) (net.Conn, error) { return d.dial(ctx, network, addr) },
		TLSHandshakeTimeout: o.DialTimeout,
		MaxIdleConnsPerHost: o.MaxIdleConnsPerHost,
		IdleConnTimeout:     o.IdleTimeout,
		DisableCompression:  true, // answers are small; what isn't inflated can't be a bomb
		Protocols:           new(http.Protocols),
	}
	std.Protocols.SetHTTP1(true)
	if o.PublicOnly {
		d.ControlContext = guard(o.AllowLoopback)
		std.Proxy = nil // a proxy would resolve the address where we can't check it
	}
	t := &transport{std: std, opts: o, dial: d.dial, tls: &tls.Config{NextProtos: []string{"http/1.1"}, RootCAs: o.RootCAs}}
	std.TLSClientConfig = t.tls.Clone()
	return &http.Client{Transport: t, Timeout: o.Timeout, CheckRedirect: stopRedirect}
}

// stopRedirect hands a 3xx to the caller: Go would turn a redirected POST into
// a GET, or send it twice.
func stopRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
