package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/version"
)

func TestRun_HelpAndVersion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "Usage: sendoff"},
		{[]string{"help"}, "Usage: sendoff"},
		{[]string{"help", "send"}, "Usage: sendoff send"},
		{[]string{"version"}, version.Version()},
		{[]string{"--version"}, version.Version()},
		{[]string{"version", "--json"}, `"version": "` + version.Version() + `"`},
		{[]string{"help"}, "version        Print the version."},
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(c.args, strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("%q ended with %d: %s", c.args, code, stderr.String())
		}
		if !strings.Contains(stdout.String(), c.want) {
			t.Errorf("%q printed %q, want %q", c.args, stdout.String(), c.want)
		}
	}
}
