package emulator

import "github.com/sendoff/sendoff/internal/dispatch/template"

// DemoTemplates are the templates of a demo account: approved, and
// positional, as Meta's own examples.
func DemoTemplates() []template.Template {
	return []template.Template{
		approved("order_confirmation", "en", "utility", template.Component{
			Type: "BODY", Text: "Hi {{1}}, your order {{2}} is confirmed. Total: {{3}}.",
			Variables: []string{"customer_name", "order_id", "total"},
		}),
		approved("order_status", "en", "utility", template.Component{
			Type: "BODY", Text: "Hi {{1}}, your order is {{2}}.", Variables: []string{"customer_name", "status"},
		}),
		approved("welcome_image", "en", "marketing",
			template.Component{Type: "HEADER", Format: "IMAGE"},
			template.Component{Type: "BODY", Text: "Welcome, {{1}}!", Variables: []string{"name"}}),
		approved("hello_world", "en", "utility", template.Component{Type: "BODY", Text: "Hello world!"}),
		approved("auth1", "en_US", "authentication",
			template.Component{Type: "BODY", Text: "{{1}} is your verification code.", Variables: []string{"code"}},
			template.Component{Type: "BUTTONS", Buttons: []template.Button{{
				Type: "URL", Text: "Copy code", URL: "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}",
			}}}),
	}
}

func approved(name, language, category string, parts ...template.Component) template.Template {
	return template.Template{
		Name: name, Language: language, Category: category, Status: "approved", ParameterFormat: "positional", Components: parts,
	}
}
