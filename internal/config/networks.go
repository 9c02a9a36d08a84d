package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks is a setting of networks: prefixes or addresses between commas.
type Networks []netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Networks) UnmarshalText(text []byte) error {
	*n = nil
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, aerr := netip.ParseAddr(part)
			if aerr != nil {
				return fmt.Errorf("%q is no network; it must look like 10.0.0.0/8, or 10.1.2.3", part)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		*n = append(*n, p.Masked())
	}
	return nil
}
