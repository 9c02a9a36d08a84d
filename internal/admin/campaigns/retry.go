package campaigns

import (
	"context"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner"
	"github.com/sendoff/sendoff/internal/runner/audience"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// Retry makes a child campaign of the failed whose failure another try can mend,
// and starts it. While one runs, a repeat returns the same.
func (s *Service) Retry(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	var parent, child store.Campaign
	repeated := false
	err := s.change(ctx, who, "campaign.retry", &parent, func(tx Tx) (err error) {
		if parent, err = tx.Campaign(ctx, who.Account, id); err != nil {
			return err
		}
		if _, err := parent.State.Check(campaign.Retry); err != nil {
			return err
		}
		if child, repeated, err = tx.OpenChild(ctx, id, store.Retry); err != nil {
			return err
		}
		if repeated {
			return errRepeated
		}
		return s.retry(ctx, tx, &parent, &child)
	})
	if err != nil && !repeated {
		return nil, err
	}
	return s.view(ctx, &child)
}

func (s *Service) retry(ctx context.Context, tx Tx, parent, child *store.Campaign) error {
	*child = store.Child(parent, store.Retry, nil)
	d, err := audience.Definition(parent)
	if err != nil {
		return err
	}
	d.StartAt, d.LocalStart, d.Recurrence, d.Canary, d.Audience = nil, false, nil, nil, campaign.Audience{}
	if err := setDefinition(child, d); err != nil {
		return err
	}
	if err := tx.Create(ctx, child); err != nil {
		return err
	}
	if err := tx.AddFailed(ctx, child.ID, parent.ID); err != nil {
		return err
	}
	counts, err := tx.Counts(ctx, []int64{child.ID})
	if err != nil {
		return err
	}
	if counts[child.ID].Unfinished() == 0 {
		return dispatch.Errorf(dispatch.EmptyAudience, "no failed recipient can succeed by another try")
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	child.State, child.Channel, child.Template, child.Marketing, child.Filled = campaign.Running, parent.Channel,
		parent.Template, parent.Marketing, true
	child.LaunchedAt, child.StartedAt, child.NextAt = &now, &now, &now
	if err := tx.Save(ctx, child); err != nil {
		return err
	}
	return tx.Note(ctx, child, dispatch.EventCampaign, "api", runner.Describe(child, nil))
}
