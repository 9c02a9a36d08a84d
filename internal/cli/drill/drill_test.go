package drill

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/drill"
)

// env returns an environment and what is printed to it.
func env(t *testing.T) (e *console.Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &console.Env{Ctx: t.Context(), Stdout: stdout, Stderr: stderr}, stdout, stderr
}

func reports() []drill.Report {
	all := drill.Scenarios()
	good, bad := drill.Report{Scenario: all[0], Seed: 7, RecoveredS: 1.26}, drill.Report{Scenario: all[1], Broken: []string{"3 messages lost"}}
	good.Accepted, good.Faults, bad.Lost, bad.Duplicates = 2000, 7, 3, 1
	return []drill.Report{good, bad}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command Command
		want    []string
	}{
		"table": {Command{}, []string{"redis-wiped  2000", "7", "1.3 s", "kept", "BROKEN"}},
		"markdown": {Command{Markdown: true}, []string{
			"|---|", "| FLUSHALL seven times, a third of the messages being one-time passwords | nothing: ", " | 2000 | 7 | 0 | 0 | 1.3 s | kept |",
			"| 3 | 1 | 0.0 s | BROKEN |",
		}},
		"json": {Command{JSON: true}, []string{`"name": "redis-wiped"`, `"recovered_s": 1.26`, `"seed": 7`, `"3 messages lost"`}},
	} {
		e, stdout, _ := env(t)
		if err := c.command.print(e, reports()); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, stdout)
			}
		}
	}
}

// A broken promise is an error that names the seed.
func TestBroken(t *testing.T) {
	t.Parallel()
	e, _, stderr := env(t)
	if err := broken(e, reports()); err == nil || !strings.Contains(err.Error(), "--seed 7") ||
		!strings.Contains(stderr.String(), "work-killed: 3 messages lost") {
		t.Errorf("%v, %q", err, stderr)
	}
	if err := broken(e, reports()[:1]); err != nil {
		t.Error(err)
	}
}

func TestRun_WrongUse(t *testing.T) {
	t.Parallel()
	for _, c := range []Command{{Scenario: []string{"nothing"}}, {Messages: 5}} {
		e, _, _ := env(t)
		if err := c.Run(e); !errors.Is(err, console.ErrUsage) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	e, stdout, _ := env(t)
	if err := (&Command{List: true}).Run(e); err != nil || !strings.Contains(stdout.String(), "rolling-restart") {
		t.Errorf("%v: %s", err, stdout)
	}
}
