package dispatch

import (
	"strings"
	"testing"
)

// inter wraps the members of an interactive object of that type.
func inter(kind, members string) string {
	return `{"type":"interactive","interactive":{"type":"` + kind + `",` + members + `}}`
}

func replyButton(id, title string) string {
	return `{"type":"reply","reply":{"id":"` + id + `","title":"` + title + `"}}`
}

func TestValidate_InteractiveButtons(t *testing.T) {
	t.Parallel()
	const body = `"body":{"text":"How can we help?"},`
	one := replyButton("sales", "Sales")
	buttons := func(s string) string { return body + `"action":{"buttons":[` + s + `]}` }
	checkContents(t, (*Content).Validate, []contentCase{
		{"buttons", inter("button", buttons(one+","+replyButton("support", "Support"))), nil},
		{"all parts", inter("button", `"header":{"type":"text","text":"Hi"},"footer":{"text":"Bye"},`+buttons(one)), nil},
		{
			"media header",
			inter(
				"button",
				`"header":{"type":"document","document":{"link":"https://example.com/a.pdf","filename":"a.pdf"}},`+buttons(one),
			),
			nil,
		},
		{"no button", inter("button", buttons("")), []string{"/interactive/action/buttons"}},
		{
			"four",
			inter("button", buttons(one+","+replyButton("2", "2")+","+replyButton("3", "3")+","+replyButton("4", "4"))),
			[]string{"/interactive/action/buttons"},
		},
		{
			"long titles",
			inter("button", buttons(replyButton(chars(256), chars(20))+","+replyButton(chars(257), chars(21)))),
			[]string{"/interactive/action/buttons/1/reply/id", "/interactive/action/buttons/1/reply/title"},
		},
		{
			"twice",
			inter("button", buttons(one+","+one)),
			[]string{"/interactive/action/buttons/1/reply/id", "/interactive/action/buttons/1/reply/title"},
		},
		{
			"empty button",
			inter("button", buttons("{}")),
			[]string{
				"/interactive/action/buttons/0/type",
				"/interactive/action/buttons/0/reply/id",
				"/interactive/action/buttons/0/reply/title",
			},
		},
		{"no body", inter("button", `"action":{"buttons":[`+one+`]}`), []string{"/interactive/body"}},
		{
			"long body, empty footer",
			inter("button", `"body":{"text":"`+chars(1025)+`"},"footer":{"text":""},"action":{"buttons":[`+one+`]}`),
			[]string{"/interactive/body/text", "/interactive/footer/text"},
		},
		{
			"long footer, long header",
			inter("button", `"footer":{"text":"`+chars(61)+`"},"header":{"type":"text","text":"`+chars(61)+`"},`+buttons(one)),
			[]string{"/interactive/header/text", "/interactive/footer/text"},
		},
		{"header without text", inter("button", `"header":{"type":"text"},`+buttons(one)), []string{"/interactive/header/text"}},
		{"header without file", inter("button", `"header":{"type":"image"},`+buttons(one)), []string{"/interactive/header/image"}},
		{
			"header with a bad file",
			inter("button", `"header":{"type":"video","video":{"link":"x","filename":"y"}},`+buttons(one)),
			[]string{"/interactive/header/video/link", "/interactive/header/video/filename"},
		},
		{"header of another type", inter("button", `"header":{"type":"gif"},`+buttons(one)), []string{"/interactive/header/type"}},
		{"header no object", inter("button", `"header":"x",`+buttons(one)), []string{"/interactive/header"}},
		{"no action", inter("button", `"body":{"text":"x"}`), []string{"/interactive/action"}},
		{"no type", `{"type":"interactive","interactive":{"body":{"text":"x"},"action":{}}}`, []string{"/interactive/type"}},
		{"unknown type", inter("buttons", buttons(one)), []string{"/interactive/type"}},
		{"empty", `{"type":"interactive","interactive":{}}`, []string{"/interactive/type", "/interactive/body", "/interactive/action"}},
	})
}

func TestValidate_InteractiveList(t *testing.T) {
	t.Parallel()
	row := func(id string) string { return `{"id":"` + id + `","title":"Row ` + id + `"}` }
	rows := func(ids string) string {
		var out []string
		for id := range strings.SplitSeq(ids, "") {
			out = append(out, row(id))
		}
		return `"rows":[` + strings.Join(out, ",") + `]`
	}
	list := func(sections string) string {
		return inter("list", `"body":{"text":"Choose"},"action":{"button":"Open","sections":[`+sections+`]}`)
	}
	const at = "/interactive/action/sections"
	checkContents(t, (*Content).Validate, []contentCase{
		{"one section", list(`{` + rows("0123456789") + `}`), nil},
		{"two sections", list(`{"title":"A",` + rows("01234") + `},{"title":"B",` + rows("56789") + `}`), nil},
		{"eleven rows", list(`{"title":"A",` + rows("01234") + `},{"title":"B",` + rows("56789a") + `}`), []string{at}},
		{
			"untitled sections",
			list(`{` + rows("0") + `},{"title":"` + chars(25) + `",` + rows("1") + `}`),
			[]string{at + "/0/title", at + "/1/title"},
		},
		{"repeated row", list(`{"title":"A",` + rows("0") + `},{"title":"B",` + rows("0") + `}`), []string{at + "/1/rows/0/id"}},
		{"no sections", list(``), []string{at}},
		{"no rows", list(`{"title":"A"}`), []string{at + "/0/rows"}},
		{"products", list(`{"rows":[` + row("1") + `],"product_items":[{"product_retailer_id":"1"}]}`), []string{at + "/0/product_items"}},
		{"row limits", list(`{"rows":[{"id":"` + chars(200) + `","title":"` + chars(24) + `","description":"` + chars(72) + `"}]}`), nil},
		{
			"row too long",
			list(`{"rows":[{"id":"` + chars(201) + `","title":"` + chars(25) + `","description":"` + chars(73) + `"}]}`),
			[]string{at + "/0/rows/0/id", at + "/0/rows/0/title", at + "/0/rows/0/description"},
		},
		{"row empty", list(`{"rows":[{}]}`), []string{at + "/0/rows/0/id", at + "/0/rows/0/title"}},
		{
			"longest body",
			inter("list", `"body":{"text":"`+chars(4096)+`"},"action":{"button":"`+chars(20)+`","sections":[{`+rows("1")+`}]}`),
			nil,
		},
		{
			"too long, media header",
			inter(
				"list",
				`"header":{"type":"image","image":{"id":"1"}},"body":{"text":"`+chars(
					4097,
				)+`"},"action":{"button":"`+chars(
					21,
				)+`","sections":[{`+rows(
					"1",
				)+`}]}`,
			),
			[]string{"/interactive/header/type", "/interactive/body/text", "/interactive/action/button"},
		},
	})
}

func TestValidate_InteractiveOthers(t *testing.T) {
	t.Parallel()
	const body, p = `"body":{"text":"x"},`, "/interactive/action/parameters"
	named := func(name, parameters string) string {
		return body + `"action":{"name":"` + name + `","parameters":` + parameters + `}`
	}
	checkContents(t, (*Content).Validate, []contentCase{
		{"cta", inter("cta_url", named("cta_url", `{"display_text":"See","url":"https://example.com"}`)), nil},
		{
			"cta faults",
			inter("cta_url", named("flow", `{"display_text":"`+chars(21)+`","url":"x"}`)),
			[]string{"/interactive/action/name", p + "/display_text", p + "/url"},
		},
		{"cta types", inter("cta_url", named("cta_url", `{"url":7}`)), []string{p}},
		{"cta without", inter("cta_url", body+`"action":{"name":"cta_url"}`), []string{p}},
		{
			"flow by id",
			inter(
				"flow",
				named("flow", `{"flow_message_version":"3","flow_id":"1","flow_cta":"Open Flow!","flow_token":"t","mode":"draft"}`),
			),
			nil,
		},
		{"flow by name", inter("flow", named("flow", `{"flow_message_version":"3","flow_name":"n","flow_cta":"Open"}`)), nil},
		{
			"flow by both",
			inter("flow", named("flow", `{"flow_message_version":"3","flow_name":"n","flow_id":"1","flow_cta":"Open"}`)),
			[]string{p},
		},
		{"flow empty", inter("flow", named("flow", `{}`)), []string{p + "/flow_message_version", p + "/flow_cta", p}},
		{"flow null", inter("flow", named("flow", `null`)), []string{p}},
		{"location request", inter("location_request_message", body+`"action":{"name":"send_location"}`), nil},
		{
			"location request faults",
			inter("location_request_message", `"header":{"type":"text","text":"x"},`+body+`"action":{"name":"x","parameters":[]}`),
			[]string{"/interactive/header", "/interactive/action/name", p},
		},
		{"product", inter("product", `"action":{"catalog_id":"1","product_retailer_id":"2"}`), nil},
		{
			"product faults",
			inter("product", `"header":{"type":"text","text":"x"},"action":{}`),
			[]string{"/interactive/header", "/interactive/action/catalog_id", "/interactive/action/product_retailer_id"},
		},
		{
			"products",
			inter(
				"product_list",
				`"header":{"type":"text","text":"x"},`+body+`"action":{"catalog_id":"1","sections":[{"title":"A",`+
					`"product_items":[{"product_retailer_id":"1"}]}]}`,
			),
			nil,
		},
		{"products faults", inter("product_list", body+`"action":{"sections":[{"product_items":[{}]},{"title":"B"}]}`), []string{
			"/interactive/header", "/interactive/action/catalog_id", "/interactive/action/sections/0/title",
			"/interactive/action/sections/0/product_items/0/product_retailer_id", "/interactive/action/sections/1/product_items",
		}},
		{
			"products none",
			inter("product_list", `"header":{"type":"text","text":"x"},`+body+`"action":{"catalog_id":"1"}`),
			[]string{"/interactive/action/sections"},
		},
		{
			"products too many",
			inter(
				"product_list",
				`"header":{"type":"text","text":"x"},`+body+`"action":{"catalog_id":"1","sections":[{"product_items":[`+strings.Repeat(
					`{"product_retailer_id":"1"},`,
					30,
				)+`{"product_retailer_id":"1"}]}]}`,
			),
			[]string{"/interactive/action/sections"},
		},
		{"catalog", inter("catalog_message", named("catalog_message", `{"thumbnail_product_retailer_id":"1"}`)), nil},
		{"order status", inter("order_status", named("review_order", `{"order":{}}`)), nil},
	})
}
