package admin

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// TemplateValues are what a use of a template fills in.
type TemplateValues struct {
	Var            []string `help:"A variable of the template: name=value, or 1=value, 2=value in order." placeholder:"NAME=VALUE" sep:"none"`
	HeaderMediaURL string   `name:"header-media-url" help:"File of the template's header." placeholder:"URL"`
}

func (c *TemplateValues) Empty() bool { return len(c.Var) == 0 && c.HeaderMediaURL == "" }

// Fill puts the values into a use of a template, as the API takes it.
func (c *TemplateValues) Fill(use map[string]any) error {
	if c.HeaderMediaURL != "" {
		use["header_media_url"] = c.HeaderMediaURL
	}
	variables, err := variables(c.Var)
	if err == nil && variables != nil {
		use["variables"] = variables
	}
	return err
}

type templatePreview struct {
	templateRef
	TemplateValues
}

// Run shows what a use would send; what no value was given for stays in braces
// when none was given at all.
func (c *templatePreview) Run(e *console.Env) error {
	return c.with(e, func(s *session, t template.Template) error {
		use, err := c.use(styled(&t))
		if err != nil {
			return err
		}
		components := []dispatch.Component{}
		if use != nil && use.Components != nil {
			components = use.Components
		}
		text := t.Preview(use)
		return s.say(map[string]any{"text": text, "name": t.Name, "language": t.Language, "components": components, "variables": t.VariableNames()}, "%s", text)
	})
}

// use reads the values as a send would; nil: there are none.
func (c *templatePreview) use(t *template.Template) (*dispatch.TemplateUse, error) {
	if c.Empty() {
		return nil, nil
	}
	part := map[string]any{"id": t.ID}
	if err := c.Fill(part); err != nil {
		return nil, fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	raw, err := json.Marshal(map[string]any{"type": dispatch.TypeTemplate, "template": part})
	if err != nil {
		return nil, err
	}
	d, err := native.DecodeEntry(raw)
	if err != nil {
		return nil, err
	}
	return d.Content.Template, t.Resolve(d.Content.Template, d.Variables)
}

// variables gives them as a list when they are numbered, else by name; nil:
// there are none.
func variables(given []string) (any, error) {
	named := map[string]string{}
	for _, v := range given {
		name, value, err := console.SplitPair(v)
		if err != nil {
			return nil, fmt.Errorf("--var: %w", err)
		}
		if _, twice := named[name]; twice {
			return nil, fmt.Errorf("--var: %s is given twice", name)
		}
		named[name] = value
	}
	if len(named) == 0 {
		return nil, nil
	}
	list := make([]string, 0, len(named))
	for i := range len(named) {
		v, ok := named[strconv.Itoa(i+1)]
		if !ok {
			return named, nil
		}
		list = append(list, v)
	}
	return list, nil
}
