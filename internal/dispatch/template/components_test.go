package template

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Where one numbering runs over all parts, a fault still names the parameter as the
// client wrote it.
func TestComponents_SharedNumbering_FaultsAtTheGivenParameter(t *testing.T) {
	t.Parallel()
	tp := &Template{
		Name: "t", Style: SharedNumbering, ProviderTemplateID: "HX00000000000000000000000000000000", Components: []Component{
			{Type: "BODY", Text: "Hi {{1}}, {{2}}"},
			{Type: "BUTTONS", Buttons: []Button{{Type: "URL", Text: "Go", URL: "https://example.com/{{3}}"}}},
		},
	}
	text := func(s string) dispatch.Parameter { return dispatch.Parameter{Type: "text", Text: s} }
	with := func(body, button []dispatch.Parameter) []string {
		use := &dispatch.TemplateUse{Components: []dispatch.Component{
			{Type: "body", Parameters: body}, {Type: "button", SubType: "url", Parameters: button},
		}}
		err := tp.Resolve(use, nil)
		e, ok := errors.AsType[*dispatch.Error](err)
		if !ok {
			t.Fatalf("resolved: %v", err)
		}
		var at []string
		for _, f := range e.Faults {
			at = append(at, f.Field)
		}
		return at
	}
	for name, c := range map[string]struct {
		body, button []dispatch.Parameter
		want         []string
	}{
		"the button's is empty": {
			[]dispatch.Parameter{text("a"), text("b")},
			[]dispatch.Parameter{text("")},
			[]string{"/template/components/1/parameters/0/text"},
		},
		"the body's second is of another type": {
			[]dispatch.Parameter{text("a"), {Type: "payload", Payload: "p"}},
			[]dispatch.Parameter{text("c")},
			[]string{"/template/components/0/parameters/1/type"},
		},
		"one too many": {
			[]dispatch.Parameter{text("a"), text("b")},
			[]dispatch.Parameter{text("c"), text("d")},
			[]string{"/template/components/1/parameters/1"},
		},
		"one is missing": {
			[]dispatch.Parameter{text("a")},
			[]dispatch.Parameter{text("b")},
			[]string{"/template/components"},
		},
		"too long": {
			[]dispatch.Parameter{text("a"), text("b")},
			[]dispatch.Parameter{text(strings.Repeat("x", 40_000))},
			[]string{"/template/components/1/parameters/0/text"},
		},
	} {
		if got := with(c.body, c.button); !slices.Equal(got, c.want) {
			t.Errorf("%s: faults at %v, want %v", name, got, c.want)
		}
	}
}
