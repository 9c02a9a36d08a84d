package admin

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Template are the commands for templates.
type Template struct {
	Create  templateCreate  `cmd:"" help:"Register a template from a JSON file or stdin."`
	List    templateList    `cmd:"" help:"List templates and their variables."`
	Show    templateShow    `cmd:"" help:"Show a template."`
	Update  templateUpdate  `cmd:"" help:"Update a template here: its status, or the fields in a JSON file."`
	Preview templatePreview `cmd:"" help:"Fill in a template as a message would."`
	Sync    templateSync    `cmd:"" help:"Read the templates of a channel from its provider."`
	Delete  templateDelete  `cmd:"" help:"Delete a template here. The provider keeps it."`
}

const (
	// maxFile is the most that is read of a file.
	maxFile = 1 << 20

	fileHelp = `The file holds a template in Meta's form:

  {"name": "order_confirmation", "language": "en", "category": "utility",
   "components": [{"type": "BODY", "text": "Thank you, {{1}}! Order {{2}} is on its way.",
                   "variables": ["customer_name", "order_id"]}]}

The "status" of a new one is approved if left out: give pending while the provider has not approved it yet. "channel_id" binds
it to one channel, null to none. A template that the vendor keeps itself also has "provider" and "provider_template_id".`
)

// readFile reads a JSON file into an input of package admin, and returns the faults that
// it finds in it; - is stdin.
func readFile(e *console.Env, name string, in any) (dispatch.Faults, error) {
	r := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read template: %w", err)
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	if err := input.CheckJSON(raw); err != nil {
		return nil, err
	}
	return input.Decode(raw, in), nil
}

type templateCreate struct {
	flags
	File string `arg:"" help:"JSON file; - is stdin."`
}

// Help describes the file.
func (*templateCreate) Help() string { return fileHelp }

// Run registers a template.
func (c *templateCreate) Run(e *console.Env) error {
	var in admin.TemplateCreate
	faults, err := readFile(e, c.File, &in)
	if err != nil {
		return err
	}
	return c.bound(e, &in.TemplateUpdate, func(s *session) error {
		t, err := admin.Probe(s.who, faults, func(who admin.Actor) (*admin.Template, error) { return s.CreateTemplate(e.Ctx, who, in) })
		if err != nil {
			return err
		}
		return s.print(t, "template %d created: %s in %s, %s; variables: %s", t.ID, t.Name, t.Language, t.Status, variableNames(t))
	})
}

// bound is with, and requires the secret key if the input binds a template to a
// channel, which is then read.
func (c *flags) bound(e *console.Env, in *admin.TemplateUpdate, f func(*session) error) error {
	if in.Channel.Value != nil {
		if err := c.sealed(); err != nil {
			return err
		}
	}
	return c.with(e, f)
}

// variableNames lists a template's variables for people.
func variableNames(t *admin.Template) string { return cmp.Or(strings.Join(t.Variables, ", "), "none") }

type templateList struct{ flags }

// Run lists templates.
func (c *templateList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		all, err := s.Templates(e.Ctx, s.who, admin.TemplateFilter{})
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, t := range all.Data {
			rows = append(rows, []string{
				id(t.ID), t.Name, t.Language, t.Category, t.Status, cmp.Or(t.Provider, "-"), id(t.UsageCount), variableNames(t),
			})
		}
		return s.table(all, "ID NAME LANGUAGE CATEGORY STATUS PROVIDER USED VARIABLES", rows)
	})
}

// templateRef names a template.
type templateRef struct {
	flags
	Ref string `arg:"" name:"template" help:"Id or name (sendoff template list)."`
}

// find returns the id of the template.
func (c *templateRef) find(s *session) (int64, error) {
	if n, err := strconv.ParseInt(c.Ref, 10, 64); err == nil {
		return n, nil
	}
	all, err := s.Templates(s.ctx(), s.who, admin.TemplateFilter{})
	if err != nil {
		return 0, err
	}
	var hits []int64
	for _, t := range all.Data {
		if t.Name == c.Ref {
			hits = append(hits, t.ID)
		}
	}
	switch len(hits) {
	case 0:
		return 0, dispatch.Errorf(dispatch.NotFound, "not found")
	case 1:
		return hits[0], nil
	}
	return 0, fmt.Errorf("there are %d templates named %s; choose one by its id (sendoff template list)", len(hits), c.Ref)
}

// with runs f with the id of the template.
func (c *templateRef) with(e *console.Env, in *admin.TemplateUpdate, f func(*session, int64) error) error {
	return c.bound(e, in, func(s *session) error {
		n, err := c.find(s)
		if err == nil {
			err = f(s, n)
		}
		return s.missing(err, "template", c.Ref)
	})
}

type templateShow struct{ templateRef }

// Run shows a template.
func (c *templateShow) Run(e *console.Env) error {
	return c.with(e, &admin.TemplateUpdate{}, func(s *session, n int64) error {
		t, err := s.Template(e.Ctx, s.who, n)
		if err != nil {
			return err
		}
		return s.table(t, "", templateRows(t))
	})
}

func templateRows(t *admin.Template) [][]string {
	channel := "every channel that sends such templates"
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
		{"variables", variableNames(t)},
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
	return rows
}

type templateUpdate struct {
	templateRef
	File     string `arg:"" optional:"" help:"JSON file with the fields to change; - is stdin."`
	Status   string `help:"${admin_templateupdate_status}" placeholder:"STATUS"`
	Category string `help:"authentication, utility or marketing." placeholder:"CATEGORY"`
}

// Help describes the file.
func (*templateUpdate) Help() string { return fileHelp }

// Run changes what is given; the rest stays.
func (c *templateUpdate) Run(e *console.Env) error {
	var in admin.TemplateUpdate
	var faults dispatch.Faults
	if c.File != "" {
		var err error
		if faults, err = readFile(e, c.File, &in); err != nil {
			return err
		}
	}
	if c.Status != "" {
		in.Status = &c.Status
	}
	if c.Category != "" {
		in.Category = &c.Category
	}
	if err := requireChange(in, "template update"); err != nil && len(faults) == 0 {
		return err
	}
	return c.with(e, &in, func(s *session, n int64) error {
		t, err := admin.Probe(s.who, faults, func(who admin.Actor) (*admin.Template, error) { return s.UpdateTemplate(e.Ctx, who, n, in) })
		if err != nil {
			return err
		}
		return s.print(t, "template %d is updated: %s in %s, %s, %s; variables: %s",
			t.ID, t.Name, t.Language, t.Category, t.Status, variableNames(t))
	})
}

type templateSync struct {
	channelFlags
	Channel string `required:"" help:"Id or key of the channel." placeholder:"CHANNEL"`
}

// Run reads the templates of a channel from its provider.
func (c *templateSync) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		n, err := s.SyncTemplates(e.Ctx, s.who, admin.SyncOf(c.Channel))
		if err != nil {
			return console.Advise(err, "compare settings and credentials with the provider's console; "+
				"change them with: sendoff channel update "+c.Channel+" --set NAME=VALUE --secret NAME")
		}
		return s.print(n, "%d templates created, %d updated, %d disabled because the provider no longer lists them",
			n.Created, n.Updated, n.Disabled)
	})
}

type templateDelete struct {
	templateRef
	Yes bool `help:"Confirm."`
}

// Run deletes a template.
func (c *templateDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "messages could no longer use template "+c.Ref); err != nil {
		return err
	}
	return c.with(e, &admin.TemplateUpdate{}, func(s *session, n int64) error {
		if err := s.DeleteTemplate(e.Ctx, s.who, n); err != nil {
			return err
		}
		return s.print(deleted{n, true}, "template %d is deleted", n)
	})
}
