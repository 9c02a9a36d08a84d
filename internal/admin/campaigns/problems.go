package campaigns

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/runner/audience"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// Problem is why a recipient would be skipped, or what is wrong with the campaign
// itself.
type Problem struct {
	Row     int    `json:"row,omitempty" doc:"The row of the audience, from 1, as in preview and recipients."`
	Line    int    `json:"line,omitempty" doc:"The line in the imported file."`
	Contact int    `json:"contact,omitempty" doc:"The place in audience.contacts, from 1."`
	To      string `json:"to,omitempty"`
	Reason  string `json:"reason"`
	Field   string `json:"field,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// maxProblems is how many problems a validation lists.
const maxProblems = 100

func problem(p *audience.Plan, r *audience.Row) Problem {
	out := Problem{Row: r.Seq, Line: r.Line, To: r.To, Reason: r.Reason.String(), Field: r.Field, Detail: r.Detail}
	if r.Seq <= len(p.Definition.Audience.Contacts) {
		out.Contact = r.Seq
	}
	return out
}

// Problems writes every row that would be skipped as CSV. Its own columns begin
// with _: corrected, the file is a valid upload.
func (s *Service) Problems(ctx context.Context, who admin.Actor, id int64) (func(context.Context, io.Writer) error, error) {
	c, err := s.Store.Campaign(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	plan, err := s.plan(ctx, &c)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w io.Writer) error { return s.problems(ctx, &c, plan, w) }, nil
}

func (s *Service) problems(ctx context.Context, c *store.Campaign, plan *audience.Plan, w io.Writer) error {
	out := contactimport.NewWriter(w)
	var fields []string
	err := s.each(ctx, c, plan, time.Now(), func(r *audience.Row) error {
		if fields == nil {
			fields = slices.DeleteFunc(slices.Sorted(maps.Keys(r.Values)), func(name string) bool { return name == "name" || name == "time_zone" })
			if err := out.Write(append([]string{"_line", "_column", "_error", "to", "name", "time_zone"}, fields...)...); err != nil {
				return err
			}
		}
		if r.Status == campaign.Waiting {
			return nil
		}
		cells := []string{strconv.Itoa(cmp.Or(r.Line, r.Seq)), r.Field, r.Reason.String() + ": " + r.Detail, r.To, r.Values["name"], r.TimeZone}
		for _, name := range fields {
			cells = append(cells, r.Values[name])
		}
		return out.Write(cells...)
	})
	return errors.Join(err, out.Flush())
}
