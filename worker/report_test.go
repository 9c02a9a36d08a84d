package worker

import (
	"context"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// changes records what is reported of templates.
type changes struct{ all []dispatch.TemplateChange }

func (c *changes) ChangeTemplates(_ context.Context, _ int64, changes []dispatch.TemplateChange) error {
	c.all = append(c.all, changes...)
	return nil
}

// Every refusal that is about the template, whatever our code for it, reaches the
// registry: it is refused at accept from then on.
func TestRefusedTemplate_IsReported(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		ours   dispatch.ErrorCode
		status string
	}{
		"132015": {dispatch.FailPaused, "paused"}, "132016": {dispatch.FailPaused, "disabled"}, "132001": {dispatch.FailTemplate, "disabled"},
		"4005": {dispatch.FailTemplate, "paused"}, "132000": {dispatch.FailTemplate, ""}, "131026": {dispatch.FailRecipient, ""},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			var got changes
			f.Worker.Templates = &got
			f.fails(provider.Error{Kind: provider.Permanent, Code: c.ours, Provider: code, Msg: "why"})
			fl, claimed := f.flight(t, f.Messages(t, 1, nil))
			out := f.outcome(fl, &claimed[0])
			if c.status != "" && !out.Reported() {
				t.Fatal("the outcome is not reported")
			}
			f.refusedTemplates(t.Context(), []store.Outcome{out})
			if (len(got.all) == 1) != (c.status != "") {
				t.Fatalf("reported %+v", got.all)
			}
			if c.status != "" && (got.all[0].Status != c.status || got.all[0].Reason != code+" why" || got.all[0].Message != claimed[0].ID) {
				t.Errorf("reported %+v", got.all[0])
			}
		})
	}
}
