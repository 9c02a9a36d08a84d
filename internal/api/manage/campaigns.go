package manage

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/api/middleware"
)

func (m *manager) campaigns() {
	const tag = "Campaigns"
	c := m.Campaigns
	list(m, route{"/v1/campaigns", forMessages, tag, "List campaigns", "Newest first, without audience.contacts."}, c.List)
	create(m, created, route{
		"/v1/campaigns", forCampaigns, tag, "Create a campaign",
		"As a draft. {{field}} in any text or variable takes the recipient's field; {{field|default}} gives what to use when it is empty.",
	}, c.Create)
	get(m, route{"/v1/campaigns/{id}", forMessages, tag, "Retrieve a campaign", ""}, c.Get)
	update(m, http.MethodPatch, route{
		"/v1/campaigns/{id}", forCampaigns, tag, "Update a campaign",
		"While it is a draft or scheduled. Each field that is given is replaced as a whole; null takes it back to its default.",
	}, c.Update)
	drop(m, route{"/v1/campaigns/{id}", forCampaigns, tag, "Delete a draft campaign", ""}, c.Delete)
	act(m, ok, route{
		"/v1/campaigns/{id}/launch", forCampaigns, tag, "Launch a campaign",
		"Starts it, or schedules its start. Recipients with problems are skipped.",
	}, c.Launch)
	act(m, ok, route{
		"/v1/campaigns/{id}/pause", forCampaigns, tag, "Pause a campaign",
		"No further call starts, within a second on every worker. in_flight is the number of calls that were under way.",
	}, c.Pause)
	act(m, ok, route{"/v1/campaigns/{id}/resume", forCampaigns, tag, "Resume a campaign", "It goes on exactly where it has stopped."},
		c.Resume)
	act(m, ok, route{
		"/v1/campaigns/{id}/cancel", forCampaigns, tag, "Cancel a campaign",
		"What was not sent is not sent any more. in_flight is the number of calls that were under way.",
	}, c.Cancel)
	act(m, ok, route{
		"/v1/campaigns/{id}/retry", forCampaigns, tag, "Retry the failed of a campaign",
		"Creates and starts a child campaign of the failed whose failure another try can mend. While it runs, a repeat returns the same.",
	}, c.Retry)
	handle(m, http.MethodGet, ok, route{
		"/v1/campaigns/{id}/recipients", forMessages, tag, "List recipients of a campaign", "The ledger: a row for every row of the audience.",
	}, func(ctx context.Context, who admin.Actor, in *recipientsOf) (admin.Page[*campaigns.Recipient], error) {
		return c.Recipients(ctx, who, in.ID, in.RecipientFilter)
	})
	file(m, route{
		"/v1/campaigns/{id}/report.csv", forMessages, tag, "Export the report of a campaign",
		"A header and one record for each row of the ledger.",
	}, "report", c.Report)
	validation := route{
		"/v1/campaigns/{id}/validate", forCampaigns, tag, "Validate a campaign",
		"Looks at every recipient: who would get a message, who would be skipped and why, the price, and when it would end. " +
			"Takes up to ten seconds; a validation that takes longer goes on, and answers 202.",
	}
	validated(m, http.MethodPost, validation, c.Validate)
	validation.path, validation.permissions = "/v1/campaigns/{id}/validation", forMessages
	validation.summary, validation.text = "Retrieve the last validation of a campaign", "202 while it runs."
	validated(m, http.MethodGet, validation, c.Validation)
	file(m, route{
		"/v1/campaigns/{id}/problems.csv", forMessages, tag, "Export the problems of a campaign",
		"Every row that would be skipped. Columns that begin with _ are skipped by an import: corrected, the file is a valid upload.",
	}, "problems", c.Problems)
	handle(m, http.MethodGet, ok, route{
		"/v1/campaigns/{id}/preview", forMessages, tag, "Preview a message of a campaign", "Renders any row of the audience.",
	}, func(ctx context.Context, who admin.Actor, in *previewOf) (*campaigns.Preview, error) {
		return c.Preview(ctx, who, in.ID, in.PreviewOf)
	})
}

// recipientsOf selects recipients of a campaign.
type recipientsOf struct {
	IDPath
	campaigns.RecipientFilter
}

// previewOf selects a row of a campaign's audience.
type previewOf struct {
	IDPath
	campaigns.PreviewOf
}

// validated serves a route with the result of a validation: 202 while it runs.
func validated(m *manager, method string, r route, f func(context.Context, admin.Actor, int64) (*campaigns.Validation, error)) {
	type output struct {
		Status int
		Body   *campaigns.Validation
	}
	huma.Register(m.api, r.operation(method, ok), func(ctx context.Context, in *IDPath) (*output, error) {
		cl := ctx.Value(callKey{}).(*call)
		v, err := f(started(ctx, cl.c), cl.actor(), in.ID)
		if err != nil {
			return nil, m.failed(cl.c, err)
		}
		out := &output{ok, v}
		if v.Status == "running" {
			out.Status = accepted
		}
		return out, nil
	})
}

// file serves a CSV file, which is written as it is read.
func file(m *manager, r route, name string, f func(context.Context, admin.Actor, int64) (func(context.Context, io.Writer) error, error)) {
	op := r.operation(http.MethodGet, ok)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(m.api, op, func(ctx context.Context, in *IDPath) (*huma.StreamResponse, error) {
		cl := ctx.Value(callKey{}).(*call)
		write, err := f(ctx, cl.actor(), in.ID)
		if err != nil {
			return nil, m.failed(cl.c, err)
		}
		return &huma.StreamResponse{Body: func(huma.Context) {
			if err := middleware.CSV(cl.c, name+"-"+strconv.FormatInt(in.ID, 10), write); err != nil {
				cl.c.Error(err)
			}
		}}, nil
	})
}
