package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner/audience"
	"github.com/sendoff/sendoff/internal/zone"
)

// PreviewOf selects a row of the audience.
type PreviewOf struct {
	Recipient int `query:"recipient" minimum:"1" default:"1" doc:"The row of the audience, from 1."`
}

// Preview is what a row of the audience would get.
type Preview struct {
	Recipient int             `json:"recipient"`
	To        string          `json:"to"`
	Status    string          `json:"status"`
	Reason    string          `json:"reason,omitempty"`
	Field     string          `json:"field,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	Rendering string          `json:"rendering,omitempty"`
	Content   json.RawMessage `json:"content,omitempty" doc:"As the provider would get it."`
	Segments  int             `json:"segments,omitempty"`
	Fields    campaign.Fields `json:"fields"`
	DueAt     time.Time       `json:"due_at"`
	Zones     string          `json:"zones,omitempty" doc:"The time zones that must allow a message."`
}

// errFound ends a walk.
var errFound = errors.New("found")

// Preview renders a row of the audience.
func (s *Service) Preview(ctx context.Context, who admin.Actor, id int64, of PreviewOf) (*Preview, error) {
	c, err := s.Store.Campaign(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	plan, err := s.plan(ctx, &c)
	if err != nil {
		return nil, err
	}
	var v *Preview
	err = s.each(ctx, &c, plan, time.Now().Truncate(time.Microsecond), func(r *audience.Row) error {
		if r.Seq != max(of.Recipient, 1) {
			return nil
		}
		v = &Preview{
			Recipient: r.Seq, To: r.To, Status: "ready", Field: r.Field, Detail: r.Detail, Fields: r.Values, Segments: r.Rendering.Segments,
			DueAt: plan.Timing.Allowed(r.WakeAt, zone.Set(r.Zones)).UTC(), Zones: r.Zones,
		}
		if r.Reason != 0 {
			v.Status, v.Reason = "skipped", r.Reason.String()
		}
		if r.Rendering.Raw != "" {
			v.Content = json.RawMessage(r.Rendering.Raw)
		}
		if shown, problem := plan.Renderer.Preview(r.Values); problem == nil {
			v.Rendering = shown
		}
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if v == nil {
		return nil, dispatch.Errorf(dispatch.NotFound, "the audience has no row %d", of.Recipient)
	}
	return v, nil
}
