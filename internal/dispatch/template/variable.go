package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Variable is one value that a template needs.
type Variable struct {
	Component string // header, body, button, limited_time_offer or carousel
	Button    int    // which button, from 0
	// Kind is text, of a header also image, video, gif, document, location or
	// product, of a button url, copy_code, otp, flow, mpm or order_details.
	Kind  string
	Index int // its place in the component, from 1
	// Number is its place in a list of values, from 1. It is 0 for values that
	// are not in a list: a header's file, and the button of an authentication
	// template, which repeats the code of the body.
	Number int
	// Name is the name by which callers may give it; empty for a variable with
	// a number only.
	Name string
}

// Label returns the name of the variable, or its number if it has none.
func (v *Variable) Label() string {
	if v.Name != "" {
		return v.Name
	}
	return strconv.Itoa(v.Number)
}

// Variables returns the values that a use of t needs: the header's file or
// text, the body's variables, then those of the buttons. Those of a named
// template are in the order in which its text first mentions them.
func (t *Template) Variables() []Variable {
	var vs []Variable
	for _, s := range t.slots() {
		if !s.optional {
			vs = append(vs, s.Variable)
		}
	}
	return vs
}

// VariableNames returns the names (or numbers) of the values that callers give
// one by one: Variables without files and without repetitions.
func (t *Template) VariableNames() []string {
	names := []string{}
	for _, s := range t.slots() {
		if s.Number > 0 && !slices.Contains(names, s.Label()) {
			names = append(names, s.Label())
		}
	}
	return names
}

// slot is a place in a template that a parameter fills.
type slot struct {
	Variable
	placeholder string // what stands between the braces
	subType     string // of a button, as Meta's requests name it
	paramType   string
	emitName    bool   // the parameter must carry its name
	optional    bool   // a quick reply's payload, a flow's data
	repeats     bool   // the code of an authentication template once more
	at          string // where a client gave the part, for faults
	filled      bool
	value       *dispatch.Parameter // nil: none, or at fault
	cards       []dispatch.Card     // of a carousel, the values of its cards
	card        int                 // the card of a carousel in which it stands, from 1; 0: none
}

// single reports whether s is filled only by its own component of a message: no
// list of values has room for it.
func (s *slot) single() bool {
	return s.optional || s.repeats || s.paramType == "action" || s.Component == "limited_time_offer" || s.Component == "carousel" ||
		(s.Component == "header" && s.Kind != "text")
}

// authentication reports whether t carries a one-time password, which Meta
// requires in the body and again in the button.
func (t *Template) authentication() bool {
	return strings.EqualFold(t.Category, "authentication") && t.Style != SharedNumbering
}

// slots returns the slots of t in the order in which a list of values fills
// them. The caller may change them.
func (t *Template) slots() []slot {
	if t.prepared != nil {
		return slices.Clone(t.prepared)
	}
	return t.read()
}

// read reads the slots from the definition.
func (t *Template) read() []slot {
	if t.Style == SharedNumbering {
		return t.numberSlots(t.sharedSlots())
	}
	slots := make([]slot, 0, 4)
	if c := t.component("HEADER"); c != nil {
		slots = t.headerSlots(slots, c)
	}
	if c := t.component("LIMITED_TIME_OFFER"); c != nil && c.Offer.expires() {
		slots = append(slots, slot{Variable: Variable{Component: offer, Kind: offer, Index: 1}, paramType: offer})
	}
	header := len(slots)
	if c := t.component("BODY"); c != nil {
		slots = t.textSlots(slots, "body", c)
	}
	if t.authentication() && len(slots) == header { // Meta writes the text itself
		slots = append(slots, slot{Variable: Variable{Component: "body", Kind: "text", Index: 1}, placeholder: "1", paramType: "text"})
	}
	if c := t.component("BUTTONS"); c != nil {
		for i := range c.Buttons {
			slots = t.buttonSlots(slots, &c.Buttons[i], i)
		}
	}
	if t.component("CAROUSEL") != nil {
		slots = append(slots, slot{Variable: Variable{Component: carousel, Kind: carousel, Index: 1}})
	}
	return t.numberSlots(slots)
}

// The parts of a template that are filled whole, by a component of their type.
const (
	offer    = "limited_time_offer"
	carousel = "carousel"
)

// component returns the part of t of that type, or nil.
func (t *Template) component(kind string) *Component {
	for i := range t.Components {
		if strings.EqualFold(t.Components[i].Type, kind) {
			return &t.Components[i]
		}
	}
	return nil
}

// headerSlots appends the one slot of a header, if it has one.
func (t *Template) headerSlots(slots []slot, c *Component) []slot {
	switch kind := strings.ToLower(c.Format); kind {
	case "image", "video", "gif", "document", "location", "product":
		return append(slots, slot{Variable: Variable{Component: "header", Kind: kind, Index: 1}, paramType: kind})
	}
	return t.textSlots(slots, "header", c)
}

// textSlots appends the slots of a text, in the order of their numbers or, when
// they are named, of their first mention.
func (t *Template) textSlots(slots []slot, component string, c *Component) []slot {
	names := placeholders(make([]string, 0, 8), c.Text)
	named := !sortNumbers(names)
	for i, name := range names {
		s := slot{
			Variable:    Variable{Component: component, Kind: "text", Index: i + 1},
			placeholder: name, paramType: "text", emitName: named,
		}
		switch {
		case named:
			s.Name = name
		case i < len(c.Variables):
			s.Name = c.Variables[i]
		}
		slots = append(slots, s)
	}
	return slots
}

// buttonSlots appends the slot of the i-th button, if it has one.
func (t *Template) buttonSlots(slots []slot, b *Button, i int) []slot {
	kind := strings.ToLower(b.Type)
	s := slot{
		Variable: Variable{Component: "button", Button: i, Kind: kind, Index: 1}, subType: kind, paramType: dispatch.ButtonParameter(kind),
	}
	if t.authentication() && (kind == "otp" || kind == "url" || kind == "copy_code") {
		// Meta's and Kaleyra's pages: sub_type url and a text, for every kind
		// of button.
		s.subType, s.paramType, s.repeats = "url", "text", true
		return append(slots, s)
	}
	switch kind {
	case "url":
		names := placeholders(nil, b.URL)
		if len(names) == 0 {
			return slots
		}
		s.placeholder = names[0]
	case "otp":
		s.subType = "url"
	case "copy_code":
	case "flow", "mpm", "order_details":
		s.optional = t.Style.Own() // whose values the vendor keeps itself
	case "quick_reply", "catalog", "voice_call":
		s.optional = true
	default:
		return slots
	}
	return append(slots, s)
}

// sharedSlots returns the slots of a template with one numbering over all
// parts. One map fills them, so they are slots of the body.
func (t *Template) sharedSlots() []slot {
	var all Component
	names := t.sharedNames(nil, t.Components, &all)
	for _, name := range names {
		all.Text += "{{" + name + "}}"
	}
	slots := t.textSlots(nil, "body", &all)
	for i := range slots {
		slots[i].emitName = true // the key of ContentVariables
	}
	return slots
}

// sharedNames appends to names the variables of all parts, those of cards included,
// and sets in all the longest list of display names.
func (t *Template) sharedNames(names []string, cs []Component, all *Component) []string {
	for i := range cs {
		c := &cs[i]
		names = placeholders(names, c.Text)
		for j := range c.Buttons {
			names = placeholders(placeholders(names, c.Buttons[j].Text), c.Buttons[j].URL)
		}
		if len(c.Variables) > len(all.Variables) {
			all.Variables = c.Variables
		}
		for j := range c.Cards {
			names = t.sharedNames(names, c.Cards[j].Components, all)
		}
	}
	return names
}

// numberSlots sets the number of each slot that a list fills. If some have
// names the others get one too, so that a caller can name all of them.
func (t *Template) numberSlots(slots []slot) []slot {
	number, named := 0, false
	for i := range slots {
		s := &slots[i]
		if s.single() {
			continue
		}
		number++
		s.Number = number
		named = named || s.Name != ""
	}
	for i := range slots {
		s := &slots[i]
		if !named || s.Number == 0 || s.Name != "" {
			continue
		}
		switch s.Component {
		case "header":
			s.Name = "header"
		case "button":
			s.Name = "button_" + strconv.Itoa(s.Button+1)
		}
	}
	return slots
}

// placeholders appends to names the names between {{ and }} in text, each once.
func placeholders(names []string, text string) []string {
	for {
		_, rest, ok := strings.Cut(text, "{{")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return names
		}
		if name = strings.TrimSpace(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
		text = after
	}
}

// fillPlaceholders replaces each {{name}} of text by value(name), unless that
// returns false.
func fillPlaceholders(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		name, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(before)
		if v, ok := value(strings.TrimSpace(name)); ok {
			b.WriteString(v)
		} else {
			b.WriteString("{{" + name + "}}")
		}
		text = after
	}
}

// sortNumbers sorts names by their numbers and reports whether all are numbers.
func sortNumbers(names []string) bool {
	for _, name := range names {
		if !isNumber(name) {
			return false
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return true
}

// isNumber reports whether s is a number from 1 without leading zeros.
func isNumber(s string) bool {
	if s == "" || len(s) > 4 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
