package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// metaTemplate is a template as Meta's message_templates lists it, with every part
// that a carousel, an offer or a flow has.
const metaTemplate = `{"name":"summer","language":"en_US","category":"MARKETING","components":[
	{"type":"HEADER","format":"GIF","example":{"header_handle":["4::aW"]}},
	{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"Ends soon","has_expiration":true}},
	{"type":"BODY","text":"Hi {{1}}","example":{"body_text":[["Ann"]]}},
	{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"250FF"},{"type":"URL","text":"Go","url":"https://e.com/{{1}}","example":["x"]},
		{"type":"FLOW","text":"Fill in","flow_id":"1","flow_action":"navigate","navigate_screen":"A"},{"type":"MPM","text":"View items"}]},
	{"type":"CAROUSEL","cards":[
		{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["h"]}},{"type":"BODY","text":"{{1}} now"},
			{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Yes"},{"type":"URL","text":"Buy","url":"https://e.com/{{1}}"}]}]},
		{"components":[{"type":"HEADER","format":"PRODUCT"},{"type":"BODY","text":"Second"}]}]}]}`

func parsed(t *testing.T, definition string) *Template {
	t.Helper()
	var tp Template
	if err := json.Unmarshal([]byte(definition), &tp); err != nil {
		t.Fatal(err)
	}
	tp.Normalize()
	if f := tp.Validate(); f != nil {
		t.Fatal(f)
	}
	return &tp
}

// The parts of a use of metaTemplate.
const (
	gif  = `{"type":"header","parameters":[{"type":"gif","gif":{"id":"7"}}]}`
	ends = `{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer",` +
		`"limited_time_offer":{"expiration_time_ms":1209600000}}]}`
	hi       = `{"type":"body","parameters":[{"type":"text","text":"Ann"}]}`
	coupon   = `{"type":"button","sub_type":"copy_code","index":"0","parameters":[{"type":"coupon_code","coupon_code":"X"}]}`
	link     = `{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"x"}]}`
	flow     = `{"type":"button","sub_type":"flow","index":"2","parameters":[{"type":"action","action":{"flow_token":"t"}}]}`
	products = `{"type":"button","sub_type":"mpm","index":"3","parameters":[{"type":"action","action":{"sections":[]}}]}`
	first    = `{"card_index":0,"components":[{"type":"header","parameters":[{"type":"image","image":{"id":"8"}}]},` +
		`{"type":"body","parameters":[{"type":"text","text":"Now"}]},{"type":"button","sub_type":"url","index":"1",` +
		`"parameters":[{"type":"text","text":"b"}]}]}`
	second = `{"card_index":1,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"p",` +
		`"catalog_id":"c"}}]}]}`
)

func cards(all ...string) string {
	return `{"type":"carousel","cards":[` + strings.Join(all, ",") + `]}`
}

// What is given is sent as it stands; without a required part it is refused, with
// its place.
func TestResolve_OffersCarouselsFlows(t *testing.T) {
	t.Parallel()
	whole := []string{gif, ends, hi, coupon, link, flow, products, cards(first, second)}
	without := func(part string, more ...string) []string {
		var out []string
		for _, p := range whole {
			if p != part {
				out = append(out, p)
			}
		}
		return append(out, more...)
	}
	const at = "/template/components"
	for name, c := range map[string]struct {
		parts []string
		fault string
	}{
		"whole":              {whole, ""},
		"cards in any order": {without(whole[7], cards(second, strings.Replace(first, "0", `"0"`, 1))), ""},
		"no gif":             {without(gif), "/template/header_media_url: the template's header needs a file of type gif"},
		"no offer": {without(ends), at + ": the template's limited-time offer needs a component of type limited_time_offer with " +
			"expiration_time_ms"},
		"no code":     {without(coupon), at + `: variable "2" is missing; it is COPY_CODE button 1`},
		"no link":     {without(link), at + `: variable "3" is missing; it is URL button 2, {{1}}`},
		"no flow":     {without(flow), at + ": FLOW button 3 needs a component with an action"},
		"no products": {without(products), at + ": MPM button 4 needs a component with an action"},
		"no carousel": {without(whole[7]), at + ": the template's carousel needs a component of type carousel with its cards"},
		"one card":    {without(whole[7], cards(first)), at + "/7/cards: card 2 is missing (card_index 1): the template has 2"},
		"a third card": {
			without(whole[7], cards(first, second, strings.Replace(second, "1", "2", 1))),
			at + "/7/cards/2/card_index: the template has 2 cards: must be 0 to 1",
		},
		"a card twice":    {without(whole[7], cards(first, first, second)), at + "/7/cards/1/card_index: card 0 stands twice"},
		"no card's index": {without(whole[7], cards(`{"components":[]}`, first, second)), at + "/7/cards/0/card_index: is required"},
		"no card's header": {without(whole[7], cards(first, `{"card_index":1,"components":[]}`)), at +
			"/7/cards/1/components: the header of card 2 needs a product"},
		"no card's link": {
			without(whole[7], cards(`{"card_index":0,"components":`+
				strings.Split(first, `"components":`)[1][:strings.LastIndex(strings.Split(first, `"components":`)[1], `,{"type":"button"`)]+`]}`,
				second)),
			at + `/7/cards/0/components: variable "2" is missing; it is card 1, URL button 2, {{1}}`,
		},
		"offer without a time": {without(ends, `{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer",`+
			`"limited_time_offer":{}}]}`), at + "/7/parameters/0/limited_time_offer: needs expiration_time_ms, in milliseconds since 1970"},
	} {
		tp := parsed(t, metaTemplate)
		use := dispatch.TemplateUse{}
		if err := json.Unmarshal([]byte("["+strings.Join(c.parts, ",")+"]"), &use.Components); err != nil {
			t.Fatal(err)
		}
		err := tp.Resolve(&use, nil)
		if c.fault != "" {
			e := dispatch.AsError(err)
			if err == nil || len(e.Faults) != 1 || e.Faults[0].Field+": "+e.Faults[0].Msg != c.fault {
				t.Errorf("%s: got %v %+v\nwant %s", name, err, e, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := json.Marshal(use.Components)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff("["+strings.Join(whole, ",")+"]", string(b)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		content := dispatch.Content{Type: dispatch.TypeTemplate, Template: &use}
		if f := content.Validate(); f != nil {
			t.Errorf("%s: %v", name, f)
		}
		want := "[gif 7]\nEnds soon\nHi Ann\n[] X\n[Go] https://e.com/x\n[Fill in]\n[View items]\n[card 1]\n[image 8]\nNow now\n[Yes]\n[Buy] " +
			"https://e.com/b\n[card 2]\n[product]\nSecond"
		if d := cmp.Diff(want, tp.Preview(&use)); d != "" {
			t.Errorf("%s: preview (-want +got):\n%s", name, d)
		}
	}
}

// A definition is kept whole: what Meta lists comes back as it was.
func TestTemplate_KeepsMetasJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(parsed(t, metaTemplate).Components)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	var whole struct{ Components json.RawMessage }
	for _, err := range []error{
		json.Unmarshal([]byte(metaTemplate), &whole), json.Unmarshal(b, &got),
		json.Unmarshal(whole.Components, &want),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A list of values can't fill a flow's button: Meta's default for it is sent.
func TestResolve_FlowByVariables(t *testing.T) {
	t.Parallel()
	tp := parsed(t, `{"name":"f","language":"en","category":"utility","components":[{"type":"BODY","text":"x"},{"type":"BUTTONS",`+
		`"buttons":[{"type":"FLOW","text":"Go"}]}]}`)
	use := dispatch.TemplateUse{}
	if err := tp.Resolve(&use, &dispatch.Variables{Named: map[string]string{}}); err != nil ||
		string(use.Components[0].Parameters[0].Action) != noFlowToken {
		t.Errorf("got %v, %+v", err, use.Components)
	}
	if err := tp.Resolve(&dispatch.TemplateUse{}, nil); err == nil {
		t.Error("no component is enough")
	}
}
