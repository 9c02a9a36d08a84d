package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// care watches over the sender's reputation. It returns the reason for which the
// campaign must pause, if there is one.
func (s *step) care(ctx context.Context) (reason string, err error) {
	if reason, err = s.quality(ctx); err != nil || reason != "" {
		return reason, err
	}
	bad, err := s.failing(ctx)
	if err != nil {
		return "", err
	}
	if bad {
		return fmt.Sprintf("error_rate: more than %g of the last 200 results were failures", s.plan.Definition.PauseAtErrorRate), nil
	}
	c := s.plan.Definition.Canary
	if c == nil || s.c.CanaryOver {
		return "", nil
	}
	if s.c.CanaryAt == nil && s.made() >= int64(c.First) && s.counts.By[campaign.Queued] == 0 {
		s.c.CanaryAt = &s.now
	}
	var last time.Time
	if s.c.CanaryAt != nil {
		last = *s.c.CanaryAt
	}
	if verdict, _ := c.Decide(int(s.made()), last, s.now, bad); verdict == campaign.Go && s.made() >= int64(c.First) {
		s.c.CanaryOver = true
	}
	return "", nil
}

// quality returns what the provider has reported since the campaign was started or
// resumed that speaks against sending more. Behind a canary more does.
func (s *step) quality(ctx context.Context) (string, error) {
	if s.c.Test || s.c.StartedAt == nil {
		return "", nil
	}
	since := s.c.StartedAt.Truncate(time.Second) // reports have whole seconds
	if s.c.ResumedAt != nil {
		since = *s.c.ResumedAt
	}
	return s.tx.BadQuality(ctx, s.c, since, s.plan.Definition.Canary != nil && !s.c.CanaryOver)
}

// failing reports whether the last results have more failures than the campaign
// allows.
func (s *step) failing(ctx context.Context) (bool, error) {
	limit := s.plan.Definition.PauseAtErrorRate
	if limit == 0 || s.counts.By[campaign.Failed] == 0 {
		return false, nil
	}
	last, err := s.tx.LastResults(ctx, s.c, s.c.ResumedAt)
	var results campaign.Results
	for _, status := range last {
		results = results.Add(status == campaign.Failed)
	}
	return results.Exceed(limit), err
}

// noteSent counts the recipients of accepted messages against the messaging limits
// of their channels, which other messages than those of campaigns use too.
func (r *Runner) noteSent(ctx context.Context, outs []store.Outcome) {
	var done []int64
	for i := range outs {
		id := outs[i].Channel
		if outs[i].Action != store.Settle || slices.Contains(done, id) {
			continue
		}
		done = append(done, id)
		ch, err := r.Registry.Channel(ctx, id)
		if err == nil && ch.Policy.MessagingLimit > 0 {
			err = r.Store.NoteSent(ctx, ch, sentThrough(id, outs))
		}
		if err != nil {
			r.Log.Warn("users not counted against the messaging limit", "channel", id, "error", err)
		}
	}
}

func sentThrough(channel int64, outs []store.Outcome) []dispatch.ID {
	var ids []dispatch.ID
	for i := range outs {
		if outs[i].Action == store.Settle && outs[i].Channel == channel {
			ids = append(ids, outs[i].ID)
		}
	}
	return ids
}
