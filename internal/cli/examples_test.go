package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/storetest"
)

// leaves are all commands that do something.
func leaves(t *testing.T) map[string]*kong.Node {
	t.Helper()
	parser, err := newParser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*kong.Node{}
	for _, n := range parser.Model.Leaves(false) {
		out[commandOf(n)] = n
	}
	return out
}

// words cuts a line as a shell would, as far as the examples need it.
func words(line string) []string {
	line, _, _ = strings.Cut(line, " <")
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

func TestExamples_EveryCommandHasSome_AndTheyParse(t *testing.T) {
	t.Parallel()
	commands, all := leaves(t), allExamples()
	for command, n := range commands {
		if len(all[command]) == 0 || !strings.Contains(n.Detail, "Examples:\n\n  sendoff "+command) {
			t.Errorf("the help of %q shows no example: %s", command, n.Detail)
		}
	}
	for command, lines := range all {
		if commands[command] == nil {
			t.Errorf("there is no command %q", command)
		}
		for _, line := range lines {
			parser, err := newParser(io.Discard, io.Discard, func(code int) { t.Errorf("%s: exit code %d", line, code) })
			if err != nil {
				t.Fatal(err)
			}
			args := words(line)[1:]
			if strings.HasPrefix(command, "migrate") {
				args = append(args, "--postgres-url", "postgres://localhost/x")
			}
			k, err := parser.Parse(args)
			if err != nil {
				t.Errorf("%s: %v", line, err)
			} else if got := commandOf(k.Selected()); got != command {
				t.Errorf("%s is an example of %q, not of %q", line, got, command)
			}
		}
	}
	if r := sendoff("", "key", "update", "--help"); r.Code != 0 || !strings.Contains(r.Out, "sendoff key update 3 --rate-per-minute 600") {
		t.Errorf("code %d: %s", r.Code, r.Out)
	}
}

func TestCommands_JSON_IsEverywhereButInServersAndScripts(t *testing.T) {
	t.Parallel()
	for command, n := range leaves(t) {
		has := slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "json" })
		if other := slices.Contains([]string{"dev", "serve", "work", "emulate", "bench", "openapi", "completion"}, command); has == other {
			t.Errorf("%s: has --json is %v", command, has)
		}
	}
}

// TestChanges_AreAll keeps the table of the audit test whole.
func TestChanges_AreAll(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"channel check": true, "template preview": true} // change nothing
	known["template sync"] = true                                             // asks a provider
	for _, spec := range app.Specs() {
		known["channel create "+spec.Name] = true // one of them is in the table
	}
	for _, c := range changes() {
		parser, err := newParser(io.Discard, io.Discard, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		k, err := parser.Parse(c.words)
		if err != nil {
			t.Fatal(err)
		}
		known[commandOf(k.Selected())] = true
	}
	for command := range leaves(t) {
		noun, verb, _ := strings.Cut(command, " ")
		if slices.Contains([]string{"account", "user", "key", "channel", "template"}, noun) && verb != "list" && verb != "show" &&
			!known[command] {
			t.Errorf("%s is not in the table", command)
		}
	}
}

func TestMigrate_JSON_ListsWhatIsApplied(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	type migration struct{ Applied bool }
	if ms := clitest.Read[[]migration](t, sendoff("", "migrate", "status", "--json", "--postgres-url", url)); len(ms) < 2 || ms[0].Applied {
		t.Errorf("before: %+v", ms)
	}
	if ms := clitest.Read[[]migration](t, sendoff("", "migrate", "up", "--json", "--postgres-url", url)); len(ms) < 2 ||
		slices.Contains(ms, migration{false}) {
		t.Errorf("up: %+v", ms)
	}
	if ms := clitest.Read[[]migration](t, sendoff("", "migrate", "down", "--yes", "--json", "--postgres-url", url)); ms[len(ms)-1].Applied ||
		!ms[0].Applied {
		t.Errorf("down: %+v", ms)
	}
}
