package manage

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store/account"
)

// TemplateSource is a provider that lists the templates of a channel (Meta).
type TemplateSource interface {
	Templates(ctx context.Context, ch *dispatch.Channel) ([]template.Template, error)
}

// syncTime bounds how long a provider may take to list its templates.
const syncTime = 60 * time.Second

// templateView is a template with the names of what it needs.
type templateView struct {
	template.Template

	Variables []string `json:"variables" doc:"The names, or numbers, of the values that a use must give."`
}

func (s *server) viewTemplate(t *template.Template) *templateView {
	t.Style = s.templateStyle(t.Provider)
	v := &templateView{Template: *t, Variables: t.VariableNames()}
	v.CreatedAt, v.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	if v.Components == nil {
		v.Components = []template.Component{}
	}
	return v
}

func (t *templateView) location() string { return "/v1/templates/" + strconv.FormatInt(t.ID, 10) }

type templateList struct {
	Paging
	Search   string `query:"search" maxLength:"200" doc:"Part of the name or of a text."`
	Status   string `query:"status" enum:"approved,pending,rejected,paused,disabled"`
	Language string `query:"language" maxLength:"20"`
	Category string `query:"category" enum:"authentication,utility,marketing"`
	Channel  int64  `query:"channel" minimum:"1" doc:"Those of this channel alone."`
}

// TemplateFields are what may be said of a template.
type TemplateFields struct {
	Name               *string               `json:"name,omitempty" doc:"Up to 512 of a-z, 0-9 and _."`
	Language           *string               `json:"language,omitempty" doc:"Such as en or en_US."`
	Category           *string               `json:"category,omitempty" enum:"authentication,utility,marketing"`
	Status             *string               `json:"status,omitempty" enum:"approved,pending,rejected,paused,disabled" doc:"As the provider has it; only approved ones can be sent. approved when left out."`
	Channel            opt[int64]            `json:"channel_id,omitzero" doc:"The channel it belongs to; null: every channel of the account that sends such templates."`
	Provider           *string               `json:"provider,omitempty"`
	ProviderTemplateID *string               `json:"provider_template_id,omitempty" maxLength:"200" doc:"Twilio's HX..., Gupshup's UUID."`
	ParameterFormat    *string               `json:"parameter_format,omitempty" enum:"positional,named" doc:"Worked out from the texts when left out."`
	Components         *[]template.Component `json:"components,omitempty" maxItems:"10"`
}

type templateCreate struct{ Body templateCreateBody }

type templateCreateBody struct{ TemplateFields }

type templateUpdate struct {
	IDPath
	Body TemplateFields
}

func (m *manager) templates() {
	s := m.s
	const tag = "Templates"
	handle(m, route{method: http.MethodGet, path: "/v1/templates", permissions: forTemplates, tag: tag, summary: "List templates"}, s.listTemplates)
	handle(m, route{method: http.MethodPost, path: "/v1/templates", permissions: forManage, tag: tag, summary: "Register a template", text: "Registers a template that exists at the provider; it isn't submitted there.", status: http.StatusCreated}, s.createTemplate)
	handle(m, route{method: http.MethodPost, path: "/v1/templates/sync", permissions: forManage, tag: tag, summary: "Pull a channel's templates from its provider", text: "Meta's message_templates: new ones are made, known ones brought up to date, those that are gone disabled."}, s.syncTemplates)
	handle(m, route{method: http.MethodGet, path: "/v1/templates/{id}", permissions: forTemplates, tag: tag, summary: "Show a template"}, s.getTemplate)
	handle(m, route{method: http.MethodPatch, path: "/v1/templates/{id}", permissions: forManage, tag: tag, summary: "Change a template", text: "Fields that are left out stay as they are."}, s.updateTemplate)
	handle(m, route{method: http.MethodPut, path: "/v1/templates/{id}", permissions: forManage, tag: tag, summary: "Replace a template"}, s.replaceTemplate)
	remove(m, route{path: "/v1/templates/{id}", permissions: forManage, tag: tag, summary: "Delete a template", text: "Here only: the provider keeps it."}, s.deleteTemplate)
	handle(m, route{method: http.MethodPost, path: "/v1/templates/{id}/preview", permissions: forTemplates, tag: tag, summary: "Show what a use of a template would send"}, s.previewTemplate)
}

func (s *server) listTemplates(ctx context.Context, who *accept.Caller, in *templateList) (middleware.List[*templateView], error) {
	ts, err := s.Accounts.Templates(ctx, who.Account.ID)
	if err != nil {
		return middleware.List[*templateView]{}, err
	}
	views := []*templateView{}
	for i := range ts {
		if in.matches(&ts[i]) {
			views = append(views, s.viewTemplate(&ts[i]))
		}
	}
	return pageOfAll(views, &in.Paging, func(v **templateView) int64 { return (*v).ID })
}

func (in *templateList) matches(t *template.Template) bool {
	if (in.Status != "" && t.Status != in.Status) || (in.Language != "" && t.Language != in.Language) ||
		(in.Category != "" && t.Category != in.Category) || (in.Channel != 0 && t.Channel != in.Channel) {
		return false
	}
	search := strings.ToLower(in.Search)
	if strings.Contains(strings.ToLower(t.Name), search) {
		return true
	}
	for i := range t.Components {
		if strings.Contains(strings.ToLower(t.Components[i].Text), search) {
			return true
		}
	}
	return false
}

func (s *server) getTemplate(ctx context.Context, who *accept.Caller, in *IDPath) (*templateView, error) {
	t, err := s.Accounts.Template(ctx, who.Account.ID, in.ID)
	return s.viewTemplate(&t), err
}

func (s *server) createTemplate(ctx context.Context, who *accept.Caller, in *templateCreate) (*templateView, error) {
	return s.saveTemplate(ctx, who, "template.create", &in.Body.TemplateFields, func(*account.Store) (template.Template, error) {
		return template.Template{Account: who.Account.ID, Status: "approved"}, nil
	})
}

func (s *server) updateTemplate(ctx context.Context, who *accept.Caller, in *templateUpdate) (*templateView, error) {
	return s.saveTemplate(ctx, who, "template.update", &in.Body, func(st *account.Store) (template.Template, error) {
		return st.Template(ctx, who.Account.ID, in.ID)
	})
}

func (s *server) replaceTemplate(ctx context.Context, who *accept.Caller, in *templateUpdate) (*templateView, error) {
	return s.saveTemplate(ctx, who, "template.update", &in.Body, func(st *account.Store) (template.Template, error) {
		t, err := st.Template(ctx, who.Account.ID, in.ID)
		return template.Template{ID: t.ID, Account: t.Account, Status: "approved"}, err
	})
}

// saveTemplate puts what was said into the template that before gives, checks
// the whole and stores it.
func (s *server) saveTemplate(ctx context.Context, who *accept.Caller, action string, b *TemplateFields, before func(*account.Store) (template.Template, error)) (*templateView, error) {
	var t template.Template
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if t, err = before(st); err != nil {
			return n, err
		}
		if err := b.apply(ctx, s, st, &t); err != nil {
			return n, err
		}
		t, err = st.SaveTemplate(ctx, t)
		return account.Note{Action: action, Target: target("template", t.ID), Detail: map[string]any{"name": t.Name, "language": t.Language, "status": t.Status, "category": t.Category}},
			conflictSays(err, "a template named %s in %s exists there already", t.Name, t.Language)
	})
	return s.viewTemplate(&t), err
}

// apply puts what was said into t and checks the whole.
func (b *TemplateFields) apply(ctx context.Context, s *server, st *account.Store, t *template.Template) error {
	set(&t.Name, b.Name)
	set(&t.Language, b.Language)
	set(&t.Category, b.Category)
	set(&t.Status, b.Status)
	set(&t.Provider, b.Provider)
	set(&t.ProviderTemplateID, b.ProviderTemplateID)
	if b.Components != nil {
		t.Components, t.ParameterFormat = *b.Components, ""
	}
	set(&t.ParameterFormat, b.ParameterFormat)
	if b.Channel.Set {
		t.Channel = 0
		set(&t.Channel, b.Channel.Value)
	}
	var f dispatch.Faults
	if err := b.checkChannel(ctx, s, st, t, &f); err != nil {
		return err
	}
	t.Style = s.templateStyle(t.Provider)
	t.Normalize()
	f = append(f, t.Validate()...)
	if t.Components == nil {
		t.Components = []template.Component{}
	}
	return f.Err()
}

// checkChannel sees to it that the channel is the account's and sends
// templates of this kind; a channel with templates of its own says whose these
// are.
func (b *TemplateFields) checkChannel(ctx context.Context, s *server, st *account.Store, t *template.Template, f *dispatch.Faults) error {
	if t.Channel != 0 {
		ch, err := ownChannel(ctx, st, t.Account, t.Channel)
		switch {
		case err != nil && dispatch.CodeOf(err) == dispatch.NotFound:
			f.Add("/channel_id", "no such channel")
			return nil
		case err != nil:
			return err
		case !ch.WhatsApp():
			f.Add("/channel_id", "is an %s channel: templates are WhatsApp's", ch.Kind)
		}
		own := ""
		if s.templateStyle(ch.Provider).Own() {
			own = ch.Provider
		}
		if b.Provider == nil {
			t.Provider = own
		} else if t.Provider != own {
			f.Add("/provider", "does not fit the channel, which is %s's", ch.Provider)
		}
	}
	if t.Provider != "" && t.ProviderTemplateID == "" {
		f.Add("/provider_template_id", "is required for a template of %s's own", t.Provider)
	}
	return nil
}

func (s *server) deleteTemplate(ctx context.Context, who *accept.Caller, in *IDPath) error {
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "template.delete", Target: target("template", in.ID)}, st.DeleteTemplate(ctx, who.Account.ID, in.ID)
	})
}

type templateSync struct {
	Body struct {
		Channel loose `json:"channel" required:"true" doc:"The channel's id or key."`
	}
}

// syncView counts what a sync did.
type syncView struct {
	Created  int `json:"created"`
	Updated  int `json:"updated"`
	Disabled int `json:"disabled"`
}

func (s *server) syncTemplates(ctx context.Context, who *accept.Caller, in *templateSync) (*syncView, error) {
	if who.Key.Test {
		return nil, dispatch.Errorf(dispatch.Forbidden, "a test key asks no real provider: use a live key")
	}
	ch, err := s.namedChannel(ctx, who.Account.ID, json.RawMessage(in.Body.Channel))
	if err != nil {
		return nil, err
	}
	source, ok := s.Providers[ch.Provider].(TemplateSource)
	if !ok {
		return nil, dispatch.InvalidField("/channel", "%s lists no templates; register them by hand", ch.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, syncTime)
	defer cancel()
	ts, err := source.Templates(ctx, ch)
	if err != nil {
		return nil, sourceError(ch, err)
	}
	for i := range ts {
		ts[i].Normalize()
		if ts[i].Components == nil {
			ts[i].Components = []template.Component{}
		}
	}
	var v syncView
	err = s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		v.Created, v.Updated, v.Disabled, err = st.SyncTemplates(ctx, who.Account.ID, ch.ID, ts)
		return account.Note{Action: "template.sync", Target: target("channel", ch.ID), Detail: v}, err
	})
	return &v, err
}

// namedChannel finds a channel of the account by id or key.
func (s *server) namedChannel(ctx context.Context, account int64, raw json.RawMessage) (*dispatch.Channel, error) {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			return nil, dispatch.InvalidField("/channel", "must be a channel's id or key")
		}
		name = n.String()
	}
	if name == "" {
		return nil, dispatch.InvalidField("/channel", "is required")
	}
	return s.Registry.FindChannel(ctx, account, name, dispatch.ByIDOrKey, "")
}

// sourceError says why a provider gave no templates: what it refuses is for the
// client to mend, anything else may pass.
func sourceError(ch *dispatch.Channel, err error) error {
	pe, ok := errors.AsType[*provider.Error](err)
	if ok && (pe.Kind == provider.Permanent || pe.Kind == provider.Denied) {
		e := dispatch.InvalidField("/channel", "%s refused to list templates: %s", ch.Provider, provider.Redact(ch, pe.Msg))
		e.Err = err
		return e
	}
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: ch.Provider + " did not list its templates; try again shortly", RetryAfter: 5, Err: err}
}

type templatePreview struct {
	IDPath
	Body *struct {
		Variables      loose  `json:"variables,omitempty" doc:"The values: a list in order, or an object by name."`
		Components     loose  `json:"components,omitempty" doc:"Instead of variables: Meta's components with their parameters."`
		HeaderMediaURL string `json:"header_media_url,omitempty" maxLength:"2000"`
	}
}

// previewView is what a use of a template would send.
type previewView struct {
	Text       string               `json:"text" doc:"As the reader sees it; what no value was given for stays in braces."`
	Name       string               `json:"name"`
	Language   string               `json:"language"`
	Components []dispatch.Component `json:"components" doc:"As they would go to the provider."`
	Variables  []string             `json:"variables"`
}

// previewTemplate fills a template exactly as a send would.
func (s *server) previewTemplate(ctx context.Context, who *accept.Caller, in *templatePreview) (*previewView, error) {
	t, err := s.Accounts.Template(ctx, who.Account.ID, in.ID)
	if err != nil {
		return nil, err
	}
	t.Style = s.templateStyle(t.Provider)
	v := &previewView{Name: t.Name, Language: t.Language, Components: []dispatch.Component{}, Variables: t.VariableNames()}
	if in.Body == nil || (len(in.Body.Variables) == 0 && len(in.Body.Components) == 0 && in.Body.HeaderMediaURL == "") {
		v.Text = t.Preview(nil)
		return v, nil
	}
	use, err := in.use(&t)
	if err != nil {
		return nil, withoutPrefix(err, "/template")
	}
	v.Text = t.Preview(use)
	if use.Components != nil {
		v.Components = use.Components
	}
	return v, nil
}

// use reads the values as the native API reads those of a message.
func (in *templatePreview) use(t *template.Template) (*dispatch.TemplateUse, error) {
	part := map[string]any{"id": t.ID}
	if len(in.Body.Variables) > 0 {
		part["variables"] = json.RawMessage(in.Body.Variables)
	}
	if len(in.Body.Components) > 0 {
		part["components"] = json.RawMessage(in.Body.Components)
	}
	if in.Body.HeaderMediaURL != "" {
		part["header_media_url"] = in.Body.HeaderMediaURL
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

// withoutPrefix shortens the pointers of an error that was found in a whole
// message to those of a part of it.
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
