package limit

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSetHeaders(t *testing.T) {
	t.Parallel()
	second := Quota{Name: Second, Limit: 10, Remaining: 9, Window: time.Second, Reset: time.Second}
	minute := Quota{Name: Minute, Limit: 60, Window: time.Minute, Reset: 1500 * time.Millisecond}
	day := Quota{Name: Day, Remaining: 3, Window: 24 * time.Hour, Reset: time.Hour}
	for name, c := range map[string]struct {
		d    Decision
		want http.Header
	}{
		"allowed": {
			Decision{Allowed: true, Quotas: [3]Quota{second, {}, day}},
			http.Header{"Ratelimit-Policy": {`"second";q=10;w=1`}, "Ratelimit": {`"second";r=9;t=1`}},
		},
		"refused": {
			Decision{Why: Minute, RetryAfter: 1500 * time.Millisecond, Quotas: [3]Quota{second, minute, day}},
			http.Header{
				"Ratelimit-Policy": {`"second";q=10;w=1, "minute";q=60;w=60`},
				"Ratelimit":        {`"second";r=9;t=1, "minute";r=0;t=2`},
				"Retry-After":      {"2"},
			},
		},
		"refused for a moment": {Decision{Why: Second}, http.Header{"Retry-After": {"1"}}},
		"no limits":            {Decision{Allowed: true}, http.Header{}},
	} {
		h := http.Header{}
		c.d.SetHeaders(h)
		if diff := cmp.Diff(c.want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
