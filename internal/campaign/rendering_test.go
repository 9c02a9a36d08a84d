package campaign

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

var (
	whatsapp = &dispatch.Channel{ID: 1, Provider: "meta", Kind: "whatsapp"}
	sms      = &dispatch.Channel{ID: 2, Provider: "twilio", Kind: "sms"}
)

func order() *template.Template {
	return &template.Template{
		ID: 7, Name: "order_confirmation", Language: "en", Category: "utility", Status: "approved",
		Components: []template.Component{
			{Type: "HEADER", Format: "IMAGE"},
			{Type: "BODY", Text: "Hello {{1}}, order {{2}} of {{3}}.", Variables: []string{"customer_name", "order_id", "total"}},
			{Type: "BUTTONS", Buttons: []template.Button{{Type: "URL", Text: "Track", URL: "https://example.com/{{1}}"}}},
		},
	}
}

const orderCampaign = `{"name":"x","type":"template","template":{"name":"order_confirmation","language":"en",` +
	`"header_media_url":"{{picture}}",
	"variables":{"customer_name":"{{name|dear customer}}","order_id":"No. {{order}}","total":"{{ total }}","button_1":"{{order}}"}}}`

func compile(t testing.TB, body string, ch *dispatch.Channel, tmpl *template.Template) *Renderer {
	t.Helper()
	r, err := Compile(decode(t, body), ch, tmpl)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRender_Template(t *testing.T) {
	t.Parallel()
	r := compile(t, orderCampaign, whatsapp, order())
	out, problem := r.Render(Fields{"name": `Ada "L" <b>`, "order": "A-17", "total": "9.90 €", "picture": "https://example.com/a.png"})
	if problem != nil {
		t.Fatal(problem)
	}
	const want = `{"type":"template","template":{"name":"order_confirmation","language":{"code":"en"},"components":[` +
		`{"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/a.png"}}]},` +
		`{"type":"body","parameters":[{"type":"text","text":"Ada \"L\" <b>"},{"type":"text","text":"No. A-17"},{"type":"text",` +
		`"text":"9.90 €"}]},` +
		`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"A-17"}]}],"template_id":7}}`
	if out.Raw != want || out.Segments != 0 {
		t.Errorf("%d segments, %s\nwant %s", out.Segments, out.Raw, want)
	}
	shown, _ := r.Preview(Fields{"order": "A-17", "total": "9", "picture": "https://example.com/a.png"})
	if !strings.Contains(shown, "Hello dear customer, order No. A-17 of 9.") || !strings.Contains(shown, "https://example.com/A-17") {
		t.Errorf("it reads %q", shown)
	}
}

func TestRender_Problems(t *testing.T) {
	t.Parallel()
	short := `{"name":"x","type":"template","template":{"name":"order_confirmation","header_media_url":"https://example.com/a.png",` +
		`"variables":["{{name|}}","{{order}}","{{total|0}}","{{order}}"]}}`
	good := Fields{"name": "Ada", "order": "A-17", "total": "9"}
	for _, c := range []struct {
		name, field, value string
		reason             Reason
		detail             string
	}{
		{"a field that is missing", "order", "", MissingField, "order"},
		{"nothing but spaces", "order", "  ", MissingField, "order"},
		{"a default of nothing", "name", "", InvalidContent, "empty"},
		{"a newline", "name", "Ada\nL", InvalidContent, "newline"},
		{"a tab", "name", "Ada\tL", InvalidContent, "tab"},
		{"five spaces", "name", "A     L", InvalidContent, "four spaces"},
		{"a NUL", "name", "A\x00", InvalidContent, "NUL"},
		{"no UTF-8", "name", "A\xff", InvalidContent, "UTF-8"},
		{"four spaces", "name", "A    L", 0, ""},
		{"an emoji", "name", "🙂", 0, ""},
		{"braces", "name", "{{order}}", 0, ""},
		{"a default", "total", "", 0, ""},
	} {
		f := Fields{}
		maps.Copy(f, good)
		f[c.field] = c.value
		_, problem := compile(t, short, whatsapp, order()).Render(f)
		switch {
		case problem == nil && c.reason != 0:
			t.Errorf("%s is rendered", c.name)
		case problem != nil && (problem.Reason != c.reason || problem.Field != c.field || !strings.Contains(problem.Detail, c.detail)):
			t.Errorf("%s: %s of %q: %s", c.name, problem.Reason, problem.Field, problem.Detail)
		}
	}
}

func TestRender_Texts(t *testing.T) {
	t.Parallel()
	r := compile(t, `{"name":"x","type":"text","text":{"body":"Hi {{name}}, {{note|all well}}"}}`, sms, nil)
	for name, segments := range map[string]int{"Ada": 1, "Ada\nL": 1, strings.Repeat("a", 150): 2, "Żaneta" + strings.Repeat("b", 60): 2} {
		out, problem := r.Render(Fields{"name": name})
		if problem != nil || out.Segments != segments {
			t.Errorf("%q: %d segments, want %d, %v", name, out.Segments, segments, problem)
		}
		if want := utf8.RuneCountInString("Hi , all well" + name); out.Size != want {
			t.Errorf("%q: %d characters, want %d", name, out.Size, want)
		}
	}
	if _, problem := r.Render(Fields{"name": strings.Repeat("ä", 1600)}); problem == nil || problem.Reason != InvalidContent ||
		problem.Field != "name" {
		t.Errorf("an SMS that is too long: %+v", problem)
	}
	constant := compile(t, `{"name":"x","type":"text","text":{"body":"Hello"}}`, sms, nil)
	if out, problem := constant.Render(nil); problem != nil || out.Segments != 1 || out.Raw != `{"type":"text","text":{"body":"Hello"}}` {
		t.Errorf("%+v, %v", out, problem)
	}
	media := compile(t, `{"name":"x","type":"image","image":{"link":"https://example.com/{{id}}.png","caption":"{{name}}"}}`, whatsapp, nil)
	if shown, problem := media.Preview(Fields{"id": "7", "name": "Ada"}); problem != nil || shown != "[image https://example.com/7.png]\nAda" {
		t.Errorf("%q, %v", shown, problem)
	}
	if _, problem := media.Render(Fields{"id": "a b", "name": "Ada"}); problem == nil || problem.Reason != InvalidContent {
		t.Errorf("a link with a space: %+v", problem)
	}
}

// A one-time password is as long as its value, not as its placeholder.
func TestRender_Authentication(t *testing.T) {
	t.Parallel()
	auth := &template.Template{
		Name: "auth1", Language: "en_US", Category: "authentication", Status: "approved",
		Components: []template.Component{
			{Type: "BODY", Text: "{{1}} is your code."}, {Type: "BUTTONS", Buttons: []template.Button{{Type: "OTP", Text: "Copy"}}},
		},
	}
	r := compile(t, `{"name":"x","type":"template","template":{"name":"auth1","variables":["{{a_very_long_name_of_a_field}}"]}}`,
		whatsapp, auth)
	if out, problem := r.Render(Fields{"a_very_long_name_of_a_field": "123456"}); problem != nil || strings.Count(out.Raw, "123456") != 2 {
		t.Errorf("%s, %v", out.Raw, problem)
	}
	if _, problem := r.Render(Fields{"a_very_long_name_of_a_field": "1234567890123456"}); problem == nil {
		t.Error("a code of 16 characters is taken")
	}
}

func TestCompile_Faults(t *testing.T) {
	t.Parallel()
	paused := order()
	paused.Status = "paused"
	for _, c := range []struct {
		body string
		ch   *dispatch.Channel
		t    *template.Template
		want string
	}{
		{orderCampaign, whatsapp, paused, "/template/name"},
		{
			`{"name":"x","type":"template","template":{"name":"order_confirmation","variables":["{{a}}"]}}`, whatsapp, order(),
			"/template/variables",
		},
		{`{"name":"x","type":"template","template":{"name":"{{a}}","variables":["b"]}}`, whatsapp, order(), "/template/name"},
		{`{"name":"x","type":"text","text":{"body":"Hi {{name"}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"text","text":{"body":"Hi {{}}"}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"text","text":{"body":"Hi {{{name}}}"}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"text","text":{"body":"Hi {{#if a}}{{b{}}"}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"text","text":{"body":"Hi \udb80\udc00"}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"text","text":{"body":""}}`, whatsapp, nil, "/text/body"},
		{`{"name":"x","type":"image","image":{"link":"ftp://x/{{a}}"}}`, sms, nil, ""}, // its recipients' problem
		{`{"name":"x","type":"image","image":{"link":"ftp://x","caption":"{{a}}"}}`, sms, nil, "/image/link"},
		{`{"name":"x","type":"location","location":{"latitude":1,"longitude":200,"name":"{{a}}"}}`, whatsapp, nil, "/location/longitude"},
		{`{"name":"x","type":"text","text":{"body":"` + strings.Repeat("x", 2000) + `"}}`, sms, nil, "/text/body"},
		{`{"name":"x","type":"contacts","contacts":[{"name":{"formatted_name":"{{a}}"}}]}`, sms, nil, "/type"},
	} {
		_, err := Compile(decode(t, c.body), c.ch, c.t)
		got := ""
		if err != nil {
			got = dispatch.AsError(err).Faults[0].Field
		}
		if got != c.want {
			t.Errorf("%.90s: fault of %q, want %q (%v)", c.body, got, c.want, err)
		}
	}
}

func TestExtremes(t *testing.T) {
	t.Parallel()
	r := compile(t, `{"name":"x","type":"text","text":{"body":"Hi {{name|you}}"}}`, whatsapp, nil)
	e := NewExtremes(r)
	if _, ok := e.Longest(); ok || len(e.Odd()) != 0 {
		t.Error("it has samples before there were any")
	}
	for _, name := range []string{"Ada", "Bob", "null", "N/A", "Anna-Maria Theresia", "Eve\u200b", "", "Zoë 🙂", "MÜLLER", "Аlice", "C"} {
		f := Fields{"name": name}
		out, problem := r.Render(f)
		if problem != nil {
			t.Fatal(problem)
		}
		e.Add("+"+name, f, out)
	}
	if s, _ := e.Longest(); s.Rendering != "Hi Anna-Maria Theresia" {
		t.Errorf("the longest is %+v", s)
	}
	odd := e.Odd()
	if len(odd) != 3 || odd[0].Rendering != "Hi null" || odd[1].To != "+Eve\u200b" || odd[2].Rendering != "Hi Аlice" {
		t.Errorf("the oddest are %+v", odd)
	}
}

// storedFields returns fields as they are stored.
func storedFields(t *testing.T, f Fields, escape bool) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escape)
	if err := e.Encode(f); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// Both ways to a rendering give the same, also of fields as they are stored, and what is rendered is valid.
func FuzzRender(f *testing.F) {
	campaigns := []string{
		orderCampaign,
		`{"name":"x","type":"text","text":{"body":"Hi {{name}} {{order|x}} \" {{total}}{{picture|}}"}}`,
		`{"name":"x","type":"template","template":{"name":"order_confirmation","header_media_url":"https://example.com/a.png",` +
			`"variables":["{{name}}","{{order}}  {{total}}","a {{picture}}","{{order}}"]}}`,
		`{"name":"x","type":"interactive","interactive":{"type":"button","body":{"text":"{{name}}"},"footer":{"text":"{{order}}"},` +
			`"action":{"buttons":[{"type":"reply","reply":{"id":"1","title":"{{total|OK}}"}}]}}}`,
	}
	f.Add("Ada", "A-17", "9.90", "https://example.com/a.png", uint8(0))
	f.Add("A\n", " ", "    ", "\u2028<&>", uint8(1))
	f.Add("{{name}}", "\"\\\x01", strings.Repeat("ä", 4000), "x", uint8(2))
	f.Add("\U000F0000", "\xff\x00", "\u00a0", "a\u200b", uint8(3))
	var renderers []*Renderer
	for i, body := range campaigns {
		for _, ch := range []*dispatch.Channel{whatsapp, sms} {
			if i == 1 || ch == whatsapp {
				renderers = append(renderers, compile(f, body, ch, map[bool]*template.Template{true: order()}[i%2 == 0]))
			}
		}
	}
	f.Fuzz(func(t *testing.T, name, order, total, picture string, which uint8) {
		r := renderers[int(which)%len(renderers)]
		fields := Fields{"name": name, "order": order, "total": total, "picture": picture}
		got, problem := r.Render(fields)
		full := *r
		full.short = false
		want, wanted := full.Render(fields)
		if got != want || (problem == nil) != (wanted == nil) {
			t.Fatalf("%q: %+v %+v, in full %+v %+v", fields, got, problem, want, wanted)
		}
		if utf8.ValidString(strings.Join([]string{name, order, total, picture}, " ")) { // as all that is stored
			for _, escape := range []bool{true, false} { // without escapes as plain texts
				text := storedFields(t, fields, escape)
				stored, found, err := r.RenderText(text)
				if checked := r.Check(text); err != nil || stored != got || (found == nil) != (problem == nil) || (checked == nil) != (problem == nil) {
					t.Fatalf("%s: %+v %+v %v, checked %+v, want %+v %+v", text, stored, found, err, checked, got, problem)
				}
			}
		}
		if problem != nil {
			if problem.Reason != MissingField && problem.Reason != InvalidContent {
				t.Errorf("%q: %+v", fields, problem)
			}
			return
		}
		var c dispatch.Content
		if err := json.Unmarshal([]byte(got.Raw), &c); err != nil {
			t.Fatalf("%s: %v", got.Raw, err)
		}
		if _, err := r.Preview(fields); err != nil {
			t.Errorf("%q has no preview: %+v", fields, err)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	r := compile(b, `{"name":"x","type":"template","template":{"name":"order_confirmation",`+
		`"header_media_url":"https://example.com/a.png","variables":["{{name}}","{{order}}","{{total}}","{{order}}"]}}`, whatsapp, order())
	if !r.short {
		b.Fatal("there is no short way")
	}
	f := Fields{"name": "Ada Lovelace", "order": "A-17", "total": "9.90 €"}
	for b.Loop() {
		if _, problem := r.Render(f); problem != nil {
			b.Fatal(problem)
		}
	}
}
