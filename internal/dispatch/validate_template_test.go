package dispatch

import (
	"strings"
	"testing"
)

func TestValidate_Template(t *testing.T) {
	t.Parallel()
	use := func(components string) string {
		return `{"type":"template","template":{"name":"order_ready","language":{"code":"en_US"},"components":[` + components + `]}}`
	}
	body := func(p string) string { return use(`{"type":"body","parameters":[` + p + `]}`) }
	const c = "/template/components/0"
	checkContents(t, (*Content).Validate, []contentCase{
		{"no components", use(""), nil},
		{"by id", `{"type":"template","template":{"template_id":7}}`, nil},
		{"by provider id", `{"type":"template","template":{"provider_template_id":"HX1"}}`, nil},
		{"no name", `{"type":"template","template":{"language":"en"}}`, []string{"/template/name"}},
		{
			"bad name and language",
			`{"type":"template","template":{"name":"Order Ready","language":"english"}}`,
			[]string{"/template/name", "/template/language"},
		},
		{
			"long name",
			`{"type":"template","template":{"name":"` + strings.Repeat("a", 513) + `","language":"fil"}}`,
			[]string{"/template/name"},
		},
		{"dashed language", `{"type":"template","template":{"name":"a","language":"en-US"}}`, []string{"/template/language"}},
		{
			"everything", use(`{"type":"HEADER","parameters":[{"type":"image","image":{"link":"https://example.com/a.png"}}]},
			{"type":"body","parameters":[{"type":"text","text":"a"},{"type":"currency","currency":{"fallback_value":"$1","code":"USD",
			"amount_1000":1000}},{"type":"date_time","date_time":{"fallback_value":"today"}}]},
			{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"p"}]},
			{"type":"button","sub_type":"URL","index":1,"parameters":[{"type":"text","text":"x"}]},
			{"type":"button","sub_type":"copy_code","index":2,"parameters":[{"type":"coupon_code","coupon_code":"x"}]},
			{"type":"button","sub_type":"CATALOG","index":3,"parameters":[{"type":"action","action":{}}]}`), nil,
		},
		{
			"location header",
			use(`{"type":"header","parameters":[{"type":"location","location":{"latitude":1,"longitude":500}}]}`),
			[]string{c + "/parameters/0/location/longitude"},
		},
		{"bad file", use(`{"type":"header","parameters":[{"type":"image","image":{}}]}`), []string{c + "/parameters/0/image"}},
		{
			"two header parameters",
			use(`{"type":"header","parameters":[{"type":"text","text":"x"},{"type":"text","text":"x"}]}`),
			[]string{c + "/parameters"},
		},
		{"component types", use(`{},{"type":"footer"}`), []string{"/template/components/0/type", "/template/components/1/type"}},
		{
			"repeated",
			use(
				`{"type":"body"},{"type":"Body"},{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"x"}]},` +
					`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]}`,
			),
			[]string{"/template/components/1", "/template/components/3"},
		},
		{"empty values", body(`{"type":"text"},{"type":"currency"},{"type":"date_time","date_time":{}},{}`), []string{
			c + "/parameters/0/text", c + "/parameters/1/currency", c + "/parameters/2/date_time", c + "/parameters/3/type",
		}},
		{"file in body", body(`{"type":"image","image":{"id":"1"}}`), []string{c + "/parameters/0/type"}},
		{"bad parameter name", body(`{"type":"text","text":"a","parameter_name":"Total!"}`), []string{c + "/parameters/0/parameter_name"}},
		{"bare button", use(`{"type":"button"}`), []string{c + "/index", c + "/parameters", c + "/sub_type"}},
		{
			"button out of range",
			use(`{"type":"button","sub_type":"phone","index":10,"parameters":[{"type":"text","text":"x"}]}`),
			[]string{c + "/index", c + "/sub_type"},
		},
		{
			"button parameter",
			use(`{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"text","text":"x"}]}`),
			[]string{c + "/parameters/0/type"},
		},
		{
			"button action",
			use(`{"type":"button","sub_type":"flow","index":0,"parameters":[{"type":"action","action":7}]}`),
			[]string{c + "/parameters/0/action"},
		},
	})
}

func BenchmarkValidate_Template(b *testing.B) {
	c := Content{Type: TypeTemplate, Template: &TemplateUse{
		Name: "order_confirmation", Language: Language{Code: "en"},
		Components: []Component{{Type: "body", Parameters: []Parameter{
			{Type: "text", Text: "Ann"}, {Type: "text", Text: "A-17"}, {Type: "text", Text: "9.99"},
		}}},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if f := c.Validate(); f != nil {
			b.Fatal(f)
		}
	}
}

// Meta's rules for a text parameter hold for all WhatsApp channels.
func TestValidate_ParameterText(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"Ada": true, "a    b": true, "a     b": false, "a\nb": false, "a\rb": false, "a\tb": false, " ": false, "\u00a0": false,
	} {
		c := Content{Type: TypeTemplate, Template: &TemplateUse{
			Name: "a", Components: []Component{{Type: "body", Parameters: []Parameter{{Type: "text", Text: text}}}},
		}}
		f := c.Validate()
		if (len(f) == 0) != ok || (!ok && f[0].Field != "/template/components/0/parameters/0/text") {
			t.Errorf("%q: %v", text, f)
		}
	}
}
