package campaign

import (
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// The whole table: A allowed, R a repeat, - refused.
func TestState_EveryAction(t *testing.T) {
	t.Parallel()
	const table = `
		          draft scheduled running paused finished cancelled
		validate  A     A         R       R      R        R
		launch    A     R         R       -      -        -
		edit      A     A         -       -      -        -
		pause     -     A         A       R      -        -
		resume    -     R         R       A      -        -
		cancel    A     A         A       A      -        R
		retry     -     -         -       A      A        A
		delete    A     -         -       -      -        -`
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 1+len(Actions) {
		t.Fatalf("%d actions in the table", len(lines)-1)
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		action := Action(cells[0])
		if !slices.Contains(Actions, action) {
			t.Fatalf("no action %q", action)
		}
		for i, s := range States {
			want := map[string]Verdict{"A": Allowed, "R": Repeated, "-": Forbidden}[cells[1+i]]
			got, err := s.Check(action)
			if got != want || (err != nil) != (want == Forbidden) {
				t.Errorf("%s of %s: %d, %v", action, s, got, err)
			}
			if err != nil && dispatch.CodeOf(err) != dispatch.InvalidState {
				t.Errorf("%s of %s: code %s", action, s, dispatch.CodeOf(err))
			}
			if slices.Contains(s.Can(), action) != (want == Allowed) {
				t.Errorf("%s can %v", s, s.Can())
			}
		}
	}
}

func TestState_After(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from  State
		do    Action
		begun bool
		want  State
	}{
		{Draft, Launch, true, Running},
		{Draft, Launch, false, Scheduled},
		{Scheduled, Pause, false, Paused},
		{Paused, Resume, false, Scheduled},
		{Paused, Resume, true, Running},
		{Running, Pause, true, Paused},
		{Running, Launch, true, Running}, // a repeat changes nothing
		{Paused, Pause, true, Paused},
		{Paused, Cancel, true, Cancelled},
		{Cancelled, Cancel, true, Cancelled},
		{Finished, Retry, true, Finished},
		{Draft, Edit, false, Draft},
	} {
		if got, err := c.from.After(c.do, c.begun); got != c.want || err != nil {
			t.Errorf("%s of %s leads to %s, %v", c.do, c.from, got, err)
		}
	}
	if got, err := Finished.After(Cancel, true); got != Finished || err == nil {
		t.Errorf("a finished campaign becomes %s, %v", got, err)
	}
	for _, s := range States {
		if parsed, ok := ParseState(s.String()); !ok || parsed != s || s.Final() != (s == Finished || s == Cancelled) {
			t.Errorf("%s is %s, final %v", s, parsed, s.Final())
		}
	}
	if s, ok := ParseState("asleep"); ok {
		t.Errorf("asleep is %s", s)
	}
}
