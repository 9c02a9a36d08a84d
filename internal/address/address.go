// Package address normalises the addresses that customers are called at.
package address

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Normal returns an address of http or https in the form in which it is
// requested: with a path, without a fragment and a default port, the host in
// lower case and in ASCII (RFC 5891), and everything that RFC 3986 does not allow
// percent-encoded. What receivers see of a request is Normal of its address, so
// that a signature over it can be verified. It returns an error for an address
// that cannot be requested.
func Normal(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New("must be an address like https://example.com/path")
	}
	host, err := hostPort(u)
	if err != nil {
		return "", err
	}
	out := u.Scheme + "://"
	if u.User != nil {
		out += u.User.String() + "@"
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	out += host + path
	if u.RawQuery != "" {
		out += "?" + escape(u.RawQuery)
	}
	return out, nil
}

var errHost = errors.New("must have a valid host name")

// hostPort returns host and port as the header Host carries them.
func hostPort(u *url.URL) (string, error) {
	host, err := hostName(u.Hostname())
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host, nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", errors.New("must have a port from 1 to 65535")
	}
	return host + ":" + port, nil
}

func hostName(name string) (string, error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.Is6() && ip.Zone() == "" {
			return "[" + ip.String() + "]", nil
		}
		return name, nil
	}
	ascii := strings.ToLower(name)
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
		var err error
		if ascii, err = idna.Lookup.ToASCII(name); err != nil {
			return "", errHost
		}
	}
	if len(ascii) > 253 || strings.Trim(ascii, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return "", errHost
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(ascii, "."), ".") {
		if label == "" || len(label) > 63 {
			return "", errHost
		}
	}
	return ascii, nil
}

// escape percent-encodes the bytes of a query that RFC 3986 (3.4) does not allow.
func escape(query string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
