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
	headerFormats = []string{"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"}
	buttonTypes   = []string{"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM", "ORDER_DETAILS", "VOICE_CALL"}
)

// Normalize sets the case in which definitions are stored (types and formats
// upper, all else lower) and, if it is missing, the parameter format: named if
// a variable of a text is not a number.
func (t *Template) Normalize() {
	t.Category, t.Status = strings.ToLower(t.Category), strings.ToLower(t.Status)
	for i := range t.Components {
		c := &t.Components[i]
		c.Type, c.Format = strings.ToUpper(c.Type), strings.ToUpper(c.Format)
		if c.Type == "HEADER" && c.Format == "" {
			c.Format = "TEXT"
		}
		for j := range c.Buttons {
			c.Buttons[j].Type = strings.ToUpper(c.Buttons[j].Type)
		}
	}
	t.ParameterFormat = cmp.Or(strings.ToLower(t.ParameterFormat), t.parameterFormat())
}

// parameterFormat returns the parameter format that the texts have.
func (t *Template) parameterFormat() string {
	for i := range t.Components {
		for _, name := range placeholders(nil, t.Components[i].Text) {
			if !isNumber(name) {
				return "named"
			}
		}
	}
	return "positional"
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
	seen := map[string]int{}
	for i := range t.Components {
		c := &t.Components[i]
		kind := strings.ToUpper(c.Type)
		if seen[kind]++; seen[kind] == 2 {
			f.Add(dispatch.Pointer("/components", i), "a second %s: at most one is allowed", kind)
		}
		switch kind {
		case "HEADER":
			t.validateHeader(&f, c, i)
		case "BODY":
			t.validateBody(&f, c, i)
		case "FOOTER":
			t.validateFooter(&f, c, i)
		case "BUTTONS":
			t.validateButtons(&f, c, i)
		default:
			f.Add(dispatch.Pointer("/components", i, "type"), "must be HEADER, BODY, FOOTER or BUTTONS")
		}
	}
	if seen["BODY"] == 0 {
		f.Add("/components", "a BODY is required")
	}
	if t.Style == SharedNumbering {
		t.validateShared(&f)
	}
	return f
}

// validateFormat checks that the stated parameter format is that of the texts.
func (t *Template) validateFormat(f *dispatch.Faults) {
	switch given := strings.ToLower(t.ParameterFormat); given {
	case "":
	case "positional", "named":
		if found := t.parameterFormat(); found != given && len(t.VariableNames()) > 0 {
			f.Add("/parameter_format", "is %s, but the variables are %s", given, found)
		}
	default:
		f.Add("/parameter_format", "must be positional or named")
	}
}

func (t *Template) validateHeader(f *dispatch.Faults, c *Component, i int) {
	format := cmp.Or(strings.ToUpper(c.Format), "TEXT")
	switch {
	case !slices.Contains(headerFormats, format):
		f.Add(dispatch.Pointer("/components", i, "format"), "must be one of %s", strings.Join(headerFormats, ", "))
	case format == "TEXT":
		f.Text(dispatch.Pointer("/components", i, "text"), c.Text, 1, 60)
		if len(t.validateVariables(f, c, i)) > 1 {
			f.Add(dispatch.Pointer("/components", i, "text"), "a header has at most one variable")
		}
	case c.Text != "":
		f.Add(dispatch.Pointer("/components", i, "text"), "a header of format %s has no text", format)
	}
}

// validateBody checks the body. An authentication template may have none: Meta
// writes it.
func (t *Template) validateBody(f *dispatch.Faults, c *Component, i int) {
	least := 1
	if strings.EqualFold(t.Category, "authentication") {
		least = 0
	}
	f.Text(dispatch.Pointer("/components", i, "text"), c.Text, least, 1024)
	names := t.validateVariables(f, c, i)
	if least == 0 && len(names) > 1 {
		f.Add(dispatch.Pointer("/components", i, "text"), "an authentication template has one variable, the one-time password")
	}
}

func (t *Template) validateFooter(f *dispatch.Faults, c *Component, i int) {
	least := 1
	if strings.EqualFold(t.Category, "authentication") {
		least = 0 // Meta writes it
	}
	f.Text(dispatch.Pointer("/components", i, "text"), c.Text, least, 60)
	if len(placeholders(nil, c.Text)) > 0 && t.Style != SharedNumbering {
		f.Add(dispatch.Pointer("/components", i, "text"), "a footer has no variables")
	}
}

// validateVariables checks the variables of one text: numbered from 1 without
// gaps, or all named, with as many display names. It returns them.
func (t *Template) validateVariables(f *dispatch.Faults, c *Component, i int) []string {
	names := placeholders(nil, c.Text)
	at := dispatch.Pointer("/components", i, "text")
	numbers := 0
	for _, name := range names {
		switch {
		case isNumber(name):
			numbers++
		case !dispatch.IsLowerName(name) || (name[0] >= '0' && name[0] <= '9'):
			f.Add(at, "variable %q must be a number or a name of a-z, 0-9 and _", name)
		}
	}
	if numbers > 0 && numbers < len(names) {
		f.Add(at, "variables must be all numbered or all named")
	}
	if sortNumbers(names) && t.Style != SharedNumbering {
		gaps(f, at, names)
	}
	if n := len(c.Variables); n > 0 {
		switch distinct := slices.Compact(slices.Sorted(slices.Values(c.Variables))); {
		case n != len(names) && t.Style != SharedNumbering:
			f.Add(dispatch.Pointer("/components", i, "variables"), "%d names for %d variables", n, len(names))
		case len(distinct) < n || distinct[0] == "":
			f.Add(dispatch.Pointer("/components", i, "variables"), "names must differ, and none be empty")
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
func (t *Template) validateButtons(f *dispatch.Faults, c *Component, i int) {
	at := dispatch.Pointer("/components", i, "buttons")
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
