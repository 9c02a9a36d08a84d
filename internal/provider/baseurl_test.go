package provider_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/provider"
)

func TestWrongHost(t *testing.T) {
	t.Parallel()
	inside := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		base, wrong string
		allow       []netip.Prefix
	}{
		{"https://1.1.1.1", "", nil},
		{"https://1.1.1.1/path", "", inside},
		{"http://1.1.1.1", "https://", nil},
		{"http://1.1.1.1", "https://", inside},
		{"https://127.0.0.1:8080", "public", nil},
		{"http://localhost:8080", "public", nil},
		{"http://a.localhost", "public", nil},
		{"https://[::1]", "public", nil},
		{"https://[::ffff:127.0.0.1]", "public", nil},
		{"https://[64:ff9b::a00:1]", "public", nil},
		{"https://10.1.0.1", "public", nil},
		{"https://169.254.169.254", "public", inside},
		{"https://[fe80::1%25eth0]", "public", inside},
		{"http://127.1", "name a host", inside},
		{"http://2130706433", "name a host", inside},
		{"http://0x7f000001", "name a host", inside},
		{"http://0x7f.0.0.1", "name a host", nil},
		{"http://127.0.0.0x1", "name a host", inside},
		{"http://10.1.2.3", "", inside},
		{"https://10.1.2.3", "", inside},
		{"https://10.2.0.1", "public", inside},
		{"http://localhost:8080", "", inside},
		{"http://[::ffff:127.0.0.1]:8080", "", inside},
		{"https://no-such-name.invalid", "", nil},
		{"http://no-such-name.invalid", "https://", inside},
	} {
		got := provider.WrongHost(t.Context(), c.base, c.allow)
		if (got == "") != (c.wrong == "") || !strings.Contains(got, c.wrong) {
			t.Errorf("%s in %v: %q, want %q", c.base, c.allow, got, c.wrong)
		}
	}
}
