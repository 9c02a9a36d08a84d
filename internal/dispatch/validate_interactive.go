package dispatch

import (
	"encoding/json"
	"slices"
	"strings"
)

// interactiveKind is the form that Meta requires of one kind of interactive
// message.
type interactiveKind struct {
	maxBody    int
	noBody     bool     // the body may be left out
	headers    []string // allowed header types; nil: none
	mustHeader bool
	action     func(*Faults, *InteractiveAction)
}

var (
	anyHeader  = []string{"text", "image", "video", "document"}
	textHeader = []string{"text"}
)

// interactiveKinds are the kinds in Meta's documentation. For kinds with a
// named action and free parameters only the outer form is checked.
var interactiveKinds = map[string]interactiveKind{
	"button":                   {maxBody: 1024, headers: anyHeader, action: validateButtons},
	"list":                     {maxBody: 4096, headers: textHeader, action: validateList},
	"cta_url":                  {maxBody: 1024, headers: anyHeader, action: validateCTA},
	"flow":                     {maxBody: 1024, headers: anyHeader, action: validateFlow},
	"location_request_message": {maxBody: 1024, action: namedAction("send_location")},
	"address_message":          {maxBody: 1024, headers: anyHeader, action: namedAction("address_message")},
	"product":                  {maxBody: 1024, noBody: true, action: validateProduct},
	"product_list":             {maxBody: 1024, headers: textHeader, mustHeader: true, action: validateProductList},
	"catalog_message":          {maxBody: 1024, headers: anyHeader, action: namedAction("catalog_message")},
	"order_details":            {maxBody: 1024, headers: anyHeader, action: namedAction("review_and_pay")},
	"order_status":             {maxBody: 1024, headers: anyHeader, action: namedAction("review_order")},
	"voice_call":               {maxBody: 1024, headers: anyHeader, action: namedAction("voice_call")},
	"call_permission_request":  {maxBody: 1024, noBody: true, action: namedAction("call_permission_request")},
}

// validate checks an interactive message. Lengths are in characters (runes).
func (in *Interactive) validate(f *Faults) {
	kind, ok := interactiveKinds[in.Type]
	switch {
	case in.Type == "":
		f.Add("/interactive/type", "is required")
	case !ok:
		names := make([]string, 0, len(interactiveKinds))
		for name := range interactiveKinds {
			names = append(names, name)
		}
		slices.Sort(names)
		f.Add("/interactive/type", "%q is not one of %s", in.Type, strings.Join(names, ", "))
	}
	if !ok {
		kind = interactiveKind{maxBody: maxText, headers: anyHeader}
	}
	in.validateHeader(f, kind)
	switch {
	case in.Body != nil:
		f.Text("/interactive/body/text", in.Body.Text, 1, kind.maxBody)
	case !kind.noBody:
		f.Add("/interactive/body", "is required")
	}
	if in.Footer != nil {
		f.Text("/interactive/footer/text", in.Footer.Text, 1, 60)
	}
	switch {
	case in.Action == nil:
		f.Add("/interactive/action", "is required")
	case kind.action != nil:
		kind.action(f, in.Action)
	}
}

// validateHeader checks the header, whose object is named by its type.
func (in *Interactive) validateHeader(f *Faults, kind interactiveKind) {
	const at = "/interactive/header"
	if len(in.Header) == 0 || string(in.Header) == "null" {
		if kind.mustHeader {
			f.Add(at, "is required for %q", in.Type)
		}
		return
	}
	if kind.headers == nil {
		f.Add(at, "%q takes no header", in.Type)
		return
	}
	var header struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Image    *Media `json:"image"`
		Video    *Media `json:"video"`
		Document *Media `json:"document"`
	}
	if json.Unmarshal(in.Header, &header) != nil {
		f.Add(at, "must be an object with a type and what that names")
		return
	}
	if !slices.Contains(kind.headers, header.Type) {
		f.Add(at+"/type", "must be one of %s", strings.Join(kind.headers, ", "))
		return
	}
	if header.Type == "text" {
		f.Text(at+"/text", header.Text, 1, 60)
		return
	}
	media := map[string]*Media{"image": header.Image, "video": header.Video, "document": header.Document}[header.Type]
	if media == nil {
		f.Add(at+"/"+header.Type, "is required")
		return
	}
	media.Validate(f, at+"/"+header.Type, Type(header.Type))
}

// validateButtons checks one to three reply buttons.
func validateButtons(f *Faults, a *InteractiveAction) {
	const at = "/interactive/action/buttons"
	if n := len(a.Buttons); n < 1 || n > 3 {
		f.Add(at, "must hold 1 to 3 buttons")
	}
	ids, titles := map[string]bool{}, map[string]bool{}
	for i, b := range a.Buttons {
		if b.Type != "reply" {
			f.Add(Pointer(at, i, "type"), "must be \"reply\"")
		}
		f.unique(Pointer(at, i, "reply", "id"), b.Reply.ID, 256, ids)
		f.unique(Pointer(at, i, "reply", "title"), b.Reply.Title, 20, titles)
	}
}

// unique adds a fault if s is empty, too long or already in seen.
func (f *Faults) unique(field, s string, most int, seen map[string]bool) {
	f.Text(field, s, 1, most)
	if s != "" && seen[s] {
		f.Add(field, "%q stands twice", s)
	}
	seen[s] = true
}

// validateList checks a list: at most ten rows over all sections.
func validateList(f *Faults, a *InteractiveAction) {
	f.Text("/interactive/action/button", a.Button, 1, 20)
	const at = "/interactive/action/sections"
	total, ids := 0, map[string]bool{}
	for i, s := range a.Sections {
		validateSectionTitle(f, Pointer(at, i, "title"), s.Title, len(a.Sections))
		if len(s.Rows) == 0 {
			f.Add(Pointer(at, i, "rows"), "must hold at least one row")
		}
		if len(s.ProductItems) > 0 {
			f.Add(Pointer(at, i, "product_items"), "doesn't belong in a list")
		}
		for j, r := range s.Rows {
			f.unique(Pointer(at, i, "rows", j, "id"), r.ID, 200, ids)
			f.Text(Pointer(at, i, "rows", j, "title"), r.Title, 1, 24)
			f.Text(Pointer(at, i, "rows", j, "description"), r.Description, 0, 72)
		}
		total += len(s.Rows)
	}
	switch {
	case len(a.Sections) == 0:
		f.Add(at, "is required")
	case total > 10:
		f.Add(at, "%d rows; at most 10 are allowed in all sections together", total)
	}
}

func validateSectionTitle(f *Faults, field, title string, sections int) {
	least := 0
	if sections > 1 {
		least = 1 // nothing else tells the sections apart
	}
	f.Text(field, title, least, 24)
}

// validateProductList checks up to 30 products of one catalog in sections.
func validateProductList(f *Faults, a *InteractiveAction) {
	f.Text("/interactive/action/catalog_id", a.CatalogID, 1, 256)
	const at = "/interactive/action/sections"
	total := 0
	for i, s := range a.Sections {
		validateSectionTitle(f, Pointer(at, i, "title"), s.Title, len(a.Sections))
		if len(s.ProductItems) == 0 {
			f.Add(Pointer(at, i, "product_items"), "must hold at least one product")
		}
		for j, p := range s.ProductItems {
			f.Text(Pointer(at, i, "product_items", j, "product_retailer_id"), p.ProductRetailerID, 1, 256)
		}
		total += len(s.ProductItems)
	}
	switch {
	case len(a.Sections) == 0 || len(a.Sections) > 10:
		f.Add(at, "must hold 1 to 10 sections")
	case total > 30:
		f.Add(at, "%d products; at most 30 are allowed in all sections together", total)
	}
}

func validateProduct(f *Faults, a *InteractiveAction) {
	f.Text("/interactive/action/catalog_id", a.CatalogID, 1, 256)
	f.Text("/interactive/action/product_retailer_id", a.ProductRetailerID, 1, 256)
}

// namedAction checks an action that is identified by its name. Its parameters
// are left to the provider.
func namedAction(name string) func(*Faults, *InteractiveAction) {
	return func(f *Faults, a *InteractiveAction) {
		if a.Name != name {
			f.Add("/interactive/action/name", "must be %q", name)
		}
		if len(a.Parameters) > 0 && !isObject(a.Parameters) {
			f.Add("/interactive/action/parameters", "must be an object")
		}
	}
}

// validateCTA checks the button that opens an address.
func validateCTA(f *Faults, a *InteractiveAction) {
	var p struct {
		DisplayText string `json:"display_text"`
		URL         string `json:"url"`
	}
	if f.parameters(a, "cta_url", &p) {
		f.Text("/interactive/action/parameters/display_text", p.DisplayText, 1, 20)
		f.Link("/interactive/action/parameters/url", p.URL)
	}
}

// validateFlow checks the button that opens a flow, identified by its id or its
// name.
func validateFlow(f *Faults, a *InteractiveAction) {
	var p struct {
		Version string `json:"flow_message_version"`
		CTA     string `json:"flow_cta"`
		ID      string `json:"flow_id"`
		Name    string `json:"flow_name"`
	}
	if !f.parameters(a, "flow", &p) {
		return
	}
	const at = "/interactive/action/parameters"
	if p.Version != "3" {
		f.Add(at+"/flow_message_version", "must be \"3\"")
	}
	f.Text(at+"/flow_cta", p.CTA, 1, 30)
	if (p.ID == "") == (p.Name == "") {
		f.Add(at, "needs either flow_id or flow_name")
	}
}

// parameters decodes the parameters of a named action and reports whether they
// are valid.
func (f *Faults) parameters(a *InteractiveAction, name string, into any) bool {
	if a.Name != name {
		f.Add("/interactive/action/name", "must be %q", name)
	}
	if !isObject(a.Parameters) {
		f.Add("/interactive/action/parameters", "must be an object")
		return false
	}
	if err := json.Unmarshal(a.Parameters, into); err != nil {
		f.Add("/interactive/action/parameters", "has a member of the wrong type")
		return false
	}
	return true
}

// isObject reports whether raw is a JSON object.
func isObject(raw json.RawMessage) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal(raw, &o) == nil && o != nil
}
