package config

import (
	"fmt"
	"net"
)

// HostPort is an address to listen on.
type HostPort string

// UnmarshalText implements encoding.TextUnmarshaler: an address is HOST:PORT, :PORT for
// all addresses of the machine, or empty.
func (a *HostPort) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		_, port, err := net.SplitHostPort(string(text))
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return fmt.Errorf("%q is no address to listen on; it must look like 127.0.0.1:8080, or :8080", text)
		}
	}
	*a = HostPort(text)
	return nil
}
