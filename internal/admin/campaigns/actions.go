package campaigns

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner"
	"github.com/sendoff/sendoff/internal/runner/audience"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// do does an action: do changes c, whose state is still the one before. An action
// that has been done already changes nothing and is no error.
func (s *Service) do(
	ctx context.Context, who admin.Actor, id int64, action campaign.Action, do func(tx Tx, c *store.Campaign, now time.Time) error,
) (*Campaign, error) {
	var c store.Campaign
	err := s.change(ctx, who, "campaign."+string(action), &c, func(tx Tx) (err error) {
		if c, err = tx.Campaign(ctx, who.Account, id); err != nil {
			return err
		}
		verdict, err := c.State.Check(action)
		if err != nil {
			return err
		}
		if verdict == campaign.Repeated {
			return errRepeated
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if err := do(tx, &c, now); err != nil {
			return err
		}
		c.UpdatedAt, c.NextAt = now, &now
		if err := tx.Save(ctx, &c); err != nil {
			return err
		}
		return tx.Note(ctx, &c, dispatch.EventCampaign, "api", runner.Describe(&c, nil))
	})
	if err != nil && !errors.Is(err, errRepeated) {
		return nil, err
	}
	return s.view(ctx, &c)
}

// Launch starts a campaign, or schedules its start.
func (s *Service) Launch(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	return s.do(ctx, who, id, campaign.Launch, func(tx Tx, c *store.Campaign, now time.Time) error {
		c.Test, c.Key = who.Test, keyOf(who)
		return s.prepare(ctx, tx, c, now)
	})
}

// fillAtOnce is how many rows of the ledger a launch writes itself; workers go
// on.
const fillAtOnce = 10_000

// prepare checks all that a launch needs, begins the ledger and sets the state.
func (s *Service) prepare(ctx context.Context, tx Tx, c *store.Campaign, now time.Time) error {
	zone, err := tx.Zone(ctx, c.Account)
	if err != nil {
		return err
	}
	c.Channel = 0
	plan, err := audience.Compile(ctx, s.Registry, c, zone)
	if err != nil {
		return err
	}
	if err := plan.Definition.CheckStart(now); err != nil {
		return err
	}
	if err := checkAudience(ctx, tx, c, &plan.Definition.Audience); err != nil {
		return err
	}
	c.Channel, c.Marketing, c.LaunchedAt, c.Filled, c.Fill, c.NextAt = plan.Channel.ID, plan.Marketing, &now, false, "{}", &now
	if plan.Template != nil {
		c.Template = plan.Template.ID
	}
	if err := tx.EmptyLedger(ctx, c); err != nil {
		return err
	}
	recurs := plan.Definition.Recurrence != nil
	if err := fill(ctx, tx, c, plan.Source(c, now), recurs); err != nil {
		return err
	}
	c.State = campaign.Scheduled
	if start := plan.Timing.Start(now); !recurs && !start.After(now) {
		c.State, c.StartedAt = campaign.Running, &now
	}
	return nil
}

// fill begins the ledger, until somebody is found who will get a message. The
// parent of a recurrence keeps none: only its audience is looked at.
func fill(ctx context.Context, tx Tx, c *store.Campaign, src *audience.Source, onlyLook bool) error {
	sendable := 0
	for rows := 0; !c.Filled && (sendable == 0 || (rows < fillAtOnce && !onlyLook)); rows += audience.PageSize {
		n, err := src.Fill(ctx, tx, c)
		if err != nil {
			return err
		}
		sendable += n
	}
	if sendable == 0 {
		return dispatch.Errorf(dispatch.EmptyAudience, "nobody in the audience can be sent to; validate the campaign to see why")
	}
	if !onlyLook {
		return nil
	}
	c.Filled, c.Fill = false, "{}"
	return tx.EmptyLedger(ctx, c)
}

// checkAudience returns a refusal if a list or an import of the audience does not
// exist, or an import is not done.
func checkAudience(ctx context.Context, tx Tx, c *store.Campaign, a *campaign.Audience) error {
	missing, err := tx.MissingLists(ctx, c.Account, a.Lists)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return dispatch.InvalidField("/audience/lists", "there is no list %d", missing[0])
	}
	running, err := tx.RunningImport(ctx, c.Account, c.ID)
	if err != nil {
		return err
	}
	if running != 0 {
		return dispatch.InvalidField("/audience/import", "import %d still adds to the audience: wait until it is done", running)
	}
	if a.Import == 0 {
		return nil
	}
	imports, err := tx.Imports(ctx, c.Account, c.ID, a.Import)
	if err == nil && !slices.Contains(imports, a.Import) {
		return dispatch.InvalidField("/audience/import", "import %d does not exist, is not of the kind audience or is not done", a.Import)
	}
	return err
}

// Pause stops a campaign before its next call.
func (s *Service) Pause(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	return s.halting(s.do(ctx, who, id, campaign.Pause, func(tx Tx, c *store.Campaign, _ time.Time) (err error) {
		c.Reason = ""
		if c.State, err = c.State.After(campaign.Pause, true); err != nil {
			return err
		}
		return tx.Park(ctx, c.ID)
	}))
}

// Resume goes on where a pause has stopped.
func (s *Service) Resume(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	return s.do(ctx, who, id, campaign.Resume, func(tx Tx, c *store.Campaign, now time.Time) (err error) {
		if c.State, err = c.State.After(campaign.Resume, c.StartedAt != nil); err != nil {
			return err
		}
		c.Reason, c.ResumedAt, c.Tokens, c.TokensAt = "", &now, 0, &now
		return tx.Unpark(ctx, c.ID)
	})
}

// cancelFor is how long pages of a campaign are cancelled before the answer; workers
// go on.
const cancelFor = 300 * time.Millisecond

// Cancel ends a campaign before its next call.
func (s *Service) Cancel(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	var cancelled store.Campaign
	_, err := s.do(ctx, who, id, campaign.Cancel, func(_ Tx, c *store.Campaign, now time.Time) (err error) {
		c.Reason, c.FinishedAt = "", &now
		c.State, err = c.State.After(campaign.Cancel, true)
		cancelled = *c
		return err
	})
	if err != nil {
		return nil, err
	}
	s.cancelPages(ctx, &cancelled)
	return s.halting(s.Get(ctx, who, id))
}

// cancelPages cancels the first pages of a campaign that is cancelled, each by
// itself: nobody waits for all of them. What fails here is left to the workers, and
// the campaign is cancelled all the same.
func (s *Service) cancelPages(ctx context.Context, c *store.Campaign) {
	for until := time.Now().Add(cancelFor); time.Now().Before(until); {
		messages, err := s.Store.CancelMessages(ctx, c.ID)
		if err != nil {
			return
		}
		rows, err := s.Store.CancelRows(ctx, c)
		if err != nil || !messages && !rows {
			return
		}
	}
}

// halting adds to an answer the number of calls that were in the air.
func (s *Service) halting(v *Campaign, err error) (*Campaign, error) {
	if v != nil {
		v.InFlight = &v.calls
	}
	return v, err
}
