package manage

import (
	"cmp"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/webhook"
)

// registerTypes describes the types of package input, which does not know huma.
func registerTypes(r huma.Registry) {
	alias[input.Optional[int], nullable[int]](r)
	alias[input.Optional[int64], nullable[int64]](r)
	alias[input.Optional[time.Time], nullable[time.Time]](r)
	alias[input.Credits, credits](r)
	alias[input.Object, object](r)
	alias[input.Raw, anything](r)
	registerCampaigns(r)
}

func alias[T, Described any](r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[T](), reflect.TypeFor[Described]())
}

// nullable describes a T or null.
type nullable[T any] struct{}

// Schema implements huma.SchemaProvider.
func (nullable[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = true
	return &s
}

// credits describes an amount.
type credits struct{}

// Schema implements huma.SchemaProvider.
func (credits) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Description: "Credits, with at most six decimals."}
}

// object describes a JSON object with any fields.
type object struct{}

// Schema implements huma.SchemaProvider.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// anything describes JSON of any type.
type anything struct{}

// Schema implements huma.SchemaProvider.
func (anything) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// Schema implements huma.SchemaProvider: the schema of T, with its required
// fields.
func (body[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	s := r.Schema(t, true, "")
	if d, ok := any(new(T)).(input.Demanding); ok {
		required := d.Required()
		if t == reflect.TypeFor[admin.ChannelCreate]() {
			required = append(required, "settings", "secrets") // every vendor has some that are required
		}
		r.SchemaFromRef(s.Ref).Required = required
	}
	return s
}

// schemaName returns the name of a type in the OpenAPI's components. A template's
// definition, and a campaign's, have parts of the same names as a message's content.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[template.Component]().PkgPath() && t != reflect.TypeFor[template.Template]() {
		return "Template" + name
	}
	ofCampaigns := t.PkgPath() == reflect.TypeFor[campaigns.Counts]().PkgPath() && t != reflect.TypeFor[campaigns.Campaign]()
	if ofCampaigns || t.PkgPath() == reflect.TypeFor[campaign.Definition]().PkgPath() {
		return "Campaign" + name
	}
	return name
}

// describeVendors writes into the schemas what depends on the vendors: their
// names, settings and secrets, and which keep templates themselves.
func (m *manager) describeVendors() {
	var all, own, settings, secrets []string
	for _, spec := range m.Specs {
		all = append(all, spec.Name)
		settings = append(settings, spec.Name+": "+strings.Join(provider.Names(spec.Settings), ", "))
		secrets = append(secrets, spec.Name+": "+strings.Join(provider.Names(spec.Secrets), ", "))
		if spec.Templates.Own() {
			own = append(own, spec.Name)
		}
	}
	m.property("ChannelCreate", "provider", "", all...)
	for _, schema := range []string{"ChannelCreate", "ChannelUpdate"} {
		m.property(schema, "settings", strings.Join(settings, "; ")+"; all: "+strings.Join(provider.Names(provider.CommonSettings[:1]), ", ")+".")
		m.property(schema, "secrets",
			"Never returned. "+strings.Join(secrets, "; ")+". callback_secret and verify_token are generated if left out.")
	}
	for _, schema := range []string{"Webhook", "WebhookCreate", "WebhookUpdate"} {
		m.property(schema, "format", "standard (Standard Webhooks), or that of the vendor for which the receiver was built.", webhook.Formats...)
	}
	for _, schema := range []string{"TemplateCreate", "TemplateUpdate"} {
		m.property(schema, "provider", "For templates that the vendor keeps itself; left out for all others.", append(own, "")...)
		m.property(schema, "category", "", admin.TemplateCategories...)
		m.property(schema, "parameter_format", "", "positional", "named")
		m.property(schema, "status", "The provider's. Only approved templates can be sent. approved if left out.", admin.TemplateStatuses...)
	}
}

// describeFields sets the descriptions of fields that their struct tags have no
// room for.
func (m *manager) describeFields() {
	schemas := m.api.OpenAPI().Components.Schemas
	for name, s := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil {
			continue
		}
		if d, ok := reflect.New(t).Interface().(input.Documented); ok {
			for field, text := range d.Docs() {
				s.Properties[field].Description = text
			}
		}
	}
}

// describePermissions lists the permissions of a key.
func (m *manager) describePermissions() {
	for _, schema := range []string{"KeyCreate", "KeyUpdate"} {
		items := m.api.OpenAPI().Components.Schemas.Map()[schema].Properties["permissions"].Items
		for _, name := range admin.KeyPermissions {
			items.Enum = append(items.Enum, name)
		}
	}
}

// property sets the description and the allowed values of a schema's property.
func (m *manager) property(schema, name, text string, allowed ...string) {
	p := m.api.OpenAPI().Components.Schemas.Map()[schema].Properties[name]
	p.Description = cmp.Or(text, p.Description)
	for _, v := range allowed {
		p.Enum = append(p.Enum, v)
	}
}
