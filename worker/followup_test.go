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
func TestFollowUp_RefusedTemplate(t *testing.T) {
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
			if c.status != "" && !out.FollowUp() {
				t.Fatal("the outcome is not followed up")
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

// Refusals of a campaign's template are one report a page.
func TestFollowUp_RefusedTemplate_OnceACampaign(t *testing.T) {
	t.Parallel()
	f := open(t)
	var got changes
	f.Worker.Templates = &got
	var outs []store.Outcome
	for _, campaign := range []int64{7, 7, 8, 7, 0, 0} {
		outs = append(outs, store.Outcome{
			ID: dispatch.NewID(), Channel: f.Channel, Campaign: campaign, ProvCode: "132015", Code: dispatch.FailPaused,
		})
	}
	f.refusedTemplates(t.Context(), outs)
	if len(got.all) != 4 || got.all[0].Message != outs[0].ID || got.all[1].Message != outs[2].ID {
		t.Errorf("reported %+v", got.all)
	}
}
