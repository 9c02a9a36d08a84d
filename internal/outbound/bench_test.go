package outbound

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCalls compares the two transports by the processor time that client
// and server, which is the same for both, use for a call.
func BenchmarkCalls(b *testing.B) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.0123456789"}]}`)
	}
	for _, scheme := range []string{"http", "https"} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(answer))
		roots := x509.NewCertPool()
		if scheme == "https" {
			srv.StartTLS()
			roots.AddCert(srv.Certificate())
		} else {
			srv.Start()
		}
		for name, netHTTP := range map[string]bool{"own": false, "net/http": true} {
			c := New(Options{RootCAs: roots, NetHTTP: netHTTP})
			b.Run(scheme+"/"+name, func(b *testing.B) {
				body := strings.Repeat("x", 400)
				var wg sync.WaitGroup
				begin := cpu(b)
				const workers = 32
				for range workers {
					wg.Go(func() {
						for range (b.N + workers - 1) / workers {
							req, _ := http.NewRequest("POST", srv.URL+"/v25.0/1/messages", strings.NewReader(body))
							req.Header.Set("Authorization", "Bearer token")
							req.Header.Set("Content-Type", "application/json")
							if _, err := c.Do(b.Context(), req); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64((cpu(b)-begin).Microseconds())/float64(b.N), "cpu-us/op")
			})
		}
		srv.Close()
	}
}
