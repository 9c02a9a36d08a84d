package admin

import (
	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// vendor returns the description of a vendor; of an unknown one, an empty one.
func vendor(name string) *provider.Spec {
	for _, s := range app.Specs() {
		if s.Name == name {
			return s
		}
	}
	return new(provider.Spec)
}

// styled sets the template's style, which is its vendor's and not stored.
func styled(t *template.Template) *template.Template {
	t.Style = vendor(t.Provider).Templates
	return t
}

// ownTemplates returns the names of the vendors that keep templates of their own.
func ownTemplates() []string {
	var names []string
	for _, s := range app.Specs() {
		if s.Templates.Own() {
			names = append(names, s.Name)
		}
	}
	return names
}
