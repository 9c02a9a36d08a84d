package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// TemplateFilter selects templates.
type TemplateFilter struct {
	Paging

	Search   string `query:"search" maxLength:"200" doc:"Part of the name or of a text."`
	Status   string `query:"status" enum:"approved,pending,rejected,paused,disabled" doc:"Only templates with this status."`
	Language string `query:"language" maxLength:"20" doc:"Only templates in this language, such as en or pt_BR."`
	Category string `query:"category" enum:"authentication,utility,marketing" doc:"Only templates of this category."`
	Channel  string `query:"channel" maxLength:"64" doc:"Only templates of the channel with this id or key."`
}

// TemplateUpdate is the input of UpdateTemplate. Fields that are nil stay as
// they are.
type TemplateUpdate struct {
	Name               *string               `json:"name,omitempty" doc:"1 to 512 of a-z, 0-9 and _."`
	Language           *string               `json:"language,omitempty" doc:"Such as en or en_US."`
	Category           *string               `json:"category,omitempty" doc:"authentication, utility or marketing."`
	Status             *string               `json:"status,omitempty"`
	Channel            input.Optional[int64] `json:"channel_id,omitzero"`
	Provider           *string               `json:"provider,omitempty"`
	ProviderTemplateID *string               `json:"provider_template_id,omitempty" maxLength:"200" doc:"The vendor's own id of the template."`
	ParameterFormat    *string               `json:"parameter_format,omitempty"`
	Components         *[]template.Component `json:"components,omitempty" maxItems:"10"`
	TemplateListed
}

// TemplateListed are the members of the JSON in which Meta lists a template that say
// nothing about messages. They are accepted, so that it can be registered as it stands,
// and not kept.
type TemplateListed struct {
	ID              input.Raw `json:"id,omitempty" doc:"Meta's id. Not kept."`
	QualityScore    input.Raw `json:"quality_score,omitempty" doc:"Not kept."`
	RejectedReason  string    `json:"rejected_reason,omitempty" doc:"Not kept."`
	PreviousKind    string    `json:"previous_category,omitempty" doc:"Not kept."`
	CorrectKind     string    `json:"correct_category,omitempty" doc:"Not kept."`
	SubKind         string    `json:"sub_category,omitempty" doc:"Not kept."`
	AllowKindChange bool      `json:"allow_category_change,omitempty" doc:"Not kept."`
	TTL             input.Raw `json:"message_send_ttl_seconds,omitempty" doc:"Not kept."`
	NoTracking      bool      `json:"cta_url_link_tracking_opted_out,omitempty" doc:"Not kept."`
	PrimaryDevice   bool      `json:"is_primary_device_delivery_only,omitempty" doc:"Not kept."`
	Library         string    `json:"library_template_name,omitempty" doc:"Not kept."`
}

// Docs describes the fields whose names do not.
func (*TemplateUpdate) Docs() map[string]string {
	return map[string]string{
		"status": "The provider's: approved, pending, rejected, paused or disabled. Only approved templates can be " +
			"sent. approved if left out.",
		"channel_id":       "The channel that the template belongs to; null: every channel of the account that sends such templates.",
		"provider":         "For templates that the vendor keeps itself; left out for all others.",
		"parameter_format": "Derived from the texts if left out.",
	}
}

// TemplateCreate is the input of CreateTemplate and ReplaceTemplate.
type TemplateCreate struct{ TemplateUpdate }

// Required lists the required fields.
func (*TemplateCreate) Required() []string {
	return []string{"name", "language", "category", "components"}
}

// Template is a template with the names of its variables.
type Template struct {
	template.Template

	Variables []string `json:"variables" doc:"The names, or numbers, of the values that a message must give."`
}

// Location returns the path of the template in the API.
func (t *Template) Location() string { return "/v1/templates/" + strconv.FormatInt(t.ID, 10) }

func (s *Service) viewTemplate(t *template.Template) *Template {
	t.Style = s.style(t.Provider)
	v := &Template{Template: *t, Variables: t.VariableNames()}
	v.CreatedAt, v.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	if v.Components == nil {
		v.Components = []template.Component{}
	}
	return v
}

// style returns the template style of a vendor; that of "" is template.Common.
func (s *Service) style(provider string) template.Style {
	if spec := s.spec(provider); spec != nil {
		return spec.Templates
	}
	return template.Common
}

// Templates lists templates by id.
func (s *Service) Templates(ctx context.Context, who Actor, in TemplateFilter) (Page[*Template], error) {
	channel, err := s.channelOf(ctx, who, in.Channel)
	if err != nil {
		return Page[*Template]{}, err
	}
	ts, err := s.Store.Templates(ctx, who.Account)
	if err != nil {
		return Page[*Template]{}, err
	}
	ts = slices.DeleteFunc(ts, func(t template.Template) bool { return !in.matches(&t, channel) })
	return pageOfAll(&in.Paging, ts, s.viewTemplate, func(t *template.Template) int64 { return t.ID })
}

// channelOf returns the id of the channel that a filter names by id or key, or 0 for
// "". An unknown key is refused; the id of a channel that is gone selects nothing.
func (s *Service) channelOf(ctx context.Context, who Actor, ref string) (int64, error) {
	if ref == "" {
		return 0, nil
	}
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil && id > 0 {
		return id, nil
	}
	id, err := s.FindChannel(ctx, who, ref)
	if dispatch.CodeOf(err) == dispatch.NotFound {
		return 0, &dispatch.Error{
			Code: dispatch.ChannelNotFound, Msg: "no such channel", Faults: []dispatch.Fault{{Field: "/channel", Msg: "no such channel"}},
		}
	}
	return id, err
}

func (in *TemplateFilter) matches(t *template.Template, channel int64) bool {
	if (in.Status != "" && t.Status != in.Status) || (in.Language != "" && t.Language != in.Language) ||
		(in.Category != "" && t.Category != in.Category) || (channel != 0 && t.Channel != channel) {
		return false
	}
	search := strings.ToLower(in.Search)
	return strings.Contains(strings.ToLower(t.Name), search) ||
		slices.ContainsFunc(t.Components, func(c template.Component) bool { return strings.Contains(strings.ToLower(c.Text), search) })
}

// Template returns a template.
func (s *Service) Template(ctx context.Context, who Actor, id int64) (*Template, error) {
	t, err := s.Store.Template(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return s.viewTemplate(&t), nil
}

// CreateTemplate registers a template that exists at the provider.
func (s *Service) CreateTemplate(ctx context.Context, who Actor, in TemplateCreate) (*Template, error) {
	return s.saveTemplate(ctx, who, "template.create", &in.TemplateUpdate, input.Check(&in), func(Tx) (template.Template, error) {
		return template.Template{Account: who.Account, Status: "approved"}, nil
	})
}

// UpdateTemplate changes a template.
func (s *Service) UpdateTemplate(ctx context.Context, who Actor, id int64, in TemplateUpdate) (*Template, error) {
	return s.saveTemplate(ctx, who, "template.update", &in, input.Check(&in), func(tx Tx) (template.Template, error) {
		return tx.Template(ctx, who.Account, id)
	})
}

// ReplaceTemplate replaces a template: what is left out gets its default.
func (s *Service) ReplaceTemplate(ctx context.Context, who Actor, id int64, in TemplateCreate) (*Template, error) {
	return s.saveTemplate(ctx, who, "template.update", &in.TemplateUpdate, input.Check(&in), func(tx Tx) (template.Template, error) {
		t, err := tx.Template(ctx, who.Account, id)
		return template.Template{ID: t.ID, Account: t.Account, Status: "approved"}, err
	})
}

// saveTemplate applies in to the template that before returns, and stores it.
func (s *Service) saveTemplate(
	ctx context.Context, who Actor, action string, in *TemplateUpdate, f dispatch.Faults, before func(Tx) (template.Template, error),
) (*Template, error) {
	var t template.Template
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if t, err = before(tx); err != nil {
			return n, err
		}
		if err := in.apply(ctx, s, tx, &t, &f); err != nil {
			return n, err
		}
		t, err = tx.SaveTemplate(ctx, t)
		detail := map[string]string{"name": t.Name, "language": t.Language, "status": t.Status, "category": t.Category}
		return note{action, target("template", t.ID), detail},
			taken(err, "a template named %s in %s exists there already", t.Name, t.Language)
	})
	if err != nil {
		return nil, err
	}
	return s.viewTemplate(&t), nil
}

// apply changes t and returns dispatch.Invalid with every fault, those in f
// included.
func (in *TemplateUpdate) apply(ctx context.Context, s *Service, tx Tx, t *template.Template, f *dispatch.Faults) error {
	set(&t.Name, in.Name)
	set(&t.Language, in.Language)
	set(&t.Category, in.Category)
	set(&t.Status, in.Status)
	set(&t.Provider, in.Provider)
	set(&t.ProviderTemplateID, in.ProviderTemplateID)
	if in.Components != nil {
		t.Components, t.ParameterFormat = *in.Components, ""
	}
	set(&t.ParameterFormat, in.ParameterFormat)
	if in.Channel.Set {
		t.Channel = 0
		set(&t.Channel, in.Channel.Value)
	}
	if err := in.checkVendor(ctx, s, tx, t, f); err != nil {
		return err
	}
	t.Style = s.style(t.Provider)
	t.Normalize()
	for _, fault := range append(t.Validate(), checkStatus(t.Status)...) {
		if !slices.ContainsFunc(*f, func(have dispatch.Fault) bool { return have.Field == fault.Field }) {
			*f = append(*f, fault)
		}
	}
	if t.Components == nil {
		t.Components = []template.Component{}
	}
	return f.Err()
}

// The values of a template's category and status.
var (
	TemplateCategories = []string{"authentication", "utility", "marketing"}
	TemplateStatuses   = []string{"approved", "pending", "rejected", "paused", "disabled"}
)

func checkStatus(status string) (f dispatch.Faults) {
	if !slices.Contains(TemplateStatuses, status) {
		f.Add("/status", "must be one of %s", strings.Join(TemplateStatuses, ", "))
	}
	return f
}

// checkVendor checks that the channel, the vendor and the vendor's id of a
// template fit together. A channel of a vendor that keeps its templates itself
// decides the vendor.
func (in *TemplateUpdate) checkVendor(ctx context.Context, s *Service, tx Tx, t *template.Template, f *dispatch.Faults) error {
	if t.Channel != 0 && (in.Channel.Set || in.Provider != nil) {
		ch, err := ownChannel(ctx, tx, t.Account, t.Channel)
		switch {
		case err != nil && dispatch.CodeOf(err) == dispatch.NotFound:
			f.Add("/channel_id", "no such channel")
			return nil
		case err != nil:
			return err
		case !ch.WhatsApp():
			f.Add("/channel_id", "is an %s channel: only WhatsApp has templates", ch.Kind)
		}
		own := ""
		if s.style(ch.Provider).Own() {
			own = ch.Provider
		}
		if in.Provider == nil {
			t.Provider = own
		} else if t.Provider != own {
			f.AddWith([]string{"/channel_id"}, "/provider", "does not fit the channel, which is of %s", ch.Provider)
		}
	} else if in.Provider != nil && t.Provider != "" && !s.style(t.Provider).Own() {
		f.Add("/provider", "must be a vendor that keeps its templates itself; leave it out for others")
	}
	if t.Provider != "" && t.ProviderTemplateID == "" {
		f.AddWith([]string{"/channel_id", "/provider"}, "/provider_template_id", "is required for a template that %s keeps", t.Provider)
	}
	return nil
}

// DeleteTemplate deletes a template here; the provider keeps it.
func (s *Service) DeleteTemplate(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (n note, err error) {
		t, err := tx.Template(ctx, who.Account, id)
		if err != nil {
			return n, err
		}
		n = note{"template.delete", target("template", id), map[string]string{"name": t.Name, "language": t.Language}}
		return n, tx.DeleteTemplate(ctx, who.Account, id)
	})
}
