package outbound

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPublic_RefusesEverythingSpecial(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "172.31.255.255",
		"192.168.1.1", "::ffff:192.168.1.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0",
		"fc00::1", "fd00:ec2::254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.8", "198.18.0.1", "224.0.0.1",
		"239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:c0a8:101::1", "2001::1", "2001:db8::1", "fec0::1", "::7f00:1", "100::1",
	} {
		if public(netip.MustParseAddr(text), false) {
			t.Errorf("%s passes as public", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "::ffff:1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::1"} {
		if !public(netip.MustParseAddr(text), false) {
			t.Errorf("%s is refused", text)
		}
	}
	for text, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "169.254.169.254": false} {
		if public(netip.MustParseAddr(text), true) != want {
			t.Errorf("%s with loopback allowed: want %v", text, want)
		}
	}
}

func TestNew_PublicOnly_RefusesLoopbackByAddressAndByName(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	byName := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	for _, url := range []string{s.URL, byName} {
		if _, err := get(t, New(Options{PublicOnly: true}), url); !errors.Is(err, ErrPrivateAddress) {
			t.Errorf("%s: got %v, want ErrPrivateAddress", url, err)
		}
		if _, err := get(t, New(Options{PublicOnly: true, AllowLoopback: true}), url); err != nil {
			t.Errorf("%s with loopback allowed: %v", url, err)
		}
	}
}

func get(t *testing.T, c *http.Client, url string) (Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, _, err := Do(t.Context(), c, req)
	return res, err
}

func BenchmarkDo(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	c := New(Options{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL, strings.NewReader("{}"))
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := Do(b.Context(), c, req); err != nil {
				b.Fatal(err)
			}
		}
	})
}
