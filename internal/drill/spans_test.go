package drill

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
)

// A collector notices a recipient, a text and a key in what it is sent, and nothing
// in the ids and numbers of spans.
func TestCollector_NoticesWhatIsPersonal(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"\x0b" + Recipient(7)[1:] + "\x12": "15552001007",
		"to " + Recipient(0):               Recipient(0),
		"Ada Lovelace":                     "Lovelace",
		"drill-17":                         "drill-1",
		"the key":                          "the key",
		"01a22983-8e42-722e-8cc5-15552001007a 1555200100 200 provider_error": "",
		"": "no span came",
	} {
		faults := try(t.Context(), func(string) {}, func(tt T) {
			c := &collector{t: tt, key: []byte("the key")}
			c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/traces", bytes.NewReader([]byte(body))))
			c.check()
		})
		if got := strings.Join(faults, "; "); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}
