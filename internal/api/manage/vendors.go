package manage

import (
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// spec returns the description of a vendor, or nil if this server has none of
// that name.
func (s *server) spec(name string) *provider.Spec {
	if p := s.Providers[name]; p != nil {
		return p.Spec()
	}
	return nil
}

// templateStyle returns the template style of a vendor; that of "" is common.
func (s *server) templateStyle(name string) template.Style {
	if spec := s.spec(name); spec != nil {
		return spec.Templates
	}
	return template.Common
}

// describeVendors writes into the schemas what depends on the vendors: their
// names, settings, secrets, and which have templates of their own.
func (m *manager) describeVendors() {
	var all, own, settings, secrets []string
	for _, spec := range m.s.Specs {
		all = append(all, spec.Name)
		settings = append(settings, spec.Name+": "+strings.Join(provider.Names(spec.Settings), ", "))
		secrets = append(secrets, spec.Name+": "+strings.Join(provider.Names(spec.Secrets), ", "))
		if spec.Templates.Own() {
			own = append(own, spec.Name)
		}
	}
	m.property("ChannelCreateBody", "provider", "", all...)
	for _, body := range []string{"ChannelCreateBody", "ChannelUpdateBody"} {
		m.property(body, "settings", strings.Join(settings, "; ")+"; all: "+strings.Join(provider.Names(provider.CommonSettings[:1]), ", ")+".")
		m.property(body, "secrets", "Written, never read. "+strings.Join(secrets, "; ")+". callback_secret and verify_token are generated when left out.")
	}
	for _, body := range []string{"TemplateFields"} {
		m.property(body, "provider", "For templates that the vendor keeps itself; left out for all others.", append(own, "")...)
	}
}

// property sets the description and the allowed values of a schema's property.
func (m *manager) property(schema, name, text string, allowed ...string) {
	p := m.api.OpenAPI().Components.Schemas.Map()[schema].Properties[name]
	p.Description = text
	for _, v := range allowed {
		p.Enum = append(p.Enum, v)
	}
	p.PrecomputeMessages()
}
