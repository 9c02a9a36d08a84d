package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner/audience"
	hot "github.com/sendoff/sendoff/internal/store"
	store "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// Validation is what a launch now would lead to.
type Validation struct {
	Status          string            `json:"status" enum:"running,done"`
	Ready           bool              `json:"ready"`
	Recipients      int               `json:"recipients" doc:"Who would get a message."`
	WouldSkip       map[string]int    `json:"would_skip"`
	ZoneFromAccount int               `json:"zone_from_account" doc:"Recipients for whom the account's time zone stands in."`
	Problems        []Problem         `json:"problems" doc:"The first hundred."`
	ProblemsCSV     string            `json:"problems_csv,omitempty" doc:"The path of all problems: corrected, it is a valid upload."`
	Segments        int               `json:"segments" doc:"Of all SMS together."`
	Price           json.Number       `json:"price"`
	Longest         *campaign.Sample  `json:"longest"`
	Odd             []campaign.Sample `json:"odd" doc:"The renderings that look least like the others."`
	Forecast        []campaign.Hour   `json:"forecast"`
	StartsAt        *time.Time        `json:"starts_at"`
	EndsAt          *time.Time        `json:"ends_at"`
	Late            int               `json:"late"`
	LateBy          map[string]int    `json:"late_by"`
}

// validateWithin is how long Validate waits for its result, validateMost how long
// a validation may take.
const (
	validateWithin = 9 * time.Second
	validateMost   = 10 * time.Minute
)

// Validate looks at every recipient of a campaign. A validation that takes longer
// than ten seconds goes on, and its result is read with Validation.
func (s *Service) Validate(ctx context.Context, who admin.Actor, id int64) (*Validation, error) {
	var c store.Campaign
	err := s.change(ctx, who, "campaign.validate", &c, func(tx Tx) (err error) {
		if c, err = tx.Campaign(ctx, who.Account, id); err != nil {
			return err
		}
		if _, err := c.State.Check(campaign.Validate); err != nil {
			return err
		}
		return tx.BeginValidation(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	type result struct {
		v   *Validation
		err error
	}
	done := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), validateMost)
		defer cancel()
		v, err := s.validate(ctx, &c)
		if err == nil {
			raw, _ := json.Marshal(v) // what is decoded from JSON encodes
			err = s.Store.EndValidation(ctx, id, string(raw))
		}
		done <- result{v, err}
	}()
	timer := time.NewTimer(validateWithin)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-timer.C:
		return running(), nil
	}
}

func running() *Validation {
	return &Validation{
		Status: "running", WouldSkip: map[string]int{}, Problems: []Problem{}, Price: "0", Odd: []campaign.Sample{},
		Forecast: []campaign.Hour{}, LateBy: map[string]int{},
	}
}

// Validation returns the result of the last validation.
func (s *Service) Validation(ctx context.Context, who admin.Actor, id int64) (*Validation, error) {
	if _, err := s.Store.Campaign(ctx, who.Account, id); err != nil {
		return nil, err
	}
	raw, err := s.Store.Validation(ctx, id)
	if err != nil || raw == "" {
		return running(), err
	}
	v := &Validation{}
	return v, json.Unmarshal([]byte(raw), v)
}

// check is a validation under way.
type check struct {
	plan     *audience.Plan
	v        *Validation
	extremes *campaign.Extremes
	zones    map[zone.Set]int
	price    int64
}

func (s *Service) validate(ctx context.Context, c *store.Campaign) (*Validation, error) {
	v := running()
	v.Status = "done"
	now := time.Now().Truncate(time.Microsecond)
	plan, err := s.plan(ctx, c)
	if err == nil {
		err = errors.Join(plan.Definition.CheckStart(now), checkAudience(ctx, s.Store, c, &plan.Definition.Audience))
	}
	if err != nil {
		return v, v.refuse(err)
	}
	if plan, err = s.firstRun(ctx, c, plan, now); err != nil {
		return v, v.refuse(err)
	}
	k := &check{plan: plan, v: v, extremes: campaign.NewExtremes(plan.Renderer), zones: map[zone.Set]int{}}
	if err := s.each(ctx, c, plan, now, func(r *audience.Row) error { k.add(r); return nil }); err != nil {
		return nil, err
	}
	return v, s.finish(ctx, k, c, now)
}

// plan returns a campaign compiled against the registry, in its account's zone.
func (s *Service) plan(ctx context.Context, c *store.Campaign) (*audience.Plan, error) {
	zone, err := s.Store.Zone(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	return audience.Compile(ctx, s.Registry, c, zone)
}

// firstRun returns the plan of the run with which a recurrence begins: its start_at
// need not be a date of the rule.
func (s *Service) firstRun(ctx context.Context, c *store.Campaign, p *audience.Plan, now time.Time) (*audience.Plan, error) {
	zone, err := s.Store.Zone(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	return p.FirstRun(now, zone)
}

// refuse adds the faults of the campaign itself. It returns err if it is none.
func (v *Validation) refuse(err error) error {
	e, ok := errors.AsType[*dispatch.Error](err)
	if !ok || e.Code == dispatch.Internal || e.Code == dispatch.Overloaded {
		return err
	}
	if len(e.Faults) == 0 {
		v.Problems = append(v.Problems, Problem{Reason: string(e.Code), Detail: e.Msg})
	}
	for _, f := range e.Faults {
		v.Problems = append(v.Problems, Problem{Reason: string(e.Code), Field: f.Field, Detail: f.Msg})
	}
	return nil
}

// each visits every row of an audience, in memory of eight bytes for each.
func (s *Service) each(ctx context.Context, c *store.Campaign, p *audience.Plan, now time.Time, visit func(*audience.Row) error) error {
	seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
	known := func(_ context.Context, persons []string) (map[string]bool, error) {
		out := map[string]bool{}
		for _, p := range persons {
			if _, ok := seen[maphash.String(seed, p)]; ok {
				out[p] = true
			}
		}
		for _, p := range persons {
			seen[maphash.String(seed, p)] = struct{}{}
		}
		return out, nil
	}
	src := p.Source(c, now)
	var at audience.Cursor
	for {
		rows, next, done, err := src.Page(ctx, s.Store, at, known)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := visit(&rows[i]); err != nil {
				return err
			}
		}
		if at = next; done {
			return nil
		}
	}
}

func (k *check) add(r *audience.Row) {
	if r.Status != campaign.Waiting {
		k.v.WouldSkip[r.Reason.String()]++
		if len(k.v.Problems) < maxProblems {
			k.v.Problems = append(k.v.Problems, problem(k.plan, r))
		}
		return
	}
	k.v.Recipients++
	k.v.Segments += r.Rendering.Segments
	k.price += k.plan.Price(r.Rendering.Segments)
	if r.AccountZone {
		k.v.ZoneFromAccount++
	}
	k.zones[zone.Set(r.Zones)]++
	k.extremes.Add(r.To, r.Values, r.Rendering)
}

// finish adds what is known once every row was looked at.
func (s *Service) finish(ctx context.Context, k *check, c *store.Campaign, now time.Time) error {
	v, d := k.v, k.plan.Definition
	v.Ready = v.Recipients > 0
	v.Price = hot.Credits(k.price)
	if len(v.WouldSkip) > 0 {
		v.ProblemsCSV = "/v1/campaigns/" + strconv.FormatInt(c.ID, 10) + "/problems.csv"
	}
	if longest, ok := k.extremes.Longest(); ok {
		v.Longest = &longest
	}
	v.Odd = append(v.Odd, k.extremes.Odd()...)
	groups := make([]campaign.Group, 0, len(k.zones))
	for _, set := range slices.Sorted(maps.Keys(k.zones)) {
		groups = append(groups, campaign.Group{Zones: set, Recipients: k.zones[set]})
	}
	rate := k.plan.Channel.Policy.Rate
	if d.Rate > 0 {
		rate = min(rate, d.Rate)
	}
	pace := campaign.Pace{Rate: rate, Canary: d.Canary}
	if policy := &k.plan.Channel.Policy; policy.MessagingLimit > 0 && !c.Test {
		var err error
		if pace.Used, err = s.Store.Used(ctx, k.plan.Channel); err != nil {
			return err
		}
		pace.Budget = max(campaign.BudgetOf(policy).Usable(), 1)
	}
	f := k.plan.Timing.Forecast(now, groups, pace)
	v.Forecast = append(v.Forecast, f.Hours...)
	v.StartsAt, v.EndsAt, v.Late = admin.UTC(f.StartsAt), admin.UTC(f.EndsAt), f.Late
	if f.LateBy != nil {
		v.LateBy = f.LateBy
	}
	return nil
}
