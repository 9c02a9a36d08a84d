package registry

import (
	"slices"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// What may be sent outside the window is each template once: what a channel has
// of its own hides the account's entry, also when it can't be sent.
func TestUsable_ChannelsOwnHidesAccounts(t *testing.T) {
	t.Parallel()
	approved := func(name string, channel int64) template.Template {
		return template.Template{Name: name, Language: "en", Status: "approved", Channel: channel}
	}
	paused := approved("b", 1)
	paused.Status = "paused"
	ts := newTemplates(
		[]template.Template{approved("a", 0), approved("b", 0), approved("c", 0), approved("a", 1), paused, approved("d", 2)}, nil,
	)
	for channel, want := range map[int64][]string{
		1: {"c (en)", "a (en)"},
		3: {"a (en)", "b (en)", "c (en)"},
	} {
		if got := ts.Usable(&dispatch.Channel{ID: channel, Provider: "meta"}); !slices.Equal(got, want) {
			t.Errorf("channel %d: got %v, want %v", channel, got, want)
		}
	}
}
