package webhook

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// The README and docs/concepts.md tell how often and for how long a delivery is tried.
func TestWaits_AreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	numbers := map[int]string{10: "ten"}
	want := fmt.Sprintf("%s tries over about %d hours", numbers[len(waits)+1], int(sum.Hours()))
	for _, page := range []string{"../../README.md", "../../docs/concepts.md"} {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(raw)), " "), want) {
			t.Errorf("%s does not say %q", page, want)
		}
	}
}
