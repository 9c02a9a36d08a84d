package dispatch

import (
	"encoding/json"
	"slices"
	"strings"
)

// The parameter types that each part of a template accepts. A text header
// accepts those of the body.
var (
	bodyParameters   = []string{"text", "currency", "date_time"}
	headerParameters = []string{"text", "currency", "date_time", "image", "video", "gif", "document", "location", "product"}
	offerParameters  = []string{"limited_time_offer"}
	// buttonParameters maps each kind of button to the type of its parameter.
	buttonParameters = map[string]string{
		"quick_reply": "payload", "url": "text", "copy_code": "coupon_code", "otp": "text",
		"flow": "action", "catalog": "action", "mpm": "action", "order_details": "action", "voice_call": "payload",
	}
)

// ButtonParameter returns the type of the parameter of a button of that kind
// (lower case), or an empty string for a button that takes none.
func ButtonParameter(kind string) string { return buttonParameters[kind] }

// validate checks the form of a template's use: it must name a template, and
// each component and parameter must be complete. The language may be missing: a
// template with only one does not need it.
func (u *TemplateUse) validate(f *Faults) {
	switch {
	case u.Name != "":
		if !IsTemplateName(u.Name) {
			f.Add("/template/name", "must be 1 to 512 of a-z, 0-9 and _")
		}
	case u.TemplateID == 0 && u.ProviderTemplateID == "":
		f.Add("/template/name", "is required")
	}
	if u.Language.Code != "" && !IsLanguageCode(u.Language.Code) {
		f.Add("/template/language", "must be like en or en_US")
	}
	validateComponents(f, "/template/components", u.Components)
}

// validateComponents checks the components that stand at a pointer.
func validateComponents(f *Faults, at string, all []Component) {
	seen := map[string]bool{}
	for i := range all {
		c := &all[i]
		c.validate(f, at, i)
		key := strings.ToLower(c.Type)
		if c.Index != nil && key == "button" {
			key += string(*c.Index)
		}
		if seen[key] {
			f.Add(Pointer(at, i), "stands twice")
		}
		seen[key] = true
	}
}

// IsTemplateName reports whether s is a valid template name.
func IsTemplateName(s string) bool {
	return len(s) >= 1 && len(s) <= 512 && IsLowerName(s)
}

// IsLowerName reports whether s consists of a-z, 0-9 and _.
func IsLowerName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

// IsLanguageCode reports whether s has the form of Meta's codes: en, fil,
// en_US, prs_AF.
func IsLanguageCode(s string) bool {
	language, region, has := strings.Cut(s, "_")
	if len(language) < 2 || len(language) > 3 || (has && (len(region) < 2 || len(region) > 4)) {
		return false
	}
	letter := func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }
	return strings.ToLower(language) == language && strings.IndexFunc(language+region, letter) < 0
}

// validate checks the i-th component of those at a pointer by itself.
func (c *Component) validate(f *Faults, at string, i int) {
	allowed := bodyParameters
	switch strings.ToLower(c.Type) {
	case "body":
	case "header":
		allowed = headerParameters
		if len(c.Parameters) > 1 {
			f.Add(Pointer(at, i, "parameters"), "a header has one parameter")
		}
	case "limited_time_offer":
		allowed = offerParameters
	case "carousel":
		c.validateCards(f, Pointer(at, i, "cards"))
		return
	case "button":
		allowed = c.validateButton(f, at, i)
	case "":
		f.Add(Pointer(at, i, "type"), "is required")
		return
	default:
		f.Add(Pointer(at, i, "type"), "must be header, body, button, limited_time_offer or carousel")
		return
	}
	for j := range c.Parameters {
		c.Parameters[j].validate(f, at, i, j, allowed)
	}
}

// validateCards checks the cards of a carousel.
func (c *Component) validateCards(f *Faults, at string) {
	for i := range c.Cards {
		card := &c.Cards[i]
		if card.Index == nil {
			f.Add(Pointer(at, i, "card_index"), "is required")
		}
		if slices.ContainsFunc(card.Components, func(c Component) bool { return strings.EqualFold(c.Type, "carousel") }) {
			f.Add(Pointer(at, i, "components"), "a card has no cards")
			continue
		}
		validateComponents(f, Pointer(at, i, "components"), card.Components)
	}
}

// validateButton checks the fields of a button and returns the parameter types
// that it accepts.
func (c *Component) validateButton(f *Faults, at string, i int) []string {
	if c.Index == nil {
		f.Add(Pointer(at, i, "index"), "is required for a button")
	} else if _, ok := c.Index.Position(); !ok {
		f.Add(Pointer(at, i, "index"), "must be 0 to 9")
	}
	if len(c.Parameters) != 1 {
		f.Add(Pointer(at, i, "parameters"), "a button has one parameter")
	}
	kind, ok := buttonParameters[strings.ToLower(c.SubType)]
	switch {
	case c.SubType == "":
		f.Add(Pointer(at, i, "sub_type"), "is required for a button")
	case !ok:
		f.Add(Pointer(at, i, "sub_type"), "must be quick_reply, url, copy_code, flow, catalog, mpm, order_details or voice_call")
	default:
		return []string{kind}
	}
	return nil
}

// Position returns the index of the button, or false if it is not valid.
func (i *Index) Position() (int, bool) {
	if len(*i) == 1 && (*i)[0] >= '0' && (*i)[0] <= '9' {
		return int((*i)[0] - '0'), true
	}
	return 0, false
}

// validate checks that a parameter has the value that its type names. allowed
// is nil if the component itself is at fault.
func (p *Parameter) validate(f *Faults, at string, i, j int, allowed []string) {
	kind := strings.ToLower(p.Type)
	if kind == "" {
		f.Add(Pointer(at, i, "parameters", j, "type"), "is required")
		return
	}
	if allowed != nil && !slices.Contains(allowed, kind) {
		f.Add(Pointer(at, i, "parameters", j, "type"), "must be %s here", strings.Join(allowed, ", "))
		return
	}
	if p.ParameterName != "" && !IsLowerName(p.ParameterName) {
		f.Add(Pointer(at, i, "parameters", j, "parameter_name"), "must be of a-z, 0-9 and _")
	}
	if missing := p.Missing(kind); missing != "" {
		f.Add(Pointer(at, i, "parameters", j, kind), "%s", missing)
		return
	}
	if fault := ParameterText(p.Text); fault != "" && kind == "text" {
		f.Add(Pointer(at, i, "parameters", j, kind), "%s", fault)
	}
	p.validateMedia(f, at, i, j, kind)
}

// ParameterText returns what Meta refuses in the text of a parameter, or
// nothing: "Param text cannot have new-line/tab characters or more than 4
// consecutive spaces".
func ParameterText(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "must not be blank"
	case strings.ContainsAny(s, "\n\r\t"):
		return "must not have a newline or a tab"
	case strings.Contains(s, "     "):
		return "must not have more than four spaces in a row"
	}
	return ""
}

// Missing returns the text of the fault of a parameter that lacks the value of
// its kind, or an empty string if p has it.
func (p *Parameter) Missing(kind string) string {
	if p.whole(kind) {
		return ""
	}
	switch kind {
	case "currency":
		return "needs fallback_value, a code of three letters and amount_1000"
	case "date_time":
		return "needs fallback_value"
	case "action":
		return "must be an object"
	case "product":
		return "needs product_retailer_id"
	case "limited_time_offer":
		return "needs expiration_time_ms, in milliseconds since 1970"
	}
	return "is required"
}

// whole reports whether p has the value of its kind.
func (p *Parameter) whole(kind string) bool {
	switch kind {
	case "text":
		return p.Text != ""
	case "payload":
		return p.Payload != ""
	case "coupon_code":
		return p.CouponCode != ""
	case "image":
		return p.Image != nil
	case "video":
		return p.Video != nil
	case "document":
		return p.Document != nil
	case "gif":
		return p.GIF != nil
	case "product":
		return p.Product != nil && p.Product.ProductRetailerID != ""
	case "limited_time_offer":
		return p.Offer != nil && p.Offer.whole()
	case "location":
		return p.Location != nil
	case "action":
		return isObject(p.Action)
	case "currency":
		var c struct {
			Fallback string       `json:"fallback_value"`
			Code     string       `json:"code"`
			Amount   *json.Number `json:"amount_1000"`
		}
		return json.Unmarshal(p.Currency, &c) == nil && c.Fallback != "" && len(c.Code) == 3 && c.Amount != nil
	case "date_time":
		var d struct {
			Fallback string `json:"fallback_value"`
		}
		return json.Unmarshal(p.DateTime, &d) == nil && d.Fallback != ""
	}
	return false
}

// validateMedia checks the file or location of a header.
func (p *Parameter) validateMedia(f *Faults, at string, i, j int, kind string) {
	if kind == "location" {
		p.Location.validate(f, Pointer(at, i, "parameters", j, kind))
		return
	}
	if media := p.Media(kind); media != nil {
		media.Validate(f, Pointer(at, i, "parameters", j, kind), Type(kind))
	}
}

// whole reports whether o is a time.
func (o *Offer) whole() bool {
	n, ok := WholeNumber([]byte(o.ExpirationTimeMS))
	return ok && n > 0
}

// Media returns the image, video, GIF or document of p as kind names it, or nil.
func (p *Parameter) Media(kind string) *Media {
	switch kind {
	case "image":
		return p.Image
	case "video":
		return p.Video
	case "gif":
		return p.GIF
	case "document":
		return p.Document
	}
	return nil
}
