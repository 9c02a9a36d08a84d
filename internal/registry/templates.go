package registry

import (
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// Templates are an account's templates, found by id, by name or by the
// provider's id.
type Templates struct {
	All        []template.Template
	byID       map[int64]*template.Template
	byName     map[string][]*template.Template
	byProvider map[string]*template.Template
	styles     map[string]template.Style // by vendor
}

func newTemplates(all []template.Template, styles map[string]template.Style) *Templates {
	t := &Templates{
		All: all, byID: map[int64]*template.Template{}, byName: map[string][]*template.Template{},
		byProvider: map[string]*template.Template{}, styles: styles,
	}
	for i := range all {
		e := &all[i]
		e.Style = styles[e.Provider]
		e.Prepare()
		t.byID[e.ID] = e
		t.byName[e.Name] = append(t.byName[e.Name], e)
		if e.ProviderTemplateID != "" {
			t.byProvider[e.ProviderTemplateID] = e
		}
	}
	return t
}

// Find resolves what a message names, for a channel. A name without a language
// is enough where the name has just one.
func (t *Templates) Find(use *dispatch.TemplateUse, ch *dispatch.Channel) (*template.Template, error) {
	switch {
	case use.TemplateID != 0:
		if e := t.byID[use.TemplateID]; e != nil && t.usableOn(e, ch) {
			return t.ownOf(e, ch), nil
		}
	case use.ProviderTemplateID != "":
		if e := t.byProvider[use.ProviderTemplateID]; e != nil && t.usableOn(e, ch) {
			return e, nil
		}
	default:
		return t.byNameOn(use, ch)
	}
	return nil, notFound("/template/id", "no such template for this channel")
}

func (t *Templates) byNameOn(use *dispatch.TemplateUse, ch *dispatch.Channel) (*template.Template, error) {
	var hits []*template.Template
	for _, e := range t.byName[use.Name] {
		if t.usableOn(e, ch) && (use.Language.Code == "" || e.Language == use.Language.Code) {
			hits = append(hits, e)
		}
	}
	switch {
	case len(hits) == 0 && len(t.byName[use.Name]) > 0 && use.Language.Code != "":
		return nil, notFound("/template/language", "template "+use.Name+" does not exist in language "+use.Language.Code+
			" for this channel"+t.languages(use.Name, ch))
	case len(hits) == 0:
		return nil, notFound("/template/name", "no template "+use.Name+" for this channel")
	case use.Language.Code == "" && slices.ContainsFunc(hits, func(e *template.Template) bool { return e.Language != hits[0].Language }):
		return nil, dispatch.InvalidField("/template/language", "template %s exists in several languages: name one", use.Name)
	}
	for _, e := range hits { // a channel's own entry before the account's
		if e.Channel == ch.ID {
			return e, nil
		}
	}
	return hits[0], nil
}

// ownOf returns the channel's own entry of the template, which stands for what its
// business account has, or e if it has none.
func (t *Templates) ownOf(e *template.Template, ch *dispatch.Channel) *template.Template {
	for _, own := range t.byName[e.Name] {
		if own.Channel == ch.ID && own.Language == e.Language && own.Provider == e.Provider {
			return own
		}
	}
	return e
}

// languages lists the languages in which a template can be sent on the channel.
func (t *Templates) languages(name string, ch *dispatch.Channel) string {
	var codes []string
	for _, e := range t.byName[name] {
		if t.usableOn(e, ch) && !slices.Contains(codes, e.Language) {
			codes = append(codes, e.Language)
		}
	}
	if len(codes) == 0 {
		return ""
	}
	slices.Sort(codes)
	return "; it exists in " + strings.Join(codes, ", ")
}

// usableOn reports whether the template can be sent on the channel: a vendor
// with templates of its own sends only those, every other the common ones.
func (t *Templates) usableOn(e *template.Template, ch *dispatch.Channel) bool {
	if e.Channel != 0 && e.Channel != ch.ID {
		return false
	}
	if t.styles[ch.Provider].Own() {
		return e.Provider == ch.Provider && e.ProviderTemplateID != ""
	}
	return e.Provider == ""
}

// Usable lists the approved templates that can be sent on a channel; the
// channel's own entry hides the account's.
func (t *Templates) Usable(ch *dispatch.Channel) []string {
	out := []string{}
	for i := range t.All {
		e := &t.All[i]
		use := dispatch.TemplateUse{Name: e.Name, Language: dispatch.Language{Code: e.Language}}
		if found, err := t.byNameOn(&use, ch); err == nil && found == e && e.Status == "approved" {
			out = append(out, e.Name+" ("+e.Language+")")
		}
	}
	return out
}

func notFound(field, msg string) error {
	return &dispatch.Error{Code: dispatch.TemplateNotFound, Msg: msg, Faults: []dispatch.Fault{{Field: field, Msg: msg}}}
}
