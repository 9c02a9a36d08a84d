package campaigns

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/runner/audience"
	store "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// Counts are how many recipients stand where, each in exactly one.
type Counts struct {
	Total          int64 `json:"total"`
	Waiting        int64 `json:"waiting" doc:"Not yet a message."`
	Held           int64 `json:"held" doc:"Wait for quiet hours or the budget."`
	Queued         int64 `json:"queued"`
	Sending        int64 `json:"sending"`
	Sent           int64 `json:"sent"`
	HeldForQuality int64 `json:"held_for_quality" doc:"Meta has them and assesses the template first."`
	Delivered      int64 `json:"delivered"`
	Read           int64 `json:"read"`
	Failed         int64 `json:"failed"`
	Unknown        int64 `json:"unknown"`
	Expired        int64 `json:"expired"`
	Cancelled      int64 `json:"cancelled"`
	Skipped        int64 `json:"skipped"`
}

// Campaign is a campaign as readers see it.
type Campaign struct {
	ID int64 `json:"id"`

	campaign.Definition

	Status         string           `json:"status" enum:"draft,scheduled,running,paused,finished,cancelled"`
	Reason         string           `json:"reason,omitempty" doc:"Why it was paused, unless somebody did it."`
	Can            []string         `json:"can" doc:"The actions that would change something."`
	ParentID       *int64           `json:"parent_id" doc:"The campaign of which it is a run or a retry."`
	RunAt          *time.Time       `json:"run_at"`
	Counts         Counts           `json:"counts"`
	SkippedBy      map[string]int64 `json:"skipped_by"`
	RateNow        float64          `json:"rate_now" doc:"Messages per second."`
	LimitedBy      string           `json:"limited_by" enum:"rate,quiet_hours,canary,budget,channel,nothing"`
	Next           []time.Time      `json:"next,omitempty" doc:"The next five runs of a recurrence, with offsets."`
	InFlight       *int64           `json:"in_flight,omitempty" doc:"In the answer to pause and cancel: calls that were under way."`
	CreatedAt      time.Time        `json:"created_at"`
	UpdatedAt      time.Time        `json:"updated_at"`
	LaunchedAt     *time.Time       `json:"launched_at"`
	StartsAt       *time.Time       `json:"starts_at" doc:"The instant of start_at."`
	StartedAt      *time.Time       `json:"started_at"`
	FinishedAt     *time.Time       `json:"finished_at"`
	EndsAt         *time.Time       `json:"ends_at" doc:"An estimate while it runs."`
	LastProgressAt *time.Time       `json:"last_progress_at"`

	calls int64
}

// Location returns the path of the campaign in the API.
func (c *Campaign) Location() string { return "/v1/campaigns/" + strconv.FormatInt(c.ID, 10) }

func (s *Service) view(ctx context.Context, c *store.Campaign) (*Campaign, error) {
	vs, err := s.views(ctx, []store.Campaign{*c})
	if err != nil {
		return nil, err
	}
	return vs[0], nil
}

func (s *Service) views(ctx context.Context, cs []store.Campaign) ([]*Campaign, error) {
	ids := make([]int64, len(cs))
	for i := range cs {
		ids[i] = cs[i].ID
	}
	counts, err := s.Store.Counts(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*Campaign, len(cs))
	for i := range cs {
		if out[i], err = s.viewOf(ctx, &cs[i], counts[cs[i].ID]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) viewOf(ctx context.Context, c *store.Campaign, n *store.Counts) (*Campaign, error) {
	d, err := audience.Definition(c)
	if err != nil {
		return nil, err
	}
	v := &Campaign{
		ID: c.ID, Definition: *d, Status: c.State.String(), Reason: c.Reason, ParentID: c.Parent, RunAt: admin.UTC(c.RunAt),
		SkippedBy: map[string]int64{}, RateNow: math.Round(c.RateNow*100) / 100, LimitedBy: c.LimitedBy,
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), LaunchedAt: admin.UTC(c.LaunchedAt), StartedAt: admin.UTC(c.StartedAt),
		FinishedAt: admin.UTC(c.FinishedAt), LastProgressAt: admin.UTC(n.ChangedAt), calls: n.InFlight,
	}
	if v.Channel == "" && c.Channel != 0 {
		v.Channel = campaign.Ref(strconv.FormatInt(c.Channel, 10)) // the default channel, as the launch found it
	}
	for _, a := range c.State.Can() {
		v.Can = append(v.Can, string(a))
	}
	if v.Can == nil {
		v.Can = []string{}
	}
	for reason, k := range n.Skipped {
		if k != 0 {
			v.SkippedBy[reason.String()] = k
		}
	}
	v.count(n)
	return v, s.times(ctx, c, n, v)
}

func (c *Campaign) count(n *store.Counts) {
	by := n.View()
	c.Counts = Counts{
		by["total"], by["waiting"], by["held"], by["queued"], by["sending"], by["sent"], by["held_for_quality"], by["delivered"], by["read"],
		by["failed"], by["unknown"], by["expired"], by["cancelled"], by["skipped"],
	}
}

// nextRuns is how many runs of a recurrence are shown.
const nextRuns = 5

// times fills in when the campaign starts and ends, and its next runs.
func (s *Service) times(ctx context.Context, c *store.Campaign, n *store.Counts, v *Campaign) error {
	loc, err := zone.Load(v.TimeZone)
	if err != nil {
		return err
	}
	if v.StartAt != nil && !v.LocalStart {
		v.StartsAt = new(zone.Resolve(*v.StartAt, loc).UTC())
	}
	if c.State == campaign.Finished {
		v.EndsAt = v.FinishedAt
	}
	if v.Recurrence != nil && v.StartAt != nil && !c.State.Final() {
		rule, err := campaign.ParseRule(v.Recurrence.RRule, *v.StartAt, loc)
		if err != nil {
			return err
		}
		for _, run := range rule.Next(time.Now(), nextRuns) {
			v.Next = append(v.Next, run.At)
		}
	}
	left := n.Unfinished()
	if c.State != campaign.Running || left == 0 {
		return nil
	}
	begin := time.Now().UTC()
	next, err := s.Store.NextTurn(ctx, c)
	if err != nil {
		return err
	}
	if next != nil && next.After(begin) {
		begin = next.UTC()
	}
	rate := v.Rate
	if ch, err := s.Registry.Channel(ctx, c.Channel); err == nil && (rate == 0 || ch.Policy.Rate < rate) {
		rate = ch.Policy.Rate
	}
	if rate > 0 {
		v.EndsAt = new(begin.Add(time.Duration(float64(left) / rate * float64(time.Second))).Truncate(time.Second))
	}
	return nil
}
