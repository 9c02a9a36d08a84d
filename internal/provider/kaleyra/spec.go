package kaleyra

import (
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// spec describes Kaleyra. WhatsApp V2 takes Meta's message object unchanged, so
// all of Meta's types; its SMS is text. Kaleyra publishes no rate.
var spec = provider.Spec{
	Name: "kaleyra", Title: "Kaleyra", About: "WhatsApp or SMS through Kaleyra.",
	Kinds: []provider.Kinds{
		{Kind: "whatsapp", Types: dispatch.Types, Whole: true},
		{Kind: "sms", Types: []dispatch.Type{dispatch.TypeText}},
	},
	Settings: []provider.Field{
		{
			Name: "sid", Required: true, Help: "Kaleyra's account sid (HX...).", Placeholder: "SID",
			Fake: func(digits string) string { return "HX" + digits[:20] },
		},
		{Name: "sms_type", Kind: "sms", Values: []string{"TXN", "MKT", "OTP"}, Default: "TXN", Help: "Of SMS: TXN, MKT or OTP."},
		{Name: "template_id", Kind: "sms", Help: "Of SMS to India: the DLT template id.", Placeholder: "ID"},
	},
	Secrets: []provider.Field{
		{Name: "api_key", Required: true, Help: "the API key"},
		provider.CallbackSecret,
	},
	Echo: provider.EchoSome, Templates: template.Common, UUIDs: true,
	SetUp: `At Kaleyra (your sender's callback profile), enter

  {callback_url}

Keep it secret: the last part of the address proves that Kaleyra calls.
`,
}

// Spec returns Kaleyra's description.
func (c *Client) Spec() *provider.Spec { return &spec }
