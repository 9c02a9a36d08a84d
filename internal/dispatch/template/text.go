package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// The most characters of a value, by its place
// (developers.facebook.com/docs/whatsapp/cloud-api/reference/messages, parameter
// object): a body may be longer if the template has nothing else.
const (
	maxHeaderText = 60
	maxBodyText   = 1024
	maxOnlyBody   = 32768
	maxURLText    = 2000
)

// longest returns the most characters of the value of s.
func (r *resolver) longest(s *slot) int {
	switch {
	case s.Component == "header":
		return maxHeaderText
	case s.Component == "button":
		return maxURLText
	case slices.ContainsFunc(r.t.Components, func(c Component) bool { return !strings.EqualFold(c.Type, "body") }):
		return maxBodyText
	}
	return maxOnlyBody
}

// text adds a fault at the pointer unless WhatsApp takes the value of s.
func (r *resolver) text(s *slot, value, at string, part ...any) {
	fault := dispatch.ParameterText(value)
	if fault == "" && len(value) > maxHeaderText {
		if n, most := utf8.RuneCountInString(value), r.longest(s); n > most {
			fault = fmt.Sprintf("is %d characters long; at most %d are allowed", n, most)
		}
	}
	if fault != "" {
		r.faults.Add(dispatch.Pointer(at, part...), "%s", fault)
	}
}
