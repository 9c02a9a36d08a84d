package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

type templateCmd struct {
	Create templateCreate `cmd:"" help:"Register a template from a JSON file or stdin."`
	List   templateList   `cmd:"" help:"List templates and what they need."`
	Show   templateShow   `cmd:"" help:"Show one template."`
	Sync   templateSync   `cmd:"" help:"Pull the templates of a Meta channel's business account."`
	Delete templateDelete `cmd:"" help:"Remove a template from the registry (not from the provider)."`
}

const maxDefinition = 1 << 20

type templateCreate struct {
	admin
	File string `arg:"" help:"JSON file; - is stdin."`
}

// Help shows what the file holds.
func (*templateCreate) Help() string {
	return `The file holds a template in Meta's form:

  {"name": "order_confirmation", "language": "en", "category": "utility",
   "components": [{"type": "BODY", "text": "Thank you, {{1}}! Order {{2}} is on its way.",
                   "variables": ["customer_name", "order_id"]}]}

"status" is approved when it isn't given: say pending while the provider has not approved it yet. "channel" (id or key)
binds it to one channel. A Twilio or Gupshup template also has "provider" and "provider_template_id".`
}

// definition is what a file may say of a template.
type definition struct {
	Channel            json.RawMessage              `json:"channel"`
	Provider           string                       `json:"provider"`
	Name               string                       `json:"name"`
	Language           string                       `json:"language"`
	Category           string                       `json:"category"`
	Status             string                       `json:"status"`
	ParameterFormat    string                       `json:"parameter_format"`
	ProviderTemplateID string                       `json:"provider_template_id"`
	Components         []dispatch.TemplateComponent `json:"components"`
}

// Run registers a template.
func (c *templateCreate) Run(e *env) error {
	d, err := c.read(e)
	if err != nil {
		return err
	}
	t := dispatch.Template{
		Provider: d.Provider, Name: d.Name, Language: d.Language, Category: d.Category, Status: firstOf(d.Status, "approved"),
		ParameterFormat: d.ParameterFormat, ProviderTemplateID: d.ProviderTemplateID, Components: d.Components,
	}
	t.Normalize()
	if err := checkTemplate(&t).Err(); err != nil {
		return err
	}
	ref := strings.Trim(string(d.Channel), `"`)
	run := c.with
	if ref != "" {
		run = c.sealed // a channel can't be read without the key
	}
	return run(e, func(s *session) error {
		t.Account = s.account.ID
		if ref != "" {
			ch, err := s.channel(ref)
			if err != nil {
				return err
			}
			t.Channel = ch.ID
		}
		err := s.change(func(s *session) (_ store.Note, err error) {
			t, err = s.SaveTemplate(e.ctx, t)
			return note("create", "template", t.ID, map[string]any{"name": t.Name, "language": t.Language}), err
		})
		if dispatch.CodeOf(err) == dispatch.Conflict && err != nil {
			return fmt.Errorf("there is a template %s in %s already; delete it first, or choose another name", t.Name, t.Language)
		}
		if err != nil {
			return err
		}
		return s.say(t, "template %d made: %s in %s, %s; variables: %s", t.ID, t.Name, t.Language, t.Status, needs(&t))
	})
}

func (c *templateCreate) read(e *env) (definition, error) {
	var d definition
	in := e.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
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

// checkTemplate is Validate, and what the registry wants besides.
func checkTemplate(t *dispatch.Template) dispatch.Faults {
	f := t.Validate()
	switch t.Status {
	case "approved", "pending", "rejected", "paused", "disabled":
	default:
		f.Add("/status", "must be approved, pending, rejected, paused or disabled")
	}
	switch t.Provider {
	case "":
	case "twilio", "gupshup":
		if t.ProviderTemplateID == "" {
			f.Add("/provider_template_id", "is required for a template of %s", t.Provider)
		}
	default:
		f.Add("/provider", "must be twilio or gupshup, or left out for Meta's templates")
	}
	return f
}

// needs lists a template's variables for people.
func needs(t *dispatch.Template) string {
	if names := t.VariableNames(); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "none"
}

type templateList struct{ admin }

// Run lists templates.
func (c *templateList) Run(e *env) error {
	return c.with(e, func(s *session) error {
		ts, err := s.Templates(e.ctx, s.account.ID)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for i := range ts {
			t := &ts[i]
			rows = append(rows, []string{id(t.ID), t.Name, t.Language, t.Category, t.Status, firstOf(t.Provider, "-"), id(t.UsageCount), needs(t)})
		}
		return s.table(ts, "ID NAME LANGUAGE CATEGORY STATUS PROVIDER USED VARIABLES", rows)
	})
}

// templateRef names a template of the account.
type templateRef struct {
	admin
	Ref string `arg:"" name:"template" help:"Id or name (sendoff template list)."`
}

// with opens the database and reads the template.
func (c *templateRef) with(e *env, f func(*session, dispatch.Template) error) error {
	return c.admin.with(e, func(s *session) error {
		if n, err := strconv.ParseInt(c.Ref, 10, 64); err == nil {
			t, err := s.Template(e.ctx, s.account.ID, n)
			if err != nil {
				return s.missing(err, "template", c.Ref)
			}
			return f(s, t)
		}
		ts, err := s.Templates(e.ctx, s.account.ID)
		if err != nil {
			return err
		}
		var hits []dispatch.Template
		for _, t := range ts {
			if t.Name == c.Ref {
				hits = append(hits, t)
			}
		}
		switch len(hits) {
		case 0:
			return s.missing(&dispatch.Error{Code: dispatch.NotFound}, "template", c.Ref)
		case 1:
			return f(s, hits[0])
		}
		return fmt.Errorf("there are %d templates named %s; say which by its id (sendoff template list)", len(hits), c.Ref)
	})
}

type templateShow struct{ templateRef }

// Run shows a template.
func (c *templateShow) Run(e *env) error {
	return c.with(e, func(s *session, t dispatch.Template) error {
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
			{"provider's id", firstOf(t.ProviderTemplateID, "-")},
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
	Templates(ctx context.Context, ch *dispatch.Channel) ([]dispatch.Template, error)
}

type templateSync struct {
	admin
	Channel string        `required:"" help:"Id or key of a Meta channel." placeholder:"CHANNEL"`
	Timeout time.Duration `default:"60s" help:"How long the provider may take."`
}

// Run pulls templates.
func (c *templateSync) Run(e *env) error {
	return c.sealed(e, func(s *session) error {
		ch, err := s.channel(c.Channel)
		if err != nil {
			return err
		}
		l, ok := app.Providers()[ch.Provider].(lister)
		if !ok {
			return fmt.Errorf("%s has no list of templates that could be pulled; register them with: sendoff template create", ch.Provider)
		}
		ctx, cancel := context.WithTimeout(e.ctx, c.Timeout)
		defer cancel()
		ts, err := l.Templates(ctx, &ch)
		if err != nil {
			return errors.New("pull templates: " + refusal(&ch, err) + "; " + channelFix(&ch, err))
		}
		var counts struct {
			Made    int `json:"made"`
			Updated int `json:"updated"`
			Gone    int `json:"disabled"`
		}
		if err := s.change(func(s *session) (_ store.Note, err error) {
			counts.Made, counts.Updated, counts.Gone, err = s.SyncTemplates(e.ctx, s.account.ID, ch.ID, ts)
			return store.Note{Action: "template.sync", Target: "channel:" + id(ch.ID), Detail: counts}, err
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
func (c *templateDelete) Run(e *env) error {
	if err := confirmed(c.Yes, "messages could no longer use template "+c.Ref); err != nil {
		return err
	}
	return c.with(e, func(s *session, t dispatch.Template) error {
		if err := s.change(func(s *session) (store.Note, error) {
			return note("delete", "template", t.ID, map[string]any{"name": t.Name, "language": t.Language}), s.DeleteTemplate(e.ctx, s.account.ID, t.ID)
		}); err != nil {
			return err
		}
		return s.say(map[string]any{"id": t.ID, "deleted": true}, "template %d (%s, %s) is deleted", t.ID, t.Name, t.Language)
	})
}
