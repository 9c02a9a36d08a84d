package manage

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// registerCampaigns describes the types of package campaign that have a JSON form
// of their own.
func registerCampaigns(r huma.Registry) {
	alias[campaigns.Input, campaignBody](r)
	alias[campaign.Ref, idOrKey](r)
	alias[campaign.Language, language](r)
	alias[campaign.Variables, variables](r)
	alias[campaign.Fields, scalars](r)
	alias[zone.Wall, wall](r)
}

// campaignBody describes the body of a campaign.
type campaignBody struct{}

// Schema implements huma.SchemaProvider.
func (campaignBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[campaign.Definition](), true, "CampaignDefinition")
}

// idOrKey describes a channel's id or key.
type idOrKey struct{}

// Schema implements huma.SchemaProvider.
func (idOrKey) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "A channel's id or key; the account's default channel if left out.",
		OneOf:       []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}},
	}
}

// language describes a template's language.
type language struct{}

// Schema implements huma.SchemaProvider.
func (language) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString},
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"code": {Type: huma.TypeString}}},
	}}
}

// variables describes the values of a template.
type variables struct{}

// Schema implements huma.SchemaProvider.
func (variables) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "By position or by name.", OneOf: []*huma.Schema{
		{Type: huma.TypeArray, Items: scalar()}, {Type: huma.TypeObject, AdditionalProperties: scalar()},
	}}
}

func scalar() *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}}}
}

// scalars describes the fields of a recipient.
type scalars struct{}

// Schema implements huma.SchemaProvider.
func (scalars) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "Texts, numbers, true and false; others are left out.", AdditionalProperties: true}
}

// wall describes a date and time without an offset.
type wall struct{}

// Schema implements huma.SchemaProvider.
func (wall) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Description: "A date and time in time_zone, without an offset.", Examples: []any{"2027-03-28T10:00:00"},
	}
}
