package template

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// checkCode checks an authentication template's one-time password: at most 15
// characters, the same in body and button. Given as a variable it fills both.
func (r *resolver) checkCode() {
	if !r.t.authentication() {
		return
	}
	i := slices.IndexFunc(r.slots, func(s slot) bool { return s.Component == "body" && s.value != nil })
	if i < 0 {
		return
	}
	body := &r.slots[i]
	code := body.value.Text
	if n := utf8.RuneCountInString(code); n > maxCode {
		r.faults.Add(body.at, "the one-time password is %d characters long; at most %d are allowed", n, maxCode)
	}
	for i := range r.slots {
		s := &r.slots[i]
		switch {
		case !s.repeats:
		case s.value != nil && s.value.Text != code:
			r.faults.Add(s.at, "the one-time password of the button differs from that of the body")
		case s.filled:
		case strings.HasPrefix(body.at, "/template/components"):
			r.faults.Add("/template/components", "the one-time password must stand twice: the button's is missing")
			s.filled = true
		default:
			s.filled, s.value = true, &dispatch.Parameter{Type: "text", Text: code}
		}
	}
}

// checkMissing adds a fault for each required slot that is not filled.
func (r *resolver) checkMissing() {
	for i := range r.slots {
		s := &r.slots[i]
		switch {
		case s.filled || s.optional:
		case s.repeats: // its body is missing, too
		case s.Component == carousel:
			r.lacks(r.base, "the template's carousel needs a component of type carousel with its cards")
		case s.Component == offer:
			r.lacks(r.base, "the template's limited-time offer needs a component of type limited_time_offer with expiration_time_ms")
		case s.paramType == "action":
			r.lacks(r.base, "%s needs a component with an action", s.where())
		case s.Component == "header" && s.Kind != "text":
			r.lacks(r.fileAt(s.Kind), "%s", s.needsFile())
		default:
			r.lacks(cmp.Or(s.at, r.base), "variable %q is missing%s", s.Label(), s.place())
		}
	}
}

// lacks adds a fault at a pointer about a value that was not given, there or in another field.
func (r *resolver) lacks(at, format string, args ...any) {
	needs := []string{componentsAt}
	if strings.HasPrefix(at, componentsAt) {
		needs = []string{"/template/variables", "/template/header_media_url"}
	}
	if at == componentsAt {
		needs = append(needs, componentsAt) // and all that stands there
	}
	r.faults.AddWith(needs, at, format, args...)
}

// fileAt returns where a client gives a header's value of that kind: a file of the
// template itself has a field of its own.
func (r *resolver) fileAt(kind string) string {
	if r.base != componentsAt || kind == "location" || kind == "product" {
		return r.base
	}
	return "/template/header_media_url"
}

// needsFile returns the text of the fault of a header without its file, location or
// product.
func (s *slot) needsFile() string {
	what := "the template's header needs a "
	if s.card > 0 {
		what = "the header of card " + strconv.Itoa(s.card) + " needs a "
	}
	if s.Kind == "location" || s.Kind == "product" {
		return what + s.Kind
	}
	return what + "file of type " + s.Kind
}
