package manage

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/provider"
)

// Vendor is a provider for which channels can be created.
type Vendor struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	About    string        `json:"about"`
	Kinds    []string      `json:"kinds" nullable:"false"`
	Settings []VendorField `json:"settings" nullable:"false"`
	Secrets  []VendorField `json:"secrets" nullable:"false"`
	Lists    bool          `json:"lists_templates" doc:"Templates can be synchronised from the provider."`
	Own      bool          `json:"keeps_templates" doc:"Templates need the provider's own id."`
	SetUp    string        `json:"set_up" doc:"What to enter at the provider; {callback_url} and {verify_token} are the channel's."`
}

// VendorField is a setting or a secret of a channel.
type VendorField struct {
	Name      string   `json:"name"`
	Help      string   `json:"help"`
	Kind      string   `json:"kind,omitempty" doc:"Only channels of this kind have it."`
	Values    []string `json:"values,omitempty" doc:"The allowed values."`
	Default   string   `json:"default,omitempty"`
	Required  bool     `json:"required"`
	Generated bool     `json:"generated" doc:"Generated if left out."`
}

// Vendors are the providers for which channels can be created.
type Vendors struct {
	Data []Vendor `json:"data" nullable:"false"`
}

// vendors lists the providers, with what their channels are configured with.
func (m *manager) vendors(context.Context, admin.Actor) (Vendors, error) {
	out := Vendors{Data: []Vendor{}}
	for _, s := range m.Specs {
		v := Vendor{
			Name: s.Name, Title: s.Title, About: s.About, Kinds: []string{}, Settings: vendorFields(s.Settings), Secrets: vendorFields(s.Secrets),
			Lists: s.ListsTemplates, Own: s.Templates.Own(), SetUp: s.SetUp,
		}
		for _, k := range s.Kinds {
			v.Kinds = append(v.Kinds, k.Kind)
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

func vendorFields(fields []provider.Field) []VendorField {
	out := []VendorField{}
	for i := range fields {
		f := &fields[i]
		out = append(out, VendorField{f.Name, f.Help, f.Kind, slices.Clone(f.Values), f.Default, f.Required, f.Generate})
	}
	return out
}
