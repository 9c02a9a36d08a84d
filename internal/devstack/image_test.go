package devstack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The image holds no stand-in of Redis; other builds have it for `sendoff dev`.
func TestImage_HasNoMiniredis(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	for tags, want := range map[string]bool{"": true, "image": false} {
		cmd := exec.Command("go", "list", "-deps", "-tags", tags, "./cmd/sendoff")
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "alicebob/miniredis"); got != want {
			t.Errorf("tags %q: miniredis is linked: %v", tags, got)
		}
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil || !strings.Contains(string(dockerfile), "go build -trimpath -tags image") {
		t.Errorf("the Dockerfile builds without the tag: %v", err)
	}
}
