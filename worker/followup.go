package worker

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/people"
)

// peopleStore keeps what is learnt of recipients.
type peopleStore interface {
	// FirstIDsOf returns, by index, the id that stands for each person.
	FirstIDsOf(ctx context.Context, account int64, ids []string) ([]string, error)
	NoteAll(ctx context.Context, account int64, seen []people.Seen) error
}

// followUp does what stored outcomes mean besides their own messages. It does not
// wait: a campaign's counters may be locked, and the results of others go on.
func (w *Worker) followUp(outs []store.Outcome) {
	var some []store.Outcome
	for i := range outs {
		if outs[i].FollowUp() {
			some = append(some, outs[i])
		}
	}
	if len(some) == 0 {
		return
	}
	w.calls.Go(func() {
		if _, err := w.followUps.DoAll(context.Background(), some); err != nil {
			w.Log.Warn("results not followed up: a sweep finds those of campaigns, further messages show the others",
				"results", len(some), "error", err)
		}
	})
}

// followUpPage follows up a page of outcomes.
func (w *Worker) followUpPage(ctx context.Context, outs []store.Outcome) ([]struct{}, error) {
	w.noteRecipients(ctx, outs)
	w.refusedTemplates(ctx, outs)
	if w.Campaigns != nil {
		w.Campaigns.Settled(ctx, outs)
	}
	return make([]struct{}, len(outs)), nil
}

// noteRecipients keeps the ids by which providers named recipients.
func (w *Worker) noteRecipients(ctx context.Context, outs []store.Outcome) {
	seen := map[int64][]people.Seen{}
	for i := range outs {
		if o := &outs[i]; o.Account != 0 {
			seen[o.Account] = append(seen[o.Account], o.Seen)
		}
	}
	for account, all := range seen {
		if err := w.Store.NoteAll(ctx, account, all); err != nil {
			w.Log.Warn("providers' ids of recipients not stored", "account", account, "recipients", len(all), "error", err)
		}
	}
}

// refusedTemplates reports the templates that providers refused whatever the
// message is, so that no further message with them is accepted. A report that is
// lost comes again with the next refusal. The messages of a campaign have one
// template.
func (w *Worker) refusedTemplates(ctx context.Context, outs []store.Outcome) {
	type refusal struct {
		channel, campaign int64
		code              string
	}
	changes, seen := map[int64][]dispatch.TemplateChange{}, map[refusal]bool{}
	for i := range outs {
		o := &outs[i]
		c, ok := provider.RefusedTemplate(o.ID, o.ProvCode, o.Detail)
		r := refusal{o.Channel, o.Campaign, o.ProvCode}
		if !ok || w.Templates == nil || seen[r] {
			continue
		}
		seen[r] = o.Campaign != 0
		changes[o.Channel] = append(changes[o.Channel], c)
	}
	for channel, all := range changes {
		if err := w.Templates.ChangeTemplates(ctx, channel, all); err != nil {
			w.Log.Warn("refused templates not noted", "channel", channel, "error", err)
		}
	}
}
