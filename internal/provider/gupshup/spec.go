package gupshup

import (
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// spec describes Gupshup. Its own interactive format has no place for all of
// Meta's kinds, so interactive content is refused rather than sent in part.
var spec = provider.Spec{
	Name: "gupshup", Title: "Gupshup", About: "WhatsApp through Gupshup.",
	Kinds: []provider.Kinds{{Kind: "whatsapp", FileNames: true, Types: []dispatch.Type{
		dispatch.TypeText, dispatch.TypeTemplate, dispatch.TypeImage, dispatch.TypeVideo, dispatch.TypeAudio, dispatch.TypeDocument,
		dispatch.TypeSticker, dispatch.TypeLocation, dispatch.TypeReaction,
	}}},
	Settings: []provider.Field{{
		Name: "app_name", Required: true, Help: "The Gupshup app that owns the number.", Placeholder: "NAME",
		Fake: func(digits string) string { return "Test" + digits[:8] },
	}},
	Secrets: []provider.Field{
		{Name: "apikey", Required: true, Help: "the API key"},
		provider.CallbackSecret,
	},
	Echo: provider.EchoNone, Templates: template.Own, UUIDs: true,
	SetUp: `At Gupshup (your app, Webhooks, format Gupshup v2 or Meta v3, all events), enter

  {callback_url}

Keep it secret: Gupshup does not sign its callbacks; the last part of the address proves that Gupshup calls.
`,
}

// Spec returns Gupshup's description.
func (c *Client) Spec() *provider.Spec { return &spec }
