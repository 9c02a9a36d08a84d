package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// components fills the slots from components in Meta's form.
func (r *resolver) components(given []dispatch.Component) {
	if r.t.Style == SharedNumbering { // one numbering over all parts
		all := make([]*slot, len(r.slots))
		for i := range r.slots {
			all[i] = &r.slots[i]
		}
		var parameters []dispatch.Parameter
		for i := range given {
			parameters = append(parameters, given[i].Parameters...)
		}
		before := len(r.faults)
		r.parameters(all, parameters, "template", r.base)
		for i := range r.faults[before:] {
			f := &r.faults[before+i]
			f.Field = r.given(given, f.Field)
		}
		return
	}
	seen := make([]string, 0, len(given))
	for i := range given {
		c := &given[i]
		at := dispatch.Pointer(r.base, i)
		part := strings.ToLower(c.Type)
		what, button := part, 0
		switch part {
		case "header", "body", offer:
		case carousel:
			r.carousel(c, at)
			continue
		case "button":
			var ok bool
			if button, ok = r.button(c, at); !ok {
				continue
			}
			what = "button " + strconv.Itoa(button)
		default:
			r.faults.Add(at+"/type", "must be header, body, button, limited_time_offer or carousel")
			continue
		}
		if slices.Contains(seen, what) {
			r.faults.Add(at, "the %s stands twice", what)
			continue
		}
		seen = append(seen, what)
		r.parameters(r.slotsOf(part, button), c.Parameters, what, at+"/parameters")
	}
}

// given returns the pointer to what the client gave, of a pointer that counts the
// parameters of all components.
func (r *resolver) given(all []dispatch.Component, field string) string {
	rest, ok := strings.CutPrefix(field, r.base+"/")
	number, tail, deeper := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return field
	}
	for i := range all {
		if m := len(all[i].Parameters); n >= m {
			n -= m
			continue
		}
		at := dispatch.Pointer(r.base, i, "parameters", n)
		if deeper {
			at += "/" + tail
		}
		return at
	}
	return field
}

// slotsOf returns the slots of one part.
func (r *resolver) slotsOf(component string, button int) []*slot {
	out := make([]*slot, 0, len(r.slots))
	for i := range r.slots {
		if s := &r.slots[i]; s.Component == component && s.Button == button {
			out = append(out, s)
		}
	}
	return out
}

// button returns the index of the button that c fills. The template must have
// it, of the type that c states.
func (r *resolver) button(c *dispatch.Component, at string) (int, bool) {
	if c.Index == nil {
		r.faults.Add(at+"/index", "is required for a button")
		return 0, false
	}
	i, ok := c.Index.Position()
	buttons := r.t.buttons()
	if !ok || i >= len(buttons) {
		r.faults.Add(at+"/index", "the template has %d buttons", len(buttons))
		return 0, false
	}
	want := strings.ToLower(buttons[i].Type)
	if got := strings.ToLower(c.SubType); got != want && want != "otp" && !r.t.authentication() {
		r.faults.Add(at+"/sub_type", "button %d of the template is of type %q", i, want)
		return 0, false
	}
	return i, true
}

// buttons returns the template's buttons.
func (t *Template) buttons() []Button {
	for i := range t.Components {
		if strings.EqualFold(t.Components[i].Type, "BUTTONS") {
			return t.Components[i].Buttons
		}
	}
	return nil
}

// parameters fills the slots of one part (called what): first with the
// parameters that have a name, then with the others in order.
func (r *resolver) parameters(slots []*slot, given []dispatch.Parameter, what, at string) {
	for _, s := range slots {
		s.at = at
	}
	named, nameless := false, 0
	for j := range given {
		name := given[j].ParameterName
		if name == "" {
			continue
		}
		named = true
		i := slices.IndexFunc(slots, func(s *slot) bool { return s.called(name) && !s.filled })
		if i < 0 {
			r.faults.Add(dispatch.Pointer(at, j, "parameter_name"), "%s", notOneOf(name, slots, what))
			continue
		}
		r.parameter(slots[i], &given[j], at, j)
	}
	for j := range given {
		if given[j].ParameterName != "" {
			continue
		}
		if named && strings.EqualFold(given[j].Type, "text") {
			r.faults.Add(dispatch.Pointer(at, j, "parameter_name"), "is required, since other parameters have names")
			nameless++
			continue
		}
		i := slices.IndexFunc(slots, func(s *slot) bool { return !s.filled })
		if i < 0 {
			r.faults.Add(dispatch.Pointer(at, j), "is one too many: %s", takes(slots, what))
			continue
		}
		r.parameter(slots[i], &given[j], at, j)
	}
	for _, s := range slots {
		if !s.filled && !s.optional && s.Number > 0 {
			if s.filled = nameless > 0; s.filled { // what it takes may stand there without a name
				nameless--
				continue
			}
			r.missing(s, at, "variable %q is missing: %d given, %s%s", s.Label(), len(given), takes(slots, what), s.place())
		}
	}
}

// place returns where a variable without a name stands, in the template's own
// numbering: "; it is URL button 1, {{1}}".
func (s *slot) place() string {
	if s.Name != "" || s.emitName { // its label is the template's own number
		return ""
	}
	return "; it is " + s.where()
}

// where returns the place of s in the template: "URL button 1, {{1}}".
func (s *slot) where() string {
	part := s.Component
	if part == "button" {
		part = strings.ToUpper(s.Kind) + " button " + strconv.Itoa(s.Button+1)
	}
	if s.card > 0 {
		part = "card " + strconv.Itoa(s.card) + ", " + part
	}
	if s.placeholder == "" {
		return part
	}
	return part + ", {{" + s.placeholder + "}}"
}

// listed returns what a list of values calls s: its name, or its place.
func (s *slot) listed() string {
	if s.Name != "" {
		return s.Name
	}
	return s.where()
}

// called reports whether a client may call s by that name.
func (s *slot) called(name string) bool {
	return name == s.Name || name == s.placeholder || (s.Name == "" && name == strconv.Itoa(s.Index))
}

// takes describes how many parameters a part takes.
func takes(slots []*slot, what string) string {
	if len(slots) == 0 {
		return "the " + what + " takes none"
	}
	return "the " + what + " takes " + strconv.Itoa(len(slots)) + labels(slots, " (", ")")
}

// notOneOf returns the text of the fault of a part that has no variable of that
// name.
func notOneOf(name string, slots []*slot, what string) string {
	if len(slots) == 0 {
		return "variable " + strconv.Quote(name) + " is surplus: the " + what + " takes none"
	}
	return "variable " + strconv.Quote(name) + " is not one of" + labels(slots, " ", "") + ", or stands twice"
}

func labels(slots []*slot, before, after string) string {
	names := make([]string, 0, len(slots))
	for _, s := range slots {
		switch {
		case s.Number == 0:
		case s.Name != "" || s.placeholder == "":
			names = append(names, s.Label())
		default:
			names = append(names, "{{"+s.placeholder+"}}")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return before + strings.Join(names, ", ") + after
}

// parameter fills s if p is complete and of a matching type.
func (r *resolver) parameter(s *slot, p *dispatch.Parameter, at string, j int) {
	s.filled = true
	kind := strings.ToLower(p.Type)
	if s.repeats && kind == "coupon_code" { // a one-time password by another name
		kind, p = "text", &dispatch.Parameter{Text: p.CouponCode}
	}
	formatted := (kind == "currency" || kind == "date_time") && s.Kind == "text" && !r.t.authentication()
	missing := p.Missing(kind)
	switch {
	case kind != s.paramType && !formatted:
		r.faults.Add(dispatch.Pointer(at, j, "type"), "must be %q here, not %q", s.paramType, kind)
	case missing != "":
		r.faults.Add(dispatch.Pointer(at, j, kind), "%s", missing)
	default:
		if r.t.authentication() {
			s.at = dispatch.Pointer(at, j, "text")
		}
		if kind == "text" {
			r.text(s, p.Text, at, j, kind)
		}
		s.value = only(p, kind)
		if m := p.Media(kind); m != nil {
			m.Validate(&r.faults, dispatch.Pointer(at, j, kind), dispatch.Type(kind))
		}
	}
}

// only returns a copy of p that holds nothing but the value of its kind.
func only(p *dispatch.Parameter, kind string) *dispatch.Parameter {
	switch kind {
	case "image", "video", "gif", "document":
		return mediaParameter(kind, p.Media(kind))
	case "text":
		return &dispatch.Parameter{Type: kind, Text: p.Text}
	case "payload":
		return &dispatch.Parameter{Type: kind, Payload: p.Payload}
	case "coupon_code":
		return &dispatch.Parameter{Type: kind, CouponCode: p.CouponCode}
	case "product":
		return &dispatch.Parameter{Type: kind, Product: p.Product}
	case offer:
		return &dispatch.Parameter{Type: kind, Offer: p.Offer}
	case "location":
		return &dispatch.Parameter{Type: kind, Location: p.Location}
	case "currency":
		return &dispatch.Parameter{Type: kind, Currency: p.Currency}
	case "date_time":
		return &dispatch.Parameter{Type: kind, DateTime: p.DateTime}
	case "action":
		return &dispatch.Parameter{Type: kind, Action: p.Action}
	}
	return &dispatch.Parameter{Type: kind}
}
