package admin

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// TemplateValues are the flags for what a message fills in.
type TemplateValues struct {
	Var            []string `help:"A variable of the template: name=value, or 1=value, 2=value in order." placeholder:"NAME=VALUE" sep:"none"`
	HeaderMediaURL string   `name:"header-media-url" help:"File of the template's header." placeholder:"URL"`
}

// Empty reports whether no value is given.
func (c *TemplateValues) Empty() bool { return len(c.Var) == 0 && c.HeaderMediaURL == "" }

// Fill writes the values into a message's template, as the API takes it.
func (c *TemplateValues) Fill(use map[string]any) error {
	if c.HeaderMediaURL != "" {
		use["header_media_url"] = c.HeaderMediaURL
	}
	values, err := variables(c.Var)
	if err == nil && values != nil {
		use["variables"] = values
	}
	return err
}

// variables returns the values as a list if they are numbered, else by name; nil
// if there are none.
func variables(pairs []string) (any, error) {
	named := map[string]string{}
	for _, p := range pairs {
		name, value, err := console.SplitPair(p)
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

type templatePreview struct {
	templateRef
	TemplateValues
}

// Run shows what a message with the template would send.
func (c *templatePreview) Run(e *console.Env) error {
	in := admin.TemplateValues{HeaderMediaURL: c.HeaderMediaURL}
	values, err := variables(c.Var)
	if err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	if values != nil {
		if in.Variables, err = json.Marshal(values); err != nil {
			return fmt.Errorf("encode variables: %w", err)
		}
	}
	return c.with(e, &admin.TemplateUpdate{}, func(s *session, n int64) error {
		p, err := s.PreviewTemplate(e.Ctx, s.who, n, in)
		if err != nil {
			return err
		}
		return s.print(p, "%s", p.Text)
	})
}
