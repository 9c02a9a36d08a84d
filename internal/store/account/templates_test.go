package account

import (
	"slices"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// A provider lists no names of variables; those that were given here are what
// clients fill templates by, and outlive every sync.
func TestSyncTemplates_NamesOfVariablesStay(t *testing.T) {
	t.Parallel()
	f := open(t)
	body := func(text string, names ...string) []template.Component {
		return []template.Component{{Type: "BODY", Text: text, Variables: names}}
	}
	define := func(c []template.Component) template.Template {
		return template.Template{
			Account:         f.account,
			Name:            "order",
			Language:        "en",
			Category:        "utility",
			Status:          "approved",
			ParameterFormat: "positional",
			Components:      c,
		}
	}
	_, err := f.SaveTemplate(t.Context(), define(body("Hi {{1}}, {{2}}", "customer", "order_id")))
	must(t, err)
	for _, step := range []struct {
		text string
		want []string
	}{
		{"Hello {{1}}, {{2}}", []string{"customer", "order_id"}}, // of the account's entry
		{"Dear {{1}}, {{2}}", []string{"customer", "order_id"}},  // of the channel's own
		{"Dear {{1}}, {{2}}: {{3}}", []string{"1", "2", "3"}},    // another text
	} {
		_, _, _, err := f.SyncTemplates(t.Context(), f.account, f.channel, []template.Template{define(body(step.text))})
		must(t, err)
		all, err := f.Templates(t.Context(), f.account)
		must(t, err)
		synced := all[slices.IndexFunc(all, func(t template.Template) bool { return t.Channel == f.channel })]
		if got := synced.VariableNames(); synced.Components[0].Text != step.text || !slices.Equal(got, step.want) {
			t.Errorf("%q has the variables %v, want %v", synced.Components[0].Text, got, step.want)
		}
	}
}
