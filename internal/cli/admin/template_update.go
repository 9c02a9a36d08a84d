package admin

import (
	"fmt"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store/account"
)

type templateUpdate struct {
	templateRef
	File     string `arg:"" optional:"" help:"JSON file with what is to change; - is stdin."`
	Status   string `enum:"approved,pending,rejected,paused,disabled," default:"" help:"As the provider has it: approved, pending, rejected, paused or disabled; only approved ones can be sent." placeholder:"STATUS"`
	Category string `enum:"authentication,utility,marketing," default:"" help:"authentication, utility or marketing." placeholder:"CATEGORY"`
}

// Help shows what the file holds.
func (*templateUpdate) Help() string { return definitionHelp }

// Run changes what was given; the rest stays.
func (c *templateUpdate) Run(e *console.Env) error {
	var d definition
	if c.File != "" {
		var err error
		if d, err = readDefinition(e, c.File); err != nil {
			return err
		}
	}
	if c.Status != "" {
		d.Status = &c.Status
	}
	if c.Category != "" {
		d.Category = &c.Category
	}
	if c.File == "" && c.Status == "" && c.Category == "" {
		return fmt.Errorf("%w: nothing to change was given; see sendoff template update --help", console.ErrUsage)
	}
	return d.with(&c.flags, e, func(s *session) error {
		var t template.Template
		if err := s.change(func(s *session) (n account.Note, err error) {
			if t, err = c.find(s); err != nil {
				return n, err
			}
			if err := d.apply(s, &t); err != nil {
				return n, err
			}
			t, err = s.SaveTemplate(e.Ctx, t)
			return note("update", "template", t.ID, map[string]any{"name": t.Name, "language": t.Language, "status": t.Status, "category": t.Category}), doubled(err, &t)
		}); err != nil {
			return err
		}
		return s.say(t, "template %d is updated: %s in %s, %s, %s; variables: %s", t.ID, t.Name, t.Language, t.Category, t.Status, needs(&t))
	})
}
