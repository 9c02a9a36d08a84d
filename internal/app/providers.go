package app

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// providers is the list of vendors we send through: a new one is a folder in
// internal/provider and a line here.
func providers(client *http.Client) map[string]provider.Provider {
	return map[string]provider.Provider{
		"meta":    meta.New(client),
		"twilio":  twilio.New(client),
		"gupshup": gupshup.New(client),
		"kaleyra": kaleyra.New(client),
	}
}

// Providers are the vendors' clients for the command line, which asks them
// whether credentials work and which templates there are.
func Providers() map[string]provider.Provider { return providers(outbound.New(outbound.Options{})) }
