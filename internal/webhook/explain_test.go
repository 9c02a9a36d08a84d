package webhook

import (
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/outbound"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// tried makes one try at an address.
func tried(t *testing.T, o Options, address string) hookstore.TryResult {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	d := New(o)
	t.Cleanup(d.Client.CloseIdleConnections)
	r := d.newTurn(&hookstore.Turn{URL: address, Secret: NewSecret()})
	delivery := &hookstore.Delivery{Place: hookstore.Place{ID: uuid.New()}, Format: Standard, Payload: "{}"}
	c := d.call(t.Context(), r.t, delivery)
	if c.cut {
		t.Fatal("the try was cut off")
	}
	return r.judge(&c)
}

// listening starts a listener that hands each connection to f.
func listening(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f(c)
		}
	}()
	return l.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

// What stands in a delivery's log is a sentence, and holds no address.
func TestDelivery_CallFails_ErrorIsASentence(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	trusting := outbound.New(outbound.Options{PublicOnly: true, Allow: outbound.Loopback, NetHTTP: true, RootCAs: roots})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	silent := listening(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	hasty := outbound.New(outbound.Options{NetHTTP: true, Timeout: 100 * time.Millisecond, DialTimeout: 50 * time.Millisecond})
	closing := listening(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)); _ = c.Close() })
	resetting := listening(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	})
	odd := listening(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n")
		_ = c.Close()
	})
	for name, c := range map[string]struct {
		options Options
		address string
		want    string
	}{
		"nothing listens": {Options{AllowLoopback: true}, "http://" + closedPort(t), "connection refused"},
		"private address": {
			Options{},
			"http://10.1.2.3:8080/hook",
			"the address is private; only addresses on the public internet are called",
		},
		"loopback":          {Options{}, plain.URL, "the address is private; only addresses on the public internet are called"},
		"no answer":         {Options{Client: hasty}, "http://" + silent, "no answer within 15 s"},
		"no TLS handshake":  {Options{Client: hasty}, "https://" + silent, "no connection within 5 s"},
		"closed":            {Options{AllowLoopback: true}, "http://" + closing, "the connection was closed before an answer arrived"},
		"reset":             {Options{AllowLoopback: true}, "http://" + resetting, "the connection was reset before an answer arrived"},
		"not HTTP":          {Options{AllowLoopback: true}, "http://" + odd, "the answer is not valid HTTP"},
		"unknown authority": {Options{AllowLoopback: true}, secure.URL, "the certificate is signed by an unknown authority"},
		"another's name": {
			Options{Client: trusting},
			strings.Replace(secure.URL, "127.0.0.1", "localhost", 1),
			"the certificate is not valid for the host name",
		},
		"no TLS":              {Options{AllowLoopback: true}, strings.Replace(plain.URL, "http:", "https:", 1), "the server does not speak TLS"},
		"unreadable address":  {Options{}, "http://[bad", "the address is not a valid URL"},
		"no host of the name": {Options{Client: nowhere()}, "https://no-such-host.example/", "the host name does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := tried(t, c.options, c.address)
			if out.Try.Error != c.want || out.Try.Status != 0 || out.Response != "" {
				t.Errorf("got %q with status %d and answer %q, want %q", out.Try.Error, out.Try.Status, out.Response, c.want)
			}
		})
	}
}

// nowhere is a client for which no host name exists.
func nowhere() *outbound.Client {
	return outbound.New(outbound.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{
			Op:  "dial",
			Net: "tcp",
			Err: &net.DNSError{Err: "no such host", Name: "no-such-host.example", Server: "10.0.0.2:53", IsNotFound: true},
		}
	})})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDelivery_Answer500_IsKeptWithoutError(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "database is down\x00")
	}))
	t.Cleanup(s.Close)
	out := tried(t, Options{AllowLoopback: true}, s.URL)
	if out.Try.Status != 500 || out.Try.Error != "" || out.Response != "database is down" || out.State == hookstore.Delivered {
		t.Errorf("got %+v", out)
	}
}
