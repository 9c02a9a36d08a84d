package twilio

import (
	"regexp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// sidOf returns the form of an id at Twilio (twilio.com/docs/glossary/what-is-a-sid).
func sidOf(prefix string) *regexp.Regexp {
	return regexp.MustCompile(`^` + prefix + `[0-9a-fA-F]{32}$`)
}

// spec describes Twilio. The rate of a number depends on its kind and country,
// so that none fits all: channels start with the general default.
var spec = provider.Spec{
	Name: "twilio", Title: "Twilio", About: "SMS or WhatsApp through Twilio.",
	Kinds: []provider.Kinds{
		// Media on an SMS channel goes as MMS.
		{Kind: "sms", Types: []dispatch.Type{
			dispatch.TypeText, dispatch.TypeImage, dispatch.TypeVideo, dispatch.TypeAudio, dispatch.TypeDocument,
		}},
		{Kind: "whatsapp", Types: []dispatch.Type{
			dispatch.TypeText, dispatch.TypeTemplate, dispatch.TypeImage, dispatch.TypeVideo, dispatch.TypeAudio,
			dispatch.TypeDocument, dispatch.TypeLocation,
		}},
	},
	Settings: []provider.Field{
		{
			Name: "account_sid", Required: true, Pattern: sidOf("AC"), Rule: "AC and 32 hex digits",
			Help: "Twilio's account sid (AC...).", Placeholder: "SID", Fake: func(digits string) string { return "AC" + digits[:32] },
		},
		{
			Name: "messaging_service_sid", Pattern: sidOf("MG"), Rule: "MG and 32 hex digits",
			Help: "Send through a messaging service (MG...).", Placeholder: "SID",
		},
		{
			Name: "api_key_sid", Pattern: sidOf("SK"), Rule: "SK and 32 hex digits",
			Help: "Sign in with an API key (SK...) instead of the auth token, which still signs callbacks.", Placeholder: "SID",
		},
	},
	Secrets: []provider.Field{
		{Name: "auth_token", Required: true, Help: "the auth token"},
		{Name: "api_key_secret", With: "api_key_sid", Help: "the API key's secret"},
	},
	Echo: provider.EchoID, Templates: template.SharedNumbering, UUIDs: true,
	SetUp: `Status callbacks need no set-up: their address goes with each message. For incoming messages,
enter at Twilio (the number's or sender's "A message comes in", POST):

  {callback_url}
`,
}

// Spec returns Twilio's description.
func (c *Client) Spec() *provider.Spec { return &spec }
