package twilioapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
)

func fixed() dialect.Dialect {
	return newAt(func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) })
}

func TestTwilioAPI(t *testing.T) { dialecttest.Run(t, fixed()) }

func TestCredential(t *testing.T) {
	for _, c := range []struct{ user, password, want string }{
		{"AC0123456789abcdef0123456789abcdef", "sk_live_1", "sk_live_1"},
		{"SK0123456789abcdef0123456789abcdef", "sk_live_1", "sk_live_1"},
		{"sk_live_1", "", "sk_live_1"},
		{"sk_live_1", "anything", "sk_live_1"},
		{"AC0123456789abcdef0123456789abcdef", "wrong", "wrong"},
	} {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(c.user, c.password)
		if got := fixed().Credential(r); got != c.want {
			t.Errorf("%s:%s gives %q, want %q", c.user, c.password, got, c.want)
		}
	}
	if got := fixed().Credential(&http.Request{Header: http.Header{"Authorization": {"Bearer sk_live_1"}}}); got != "" {
		t.Errorf("a bearer token gives %q", got)
	}
}

func FuzzTwilioAPI(f *testing.F) { dialecttest.Fuzz(f, fixed()) }
