package worker

import (
	"context"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Campaigns decides about the messages of campaigns.
type Campaigns interface {
	// Gate returns an outcome for each claimed message that must not be sent now.
	Gate(ctx context.Context, claimed []store.Claimed) (map[dispatch.ID]store.Outcome, error)
	// Settled is called after outcomes of campaigns, and of channels with a
	// messaging limit, were stored.
	Settled(ctx context.Context, outs []store.Outcome)
}

// gateDelay is how long messages of campaigns wait when nobody can decide about
// them.
const gateDelay = time.Second

// passGate checks the messages of campaigns, of which a page has none or
// many. It returns the messages that may be sent, and what becomes of the others:
// no call is made for them and none counted.
func (w *Worker) passGate(ctx context.Context, f *flight, claimed []store.Claimed) (send []store.Claimed, back []store.Outcome) {
	ofCampaign := func(c store.Claimed) bool { return c.Campaign != 0 }
	if w.Campaigns == nil || !slices.ContainsFunc(claimed, ofCampaign) {
		return claimed, nil
	}
	verdicts, err := w.Campaigns.Gate(ctx, claimed)
	if err != nil {
		w.Log.Warn("campaigns not asked; their messages wait", "channel", f.ch.ID, "error", err)
	}
	for i := range claimed {
		c := &claimed[i]
		o, stopped := verdicts[c.ID]
		if err != nil && c.Campaign != 0 {
			o, stopped = store.Outcome{Action: store.Release, Delay: gateDelay}, true
		}
		if !stopped {
			send = append(send, *c)
			continue
		}
		o.ID, o.Claim, o.Paged, o.Channel, o.Campaign = c.ID, f.claim, c.Paged, f.ch.ID, c.Campaign
		back = append(back, o)
	}
	return send, back
}
