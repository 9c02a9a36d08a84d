package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestTemplateValidate(t *testing.T) {
	t.Parallel()
	define := func(components string) string {
		return `{"name":"a_1","language":"en","category":"utility","components":[` + components + `]}`
	}
	const body = `{"type":"BODY","text":"Hi"}`
	buttons := func(s string) string { return define(body + `,{"type":"buttons","buttons":[` + s + `]}`) }
	quick := `{"type":"QUICK_REPLY","text":"Yes"}`
	for _, tc := range []struct {
		name, json string
		want       []string
	}{
		{"plain", define(body), nil},
		{"lower case", define(`{"type":"body","text":"Hi {{1}} and {{2}}, {{1}}"},
			{"type":"header","format":"image"},{"type":"footer","text":"x"}`), nil},
		{"named", define(`{"type":"BODY","text":"Hi {{name}}"},{"type":"HEADER","text":"{{ title }}"}`), nil},
		{"empty", `{}`, []string{"/name", "/language", "/category", "/components"}},
		{
			"bad words", `{"name":"A b","language":"e","category":"x","parameter_format":"x","components":[` + body + `,{"type":"SLIDES"}]}`,
			[]string{"/name", "/language", "/category", "/parameter_format", "/components/1/type"},
		},
		{"two bodies", define(body + "," + body), []string{"/components/1"}},
		{"no body", define(`{"type":"HEADER","text":"x"}`), []string{"/components"}},
		{"lengths at most", define(`{"type":"BODY","text":"` + strings.Repeat("é", 1024) + `"},{"type":"HEADER","text":"` +
			strings.Repeat("é", 60) + `"},{"type":"FOOTER","text":"` + strings.Repeat("é", 60) + `"}`), nil},
		{"lengths over", define(`{"type":"BODY","text":"` + strings.Repeat("é", 1025) + `"},{"type":"HEADER","text":"` + strings.Repeat("é", 61) +
			`"},{"type":"FOOTER","text":"` + strings.Repeat("é", 61) + `"}`), []string{
			"/components/0/text", "/components/1/text",
			"/components/2/text",
		}},
		{"empty texts", define(`{"type":"BODY"},{"type":"HEADER"},{"type":"FOOTER"}`), []string{
			"/components/0/text", "/components/1/text",
			"/components/2/text",
		}},
		{"header format", define(body + `,{"type":"HEADER","format":"WEBP"}`), []string{"/components/1/format"}},
		{"header text of an image", define(body + `,{"type":"HEADER","format":"IMAGE","text":"x"}`), []string{"/components/1/text"}},
		{"two header variables", define(body + `,{"type":"HEADER","text":"{{1}} {{2}}"}`), []string{"/components/1/text"}},
		{"footer variable", define(body + `,{"type":"FOOTER","text":"{{1}}"}`), []string{"/components/1/text"}},
		{"gap", define(`{"type":"BODY","text":"{{1}} {{3}}"}`), []string{"/components/0/text"}},
		{"from two", define(`{"type":"BODY","text":"{{2}}"}`), []string{"/components/0/text"}},
		{"ten in order", define(`{"type":"BODY","text":"{{10}}{{9}}{{8}}{{7}}{{6}}{{5}}{{4}}{{3}}{{2}}{{1}}"}`), nil},
		{"mixed", define(`{"type":"BODY","text":"{{1}} {{name}}"}`), []string{"/components/0/text"}},
		{"odd name", define(`{"type":"BODY","text":"{{Name}} {{}} {{1st}}"}`), []string{
			"/components/0/text", "/components/0/text",
			"/components/0/text",
		}},
		{"unclosed", define(`{"type":"BODY","text":"{{1"}`), nil},
		{"display names", define(`{"type":"BODY","text":"{{1}} {{2}}","variables":["a","b"]}`), nil},
		{"too few display names", define(`{"type":"BODY","text":"{{1}} {{2}}","variables":["a"]}`), []string{"/components/0/variables"}},
		{"equal display names", define(`{"type":"BODY","text":"{{1}} {{2}}","variables":["a","a"]}`), []string{"/components/0/variables"}},
		{"empty display name", define(`{"type":"BODY","text":"{{1}} {{2}}","variables":["a",""]}`), []string{"/components/0/variables"}},
		{"format stated", `{"name":"a","language":"en","category":"utility","parameter_format":"NAMED","components":[{"type":"BODY",` +
			`"text":"{{a}}"}]}`, nil},
		{"format contradicted", `{"name":"a","language":"en","category":"utility","parameter_format":"named","components":[{"type":"BODY",` +
			`"text":"{{1}}"}]}`, []string{"/parameter_format"}},
		{"buttons", buttons(quick + `,{"type":"url","text":"Go","url":"https://example.com/{{1}}"},{"type":"PHONE_NUMBER","text":"Call",` +
			`"phone_number":"+1"},{"type":"COPY_CODE"}`), nil},
		{"no buttons", buttons(""), []string{"/components/1/buttons"}},
		{"eleven buttons", buttons(strings.Repeat(quick+",", 10) + quick), []string{"/components/1/buttons"}},
		{"button faults", buttons(`{"type":"X"},{"type":"QUICK_REPLY"},{"type":"QUICK_REPLY","text":"` + strings.Repeat("é", 26) +
			`","url":"x"},{"type":"URL","text":"x","url":"x"},{"type":"URL","text":"x","url":"https://{{1}}/{{2}}"},{"type":"URL","text":"x",` +
			`"url":"https://e.com/{{1}}/x"}`), []string{
			"/components/1/buttons/0/type", "/components/1/buttons/1/text", "/components/1/buttons/2/text", "/components/1/buttons/2/url",
			"/components/1/buttons/3/url", "/components/1/buttons/4/url", "/components/1/buttons/5/url",
		}},
		{"authentication", `{"name":"a","language":"en","category":"AUTHENTICATION","components":[{"type":"BODY"},{"type":"FOOTER"},` +
			`{"type":"BUTTONS","buttons":[{"type":"OTP"}]}]}`, nil},
		{
			"authentication with two", `{"name":"a","language":"en","category":"authentication","components":[{"type":"BODY","text":"{{1}}{{2}}"}]}`,
			[]string{"/components/0/text"},
		},
		{"one numbering over all parts", `{"name":"a","language":"en","category":"utility","components":[{"type":"BODY","text":"{{1}} {{3}}"},` +
			`{"type":"BUTTONS","buttons":[{"type":"URL","text":"x","url":"https://e.com/{{2}}"}]}]}`, nil},
		{"a gap in one numbering over all parts", `{"name":"a","language":"en","category":"utility","components":[{"type":"BODY",` +
			`"text":"{{1}} {{3}}"}]}`, []string{"/components"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var tp Template
			if err := json.Unmarshal([]byte(tc.json), &tp); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(tc.name, "numbering over all parts") {
				tp.Style = SharedNumbering
			}
			var got []string
			for _, f := range tp.Validate() {
				got = append(got, f.Field)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("pointers (-want +got):\n%s%v", d, tp.Validate())
			}
		})
	}
	for name, tp := range testTemplates() {
		if f := tp.Validate(); f != nil {
			t.Errorf("%s: %v", name, f)
		}
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	got := Template{Category: "UTILITY", Status: "APPROVED", Components: []Component{
		{Type: "header", Text: "x"}, {Type: "body", Text: "{{a}}"}, {Type: "buttons", Buttons: []Button{{Type: "url"}}},
	}}
	got.Normalize()
	want := Template{Category: "utility", Status: "approved", ParameterFormat: "named", Components: []Component{
		{Type: "HEADER", Format: "TEXT", Text: "x"}, {Type: "BODY", Text: "{{a}}"}, {Type: "BUTTONS", Buttons: []Button{{Type: "URL"}}},
	}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Template{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for text, want := range map[string]string{"": "positional", "{{1}}": "positional", "{{1}} {{x}}": "named"} {
		tp := Template{Components: []Component{{Type: "BODY", Text: text}}}
		if tp.Normalize(); tp.ParameterFormat != want {
			t.Errorf("%q is %s; want %s", text, tp.ParameterFormat, want)
		}
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	list := func(s ...string) *dispatch.Variables { return &dispatch.Variables{List: s} }
	for _, tc := range []struct {
		template string
		v        *dispatch.Variables
		want     string
	}{
		{"hello_world", nil, "Hello World"},
		{"order_confirmation", list("Ann", "A-17", "9.99"), "Hi Ann, your order A-17 of 9.99 is confirmed."},
		{"named_order", list("A-17", "Ann", "9.99", "a17"), "Order A-17\nHi Ann, 9.99 is due. Thanks, Ann!\n[Track] https://example.com/o/a17"},
		{
			"welcome_image", &dispatch.Variables{List: []string{"{{1}}"}, HeaderMediaURL: "https://example.com/a.png"},
			"[image https://example.com/a.png]\nWelcome {{1}}\nReply STOP to opt out",
		},
		{"auth1", list("123456"), "*123456* is your verification code.\n[Copy code] https://www.whatsapp.com/otp/code/?code=otp123456"},
		{"auth2", list("123456"), "123456 is your verification code.\n[Copy code]"},
		{
			"everything", list("June", "Ann", "5 %", "ann", "JUNE5"),
			"Sale in June\nAnn, take 5 % off. Ann!\nBye\n[Stop]\n[Shop] https://example.com/ann\n[Copy] JUNE5\n[Help] " +
				"https://example.com/help\n[Call] +15550001111\n[Flow]",
		},
		{"twilio", list("a", "b", "c"), "Hi a, see you on c. a?\n[Go] https://example.com/b"},
	} {
		tp, use := testTemplates()[tc.template], &dispatch.TemplateUse{}
		if err := tp.Resolve(use, tc.v); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tc.want, tp.Preview(use)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.template, d)
		}
	}
	tp := testTemplates()["welcome_image"]
	if got, want := tp.Preview(nil), "[image]\nWelcome {{1}}\nReply STOP to opt out"; got != want {
		t.Errorf("preview without values is %q; want %q", got, want)
	}
}
