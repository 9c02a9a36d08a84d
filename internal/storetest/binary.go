package storetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Binary returns a build of Sendoff of a commit. Without the history it skips the test.
// root is the folder of the repository.
func Binary(t *testing.T, root, commit string) string {
	t.Helper()
	run := func(dir, name string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		return cmd.CombinedOutput()
	}
	if out, err := run(root, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		t.Skipf("THE BINARY BEFORE IS NOT TESTED: the history has no commit %s (%v, %s)", commit, err, out)
	}
	dir := t.TempDir()
	tarball := filepath.Join(dir, "old.tar")
	for _, c := range [][]string{
		{root, "git", "archive", "--format=tar", "--output=" + tarball, commit},
		{dir, "tar", "xf", tarball},
		{dir, "go", "build", "-trimpath", "-o", "sendoff", "./cmd/sendoff"},
	} {
		if out, err := run(c[0], c[1], c[2:]...); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	return filepath.Join(dir, "sendoff")
}
