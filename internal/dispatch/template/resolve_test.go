package template

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// testTemplates are definitions of every kind, by name.
func testTemplates() map[string]*Template {
	body := func(text string, names ...string) Component {
		return Component{Type: "BODY", Text: text, Variables: names}
	}
	list := []*Template{
		{Name: "hello_world", Components: []Component{body("Hello World")}},
		{Name: "order_confirmation", ParameterFormat: "positional", Components: []Component{
			body("Hi {{1}}, your order {{2}} of {{3}} is confirmed.", "customer_name", "order_id", "total"),
		}},
		{Name: "named_order", ParameterFormat: "named", Components: []Component{
			{Type: "HEADER", Format: "TEXT", Text: "Order {{order_id}}"},
			body("Hi {{customer_name}}, {{total}} is due. Thanks, {{ customer_name }}!"),
			{Type: "BUTTONS", Buttons: []Button{{Type: "URL", Text: "Track", URL: "https://example.com/o/{{1}}"}}},
		}},
		{Name: "welcome_image", Category: "marketing", Components: []Component{
			{Type: "HEADER", Format: "IMAGE"}, body("Welcome {{1}}"), {Type: "FOOTER", Text: "Reply STOP to opt out"},
		}},
		{Name: "auth1", Language: "en_US", Category: "authentication", Components: []Component{
			body("*{{1}}* is your verification code."),
			{Type: "BUTTONS", Buttons: []Button{{Type: "URL", Text: "Copy code", URL: "https://www.whatsapp.com/otp/code/?code=otp{{1}}"}}},
		}},
		{Name: "auth2", Category: "authentication", Components: []Component{
			body(""), {Type: "BUTTONS", Buttons: []Button{{Type: "OTP", Text: "Copy code"}}},
		}},
		{Name: "everything", Components: []Component{
			{Type: "HEADER", Format: "TEXT", Text: "Sale in {{1}}"},
			body("{{1}}, take {{2}} off. {{1}}!"),
			{Type: "FOOTER", Text: "Bye"},
			{Type: "BUTTONS", Buttons: []Button{
				{Type: "QUICK_REPLY", Text: "Stop"},
				{Type: "URL", Text: "Shop", URL: "https://example.com/{{1}}"},
				{Type: "COPY_CODE", Text: "Copy"},
				{Type: "URL", Text: "Help", URL: "https://example.com/help"},
				{Type: "PHONE_NUMBER", Text: "Call", PhoneNumber: "+15550001111"},
				{Type: "FLOW", Text: "Flow"},
			}},
		}},
		{Name: "place", Components: []Component{{Type: "HEADER", Format: "LOCATION"}, body("Here")}},
		{
			Name:               "twilio",
			Provider:           "twilio",
			Style:              SharedNumbering,
			ProviderTemplateID: "HX00000000000000000000000000000000",
			Components: []Component{
				body("Hi {{1}}, see you on {{3}}. {{1}}?"),
				{Type: "BUTTONS", Buttons: []Button{{Type: "URL", Text: "Go", URL: "https://example.com/{{2}}"}}},
			},
		},
		{
			Name:               "gupshup",
			Provider:           "gupshup",
			Style:              Own,
			ProviderTemplateID: "c6aecef6-0000-0000-0000-28c094e3bc6b",
			Components: []Component{
				{Type: "HEADER", Format: "DOCUMENT"},
				body("{{1}} on {{2}}"),
				{Type: "BUTTONS", Buttons: []Button{{Type: "QUICK_REPLY", Text: "Yes"}, {Type: "QUICK_REPLY", Text: "No"}}},
			},
		},
		{Name: "header_text", Components: []Component{{Type: "HEADER", Format: "TEXT", Text: "For {{1}}"}, body("Hi {{1}}")}},
	}
	byName := map[string]*Template{}
	for i, t := range list {
		t.ID, t.Status = int64(i+1), "approved"
		if t.Language == "" {
			t.Language = "en"
		}
		if t.Category == "" {
			t.Category = "utility"
		}
		byName[t.Name] = t
	}
	return byName
}

// resolveCase resolves components (JSON) or variables for a template. Want is
// the components' JSON, or the faults as "pointer: text".
type resolveCase struct {
	name, template, components string
	variables                  *dispatch.Variables
	want                       string
	faults                     []string
}

func checkResolve(t *testing.T, cases []resolveCase) {
	t.Helper()
	templates := testTemplates()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			use := dispatch.TemplateUse{}
			if tc.components != "" {
				if err := json.Unmarshal([]byte(tc.components), &use.Components); err != nil {
					t.Fatal(err)
				}
			}
			before := use
			err := templates[tc.template].Resolve(&use, tc.variables)
			var got []string
			if e, ok := errors.AsType[*dispatch.Error](err); ok {
				if e.Code != dispatch.Invalid || e.Msg != e.Faults[0].Msg {
					t.Errorf("error %#v", e)
				}
				for _, f := range e.Faults {
					got = append(got, f.Field+": "+f.Msg)
				}
				if d := cmp.Diff(before, use); d != "" {
					t.Errorf("a refused use was changed:\n%s", d)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.faults, got); d != "" {
				t.Fatalf("faults (-want +got):\n%s", d)
			}
			if err != nil {
				return
			}
			b, err := json.Marshal(use.Components)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, string(b)); d != "" {
				t.Errorf("components (-want +got):\n%s", d)
			}
			tp := templates[tc.template]
			if use.Name != tp.Name || use.Language.Code != tp.Language || use.TemplateID != tp.ID ||
				use.ProviderTemplateID != tp.ProviderTemplateID {
				t.Errorf("use %+v isn't of the template", use)
			}
			c := dispatch.Content{Type: dispatch.TypeTemplate, Template: &use}
			if f := c.Validate(); f != nil {
				t.Errorf("what Resolve made isn't valid: %v", f)
			}
		})
	}
}

const (
	orderDone = `[{"type":"body","parameters":[{"type":"text","text":"Ann"},{"type":"text","text":"A-17"},{"type":"text","text":"9.99"}]}]`
	authDone  = `[{"type":"body","parameters":[{"type":"text","text":"123456"}]},{"type":"button","sub_type":"url","index":"0",` +
		`"parameters":[{"type":"text","text":"123456"}]}]`
	allDone = `[{"type":"header","parameters":[{"type":"text","text":"June"}]},{"type":"body","parameters":[{"type":"text","text":"Ann"},` +
		`{"type":"text","text":"5 %"}]},` +
		`{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"ann"}]},` +
		`{"type":"button","sub_type":"copy_code","index":"2","parameters":[{"type":"coupon_code","coupon_code":"JUNE5"}]},` +
		`{"type":"button","sub_type":"flow","index":"5","parameters":[{"type":"action","action":{"flow_token":"unused"}}]}]`
	twilioDone = `[{"type":"body","parameters":[{"type":"text","parameter_name":"1","text":"a"},{"type":"text","parameter_name":"2",` +
		`"text":"b"},{"type":"text","parameter_name":"3","text":"c"}]}]`
)

func TestResolve_List(t *testing.T) {
	t.Parallel()
	list := func(s ...string) *dispatch.Variables { return &dispatch.Variables{List: s} }
	const needed = "needed (customer_name, order_id, total)"
	checkResolve(t, []resolveCase{
		{"none needed", "hello_world", "", nil, "null", nil},
		{"empty list", "hello_world", "", list(), "null", nil},
		{"in order", "order_confirmation", "", list("Ann", "A-17", "9.99"), orderDone, nil},
		{"missing", "order_confirmation", "", list("Ann"), "", []string{
			`/template/variables: variable "order_id" is missing: 1 given, 3 ` + needed,
			`/template/variables: variable "total" is missing: 1 given, 3 ` + needed,
		}},
		{
			"surplus",
			"order_confirmation",
			"",
			list("1", "2", "3", "4"),
			"",
			[]string{`/template/variables/3: too many variables: 4 given, 3 ` + needed},
		},
		{"surplus of none", "hello_world", "", list("1"), "", []string{`/template/variables/0: too many variables: 1 given, 0 needed`}},
		{"empty value", "order_confirmation", "", list("1", "", "3"), "", []string{`/template/variables/1: variable "order_id" is empty`}},
		{"over all parts", "everything", "", list("June", "Ann", "5 %", "ann", "JUNE5"), allDone, nil},
		{"nothing given", "header_text", "", nil, "", []string{
			`/template/variables: variable "1" is missing: 0 given, 2 needed (header, {{1}}; body, {{1}}); it is header, {{1}}`,
			`/template/variables: variable "2" is missing: 0 given, 2 needed (header, {{1}}; body, {{1}}); it is body, {{1}}`,
		}},
		{"code", "auth1", "", list("123456"), authDone, nil},
		{"code twice", "auth1", "", list("123456", "123456"), authDone, nil},
		{
			"code twice, different",
			"auth1",
			"",
			list("123456", "123457"),
			"",
			[]string{`/template/variables/1: too many variables: 2 given, 1 needed (body, {{1}})`},
		},
		{"code for Meta's own text", "auth2", "", list("123456"), authDone, nil},
		{
			"code too long",
			"auth1",
			"",
			list(strings.Repeat("1", 16)),
			"",
			[]string{`/template/variables/0: the one-time password is 16 characters long; at most 15 are allowed`},
		},
		{"code missing", "auth1", "", nil, "", []string{`/template/variables: variable "1" is missing: 0 given, 1 needed (body, {{1}}); it is ` +
			`body, {{1}}`}},
		{"twilio", "twilio", "", list("a", "b", "c"), twilioDone, nil},
	})
}

func TestResolve_Named(t *testing.T) {
	t.Parallel()
	named := func(kv ...string) *dispatch.Variables {
		v := &dispatch.Variables{Named: map[string]string{}}
		for i := 0; i < len(kv); i += 2 {
			v.Named[kv[i]] = kv[i+1]
		}
		return v
	}
	checkResolve(t, []resolveCase{
		{"display names", "order_confirmation", "", named("customer_name", "Ann", "order_id", "A-17", "total", "9.99"), orderDone, nil},
		{"numbers", "order_confirmation", "", named("1", "Ann", "2", "A-17", "3", "9.99"), orderDone, nil},
		{
			"missing and surplus",
			"order_confirmation",
			"",
			named("customer_name", "Ann", "order_id", "A-17", "foo", "1", "a/b", "1"),
			"",
			[]string{
				`/template/variables/total: variable "total" is missing`,
				`/template/variables/a~1b: variable "a/b" is not one of customer_name, order_id, total`,
				`/template/variables/foo: variable "foo" is not one of customer_name, order_id, total`,
			},
		},
		{"name and number", "order_confirmation", "", named("customer_name", "Ann", "1", "Bob", "2", "A", "3", "9"), "", []string{
			`/template/variables/1: variable "1" is not one of customer_name, order_id, total`,
		}},
		{
			"surplus of none",
			"hello_world",
			"",
			named("foo", "1"),
			"",
			[]string{`/template/variables/foo: variable "foo" is surplus: the template has no variables`},
		},
		{
			"empty value",
			"order_confirmation",
			"",
			named("1", "", "2", "b", "3", "c"),
			"",
			[]string{`/template/variables/1: variable "customer_name" is empty`},
		},
		{
			"named template", "named_order", "", named("order_id", "A-17", "customer_name", "Ann", "total", "9.99", "button_1", "a17"),
			`[{"type":"header","parameters":[{"type":"text","parameter_name":"order_id","text":"A-17"}]},` +
				`{"type":"body","parameters":[{"type":"text","parameter_name":"customer_name","text":"Ann"},{"type":"text","parameter_name":"total",` +
				`"text":"9.99"}]},` +
				`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"a17"}]}]`, nil,
		},
		{
			"named template takes no numbers",
			"named_order",
			"",
			named("1", "A-17", "customer_name", "Ann", "total", "9.99", "button_1", "a17"),
			"",
			[]string{
				`/template/variables/order_id: variable "order_id" is missing`,
				`/template/variables/1: variable "1" is not one of order_id, customer_name, total, button_1`,
			},
		},
		{"code", "auth1", "", named("1", "123456"), authDone, nil},
		{"twilio", "twilio", "", named("1", "a", "2", "b", "3", "c"), twilioDone, nil},
		{"twilio missing", "twilio", "", named("1", "a", "3", "c"), "", []string{`/template/variables/2: variable "2" is missing`}},
	})
}

func TestResolve_PartsAndFile(t *testing.T) {
	t.Parallel()
	m := func(kv ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	const pdf, png = "https://example.com/a.pdf", "https://example.com/a.png"
	const welcome = `[{"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/a.png"}}]},{"type":"body",` +
		`"parameters":[{"type":"text","text":"Ann"}]}]`
	checkResolve(t, []resolveCase{
		{
			"gupshup", "gupshup", "", &dispatch.Variables{HeaderMediaURL: pdf, Body: m("1", "Ann", "2", "Monday"), Buttons: m("2", "no")},
			`[{"type":"header","parameters":[{"type":"document","document":{"link":"https://example.com/a.pdf","filename":"a.pdf"}}]},` +
				`{"type":"body","parameters":[{"type":"text","text":"Ann"},{"type":"text","text":"Monday"}]},` +
				`{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","payload":"no"}]}]`, nil,
		},
		{
			"gupshup faults",
			"gupshup",
			"",
			&dispatch.Variables{Header: m("1", "x"), Body: m("1", "Ann", "3", "c"), Buttons: m("3", "?")},
			"",
			[]string{
				`/template/variables/header/1: variable "1" is surplus: the template's header takes 0`,
				`/template/variables/body/2: variable "2" of the body is missing`,
				`/template/variables/body/3: variable "3" is surplus: the template's body takes 2`,
				`/template/variables/buttons/3: variable "3" is surplus: the template's button takes 2`,
				`/template/header_media_url: the template's header needs a file of type document`,
			},
		},
		{
			"header text",
			"header_text",
			"",
			&dispatch.Variables{Header: m("1", "Ann"), Body: m("1", "Bob")},
			`[{"type":"header","parameters":[{"type":"text","text":"Ann"}]},{"type":"body","parameters":[{"type":"text","text":"Bob"}]}]`,
			nil,
		},
		{
			"by display name",
			"order_confirmation",
			"",
			&dispatch.Variables{Body: m("customer_name", "Ann", "2", "A-17", "total", "9.99")},
			orderDone,
			nil,
		},
		{"code in both parts", "auth1", "", &dispatch.Variables{Body: m("1", "123456"), Buttons: m("1", "123456")}, authDone, nil},
		{"code in the body", "auth1", "", &dispatch.Variables{Body: m("1", "123456")}, authDone, nil},
		{
			"codes differ",
			"auth1",
			"",
			&dispatch.Variables{Body: m("1", "123456"), Buttons: m("1", "1")},
			"",
			[]string{`/template/variables/buttons/1: the one-time password of the button differs from that of the body`},
		},
		{
			"flow data",
			"everything",
			"",
			&dispatch.Variables{Header: m("1", "June"), Body: m("1", "Ann", "2", "5"), Buttons: m("2", "ann", "3", "J", "4", "x")},
			"",
			[]string{`/template/variables/buttons/4: the button's value must be given in components`},
		},
		{"file", "welcome_image", "", &dispatch.Variables{List: []string{"Ann"}, HeaderMediaURL: png}, welcome, nil},
		{
			"file beside components",
			"welcome_image",
			`[{"type":"body","parameters":[{"type":"text","text":"Ann"}]}]`,
			&dispatch.Variables{HeaderMediaURL: png},
			welcome,
			nil,
		},
		{
			"file twice",
			"welcome_image",
			welcome,
			&dispatch.Variables{HeaderMediaURL: png},
			"",
			[]string{`/template/header_media_url: can't stand beside a header component: give one of them`},
		},
		{
			"no file",
			"welcome_image",
			"",
			&dispatch.Variables{List: []string{"Ann"}},
			"",
			[]string{`/template/header_media_url: the template's header needs a file of type image`},
		},
		{
			"bad file",
			"welcome_image",
			"",
			&dispatch.Variables{List: []string{"Ann"}, HeaderMediaURL: "a.png"},
			"",
			[]string{`/template/header_media_url: must be an absolute http or https address`},
		},
		{
			"file for none",
			"order_confirmation",
			"",
			&dispatch.Variables{List: []string{"a", "b", "c"}, HeaderMediaURL: png},
			"",
			[]string{`/template/header_media_url: the template's header takes no file`},
		},
		{"both faults", "welcome_image", "", &dispatch.Variables{}, "", []string{
			`/template/variables: variable "1" is missing: 0 given, 1 needed (body, {{1}}); it is body, {{1}}`,
			`/template/header_media_url: the template's header needs a file of type image`,
		}},
		{"location", "place", "", nil, "", []string{`/template/components: the template's header needs a location`}},
	})
}

func TestResolve_Components(t *testing.T) {
	t.Parallel()
	text := func(s ...string) string {
		var out []string
		for _, v := range s {
			out = append(out, `{"type":"text","text":"`+v+`"}`)
		}
		return strings.Join(out, ",")
	}
	body := func(p string) string { return `[{"type":"body","parameters":[` + p + `]}]` }
	const at = "/template/components/0/parameters"
	checkResolve(t, []resolveCase{
		{"by order", "order_confirmation", body(text("Ann", "A-17", "9.99")), nil, orderDone, nil},
		{
			"upper case",
			"order_confirmation",
			`[{"type":"BODY","parameters":[{"type":"TEXT","text":"Ann"},` + text("A-17", "9.99") + `]}]`,
			nil,
			orderDone,
			nil,
		},
		{
			"two for three",
			"order_confirmation",
			body(text("John", "ORD-789")),
			nil,
			"",
			[]string{at + `: variable "total" is missing: 2 given, the body takes 3 (customer_name, order_id, total)`},
		},
		{
			"four for three",
			"order_confirmation",
			body(text("a", "b", "c", "d")),
			nil,
			"",
			[]string{at + `/3: is one too many: the body takes 3 (customer_name, order_id, total)`},
		},
		{"one for none", "hello_world", body(text("a")), nil, "", []string{at + `/0: is one too many: the body takes none`}},
		{"empty components", "hello_world", `[{"type":"body"},{"type":"header","parameters":[]}]`, nil, "null", nil},
		{
			"money",
			"order_confirmation",
			body(
				text(
					"Ann",
					"A-17",
				) + `,{"type":"currency","currency":{"fallback_value":"$1","code":"USD","amount_1000":1000},"text":"dropped"}`,
			),
			nil,
			`[{"type":"body","parameters":[{"type":"text","text":"Ann"},{"type":"text","text":"A-17"},{"type":"currency",` +
				`"currency":{"fallback_value":"$1","code":"USD","amount_1000":1000}}]}]`,
			nil,
		},
		{
			"bad parameters",
			"order_confirmation",
			body(`{"type":"text"},{"type":"image","image":{"id":"1"}},{"type":"date_time"}`),
			nil,
			"",
			[]string{
				at + `/0/text: is required`, at + `/1/type: must be "text" here, not "image"`, at + `/2/date_time: needs fallback_value`,
			},
		},
		{
			"names added", "named_order", `[{"type":"button","sub_type":"url","index":0,"parameters":[` + text("a17") +
				`]},{"type":"body","parameters":[` + text("Ann", "9.99") + `]},{"type":"header","parameters":[` + text("A-17") + `]}]`, nil,
			`[{"type":"header","parameters":[{"type":"text","parameter_name":"order_id","text":"A-17"}]},` +
				`{"type":"body","parameters":[{"type":"text","parameter_name":"customer_name","text":"Ann"},{"type":"text","parameter_name":"total",` +
				`"text":"9.99"}]},` +
				`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"a17"}]}]`, nil,
		},
		{
			"by name",
			"order_confirmation",
			body(
				`{"type":"text","parameter_name":"total","text":"9.99"},{"type":"text","parameter_name":"customer_name","text":"Ann"},` +
					`{"type":"text","parameter_name":"order_id","text":"A-17"}`,
			),
			nil,
			orderDone,
			nil,
		},
		{
			"by wrong name",
			"order_confirmation",
			body(`{"type":"text","parameter_name":"sum","text":"9.99"},` + text("Ann", "A-17")),
			nil,
			"",
			[]string{
				at + `/0/parameter_name: variable "sum" is not one of customer_name, order_id, total, or stands twice`,
				at + `/1/parameter_name: is required, since other parameters have names`,
				at + `/2/parameter_name: is required, since other parameters have names`,
				at + `: variable "total" is missing: 3 given, the body takes 3 (customer_name, order_id, total)`,
			},
		},
		{
			"variables beside",
			"order_confirmation",
			body(text("Ann", "A-17", "9.99")),
			&dispatch.Variables{List: []string{"x"}},
			"",
			[]string{
				`/template/variables: can't stand beside components: give one of them`,
				`/template/components: variable "customer_name" is missing`, `/template/components: variable "order_id" is missing`,
				`/template/components: variable "total" is missing`,
			},
		},
		{"no body", "everything", `[{"type":"header","parameters":[` + text("June") + `]}]`, nil, "", []string{
			`/template/components: variable "2" is missing; it is body, {{1}}`, `/template/components: variable "3" is missing; it is body, {{2}}`,
			`/template/components: variable "4" is missing; it is URL button 2, {{1}}`,
			`/template/components: variable "5" is missing; it is COPY_CODE button 3`,
			`/template/components: FLOW button 6 needs a component with an action`,
		}},
		{"everything", "everything", allDone, nil, allDone, nil},
		{
			"optional buttons", "everything", strings.TrimSuffix(allDone, "]") +
				`,{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"p"}]}]`, nil,
			strings.Replace(
				allDone,
				`{"type":"button","sub_type":"url"`,
				`{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"p"}]},{"type":"button",`+
					`"sub_type":"url"`,
				1,
			), nil,
		},
		{
			"button faults",
			"everything",
			strings.TrimSuffix(
				allDone,
				"]",
			) + `,{"type":"button","sub_type":"url","index":"9","parameters":[` + text(
				"x",
			) + `]},{"type":"button","sub_type":"url"},{"type":"button","sub_type":"url","index":"0"},{"type":"button","sub_type":"url",` +
				`"index":"3","parameters":[` + text(
				"x",
			) + `]},{"type":"footer"},{"type":"body"}]`,
			nil,
			"",
			[]string{
				`/template/components/5/index: the template has 6 buttons`,
				`/template/components/6/index: is required for a button`,
				`/template/components/7/sub_type: button 0 of the template is of type "quick_reply"`,
				`/template/components/8/parameters/0: is one too many: the button 3 takes none`,
				`/template/components/9/type: must be header, body, button, limited_time_offer or carousel`,
				`/template/components/10: the body stands twice`,
			},
		},
		{
			"header file",
			"welcome_image",
			`[{"type":"header","parameters":[{"type":"video","video":{"id":"1"}}]},{"type":"body","parameters":[` + text("Ann") + `]}]`,
			nil,
			"",
			[]string{at + `/0/type: must be "image" here, not "video"`},
		},
		{
			"header file without link",
			"welcome_image",
			`[{"type":"header","parameters":[{"type":"image","image":{}}]},{"type":"body","parameters":[` + text("Ann") + `]}]`,
			nil,
			"",
			[]string{at + `/0/image: needs a link or an id`},
		},
		{
			"location",
			"place",
			`[{"type":"header","parameters":[{"type":"location","location":{"latitude":1,"longitude":2}}]}]`,
			nil,
			`[{"type":"header","parameters":[{"type":"location","location":{"latitude":1,"longitude":2}}]}]`,
			nil,
		},
		{
			"twilio over parts",
			"twilio",
			`[{"type":"body","parameters":[` + text(
				"a",
				"b",
			) + `]},{"type":"button","sub_type":"url","index":0,"parameters":[` + text(
				"c",
			) + `]}]`,
			nil,
			twilioDone,
			nil,
		},
	})
}

func TestResolve_AuthenticationComponents(t *testing.T) {
	t.Parallel()
	both := func(body, button string) string {
		return `[{"type":"body","parameters":[{"type":"text","text":"` + body +
			`"}]},{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"` + button + `"}]}]`
	}
	checkResolve(t, []resolveCase{
		{"equal", "auth1", both("123456", "123456"), nil, authDone, nil},
		{"equal, for an OTP button", "auth2", both("123456", "123456"), nil, authDone, nil},
		{
			"as a coupon code",
			"auth1",
			`[{"type":"body","parameters":[{"type":"text","text":"123456"}]},{"type":"button","sub_type":"copy_code","index":0,` +
				`"parameters":[{"type":"coupon_code","coupon_code":"123456"}]}]`,
			nil,
			authDone,
			nil,
		},
		{
			"different",
			"auth1",
			both("123456", "123457"),
			nil,
			"",
			[]string{`/template/components/1/parameters/0/text: the one-time password of the button differs from that of the body`},
		},
		{
			"longest",
			"auth1",
			both("123456789012345", "123456789012345"),
			nil,
			strings.ReplaceAll(authDone, "123456", "123456789012345"),
			nil,
		},
		{
			"too long",
			"auth1",
			both("1234567890123456", "1234567890123456"),
			nil,
			"",
			[]string{`/template/components/0/parameters/0/text: the one-time password is 16 characters long; at most 15 are allowed`},
		},
		{
			"once",
			"auth1",
			`[{"type":"body","parameters":[{"type":"text","text":"123456"}]}]`,
			nil,
			"",
			[]string{`/template/components: the one-time password must stand twice: the button's is missing`},
		},
		{
			"button only",
			"auth1",
			`[{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"123456"}]}]`,
			nil,
			"",
			[]string{`/template/components: variable "1" is missing; it is body, {{1}}`},
		},
		{
			"money",
			"auth1",
			`[{"type":"body","parameters":[{"type":"currency","currency":{"fallback_value":"1","code":"USD","amount_1000":1}}]}]`,
			nil,
			"",
			[]string{`/template/components/0/parameters/0/type: must be "text" here, not "currency"`},
		},
	})
}

func TestUsable(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"approved": "", "APPROVED": "", "paused": "paused", "PENDING": "pending", "rejected": "rejected",
		"disabled": "disabled", "": "not approved",
	} {
		err := (&Template{Name: "a", Status: status}).Usable()
		if (err == nil) != (want == "") ||
			(err != nil && (dispatch.CodeOf(err) != dispatch.Invalid || !strings.Contains(err.Error(), "is "+want+";"))) {
			t.Errorf("%q: %v", status, err)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	templates := testTemplates()
	for name, want := range map[string][]string{
		"hello_world": {}, "order_confirmation": {"customer_name", "order_id", "total"}, "welcome_image": {"1"}, "auth1": {"1"}, "auth2": {"1"},
		"named_order": {"order_id", "customer_name", "total", "button_1"}, "everything": {"1", "2", "3", "4", "5"}, "place": {},
		"twilio": {"1", "2", "3"},
	} {
		if d := cmp.Diff(want, templates[name].VariableNames()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	want := []Variable{
		{Component: "header", Kind: "image", Index: 1},
		{Component: "body", Kind: "text", Index: 1, Number: 1},
	}
	if d := cmp.Diff(want, templates["welcome_image"].Variables()); d != "" {
		t.Errorf("welcome_image (-want +got):\n%s", d)
	}
	want = []Variable{
		{Component: "body", Kind: "text", Index: 1, Number: 1},
		{Component: "button", Kind: "url", Index: 1},
	}
	if d := cmp.Diff(want, templates["auth1"].Variables()); d != "" {
		t.Errorf("auth1 (-want +got):\n%s", d)
	}
}

func BenchmarkResolve(b *testing.B) {
	template := testTemplates()["order_confirmation"]
	template.Prepare() // as the registry does
	v := &dispatch.Variables{List: []string{"Ann", "A-17", "9.99"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := template.Resolve(&dispatch.TemplateUse{}, v); err != nil {
			b.Fatal(err)
		}
	}
}

// Values without a name are not guessed beside values with one.
func TestResolve_NamelessBesideNamed_Refused(t *testing.T) {
	t.Parallel()
	tp := Template{Name: "a", Language: "en", Category: "utility", ParameterFormat: "named", Components: []Component{
		{Type: "BODY", Text: "Hi {{name}}, {{order}}."},
	}}
	use := dispatch.TemplateUse{Components: []dispatch.Component{{Type: "body", Parameters: []dispatch.Parameter{
		{Type: "text", ParameterName: "order", Text: "A-17"}, {Type: "text", Text: "Ada"},
	}}}}
	err := tp.Resolve(&use, nil)
	if e := dispatch.AsError(err); e.Code != dispatch.Invalid || e.Faults[0].Field != "/template/components/0/parameters/1/parameter_name" {
		t.Errorf("got %v", err)
	}
}

// What a list of texts becomes without slots of its own is what a resolver makes of it.
func FuzzResolve_List_PreparedOrNot(f *testing.F) {
	f.Add("Ada,A-17,9.90")
	f.Add("Ada,A-17")
	f.Add("x")
	f.Add("123456,123456")
	f.Add("a,,c")
	f.Add("a\nb,c,d")
	f.Add(strings.Repeat("ä", 40) + ",b," + strings.Repeat("x", 2000))
	plain, prepared := testTemplates(), testTemplates()
	for name := range plain {
		plain[name].prepared = nil
		prepared[name].Prepare()
	}
	f.Fuzz(func(t *testing.T, joined string) {
		v := &dispatch.Variables{List: strings.Split(joined, ",")}
		for name := range plain {
			var want, got dispatch.TemplateUse
			wantErr, gotErr := plain[name].Resolve(&want, v), prepared[name].Resolve(&got, v)
			if d := cmp.Diff(want, got) + cmp.Diff(dispatch.AsError(wantErr), dispatch.AsError(gotErr)); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
	})
}
