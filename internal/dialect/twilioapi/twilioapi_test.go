package twilioapi

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
)

func TestTwilioAPI(t *testing.T) { dialecttest.Run(t, New()) }

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
		if got := New().Credential(r); got != c.want {
			t.Errorf("%s:%s gives %q, want %q", c.user, c.password, got, c.want)
		}
	}
	if got := New().Credential(&http.Request{Header: http.Header{"Authorization": {"Bearer sk_live_1"}}}); got != "" {
		t.Errorf("a bearer token gives %q", got)
	}
}

func FuzzTwilioAPI(f *testing.F) { dialecttest.Fuzz(f, New()) }

func TestTwilioAPI_Documented(t *testing.T) { dialecttest.Documented(t, New()) }
