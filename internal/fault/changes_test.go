package fault

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/storetest"
)

// change is a change of a source file that only one build has.
type change struct{ file, old, made string }

// root returns the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	storetest.Must(t, err)
	return dir
}

// The text that a build of `make fault` changes is there: whoever changes the source notices
// at once, and not when the builds are made.
func TestChanges_OfThisSource(t *testing.T) {
	t.Parallel()
	var all []change
	for _, m := range mutants {
		all = append(all, m.change)
	}
	for _, c := range slices.Concat(serveCrashes, workCrashes) {
		all = append(all, c.change)
	}
	for _, c := range all {
		raw, err := os.ReadFile(filepath.Join(root(t), c.file))
		storetest.Must(t, err)
		if !strings.Contains(string(raw), c.old) {
			t.Errorf("%s does not contain %q any more: bring the builds of make fault up to date", c.file, c.old)
		}
	}
}
