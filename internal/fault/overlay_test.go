//go:build fault

package fault

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/storetest"
)

// overlay returns the file for `go build -overlay` that makes the changes. Text that
// a change replaces must be there: else the change is out of date.
func overlay(t *testing.T, changes ...change) string {
	t.Helper()
	dir, root := t.TempDir(), root(t)
	replaced := map[string]string{} // path of the copy by path of the file
	for _, c := range changes {
		path := filepath.Join(root, c.file)
		from := path
		if copied := replaced[path]; copied != "" {
			from = copied
		}
		text := c.made
		if c.old != "" { // else it is a new file
			raw, err := os.ReadFile(from)
			storetest.Must(t, err)
			if text = strings.ReplaceAll(string(raw), c.old, c.made); text == string(raw) {
				t.Fatalf("%s does not contain %q any more: bring this test up to date", c.file, c.old)
			}
		}
		to := filepath.Join(dir, strings.ReplaceAll(c.file, "/", "_"))
		storetest.Must(t, os.WriteFile(to, []byte(text), 0o600))
		replaced[path] = to
	}
	raw, err := json.Marshal(map[string]any{"Replace": replaced})
	storetest.Must(t, err)
	file := filepath.Join(dir, "overlay.json")
	storetest.Must(t, os.WriteFile(file, raw, 0o600))
	return file
}

// build returns a binary of Sendoff with the changes.
func build(t *testing.T, changes ...change) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "sendoff")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay(t, changes...), "-o", to, "./cmd/sendoff")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return to
}
