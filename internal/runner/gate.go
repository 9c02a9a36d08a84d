package runner

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner/audience"
	"github.com/sendoff/sendoff/internal/store"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/zone"
)

// gateStore answers for claimed messages.
type gateStore interface {
	Gates(ctx context.Context, refs []ledger.Ref) ([]campaigns.Gate, error)
	HoldMessages(ctx context.Context, refs []ledger.Ref, until []time.Time) error
	Sync(ctx context.Context, refs []ledger.Ref) error
	HoldForQuality(ctx context.Context, refs []ledger.Ref) error
	NoteSent(ctx context.Context, ch *dispatch.Channel, messages []dispatch.ID) error
	ByID(ctx context.Context, id int64) (campaigns.Campaign, error)
	Zone(ctx context.Context, account int64) (string, error)
}

// gatePlan is the timing of a campaign as it was at Changed.
type gatePlan struct {
	changed time.Time
	timing  *campaign.Timing
}

// maxPlans bounds the campaigns that the gate caches.
const maxPlans = 1000

// stoppedDelay is how long messages of a campaign that does not run are left
// alone: a step takes them out of the queue before.
const stoppedDelay = 2 * time.Second

// Gate decides about messages that a worker has claimed and not yet sent: the one
// place that every path passes, first tries and retries. It returns an outcome
// for each message that must not be sent now. It sees a pause that was committed
// before.
func (r *Runner) Gate(ctx context.Context, claimed []store.Claimed) (map[dispatch.ID]store.Outcome, error) {
	refs := refsOf(claimed)
	if len(refs) == 0 {
		return nil, nil
	}
	gates, err := r.Store.Gates(ctx, refs)
	if err != nil {
		return nil, err
	}
	out := map[dispatch.ID]store.Outcome{}
	var held []ledger.Ref
	var until []time.Time
	for i := range gates {
		g := &gates[i]
		o, wake, err := r.decide(ctx, g)
		if err != nil {
			return nil, err
		}
		if o != nil {
			out[g.Message] = *o
		}
		if !wake.IsZero() {
			held, until = append(held, ref(g.Campaign, g.Message)), append(until, wake)
		}
	}
	if len(held) > 0 {
		err = r.Store.HoldMessages(ctx, held, until)
	}
	return out, err
}

func refsOf(claimed []store.Claimed) []ledger.Ref {
	var refs []ledger.Ref
	for i := range claimed {
		if c := &claimed[i]; c.Campaign != 0 {
			refs = append(refs, ref(c.Campaign, c.ID))
		}
	}
	return refs
}

// decide returns what becomes of a message instead of being sent, nil: it is
// sent; and until when it is held.
func (r *Runner) decide(ctx context.Context, g *campaigns.Gate) (*store.Outcome, time.Time, error) {
	if g.State != campaign.Running || g.LaunchedAt == nil {
		return &store.Outcome{Action: store.Release, Delay: stoppedDelay}, time.Time{}, nil
	}
	if g.Delivered {
		return skip(dispatch.FailDelivered, "an earlier message of the campaign has arrived meanwhile"), time.Time{}, nil
	}
	if g.Capped {
		return skip(dispatch.FailCapped, "the recipient has had as many messages as the cap allows"), time.Time{}, nil
	}
	timing, err := r.timing(ctx, g)
	if err != nil {
		return nil, time.Time{}, err
	}
	zones := zone.Set(g.Zones)
	due, gone := timing.Due(zones, *g.LaunchedAt)
	switch move, until := timing.Decide(g.Now, due, gone, zones); move {
	case campaign.Hold:
		return &store.Outcome{Action: store.Release, Delay: until.Sub(g.Now)}, until, nil
	case campaign.Skip:
		return skip(dispatch.FailLate, "the recipient's window has closed"), time.Time{}, nil
	case campaign.Send, campaign.Expire: // an expired message is not claimed
	}
	return nil, time.Time{}, nil
}

func skip(code dispatch.ErrorCode, detail string) *store.Outcome {
	return &store.Outcome{Action: store.Fail, Code: code, Detail: detail}
}

// timing returns the timing of a campaign.
func (r *Runner) timing(ctx context.Context, g *campaigns.Gate) (*campaign.Timing, error) {
	r.mu.Lock()
	p := r.plans[g.Campaign]
	r.mu.Unlock()
	if p != nil && p.changed.Equal(g.Changed) {
		return p.timing, nil
	}
	c, err := r.Store.ByID(ctx, g.Campaign)
	if err != nil {
		return nil, err
	}
	name, err := r.Store.Zone(ctx, g.Account)
	if err != nil {
		return nil, err
	}
	c.Contacts = ""
	d, err := audience.Definition(&c)
	if err != nil {
		return nil, err
	}
	t, err := campaign.NewTiming(d, name)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.plans) >= maxPlans {
		clear(r.plans)
	}
	r.plans[g.Campaign] = &gatePlan{g.Changed, t}
	return t, nil
}

// Settled moves the ledger's rows of messages whose outcomes were stored, and
// pauses campaigns whose template the provider has paused. What it leaves undone
// of the rows, a sweep does.
func (r *Runner) Settled(ctx context.Context, outs []store.Outcome) {
	var refs, assessed []ledger.Ref
	refused := map[int64]string{}
	r.noteSent(ctx, outs)
	for i := range outs {
		o := &outs[i]
		switch {
		case o.Campaign == 0:
			continue
		case o.Action == store.Fail && o.Code == dispatch.FailPaused:
			refused[o.Campaign] = o.Code + ": " + o.Detail
		case o.Action == store.Settle && o.Detail == dispatch.HeldForQuality:
			assessed = append(assessed, ref(o.Campaign, o.ID))
		}
		if o.Action == store.Settle || o.Action == store.Fail {
			refs = append(refs, ref(o.Campaign, o.ID))
		}
	}
	err := r.Store.Sync(ctx, refs)
	if err == nil && len(assessed) > 0 {
		err = r.Store.HoldForQuality(ctx, assessed)
	}
	if err != nil {
		r.Log.Warn("ledger moves later", "messages", len(refs), "error", err)
	}
	for id, reason := range refused {
		if err := r.pauseTemplate(ctx, id, reason); err != nil {
			r.Log.Warn("campaigns of a paused template not paused yet", "campaign", id, "error", err)
		}
	}
}

// pauseTemplate pauses the running campaigns that send the template of a
// campaign. The first reason stays.
func (r *Runner) pauseTemplate(ctx context.Context, id int64, reason string) error {
	return r.Store.Tx(ctx, func(tx Tx) error {
		all, err := tx.WithTemplate(ctx, id)
		if err != nil || len(all) == 0 {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		for i := range all {
			s := &step{Runner: r, tx: tx, c: &all[i], now: now}
			if s.c.NextAt, err = s.pause(ctx, reason); err != nil {
				return err
			}
			if err := tx.Save(ctx, s.c); err != nil {
				return err
			}
		}
		return nil
	})
}
