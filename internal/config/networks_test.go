package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestNetworks_UnmarshalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		" , ":                             "",
		"10.0.0.0/8":                      "10.0.0.0/8",
		"10.1.2.3":                        "10.1.2.3/32",
		"10.1.2.3/8, ::1 ,fd00::1:2/64,":  "10.0.0.0/8 ::1/128 fd00::/64",
		"10.0.0.0/8,example.com":          `"example.com" is no network`,
		"10.0.0.0/33":                     `"10.0.0.0/33" is no network`,
		"http://10.0.0.1/":                `"http://10.0.0.1/" is no network`,
		"192.168.1.1/24 192.168.2.0/24":   `"192.168.1.1/24 192.168.2.0/24" is no network`,
		"169.254.169.254, 127.0.0.0/8,::": "169.254.169.254/32 127.0.0.0/8 ::/128",
	} {
		n := mustNetworks(t, "203.0.113.0/24") // what was there is replaced
		err := n.UnmarshalText([]byte(text))
		got := strings.Trim(fmt.Sprint(prefixes(n)), "[]")
		if err != nil {
			got = err.Error()
		}
		if strings.HasPrefix(want, `"`) != (err != nil) || !strings.HasPrefix(got, want) || err == nil && got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func mustNetworks(t *testing.T, text string) Networks {
	t.Helper()
	var n Networks
	if err := n.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return n
}

func prefixes(n Networks) (out []string) {
	for _, p := range n {
		out = append(out, p.String())
	}
	return out
}

func TestUnescapedSlash(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"postgres://u:pa/ss@host/db":          true,
		"redis://:a/b@host:6379/0":            true,
		"postgres://u:pa%2Fss@host/db":        false,
		"postgres://u:p@host/db":              false,
		"postgres://u:p@host/db?user=a/b@c":   false,
		"postgres:///db?host=/var/run/p@sql/": false,
		"host/path@x":                         false,
		"":                                    false,
	} {
		if got := UnescapedSlash(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
