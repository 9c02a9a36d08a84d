package outbound

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPermitted_RefusesEverythingSpecial(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "172.31.255.255",
		"192.168.1.1", "::ffff:192.168.1.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0",
		"fc00::1", "fd00:ec2::254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.8", "198.18.0.1", "224.0.0.1",
		"239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:c0a8:101::1", "2001::1", "2001:db8::1", "fec0::1", "::7f00:1", "100::1",
	} {
		if Permitted(netip.MustParseAddr(text), nil) {
			t.Errorf("%s passes as public", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "::ffff:1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::1"} {
		if !Permitted(netip.MustParseAddr(text), nil) {
			t.Errorf("%s is refused", text)
		}
	}
	for text, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "169.254.169.254": false} {
		if Permitted(netip.MustParseAddr(text), Loopback) != want {
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
		if _, err := get(t, New(Options{PublicOnly: true, Allow: Loopback}), url); err != nil {
			t.Errorf("%s with loopback allowed: %v", url, err)
		}
	}
}

// A name that is checked and then dialed is looked up twice: whoever owns it may
// answer with a public address first and with one of our network after that. The
// address that is dialed is what counts.
func TestNew_PublicOnly_NameThatRebinds_IsRefusedWhenDialed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer s.Close()
	url := strings.Replace(s.URL, "127.0.0.1", "rebind.test", 1)
	for _, c := range []struct {
		name    string
		options Options
		refused bool
	}{
		{"public only", Options{PublicOnly: true}, true},
		{"anywhere", Options{}, false}, // so that it is the guard that refuses, not the name
	} {
		c.options.Resolver = rebinding(t, "93.184.215.14", "127.0.0.1")
		ips, err := c.options.Resolver.LookupNetIP(t.Context(), "ip4", "rebind.test")
		if err != nil || len(ips) != 1 || !Permitted(ips[0], nil) {
			t.Fatalf("%s: the first look finds %v, %v", c.name, ips, err)
		}
		if _, err := get(t, New(c.options), url); errors.Is(err, ErrPrivateAddress) != c.refused || (err == nil) == c.refused {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls came through, want the one that nobody guards", n)
	}
}

// rebinding answers look-ups with one address after the other, the last for ever.
func rebinding(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	var asked atomic.Int32
	answer := func() [4]byte {
		return netip.MustParseAddr(addresses[min(int(asked.Add(1)), len(addresses))-1]).As4()
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = ours.Close() }()
			for serveDNS(ours, answer) == nil {
			}
		}()
		return theirs, nil
	}}
}

// serveDNS answers one question (RFC 1035, over a stream): an A with what answer
// returns, anything else with nothing.
func serveDNS(c net.Conn, answer func() [4]byte) error {
	var size uint16
	if err := binary.Read(c, binary.BigEndian, &size); err != nil {
		return err
	}
	q := make([]byte, size)
	if _, err := io.ReadFull(c, q); err != nil {
		return err
	}
	end := 12 // the header; then the name, its type and class
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5
	const typeA = 1
	isA := binary.BigEndian.Uint16(q[end-4:]) == typeA
	r := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
	if isA {
		r[7] = 1
		ip := answer()
		r = append(append(r, 0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4), ip[:]...)
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...))
	return err
}

func get(t *testing.T, c *Client, url string) (Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t.Context(), req)
}
