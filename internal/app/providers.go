package app

import (
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// vendors lists the vendors that messages are sent through, in the order in
// which people see them. A new one is a folder in internal/provider and a line
// here.
func vendors(client *outbound.Client) []provider.Provider {
	return []provider.Provider{meta.New(client), twilio.New(client), gupshup.New(client), kaleyra.New(client)}
}

// providers returns the vendors' clients by name.
func providers(client *outbound.Client) map[string]provider.Provider {
	byName := map[string]provider.Provider{}
	for _, p := range vendors(client) {
		byName[p.Spec().Name] = p
	}
	return byName
}

// Providers returns the vendors' clients for the command line, which checks
// credentials and lists templates. They call public addresses, and those in the
// networks allowed.
func Providers(allow config.Networks) map[string]provider.Provider {
	return providers(outbound.New(calls(allow)))
}

// calls returns the options of provider calls: whoever may create channels
// chooses their addresses.
func calls(allow config.Networks) outbound.Options {
	return outbound.Options{PublicOnly: true, Allow: allow, Proxy: true}
}

// Specs returns the vendors' descriptions, in the order of vendors.
func Specs() []*provider.Spec {
	var specs []*provider.Spec
	for _, p := range vendors(nil) {
		specs = append(specs, p.Spec())
	}
	return specs
}

// templateStyles returns the vendors' template styles by name.
func templateStyles() map[string]template.Style {
	styles := map[string]template.Style{}
	for _, s := range Specs() {
		styles[s.Name] = s.Templates
	}
	return styles
}
