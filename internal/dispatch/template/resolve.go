package template

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// maxCode is the longest one-time password, in characters (Meta's and Kaleyra's
// pages).
const maxCode = 15

// Usable returns an error if t cannot be sent: only approved templates can.
func (t *Template) Usable() error {
	if strings.EqualFold(t.Status, "approved") {
		return nil
	}
	status := strings.ToLower(cmp.Or(t.Status, "not approved"))
	if t.StatusReason != "" {
		status += " (" + t.StatusReason + ")"
	}
	e := dispatch.InvalidField("/template/name", "template %q is %s; only approved templates can be sent", t.Name, status)
	e.Reason = "template_not_approved"
	return e
}

// Resolve sets use to what a provider is sent: the template's name and
// language, and a parameter for each of its variables, in order. The values
// come from use.Components in Meta's form, matched by order or by
// parameter_name, or from v; a header's file may come from v beside components.
// The error lists a fault for each variable; use is then unchanged.
func (t *Template) Resolve(use *dispatch.TemplateUse, v *dispatch.Variables) error {
	if v == nil {
		v = &dispatch.Variables{}
	}
	if out := t.plainly(use, v); out != nil {
		t.resolved(use, out)
		return nil
	}
	r := newResolver(t, componentsAt)
	switch {
	case len(use.Components) == 0:
		r.variables(v)
	case len(v.List)+len(v.Named)+len(v.Header)+len(v.Body)+len(v.Buttons) > 0:
		r.faults.Add("/template/variables", "can't stand beside components: give one of them")
	default:
		r.components(use.Components)
	}
	r.mediaURL(v.HeaderMediaURL, v.HeaderFilename)
	r.checkCode()
	r.checkMissing()
	if err := r.faults.Err(); err != nil {
		return err
	}
	t.resolved(use, r.build())
	return nil
}

func (t *Template) resolved(use *dispatch.TemplateUse, components []dispatch.Component) {
	use.Name, use.Language.Code = t.Name, t.Language
	use.TemplateID, use.ProviderTemplateID = t.ID, t.ProviderTemplateID
	use.Components = components
}

// plainly returns the components for a list of texts, where t has nothing but texts in header and
// body: a resolver would find them with five times the memory. It returns nil for
// everything else, faults above all.
func (t *Template) plainly(use *dispatch.TemplateUse, v *dispatch.Variables) []dispatch.Component {
	if len(t.prepared) == 0 || len(v.List) != len(t.prepared) || v.Named != nil || v.Header != nil || v.Body != nil || v.Buttons != nil ||
		v.HeaderMediaURL != "" || len(use.Components) > 0 || t.authentication() {
		return nil
	}
	parts := 0
	for i := range t.prepared {
		s, value := &t.prepared[i], v.List[i]
		if s.Number != i+1 || s.paramType != "text" || (s.Component != "header" && s.Component != "body") || s.card != 0 || s.optional ||
			s.repeats || value == "" || len(value) > maxHeaderText || dispatch.ParameterText(value) != "" {
			return nil
		}
		if i == 0 || s.Component != "body" || t.prepared[i-1].Component != "body" {
			parts++
		}
	}
	out, room := make([]dispatch.Component, 0, parts), make([]dispatch.Parameter, len(t.prepared))
	for i := range t.prepared {
		s, p := &t.prepared[i], &room[i]
		if p.Type, p.Text = s.paramType, v.List[i]; s.emitName {
			p.ParameterName = s.placeholder
		}
		if last := len(out) - 1; last >= 0 && s.Component == "body" && out[last].Type == "body" {
			from := i - len(out[last].Parameters)
			out[last].Parameters = room[from : i+1 : i+1]
			continue
		}
		out = append(out, dispatch.Component{Type: s.Component, Parameters: room[i : i+1 : i+1]})
	}
	return out
}

// resolver fills the slots of a template with values of any form.
type resolver struct {
	t      *Template
	slots  []slot
	room   []dispatch.Parameter // for the values of slots; it never grows
	base   string               // the pointer to the components
	faults dispatch.Faults
}

// componentsAt is the pointer to the components of a message.
const componentsAt = "/template/components"

// newResolver returns a resolver for t whose components stand at a pointer.
func newResolver(t *Template, base string) resolver {
	slots := t.slots()
	return resolver{t: t, slots: slots, room: make([]dispatch.Parameter, 0, len(slots)), base: base}
}

// place returns p in a place of its own.
func (r *resolver) place(p dispatch.Parameter) *dispatch.Parameter {
	if len(r.room) == cap(r.room) {
		apart := p
		return &apart
	}
	r.room = append(r.room, p)
	return &r.room[len(r.room)-1]
}

// variables fills the slots from a list, a map by name, or Gupshup's maps by
// part.
func (r *resolver) variables(v *dispatch.Variables) {
	if v.List != nil || v.Named != nil || v.Header != nil || v.Body != nil || v.Buttons != nil {
		r.defaultFlows()
	}
	switch {
	case v.Header != nil || v.Body != nil || v.Buttons != nil:
		r.part("header", v.Header)
		r.part("body", v.Body)
		r.part("button", v.Buttons)
	case v.Named != nil:
		r.named(v.Named)
	default:
		r.list(v.List)
	}
}

// noFlowToken is Meta's default for the token of a flow
// (developers.facebook.com/docs/whatsapp/flows/guides/sendingaflow).
const noFlowToken = `{"flow_token":"unused"}`

// defaultFlows fills the buttons of flows, whose values a list or a map has no room
// for.
func (r *resolver) defaultFlows() {
	for i := range r.slots {
		if s := &r.slots[i]; s.Kind == "flow" && !s.optional {
			s.filled, s.value = true, &dispatch.Parameter{Type: s.paramType, Action: json.RawMessage(noFlowToken)}
		}
	}
}

// list fills the slots in order. There must be exactly one value for each.
func (r *resolver) list(values []string) {
	needed := 0
	for i := range r.slots {
		needed = max(needed, r.slots[i].Number)
	}
	if r.t.authentication() && needed == 1 && len(values) == 2 && values[0] == values[1] {
		values = values[:1] // the code for the body and again for the button
	}
	if len(values) > needed {
		r.faults.Add(dispatch.Pointer("/template/variables", needed), "too many variables: %s", r.count(len(values)))
	}
	for i := range r.slots {
		switch s := &r.slots[i]; {
		case s.Number == 0:
		case s.Number > len(values):
			r.missing(s, "/template/variables", "variable %q is missing: %s%s", s.Label(), r.count(len(values)), s.place())
		default:
			r.set(s, values[s.Number-1], "/template/variables", s.Number-1)
		}
	}
}

// count returns how many values a list has, and which ones it needs.
func (r *resolver) count(given int) string {
	var names []string
	for i := range r.slots {
		if r.slots[i].Number > 0 {
			names = append(names, r.slots[i].listed())
		}
	}
	count := strconv.Itoa(given) + " given, " + strconv.Itoa(len(names)) + " needed"
	if len(names) > 0 {
		count += " (" + strings.Join(names, listSeparator(names)) + ")"
	}
	return count
}

// listSeparator returns what stands between names, of which places have commas.
func listSeparator(names []string) string {
	if slices.ContainsFunc(names, func(s string) bool { return strings.Contains(s, ", ") }) {
		return "; "
	}
	return ", "
}

// missing adds a fault about s, once: s counts as filled from then on.
func (r *resolver) missing(s *slot, at, format string, args ...any) {
	s.filled = true
	r.lacks(at, format, args...)
}

// named fills the slots by name. A positional template also accepts numbers.
func (r *resolver) named(values map[string]string) {
	used := make([]string, 0, 8)
	for i := range r.slots {
		s := &r.slots[i]
		if s.Number == 0 {
			continue
		}
		key := s.Label()
		if _, ok := values[key]; !ok && s.Name != s.placeholder {
			key = strconv.Itoa(s.Number)
			if r.t.Style == SharedNumbering {
				key = s.placeholder // its own numbering, which may have gaps
			}
		}
		value, ok := values[key]
		if !ok {
			r.missing(s, dispatch.Pointer("/template/variables", s.Label()), "variable %q is missing%s", s.Label(), s.place())
			continue
		}
		used = append(used, key)
		r.set(s, value, "/template/variables", key)
	}
	for _, key := range unused(values, used) {
		r.faults.Add(dispatch.Pointer("/template/variables", key), "%s", r.surplus(key))
	}
}

// unused returns the keys of values that are not in used, sorted.
func unused(values map[string]string, used []string) []string {
	var out []string
	for key := range values {
		if !slices.Contains(used, key) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// surplus returns the text of the fault of a variable that the template does
// not have.
func (r *resolver) surplus(name string) string {
	names := r.t.VariableNames()
	if len(names) == 0 {
		return "variable " + strconv.Quote(name) + " is surplus: the template has no variables"
	}
	return "variable " + strconv.Quote(name) + " is not one of " + strings.Join(names, ", ")
}

// part fills the slots of one component from its own map: by their position, or
// by name. The n-th entry for the buttons belongs to the n-th button that takes
// a value.
func (r *resolver) part(component string, values map[string]string) {
	at := "/template/variables/" + component
	if component == "button" {
		at += "s"
	}
	place, used := 0, make([]string, 0, 8)
	for i := range r.slots {
		s := &r.slots[i]
		if s.Component != component || (component == "header" && s.Kind != "text") {
			continue
		}
		place++
		key := strconv.Itoa(place)
		if _, ok := values[key]; !ok && s.Name != "" {
			key = s.Name
		}
		value, ok := values[key]
		switch {
		case ok:
			used = append(used, key)
			r.set(s, value, at, key)
		case !s.optional && !s.repeats && !s.filled:
			r.missing(s, dispatch.Pointer(at, key), "variable %q of the %s is missing", key, component)
		}
	}
	for _, key := range unused(values, used) {
		r.faults.Add(dispatch.Pointer(at, key), "variable %q is surplus: the template's %s takes %d", key, component, place)
	}
}

// set fills s with a text. The pointer to the value is built only for a fault.
func (r *resolver) set(s *slot, value, at string, part any) {
	s.filled = true
	if value == "" {
		r.faults.Add(dispatch.Pointer(at, part), "variable %q is empty", s.Label())
		return
	}
	if r.t.authentication() {
		s.at = dispatch.Pointer(at, part)
	}
	switch s.paramType {
	case "payload":
		s.value = r.place(dispatch.Parameter{Type: s.paramType, Payload: value})
	case "coupon_code":
		s.value = r.place(dispatch.Parameter{Type: s.paramType, CouponCode: value})
	case "text":
		r.text(s, value, at, part)
		s.value = r.place(dispatch.Parameter{Type: s.paramType, Text: value})
	default: // a flow's data is an object
		r.faults.Add(dispatch.Pointer(at, part), "the button's value must be given in components")
	}
}

// build returns the components of the filled slots, in Meta's order.
func (r *resolver) build() []dispatch.Component {
	out := make([]dispatch.Component, 0, 2)
	for i := range r.slots {
		s := &r.slots[i]
		if s.cards != nil {
			out = append(out, dispatch.Component{Type: s.Component, Cards: s.cards})
			continue
		}
		if s.value == nil {
			continue
		}
		if s.emitName {
			s.value.ParameterName = s.placeholder
		}
		if last := len(out) - 1; last >= 0 && s.Component == "body" && out[last].Type == "body" {
			out[last].Parameters = append(out[last].Parameters, *s.value)
			continue
		}
		c := dispatch.Component{Type: s.Component, SubType: s.subType}
		if s.Component == "button" {
			c.Index = new(dispatch.Index(strconv.Itoa(s.Button)))
		}
		room := 1
		if s.Component == "body" {
			room = len(r.slots) - i
		}
		c.Parameters = append(make([]dispatch.Parameter, 0, room), *s.value)
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
