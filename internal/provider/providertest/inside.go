package providertest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// testInside has base_url name servers of our own network: none is called unless
// the operator allows it, and of a plain text that it answers little is shown.
func testInside(t *testing.T, c Case) {
	t.Parallel()
	var called atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		called.Add(1)
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("root:x:0:0\n" + strings.Repeat("do not show this ", 20)))
	})
	ch := c.Channel(s.URL)
	guarded := c.New(outbound.New(outbound.Options{PublicOnly: true, Proxy: true}))
	_, err := guarded.Send(t.Context(), ch, c.Message())
	refused(t, ch, err, provider.NotSent)
	if err = guarded.Check(t.Context(), ch); err == nil || !strings.Contains(err.Error(), "SENDOFF_PROVIDER_ALLOW") {
		t.Errorf("Check of a private address: %v", err)
	}
	if n := called.Load(); n != 0 {
		t.Fatalf("a private address was called %d times", n)
	}
	allowed := c.New(outbound.New(outbound.Options{PublicOnly: true, Proxy: true, Allow: outbound.Loopback}))
	_, err = allowed.Send(t.Context(), ch, c.Message())
	refused(t, ch, err, provider.Permanent)
	if called.Load() == 0 || strings.Contains(err.Error(), "do not show") {
		t.Errorf("%d calls of an allowed address, answered with %v", called.Load(), err)
	}
}
