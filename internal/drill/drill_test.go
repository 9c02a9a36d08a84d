package drill

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/docs"
)

func TestCheck_Options(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    Options
		want int    // scenarios
		err  string // a part of it
	}{
		"all":            {Options{}, len(Scenarios()), ""},
		"two":            {Options{Scenarios: []string{"mixed", "work-killed"}}, 2, ""},
		"long":           {Options{Long: true}, 1, ""},
		"unknown":        {Options{Scenarios: []string{"work-killed", "nothing"}}, 0, `no scenario "nothing"`},
		"a few messages": {Options{Messages: 10}, 0, "at least 200 messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.o.Check()
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(c.o.chosen()) != c.want || c.o.Seed == 0 || c.o.Messages < leastMessages {
				t.Errorf("%v: %d scenarios of %+v", err, len(c.o.chosen()), c.o)
			}
		})
	}
}

func TestScenarios_AreDescribed(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range append(Scenarios(), long()) {
		if names = append(names, s.Name); s.Fault == "" || s.Seen == "" || s.run == nil {
			t.Errorf("%s is not described", s.Name)
		}
	}
	for _, name := range seeded {
		if !slices.Contains(names, name) {
			t.Errorf("there is no scenario %q", name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name stands twice: %v", names)
	}
}

// The long scenario makes at least 60 faults, whatever the seed.
func TestMoments_Long(t *testing.T) {
	t.Parallel()
	o := Options{Long: true}
	for seed := range uint64(1000) {
		at := moments(rand.New(rand.NewPCG(seed, seed)), o.every())
		if len(at) < longFaults || !slices.IsSorted(at) || at[len(at)-1] >= 0.95 {
			t.Fatalf("seed %d: %d faults at %v", seed, len(at), at)
		}
	}
}

// A trial ends where a test would, with its cleanups, the last one first.
func TestTrial_EndsAsATestDoes(t *testing.T) {
	t.Parallel()
	var lines []string
	faults := try(t.Context(), func(line string) { lines = append(lines, line) }, func(tt T) {
		tt.Cleanup(func() { tt.Logf("first %v", tt.Failed()) })
		tt.Cleanup(func() { tt.Logf("last") })
		tt.Errorf("one %d", 1)
		tt.Fatalf("two")
		tt.Errorf("never")
	})
	if !slices.Equal(faults, []string{"one 1", "two"}) || !slices.Equal(lines, []string{"last", "first true"}) {
		t.Errorf("faults %q, lines %q", faults, lines)
	}
}

// Every scenario and every test that docs/reliability.md names exists.
func TestScenarios_OfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := docs.FS.ReadFile("reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## Which fault, which proof")
	table, _, _ = strings.Cut(table, "\n## ")
	names := regexp.MustCompile("`([A-Z_a-z0-9-]+)`").FindAllStringSubmatch(table, -1)
	if !found || len(names) < 50 {
		t.Fatalf("%d names in the table", len(names))
	}
	tests := testNames(t)
	for _, n := range names {
		name := n[1]
		if tests[name] || slices.ContainsFunc(Scenarios(), func(s Scenario) bool { return s.Name == name }) {
			continue
		}
		t.Errorf("there is no test and no scenario %q", name)
	}
	for _, s := range Scenarios() {
		if !strings.Contains(table, "`"+s.Name+"`") {
			t.Errorf("the table has no scenario %q", s.Name)
		}
	}
}

// testNames returns the names of the tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names, declared := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	for _, dir := range []string{"../../internal", "../../worker"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
