package provider

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/outbound"
)

// lookupTime bounds the look-up of a host that is checked.
const lookupTime = 2 * time.Second

// oddAddress matches the forms of an IPv4 address that only some resolvers read:
// 127.1, 2130706433, 0x7f.1.
var oddAddress = regexp.MustCompile(`(?i)^([0-9.]+|.*\.0x[0-9a-f]*|0x[0-9a-f.]+)\.?$`)

// WrongHost returns what is wrong with the host in an address of a provider's API,
// as "must ...", or "". It must be public or in one of the networks allowed; http
// is for hosts in those networks only. A name is looked up; what it resolves to
// later is checked when it is dialed. The form is Configure's to check.
func WrongHost(ctx context.Context, base string, allow []netip.Prefix) string {
	u, ok := parseBaseURL(base)
	if !ok {
		return ""
	}
	ips, ok := addresses(ctx, u.Hostname())
	if !ok {
		return "must name a host"
	}
	inside := func(ip netip.Addr) bool {
		return slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	switch {
	case slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !outbound.Permitted(ip, allow) }):
		return "must be on the public internet, or in a network of SENDOFF_PROVIDER_ALLOW"
	case u.Scheme == "http" && (len(ips) == 0 || !allOf(ips, inside)):
		return "must begin with https:// (http:// is for networks of SENDOFF_PROVIDER_ALLOW)"
	}
	return ""
}

// parseBaseURL parses an address to which a path can be added, and reports whether
// it is one.
func parseBaseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	ok := err == nil && u.Host != "" && u.User == nil && (u.Scheme == "http" || u.Scheme == "https") && !strings.ContainsAny(s, "?#")
	return u, ok
}

// addresses returns the addresses of a host, none if it is not found, and false if
// it is neither a name nor an address.
func addresses(ctx context.Context, host string) ([]netip.Addr, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, true
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case name == "" || oddAddress.MatchString(host):
		return nil, false
	case name == "localhost" || strings.HasSuffix(name, ".localhost"):
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, true
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		ips = nil // a network without this name; what it resolves to is checked when it is dialed
	}
	return ips, true
}

func allOf(ips []netip.Addr, f func(netip.Addr) bool) bool {
	return !slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !f(ip) })
}
