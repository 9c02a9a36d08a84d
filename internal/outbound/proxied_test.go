package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// through returns a client whose calls all go through a proxy on this machine.
func through(t *testing.T, o Options) (c *Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.String())
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(proxy.Close)
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c = New(o)
	c.proxied.proxy.Proxy, c.own.proxy = http.ProxyURL(u), http.ProxyURL(u)
	return c, asked
}

func TestNew_Proxy_IsUsedForPublicHostsOnly(t *testing.T) {
	t.Parallel()
	c, asked := through(t, Options{PublicOnly: true, Proxy: true, Resolver: rebinding(t, "10.0.0.7")})
	for _, refused := range []string{"http://169.254.169.254/latest", "http://127.0.0.1/", "http://[::1]/", "http://inside.test/"} {
		if _, err := get(t, c, refused); !errors.Is(err, ErrPrivateAddress) {
			t.Errorf("%s: got %v, want ErrPrivateAddress", refused, err)
		}
	}
	if res, err := get(t, c, "http://93.184.215.14/v1"); err != nil || res.Status != http.StatusTeapot {
		t.Errorf("public host: status %d, err %v", res.Status, err)
	}
	if got := strings.Join(*asked, " "); got != "http://93.184.215.14/v1" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestNew_Proxy_ReachesAllowedNetworks(t *testing.T) {
	t.Parallel()
	c, asked := through(t, Options{PublicOnly: true, Proxy: true, Allow: Loopback})
	if res, err := get(t, c, "http://127.0.0.1:9/v1"); err != nil || res.Status != http.StatusTeapot || len(*asked) != 1 {
		t.Errorf("status %d, err %v, asked %v", res.Status, err, *asked)
	}
}

func TestNew_Trusted_IsDialedInside(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, netHTTP := range []bool{false, true} {
		c := New(Options{PublicOnly: true, NetHTTP: netHTTP, Trusted: func(addr string) bool { return "http://"+addr == s.URL }})
		if _, err := get(t, c, s.URL); err != nil {
			t.Errorf("trusted: %v", err)
		}
		if _, err := get(t, c, other.URL); !errors.Is(err, ErrPrivateAddress) {
			t.Errorf("another port: %v, want ErrPrivateAddress", err)
		}
	}
}
