//go:build fault

package fault

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/drill"
)

// The mutation gate: of each safeguard that is taken away, a test or a drill
// notices it.
func TestMutation_EachIsNoticed(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if m.drill != "" {
				m.drilled(t)
			} else {
				m.tested(t)
			}
		})
	}
}

// tested runs the tests that must fail.
func (m *mutant) tested(t *testing.T) {
	t.Helper()
	args := []string{"test", "-count=1", "-timeout=5m", "-overlay", overlay(t, m.change), "-run", m.tests, m.pkg}
	if m.pkg != "./internal/outbound" { // which has no tests by rapid
		args = append(args, "-rapid.nofailfile")
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root(t)
	out, err := cmd.CombinedOutput()
	text := string(out)
	switch at := max(strings.Index(text, "--- FAIL"), strings.Index(text, "panic: ")); {
	case err == nil:
		t.Errorf("%s %s passes", m.pkg, m.tests)
	case at < 0:
		t.Errorf("%s %s does not run: %v\n%s", m.pkg, m.tests, err, text)
	default:
		line, _, _ := strings.Cut(text[at:], "\n")
		t.Logf("noticed: %s", line)
	}
}

// drilled runs the scenario that must be broken.
func (m *mutant) drilled(t *testing.T) {
	t.Helper()
	for _, c := range drill.Scenarios() {
		if c.Name != m.drill {
			continue
		}
		if why := c.Unable(); why != "" {
			t.Skip(why)
		}
		o := drill.Options{Binary: build(t, m.change), Messages: 1000, Seed: 1, Log: func(string) {}}
		r := c.Run(t.Context(), o)
		at := slices.IndexFunc(r.Broken, func(line string) bool { return strings.Contains(line, m.broken) })
		if at < 0 {
			t.Errorf("%s: broken is %q", m.drill, r.Broken)
			return
		}
		t.Logf("noticed: %s", r.Broken[at])
		return
	}
	t.Errorf("there is no scenario %q", m.drill)
}
