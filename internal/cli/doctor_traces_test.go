package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
)

func TestDoctor_Traces(t *testing.T) {
	t.Parallel()
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer collector.Close()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	for _, c := range []struct {
		args []string
		want string // the detail of a failed check; "": it passes
	}{
		{[]string{"--traces-endpoint", collector.URL}, ""},
		{[]string{"--traces-endpoint", collector.URL + "/"}, ""},
		{[]string{"--traces-endpoint", dead.URL}, "connection refused"},
		{[]string{"--traces-endpoint", collector.URL + "/elsewhere"}, "404"},
		{[]string{"--traces-endpoint", collector.URL, "--traces-sampler-arg", "2"}, "from 0 to 1"},
	} {
		r := sendoff("", append([]string{"doctor", "--json"}, c.args...)...)
		found := false
		for _, f := range clitest.Read[diagnosis](t, r).Checks {
			if f.Name == "traces" {
				found = f.OK == (c.want == "") && strings.Contains(f.Detail, c.want) && (f.OK || f.Fix != "")
			}
		}
		if !found {
			t.Errorf("%v: %s", c.args, r.Out)
		}
	}
}
