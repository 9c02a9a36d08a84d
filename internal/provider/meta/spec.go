package meta

import (
	"regexp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

var digits = regexp.MustCompile(`^[0-9]{1,32}$`)

// spec describes Meta. Its limit of 80 messages/s per number is published at
// developers.facebook.com/documentation/business-messaging/whatsapp/throughput.
var spec = provider.Spec{
	Name: "meta", Title: "Meta", About: "WhatsApp through Meta's Cloud API.",
	Kinds: []provider.Kinds{{Kind: "whatsapp", Types: dispatch.Types, Whole: true}},
	Settings: []provider.Field{
		{
			Name: "phone_number_id", Required: true, Pattern: digits, Rule: "the digits that Meta shows under API setup",
			Help: "The number's id at Meta (not the number itself).", Placeholder: "DIGITS", Fake: fakeNumber,
		},
		{
			Name: "waba_id", Pattern: digits, Rule: "the digits that Meta shows under API setup",
			Help: "Id of the WhatsApp business account; needed to list its templates.", Placeholder: "DIGITS",
			Fake: func(digits string) string { return "9" + fakeNumber(digits) },
		},
		{
			Name: "version", Flag: "api-version", Pattern: regexp.MustCompile(`^v[0-9]+\.[0-9]+$`), Rule: "like v25.0",
			Help: "Version of the Graph API, as v25.0.", Placeholder: "VERSION",
		},
	},
	Secrets: []provider.Field{
		{Name: "access_token", Required: true, Help: "the access token"},
		{Name: "app_secret", Required: true, Help: "the app secret, which signs callbacks"},
		{Name: "verify_token", Required: true, Generate: true, Help: "the verify token"},
	},
	Echo: provider.EchoID, Templates: template.Common, ListsTemplates: true, UserIDs: true, Rate: 80,
	SetUp: `At Meta (developers.facebook.com, your app, WhatsApp, Configuration, Webhook), enter

  callback URL  {callback_url}
  verify token  {verify_token}

and subscribe to the field "messages". "sendoff serve" must be running: Meta calls the address at once.
`,
}

// fakeNumber returns 15 decimal digits made from hexadecimal ones.
func fakeNumber(hex string) string {
	out := make([]byte, 15)
	for i := range out {
		out[i] = '1' + hex[i]%9
	}
	return string(out)
}

// Spec returns Meta's description.
func (c *Client) Spec() *provider.Spec { return &spec }
