package emulator

import (
	"encoding/base64"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// DemoTemplates are the templates of a demo account (SPEC 1): approved, and
// positional, as Meta's own examples.
func DemoTemplates() []template.Template {
	return []template.Template{
		approved("order_confirmation", "en", "utility", template.Component{
			Type: "BODY", Text: "Hi {{1}}, your order {{2}} is confirmed. Total: {{3}}.",
			Variables: []string{"customer_name", "order_id", "total"},
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

// metaTemplates answers message_templates: pages by limit and after, and a
// filter by name. Cursors are opaque, as Meta's.
func metaTemplates(s *Server, r *http.Request, waba string) answer {
	auth := r.Header.Get("Authorization")
	known, allowed := false, false
	for _, ch := range s.registry.Load().byKey {
		if ch.Provider == "meta" && ch.Settings["waba_id"] == waba {
			known = true
			allowed = allowed || auth == "Bearer "+ch.Secrets["access_token"]
		}
	}
	switch {
	case !known && auth != "":
		return metaNoObject(r.Method, waba)
	case !allowed:
		return metaError(http.StatusUnauthorized, 190, "Invalid OAuth access token - Cannot parse access token", "")
	}
	q := r.URL.Query()
	var list []any
	for _, t := range *s.templates.Load() {
		if name := q.Get("name"); name == "" || name == t.Name {
			list = append(list, metaTemplate(&t))
		}
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		limit = 25 // the Graph API's default
	}
	from := min(cursorAt(q.Get("after")), len(list))
	to := min(from+limit, len(list))
	paging := map[string]any{}
	if to > from {
		paging["cursors"] = map[string]string{"before": cursor(from), "after": cursor(to)}
	}
	if to < len(list) {
		paging["next"] = "https://graph.facebook.com" + r.URL.Path + "?after=" + cursor(to)
	}
	return metaJSON(http.StatusOK, map[string]any{"data": append([]any{}, list[from:to]...), "paging": paging})
}

func metaTemplate(t *template.Template) map[string]any {
	parts := []any{}
	for _, c := range t.Components {
		c.Variables = nil // ours, not Meta's
		parts = append(parts, c)
	}
	return map[string]any{
		"id":   strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(t.Name+t.Language)))+1_000_000_000_000, 10),
		"name": t.Name, "language": t.Language, "status": strings.ToUpper(t.Status), "category": strings.ToUpper(t.Category),
		"parameter_format": strings.ToUpper(t.ParameterFormat), "components": parts,
	}
}

func cursor(n int) string { return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(n))) }

func cursorAt(s string) int {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
