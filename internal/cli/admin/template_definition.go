package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

const maxDefinition = 1 << 20

const definitionHelp = `The file holds a template in Meta's form:

  {"name": "order_confirmation", "language": "en", "category": "utility",
   "components": [{"type": "BODY", "text": "Thank you, {{1}}! Order {{2}} is on its way.",
                   "variables": ["customer_name", "order_id"]}]}

"status" of a new one is approved when it isn't given: say pending while the provider has not approved it yet. "channel" (id
or key) binds it to one channel, null to none. A Twilio or Gupshup template also has "provider" and "provider_template_id".`

// definition is what a file may say of a template; what is left out stays.
type definition struct {
	Channel            json.RawMessage       `json:"channel"`
	Provider           *string               `json:"provider"`
	Name               *string               `json:"name"`
	Language           *string               `json:"language"`
	Category           *string               `json:"category"`
	Status             *string               `json:"status"`
	ParameterFormat    *string               `json:"parameter_format"`
	ProviderTemplateID *string               `json:"provider_template_id"`
	Components         *[]template.Component `json:"components"`
}

// readDefinition reads a file; - is stdin.
func readDefinition(e *console.Env, name string) (definition, error) {
	var d definition
	in := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return d, fmt.Errorf("read template: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDefinition))
	if err != nil {
		return d, fmt.Errorf("read template: %w", err)
	}
	return d, native.Strict(raw, &d)
}

// channel is how the definition names one; empty: it names none.
func (d *definition) channel() string {
	ref := strings.Trim(string(d.Channel), `"`)
	if ref == "null" {
		return ""
	}
	return ref
}

// with opens the database, with the secret key if a channel is to be read.
func (d *definition) with(a *flags, e *console.Env, f func(*session) error) error {
	if d.channel() != "" {
		return a.sealed(e, f)
	}
	return a.with(e, f)
}

// apply puts what was said into t and checks the whole.
func (d *definition) apply(s *session, t *template.Template) error {
	for into, v := range map[*string]*string{
		&t.Provider: d.Provider, &t.Name: d.Name, &t.Language: d.Language, &t.Category: d.Category, &t.Status: d.Status, &t.ProviderTemplateID: d.ProviderTemplateID,
	} {
		if v != nil {
			*into = *v
		}
	}
	if d.Components != nil {
		t.Components, t.ParameterFormat = *d.Components, ""
	}
	if d.ParameterFormat != nil {
		t.ParameterFormat = *d.ParameterFormat
	}
	t.Normalize()
	if err := d.bind(s, t); err != nil {
		return err
	}
	f := checkTemplate(styled(t))
	return f.Err()
}

// bind ties t to the channel that the definition names: one with templates of
// its own says whose these are.
func (d *definition) bind(s *session, t *template.Template) error {
	if d.Channel == nil {
		return nil
	}
	if t.Channel = 0; d.channel() == "" {
		return nil
	}
	ch, err := s.channel(d.channel())
	if err != nil {
		return err
	}
	if !ch.WhatsApp() {
		return dispatch.InvalidField("/channel", "is an %s channel: templates are WhatsApp's", ch.Kind)
	}
	t.Channel = ch.ID
	own := ""
	if vendor(ch.Provider).Templates.Own() {
		own = ch.Provider
	}
	if d.Provider == nil {
		t.Provider = own
	} else if t.Provider != own {
		return dispatch.InvalidField("/provider", "does not fit the channel, which is %s's", ch.Provider)
	}
	return nil
}

// checkTemplate is Validate, and what the registry wants besides.
func checkTemplate(t *template.Template) dispatch.Faults {
	f := t.Validate()
	switch t.Status {
	case "approved", "pending", "rejected", "paused", "disabled":
	default:
		f.Add("/status", "must be approved, pending, rejected, paused or disabled")
	}
	switch own := t.Style.Own(); {
	case own && t.ProviderTemplateID == "":
		f.Add("/provider_template_id", "is required for a template of %s", t.Provider)
	case !own && t.Provider != "":
		f.Add("/provider", "must be %s, or left out for templates of Meta's form", strings.Join(ownTemplates(), " or "))
	}
	return f
}

// doubled words that a template of this name and language exists.
func doubled(err error, t *template.Template) error {
	if err != nil && dispatch.CodeOf(err) == dispatch.Conflict {
		return fmt.Errorf("there is a template %s in %s already; update it, or choose another name", t.Name, t.Language)
	}
	return err
}
