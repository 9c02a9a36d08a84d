package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrPrivateAddress refuses a call to an address that isn't on the public
// internet.
var ErrPrivateAddress = errors.New("address is not public")

// notPublic are the special-purpose ranges (IANA registries) that netip has no
// predicate for, and Azure's host endpoint, which lies in a public range.
var notPublic = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // carrier NAT; also Alibaba's metadata service
	"192.0.0.0/24",    // IETF protocol assignments
	"192.0.2.0/24",    // documentation
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, broadcast
	"168.63.129.16/32",
	"::/96",          // IPv4-compatible, deprecated
	"64:ff9b:1::/48", // local NAT64
	"100::/64",       // discard
	"2001::/23",      // protocol assignments, Teredo among them
	"2001:db8::/32",  // documentation
	"3fff::/20",      // documentation
	"5f00::/16",      // segment routing
	"fec0::/10",      // site-local, deprecated
)

var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // carries an IPv4 address in its last four bytes
	sixToV4 = netip.MustParsePrefix("2002::/16")    // carries one in bytes 2 to 5
)

func prefixes(texts ...string) []netip.Prefix {
	ps := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		ps[i] = netip.MustParsePrefix(t)
	}
	return ps
}

// guard checks the address that a name resolved to, immediately before the
// connection is made: a name that answers differently the second time (DNS
// rebinding) gains nothing.
func guard(allow []netip.Prefix) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("parse dialed address: %w", err)
		}
		if !Permitted(ap.Addr(), allow) {
			return ErrPrivateAddress
		}
		return nil
	}
}

// Loopback are the networks of this machine itself.
var Loopback = prefixes("127.0.0.0/8", "::1/128")

// Permitted reports whether ip is reachable by anybody on the internet, and so no
// way into the network that we run in, or lies in one of the networks allowed.
func Permitted(ip netip.Addr, allow []netip.Prefix) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range allow {
		if p.Contains(ip) {
			return true
		}
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false // unspecified, loopback, multicast, link-local (metadata services), private, unique local
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return Permitted(netip.AddrFrom4([4]byte(b[12:16])), nil)
	case sixToV4.Contains(ip):
		return Permitted(netip.AddrFrom4([4]byte(b[2:6])), nil)
	}
	return true
}
