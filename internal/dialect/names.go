package dialect

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Names maps JSON pointers of the native vocabulary to a vendor's field names.
// A pointer that isn't listed goes by its longest listed beginning; what
// follows it is the rest.
type Names map[string]string

// Of returns the vendor's name of a fault's field, and the steps below it joined
// with dots: "/variables/total" is ("variables", "total"). A pointer
// that no entry covers is already in the vendor's own names.
func (n Names) Of(pointer string) (name, rest string) {
	for end := len(pointer); end > 0; end = strings.LastIndexByte(pointer[:end], '/') {
		if name, ok := n[pointer[:end]]; ok {
			return name, steps(pointer[end:])
		}
	}
	return steps(pointer), ""
}

// Path is Of with name and rest in one.
func (n Names) Path(pointer string) string {
	name, rest := n.Of(pointer)
	if name == "" || rest == "" {
		return name + rest
	}
	return name + "." + rest
}

// Pointers maps JSON pointers of a vendor's fields to native ones, which Names maps back. A
// pointer that isn't listed goes by its longest listed beginning, else it stays.
type Pointers map[string]string

func (p Pointers) native(pointer string) string {
	for end := len(pointer); end > 0; end = strings.LastIndexByte(pointer[:end], '/') {
		if field, ok := p[pointer[:end]]; ok {
			return field + pointer[end:]
		}
	}
	return pointer
}

// steps writes a pointer with dots.
func steps(pointer string) string {
	s := strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
}

// verbs begin a fault's text that goes on from the field's name.
var verbs = []string{"is", "must", "has", "can't", "doesn't", "gives", "stands", "takes"}

// Sentence returns a fault as a text that begins with the vendor's field name,
// unless the text contains it already.
func (n Names) Sentence(f dispatch.Fault) string {
	name, rest := n.Of(f.Field)
	first, _, _ := strings.Cut(f.Msg, " ")
	switch {
	case name == "" || strings.HasPrefix(f.Msg, name) || strings.HasPrefix(f.Msg, `variable "`),
		rest != "" && strings.Contains(f.Msg, strconv.Quote(rest)):
		return f.Msg
	case slices.Contains(verbs, first):
		return n.Path(f.Field) + " " + f.Msg
	}
	return n.Path(f.Field) + ": " + f.Msg
}

// Sentences returns the faults as sentences.
func (n Names) Sentences(faults []dispatch.Fault) []string {
	var out []string
	for _, f := range faults {
		out = append(out, n.Sentence(f))
	}
	return out
}

// Others returns the faults of a refusal besides that which gives it its code.
func Others(e *dispatch.Error) dispatch.Faults {
	return slices.DeleteFunc(slices.Clone(e.Faults), func(f dispatch.Fault) bool { return f.Msg == e.Msg })
}

// Also returns msg, which is about a refusal's code, followed by its other faults.
func (n Names) Also(msg string, e *dispatch.Error) string {
	return strings.Join(append([]string{msg}, n.Sentences(Others(e))...), "; ")
}

// maxNamed is the number of faults that a detail names.
const maxNamed = 10

// Detail returns the message of e; of a validation error, what is wrong with
// each field: "to is required; type is required".
func Detail(e *dispatch.Error) string {
	if e.Code != dispatch.Invalid || len(e.Faults) == 0 {
		return e.Msg
	}
	named := Names{}.Sentences(e.Faults[:min(len(e.Faults), maxNamed)])
	if more := len(e.Faults) - maxNamed; more > 0 {
		named = append(named, strconv.Itoa(more)+" more")
	}
	return strings.Join(named, "; ")
}
