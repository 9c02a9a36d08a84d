package runner

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
)

// wait fills the ledger of a campaign that is scheduled, and starts it at its
// time.
func (s *step) wait(ctx context.Context) (*time.Time, error) {
	err := s.compile(ctx)
	if reason, ok := refused(err); ok {
		return s.pause(ctx, reason)
	}
	if err != nil {
		return nil, err
	}
	if s.plan.Definition.Recurrence != nil && s.c.Kind == 0 {
		return s.recur(ctx)
	}
	if !s.c.Filled {
		return &s.now, s.fill(ctx)
	}
	if start := s.plan.Timing.Start(*s.c.LaunchedAt); s.now.Before(start) {
		return &start, nil
	}
	s.c.State, s.c.StartedAt, s.c.UpdatedAt = campaign.Running, &s.now, s.now
	return &s.now, s.note(ctx, dispatch.EventCampaign)
}

func (s *step) fill(ctx context.Context) error {
	_, err := s.plan.Source(s.c, *s.c.LaunchedAt).Fill(ctx, s.tx, s.c)
	return err
}

// refused returns the text for users of an error that only they can mend.
func refused(err error) (reason string, ok bool) {
	e, ok := errors.AsType[*dispatch.Error](err)
	if !ok || e.Code == dispatch.Internal || e.Code == dispatch.Overloaded {
		return "", false
	}
	if e.Reason != "" && len(e.Faults) > 0 {
		return e.Reason + ": " + e.Msg, true
	}
	return string(e.Code) + ": " + e.Msg, true
}

// halted keeps a paused campaign's messages out of the queue, also those that
// come back from a worker, and follows the calls that were under way.
func (s *step) halted(ctx context.Context) (*time.Time, error) {
	if err := s.tx.Park(ctx, s.c.ID); err != nil {
		return nil, err
	}
	if _, err := s.sweep(ctx, true); err != nil {
		return nil, err
	}
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	s.c.LimitedBy, s.c.RateNow = "nothing", 0
	if err := s.progress(ctx); err != nil {
		return nil, err
	}
	return s.in(time.Second), nil
}

// cancel cancels what is left of a cancelled campaign, page by page.
func (s *step) cancel(ctx context.Context) (*time.Time, error) {
	s.c.LimitedBy, s.c.RateNow = "nothing", 0
	if _, err := s.tx.CancelMessages(ctx, s.c.ID); err != nil {
		return nil, err
	}
	more, err := s.tx.CancelRows(ctx, s.c)
	if err == nil && !more { // its end: what was left out on the way is cancelled from the beginning
		_, err = s.tx.Missed(ctx, s.c)
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.sweep(ctx, true); err != nil {
		return nil, err
	}
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	if err := s.progress(ctx); err != nil {
		return nil, err
	}
	switch {
	case s.counts.By[campaign.Waiting]+s.counts.By[campaign.Held] > 0:
		return &s.now, nil
	case s.counts.Unfinished() > 0:
		return s.in(time.Second), nil
	}
	return s.linger(ctx)
}

// lingering is how long after its last change a campaign that has ended is
// followed: receipts arrive.
const lingering = 10 * time.Minute

// linger reports the receipts of a campaign that has ended.
func (s *step) linger(ctx context.Context) (*time.Time, error) {
	if s.counts == nil {
		if err := s.count(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.progress(ctx); err != nil {
		return nil, err
	}
	if s.counts.ChangedAt == nil || s.now.Sub(*s.counts.ChangedAt) > lingering {
		return nil, nil
	}
	return s.in(time.Second), nil
}

// finish ends a campaign of which every recipient is sent or final.
func (s *step) finish(ctx context.Context) (*time.Time, error) {
	s.c.State, s.c.FinishedAt, s.c.UpdatedAt, s.c.LimitedBy, s.c.RateNow = campaign.Finished, &s.now, s.now, "nothing", 0
	if err := s.progress(ctx); err != nil {
		return nil, err
	}
	return s.in(time.Second), s.note(ctx, dispatch.EventCampaignFinished)
}

// note writes an event about the campaign.
func (s *step) note(ctx context.Context, kind int16) error {
	return s.tx.Note(ctx, s.c, kind, "worker", Describe(s.c, s.counts))
}

// Describe returns the object that events have of a campaign.
func Describe(c *campaigns.Campaign, n *campaigns.Counts) string {
	v := map[string]any{"campaign_id": c.ID, "name": c.Name, "status": c.State.String()}
	if c.Reason != "" {
		v["reason"] = c.Reason
	}
	if n != nil {
		v["counts"] = n.View()
	}
	b, _ := json.Marshal(v) // texts and numbers: cannot fail
	return string(b)
}

// shown is what the last event has shown of a campaign.
type shown struct {
	At     time.Time        `json:"at"`
	Done   int64            `json:"done"`
	Counts map[string]int64 `json:"counts"`
}

// progress writes an event when the counts have changed, at most one a second,
// and measures the rate.
func (s *step) progress(ctx context.Context) error {
	var last shown
	if s.c.Progress != "" && json.Unmarshal([]byte(s.c.Progress), &last) != nil {
		last = shown{}
	}
	elapsed := s.now.Sub(last.At).Seconds()
	if elapsed < 1 {
		return nil
	}
	all, err := s.tx.Counts(ctx, []int64{s.c.ID})
	if err != nil {
		return err
	}
	s.counts = all[s.c.ID]
	view := s.counts.View()
	same := len(last.Counts) == len(view)
	for name, n := range view {
		same = same && last.Counts[name] == n
	}
	done := s.counts.Done()
	if s.c.State == campaign.Running && !last.At.IsZero() {
		s.c.RateNow = float64(done-last.Done) / elapsed
	}
	if same && s.c.State != campaign.Running {
		return nil
	}
	b, _ := json.Marshal(shown{s.now, done, view})
	s.c.Progress = string(b)
	if same {
		return nil
	}
	return s.note(ctx, dispatch.EventCampaignProgress)
}
