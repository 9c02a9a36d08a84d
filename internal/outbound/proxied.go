package outbound

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// proxied makes the calls that go through a proxy, to permitted hosts only. The
// proxy itself may be anywhere: the operator chose it.
type proxied struct {
	http     *http.Client
	proxy    *http.Transport
	allow    []netip.Prefix
	resolver *net.Resolver
}

func newProxied(t *http.Transport, o Options) *proxied {
	d := &dialer{Dialer: net.Dialer{Timeout: o.DialTimeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) { return d.dial(ctx, network, addr) }
	resolver := o.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	return &proxied{
		http:  &http.Client{Transport: t, Timeout: o.Timeout, CheckRedirect: keepRedirect},
		proxy: t, allow: o.Allow, resolver: resolver,
	}
}

// handles reports whether the call goes through a proxy.
func (p *proxied) handles(r *http.Request) bool {
	u, err := p.proxy.Proxy(r)
	return u != nil && err == nil
}

// check returns ErrPrivateAddress if the host is, or resolves to, an address that
// is not permitted. A name that only the proxy can resolve passes.
func (p *proxied) check(ctx context.Context, host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		return p.permitted(ip)
	}
	ips, err := p.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("look up host: %w", err)
		}
		return nil
	}
	for _, ip := range ips {
		if err := p.permitted(ip); err != nil {
			return err
		}
	}
	return nil
}

func (p *proxied) permitted(ip netip.Addr) error {
	if !Permitted(ip, p.allow) {
		return ErrPrivateAddress
	}
	return nil
}
