package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Template is the command of that name.
type Template struct {
	Create  templateCreate  `cmd:"" help:"Register a template from a JSON file or stdin."`
	List    templateList    `cmd:"" help:"List templates and what they need."`
	Show    templateShow    `cmd:"" help:"Show one template."`
	Update  templateUpdate  `cmd:"" help:"Change a template here: its status, or whatever a JSON file says."`
	Preview templatePreview `cmd:"" help:"Show what a use of a template would send."`
	Sync    templateSync    `cmd:"" help:"Pull the templates of a Meta channel's business account."`
	Delete  templateDelete  `cmd:"" help:"Remove a template from the registry (not from the provider)."`
}

type templateCreate struct {
	flags
	File string `arg:"" help:"JSON file; - is stdin."`
}

// Help shows what the file holds.
func (*templateCreate) Help() string { return definitionHelp }

// Run registers a template.
func (c *templateCreate) Run(e *console.Env) error {
	d, err := readDefinition(e, c.File)
	if err != nil {
		return err
	}
	return d.with(&c.flags, e, func(s *session) error {
		t := template.Template{Account: s.account.ID, Status: "approved"}
		err := s.change(func(s *session) (n account.Note, err error) {
			if err := d.apply(s, &t); err != nil {
				return n, err
			}
			t, err = s.SaveTemplate(e.Ctx, t)
			return note("create", "template", t.ID, map[string]any{"name": t.Name, "language": t.Language}), doubled(err, &t)
		})
		if err != nil {
			return err
		}
		return s.say(t, "template %d made: %s in %s, %s; variables: %s", t.ID, t.Name, t.Language, t.Status, needs(&t))
	})
}

// needs lists a template's variables for people.
func needs(t *template.Template) string {
	if names := styled(t).VariableNames(); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "none"
}

type templateList struct{ flags }

// Run lists templates.
func (c *templateList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		ts, err := s.Templates(e.Ctx, s.account.ID)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for i := range ts {
			t := &ts[i]
			rows = append(rows, []string{id(t.ID), t.Name, t.Language, t.Category, t.Status, cmp.Or(t.Provider, "-"), id(t.UsageCount), needs(t)})
		}
		return s.table(ts, "ID NAME LANGUAGE CATEGORY STATUS PROVIDER USED VARIABLES", rows)
	})
}

// templateRef names a template of the account.
type templateRef struct {
	flags
	Ref string `arg:"" name:"template" help:"Id or name (sendoff template list)."`
}

// with opens the database and reads the template.
func (c *templateRef) with(e *console.Env, f func(*session, template.Template) error) error {
	return c.flags.with(e, func(s *session) error {
		t, err := c.find(s)
		if err != nil {
			return err
		}
		return f(s, t)
	})
}

// find reads the template, within a change for that alone.
func (c *templateRef) find(s *session) (template.Template, error) {
	n, err := strconv.ParseInt(c.Ref, 10, 64)
	if err != nil {
		if n, err = s.templateNamed(c.Ref); err != nil {
			return template.Template{}, err
		}
	}
	t, err := s.Template(s.env.Ctx, s.account.ID, n)
	if err != nil {
		err = s.missing(err, "template", c.Ref)
	}
	return t, err
}

// templateNamed gives the id of the only template of a name.
func (s *session) templateNamed(name string) (int64, error) {
	ts, err := s.Templates(s.env.Ctx, s.account.ID)
	if err != nil {
		return 0, err
	}
	var hits []int64
	for i := range ts {
		if ts[i].Name == name {
			hits = append(hits, ts[i].ID)
		}
	}
	switch len(hits) {
	case 0:
		return 0, s.missing(&dispatch.Error{Code: dispatch.NotFound}, "template", name)
	case 1:
		return hits[0], nil
	}
	return 0, fmt.Errorf("there are %d templates named %s; say which by its id (sendoff template list)", len(hits), name)
}

type templateShow struct{ templateRef }

// Run shows a template.
func (c *templateShow) Run(e *console.Env) error {
	return c.with(e, func(s *session, t template.Template) error {
		channel := "every one that sends such templates"
		if t.Channel != 0 {
			channel = id(t.Channel)
		}
		rows := [][]string{
			{"id", id(t.ID)},
			{"name", t.Name},
			{"language", t.Language},
			{"category", t.Category},
			{"status", t.Status},
			{"channel", channel},
			{"provider's id", cmp.Or(t.ProviderTemplateID, "-")},
			{"used", id(t.UsageCount)},
			{"variables", needs(&t)},
		}
		for _, part := range t.Components {
			text := part.Text
			if part.Type == "HEADER" && part.Format != "TEXT" {
				text = part.Format
			}
			for _, b := range part.Buttons {
				text += strings.TrimRight(fmt.Sprintf("[%s %s] ", b.Type, b.Text), " ")
			}
			rows = append(rows, []string{strings.ToLower(part.Type), strings.ReplaceAll(text, "\n", " / ")})
		}
		return s.table(t, "", rows)
	})
}

// lister is a provider that keeps templates which can be pulled.
type lister interface {
	Templates(ctx context.Context, ch *dispatch.Channel) ([]template.Template, error)
}

type templateSync struct {
	flags
	Channel string        `required:"" help:"Id or key of a Meta channel." placeholder:"CHANNEL"`
	Timeout time.Duration `default:"60s" help:"How long the provider may take."`
}

// Run pulls templates.
func (c *templateSync) Run(e *console.Env) error {
	return c.sealed(e, func(s *session) error {
		ch, err := s.channel(c.Channel)
		if err != nil {
			return err
		}
		l, ok := app.Providers()[ch.Provider].(lister)
		if !ok {
			return fmt.Errorf("%s has no list of templates that could be pulled; register them with: sendoff template create", ch.Provider)
		}
		ctx, cancel := context.WithTimeout(e.Ctx, c.Timeout)
		defer cancel()
		ts, err := l.Templates(ctx, &ch)
		if err != nil {
			return errors.New("pull templates: " + refusal(&ch, err) + "; " + channelFix(&ch, err))
		}
		for i := range ts {
			ts[i].Normalize()
		}
		var counts struct {
			Made    int `json:"made"`
			Updated int `json:"updated"`
			Gone    int `json:"disabled"`
		}
		if err := s.change(func(s *session) (_ account.Note, err error) {
			counts.Made, counts.Updated, counts.Gone, err = s.SyncTemplates(e.Ctx, s.account.ID, ch.ID, ts)
			return account.Note{Action: "template.sync", Target: "channel:" + id(ch.ID), Detail: counts}, err
		}); err != nil {
			return err
		}
		return s.say(counts, "%d templates made, %d updated, %d disabled because the provider no longer lists them", counts.Made, counts.Updated, counts.Gone)
	})
}

type templateDelete struct {
	templateRef
	Yes bool `help:"Really do it."`
}

// Run removes a template.
func (c *templateDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "messages could no longer use template "+c.Ref); err != nil {
		return err
	}
	return c.with(e, func(s *session, t template.Template) error {
		if err := s.change(func(s *session) (account.Note, error) {
			return note("delete", "template", t.ID, map[string]any{"name": t.Name, "language": t.Language}), s.DeleteTemplate(e.Ctx, s.account.ID, t.ID)
		}); err != nil {
			return err
		}
		return s.say(map[string]any{"id": t.ID, "deleted": true}, "template %d (%s, %s) is deleted", t.ID, t.Name, t.Language)
	})
}
