// Package emulator emulates the providers: paths, credentials, bodies, errors
// and signed callbacks, so that development, tests and the benchmark run the
// real provider clients. Each vendor is a folder; what they share is in engine.
package emulator

import (
	"github.com/sendoff/sendoff/internal/emulator/engine"
	"github.com/sendoff/sendoff/internal/emulator/gupshup"
	"github.com/sendoff/sendoff/internal/emulator/kaleyra"
	"github.com/sendoff/sendoff/internal/emulator/meta"
	"github.com/sendoff/sendoff/internal/emulator/twilio"
)

// Options configure a Server.
type Options = engine.Options

// Settings are the behaviour that can be changed while a Server runs.
type Settings = engine.Settings

// Server is the emulator: an http.Handler, and a sender of callbacks that runs
// until Close.
type Server = engine.Server

// DefaultSettings returns the settings that a Server starts with.
func DefaultSettings() Settings { return engine.DefaultSettings() }

// New returns an emulator of every vendor and starts its callbacks. End it with
// Close.
func New(o Options) *Server {
	if o.Templates == nil {
		o.Templates = DemoTemplates()
	}
	return engine.New(o, meta.Vendor, twilio.Vendor, gupshup.Vendor, kaleyra.Vendor)
}
