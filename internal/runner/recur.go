package runner

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// followed is how far the runs of a recurrence have been dealt with: what its
// parent has in place of a place in an audience.
type followed struct {
	Last time.Time `json:"last"`
}

// eastward is how long before its instant in the campaign's zone a run with
// local_start is made: the first recipients live at UTC+14.
const eastward = 26 * time.Hour

// recur makes the runs of a recurrence as they come due. The parent stays
// scheduled until the rule ends.
func (s *step) recur(ctx context.Context) (*time.Time, error) {
	d := s.plan.Definition
	loc, err := zone.Load(d.TimeZone)
	if err != nil {
		return nil, err
	}
	rule, err := campaign.ParseRule(d.Recurrence.RRule, *d.StartAt, loc)
	if err != nil {
		return nil, err
	}
	var done followed
	if err := json.Unmarshal([]byte(s.c.Fill), &done); err != nil {
		return nil, err
	}
	if done.Last.IsZero() {
		done.Last = s.c.LaunchedAt.Add(-time.Minute)
	}
	_, going, err := s.tx.OpenChild(ctx, s.c.ID, campaigns.Run)
	if err != nil {
		return nil, err
	}
	ahead := time.Duration(0)
	if d.LocalStart {
		ahead = eastward
	}
	skip := d.Recurrence.SkipIfRunning == nil || *d.Recurrence.SkipIfRunning
	due := rule.Due(done.Last, s.now.Add(ahead), d.TTL()+ahead, going && skip)
	for i := range due.Skipped {
		done.Last = due.Skipped[i].At
	}
	if len(due.Skipped) > 0 {
		if err := s.noteSkipped(ctx, due.Skipped[len(due.Skipped)-1].At, due.Why); err != nil {
			return nil, err
		}
	}
	if due.Run != nil {
		done.Last = due.Run.At
		if err := s.makeRun(ctx, due.Run); err != nil {
			return nil, err
		}
	}
	raw, err := json.Marshal(done)
	s.c.Fill = string(raw)
	if due.Next == nil {
		if err := s.count(ctx); err != nil {
			return nil, err
		}
		return s.finish(ctx)
	}
	return new(due.Next.At.Add(-ahead)), err
}

// makeRun makes the child campaign of one run, which fills its own ledger.
func (s *step) makeRun(ctx context.Context, r *campaign.Run) error {
	child := campaigns.Child(s.c, campaigns.Run, &r.At)
	d := *s.plan.Definition
	d.Recurrence, d.StartAt = nil, &r.Wall
	d.Audience.Contacts = nil // are kept apart
	raw, err := json.Marshal(&d)
	if err != nil {
		return err
	}
	child.Definition = string(raw)
	if err := s.tx.Create(ctx, &child); err != nil {
		return err
	}
	child.State, child.Channel, child.Template, child.Marketing = campaign.Scheduled, s.c.Channel, s.c.Template, s.c.Marketing
	child.LaunchedAt, child.NextAt = &s.now, &s.now
	return s.tx.Save(ctx, &child)
}

// noteSkipped writes the event of a run that is not made.
func (s *step) noteSkipped(ctx context.Context, at time.Time, why string) error {
	detail, err := json.Marshal(map[string]any{
		"campaign_id": s.c.ID, "name": s.c.Name, "status": s.c.State.String(), "skipped_run": at.UTC(), "reason": why,
	})
	if err != nil {
		return err
	}
	return s.tx.Note(ctx, s.c, dispatch.EventCampaign, "worker", string(detail))
}
