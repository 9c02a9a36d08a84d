package template

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

var (
	categories    = []string{"authentication", "utility", "marketing"}
	headerFormats = []string{"TEXT", "IMAGE", "VIDEO", "GIF", "DOCUMENT", "LOCATION", "PRODUCT"}
	buttonTypes   = []string{
		"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM", "SPM", "ORDER_DETAILS", "VOICE_CALL", "APP",
		"REQUEST_CONTACT_INFO",
	}
)

// Normalize sets the case in which definitions are stored (types and formats
// upper, all else lower) and, if it is missing, the parameter format: named if
// a variable of a text is not a number.
func (t *Template) Normalize() {
	t.Category, t.Status = strings.ToLower(t.Category), strings.ToLower(t.Status)
	upper(t.Components)
	t.ParameterFormat = cmp.Or(strings.ToLower(t.ParameterFormat), t.parameterFormat())
}

// upper sets the case of types and formats.
func upper(cs []Component) {
	for i := range cs {
		c := &cs[i]
		c.Type, c.Format = strings.ToUpper(c.Type), strings.ToUpper(c.Format)
		if c.Type == "HEADER" && c.Format == "" {
			c.Format = "TEXT"
		}
		for j := range c.Buttons {
			c.Buttons[j].Type = strings.ToUpper(c.Buttons[j].Type)
		}
		for j := range c.Cards {
			upper(c.Cards[j].Components)
		}
	}
}

// parameterFormat returns the parameter format that the texts have.
func (t *Template) parameterFormat() string {
	if named(t.Components) {
		return "named"
	}
	return "positional"
}

// named reports whether a variable of a text has a name.
func named(cs []Component) bool {
	return slices.ContainsFunc(cs, func(c Component) bool {
		return slices.ContainsFunc(placeholders(nil, c.Text), func(name string) bool { return !isNumber(name) }) ||
			slices.ContainsFunc(c.Cards, func(card Card) bool { return named(card.Components) })
	})
}

// Validate returns the faults of a definition under Meta's rules. It accepts
// words in any case; a stored definition should be normalized. Lengths are in
// characters (runes).
func (t *Template) Validate() dispatch.Faults {
	var f dispatch.Faults
	if !dispatch.IsTemplateName(t.Name) {
		f.Add("/name", "must be 1 to 512 of a-z, 0-9 and _")
	}
	if !dispatch.IsLanguageCode(t.Language) {
		f.Add("/language", "must be like en or en_US")
	}
	if !slices.Contains(categories, strings.ToLower(t.Category)) {
		f.Add("/category", "must be one of %s", strings.Join(categories, ", "))
	}
	t.validateFormat(&f)
	seen := t.validateComponents(&f, "/components", t.Components)
	if seen["BODY"] == 0 {
		f.Add("/components", "a BODY is required")
	}
	if t.Style == SharedNumbering {
		t.validateShared(&f)
	}
	return f
}

// validateComponents checks the components at a pointer, and returns how many there
// are of each type.
func (t *Template) validateComponents(f *dispatch.Faults, at string, all []Component) map[string]int {
	seen := map[string]int{}
	for i := range all {
		c := &all[i]
		kind := strings.ToUpper(c.Type)
		if seen[kind]++; seen[kind] == 2 {
			f.Add(dispatch.Pointer(at, i), "a second %s: at most one is allowed", kind)
		}
		switch kind {
		case "HEADER":
			t.validateHeader(f, c, at, i)
		case "BODY":
			t.validateBody(f, c, at, i)
		case "FOOTER":
			t.validateFooter(f, c, at, i)
		case "BUTTONS":
			t.validateButtons(f, c, at, i)
		case "LIMITED_TIME_OFFER":
			if c.Offer == nil {
				f.Add(dispatch.Pointer(at, i, "limited_time_offer"), "is required")
			} else {
				f.Text(dispatch.Pointer(at, i, "limited_time_offer", "text"), c.Offer.Text, 1, 16)
			}
		case "CAROUSEL":
			t.validateCards(f, c, dispatch.Pointer(at, i, "cards"))
		case "CALL_PERMISSION_REQUEST":
		default:
			f.Add(dispatch.Pointer(at, i, "type"), "must be HEADER, BODY, FOOTER, BUTTONS, LIMITED_TIME_OFFER or CAROUSEL")
		}
	}
	return seen
}

// maxCards is the number of cards that a carousel can have.
const maxCards = 10

// validateCards checks the cards of a carousel. They have no cards themselves.
func (t *Template) validateCards(f *dispatch.Faults, c *Component, at string) {
	if n := len(c.Cards); n < 1 || n > maxCards {
		f.Add(at, "must hold 1 to %d cards", maxCards)
		return
	}
	for i := range c.Cards {
		all, below := c.Cards[i].Components, dispatch.Pointer(at, i, "components")
		if j := slices.IndexFunc(all, func(c Component) bool { return len(c.Cards) > 0 || strings.EqualFold(c.Type, "CAROUSEL") }); j >= 0 {
			f.Add(dispatch.Pointer(below, j, "type"), "a card has no cards")
			continue
		}
		t.validateComponents(f, below, all)
	}
}

// validateFormat checks that the stated parameter format is that of the texts.
func (t *Template) validateFormat(f *dispatch.Faults) {
	switch given := strings.ToLower(t.ParameterFormat); given {
	case "":
	case "positional", "named":
		if found := t.parameterFormat(); found != given && len(t.VariableNames()) > 0 {
			f.AddWith([]string{"/components"}, "/parameter_format", "is %s, but the variables are %s", given, found)
		}
	default:
		f.Add("/parameter_format", "must be positional or named")
	}
}

func (t *Template) validateHeader(f *dispatch.Faults, c *Component, at string, i int) {
	format := cmp.Or(strings.ToUpper(c.Format), "TEXT")
	switch {
	case !slices.Contains(headerFormats, format):
		f.Add(dispatch.Pointer(at, i, "format"), "must be one of %s", strings.Join(headerFormats, ", "))
	case format == "TEXT":
		f.Text(dispatch.Pointer(at, i, "text"), c.Text, 1, 60)
		if len(t.validateVariables(f, c, at, i)) > 1 {
			f.Add(dispatch.Pointer(at, i, "text"), "a header has at most one variable")
		}
	case c.Text != "":
		f.Add(dispatch.Pointer(at, i, "text"), "a header of format %s has no text", format)
	}
}

// validateBody checks the body. An authentication template may have none: Meta
// writes it.
func (t *Template) validateBody(f *dispatch.Faults, c *Component, at string, i int) {
	least := 1
	if strings.EqualFold(t.Category, "authentication") {
		least = 0
	}
	f.Text(dispatch.Pointer(at, i, "text"), c.Text, least, 1024)
	names := t.validateVariables(f, c, at, i)
	if least == 0 && len(names) > 1 {
		f.Add(dispatch.Pointer(at, i, "text"), "an authentication template has one variable, the one-time password")
	}
}

func (t *Template) validateFooter(f *dispatch.Faults, c *Component, at string, i int) {
	least := 1
	if strings.EqualFold(t.Category, "authentication") {
		least = 0 // Meta writes it
	}
	f.Text(dispatch.Pointer(at, i, "text"), c.Text, least, 60)
	if len(placeholders(nil, c.Text)) > 0 && t.Style != SharedNumbering {
		f.Add(dispatch.Pointer(at, i, "text"), "a footer has no variables")
	}
}

// validateVariables checks the variables of one text: numbered from 1 without
// gaps, or all named, with as many display names. It returns them.
func (t *Template) validateVariables(f *dispatch.Faults, c *Component, at string, i int) []string {
	names := placeholders(nil, c.Text)
	text := dispatch.Pointer(at, i, "text")
	numbers := 0
	for _, name := range names {
		switch {
		case isNumber(name):
			numbers++
		case !dispatch.IsLowerName(name) || (name[0] >= '0' && name[0] <= '9'):
			f.Add(text, "variable %q must be a number or a name of a-z, 0-9 and _", name)
		}
	}
	if numbers > 0 && numbers < len(names) {
		f.Add(text, "variables must be all numbered or all named")
	}
	if sortNumbers(names) && t.Style != SharedNumbering {
		gaps(f, text, names)
	}
	if n := len(c.Variables); n > 0 {
		switch distinct := slices.Compact(slices.Sorted(slices.Values(c.Variables))); {
		case n != len(names) && t.Style != SharedNumbering:
			f.Add(dispatch.Pointer(at, i, "variables"), "%d names for %d variables", n, len(names))
		case len(distinct) < n || distinct[0] == "":
			f.Add(dispatch.Pointer(at, i, "variables"), "names must differ, and none be empty")
		}
	}
	return names
}

// gaps adds a fault if the sorted numbers are not 1, 2, 3 and so on.
func gaps(f *dispatch.Faults, at string, numbers []string) {
	for i, name := range numbers {
		if name != strconv.Itoa(i+1) {
			f.Add(at, "variables must be numbered from 1 without gaps: {{%d}} is missing", i+1)
			return
		}
	}
}

// validateShared checks a Twilio template's one numbering over all its parts.
func (t *Template) validateShared(f *dispatch.Faults) {
	var names []string
	for _, s := range t.slots() {
		names = append(names, s.placeholder)
	}
	if sortNumbers(names) {
		gaps(f, "/components", names)
	}
}

// validateButtons checks up to ten buttons.
func (t *Template) validateButtons(f *dispatch.Faults, c *Component, at string, i int) {
	at = dispatch.Pointer(at, i, "buttons")
	if n := len(c.Buttons); n < 1 || n > 10 {
		f.Add(at, "must hold 1 to 10 buttons")
	}
	for j := range c.Buttons {
		b := &c.Buttons[j]
		kind := strings.ToUpper(b.Type)
		if !slices.Contains(buttonTypes, kind) {
			f.Add(dispatch.Pointer(at, j, "type"), "must be one of %s", strings.Join(buttonTypes, ", "))
			continue
		}
		least := 1
		if kind == "OTP" || kind == "COPY_CODE" {
			least = 0 // WhatsApp writes it
		}
		f.Text(dispatch.Pointer(at, j, "text"), b.Text, least, 25)
		switch {
		case kind == "URL":
			t.validateURL(f, dispatch.Pointer(at, j, "url"), b.URL)
		case b.URL != "":
			f.Add(dispatch.Pointer(at, j, "url"), "only a URL button has an address")
		}
	}
}

// validateURL checks the address of a button, which may end in one variable.
func (t *Template) validateURL(f *dispatch.Faults, at, address string) {
	names := placeholders(nil, address)
	switch {
	case len(names) > 1:
		f.Add(at, "may have one variable")
		return
	case len(names) == 1 && t.Style != SharedNumbering && !strings.HasSuffix(strings.TrimSpace(address), "}}"):
		f.Add(at, "the variable must stand at the end")
	}
	f.Link(at, fillPlaceholders(address, func(string) (string, bool) { return "x", true }))
}
