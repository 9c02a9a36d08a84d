package admin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// TemplateValues is the input of PreviewTemplate: the values that a message
// would give.
type TemplateValues struct {
	Variables      input.Raw `json:"variables,omitempty" doc:"The values: an array in order, or an object by name."`
	Components     input.Raw `json:"components,omitempty" doc:"Instead of variables: Meta's components with their parameters."`
	HeaderMediaURL string    `json:"header_media_url,omitempty" maxLength:"2000"`
}

// TemplatePreview is what a message with the template would send.
type TemplatePreview struct {
	Text       string               `json:"text" doc:"As the recipient sees it. Variables without a value stay in braces."`
	Name       string               `json:"name"`
	Language   string               `json:"language"`
	Components []dispatch.Component `json:"components" doc:"As they would go to the provider."`
	Variables  []string             `json:"variables"`
}

// PreviewTemplate fills in a template as a message would.
func (s *Service) PreviewTemplate(ctx context.Context, who Actor, id int64, in TemplateValues) (*TemplatePreview, error) {
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	t, err := s.Store.Template(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	t.Style = s.style(t.Provider)
	v := &TemplatePreview{Name: t.Name, Language: t.Language, Components: []dispatch.Component{}, Variables: t.VariableNames()}
	if len(in.Variables) == 0 && len(in.Components) == 0 && in.HeaderMediaURL == "" {
		v.Text = t.Preview(nil)
		return v, nil
	}
	use, err := s.use(&t, &in)
	if err != nil {
		return nil, withoutPrefix(err, "/template")
	}
	v.Text = t.Preview(use)
	if use.Components != nil {
		v.Components = use.Components
	}
	return v, nil
}

// use reads the values as those of a message.
func (s *Service) use(t *template.Template, in *TemplateValues) (*dispatch.TemplateUse, error) {
	part := map[string]any{"id": t.ID}
	if len(in.Variables) > 0 {
		part["variables"] = json.RawMessage(in.Variables)
	}
	if len(in.Components) > 0 {
		part["components"] = json.RawMessage(in.Components)
	}
	if in.HeaderMediaURL != "" {
		part["header_media_url"] = in.HeaderMediaURL
	}
	raw, err := json.Marshal(map[string]any{"type": dispatch.TypeTemplate, "template": part})
	if err != nil {
		return nil, err
	}
	d, err := s.DecodeDraft(raw)
	if err != nil {
		return nil, err
	}
	if err := d.Faults.Err(); err != nil {
		return nil, err
	}
	return d.Content.Template, t.Resolve(d.Content.Template, d.Variables)
}

// withoutPrefix returns err with the prefix removed from its pointers: it was
// found in a whole message.
func withoutPrefix(err error, prefix string) error {
	e, ok := errors.AsType[*dispatch.Error](err)
	if !ok {
		return err
	}
	cut := *e
	cut.Faults = make([]dispatch.Fault, len(e.Faults))
	for i, f := range e.Faults {
		cut.Faults[i] = dispatch.Fault{Field: strings.TrimPrefix(f.Field, prefix), Msg: f.Msg}
	}
	return &cut
}
