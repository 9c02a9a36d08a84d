package openapi

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// enum is a closed set of values with what they mean, and the properties that have
// it, as Schema.property.
type enum struct {
	at     []string
	values []meaning
}

type meaning struct{ value, text string }

// describeEnums sets the values of the properties that the Go types have as plain
// strings, and adds to every enumeration what its values mean.
func describeEnums(doc *huma.OpenAPI) {
	for _, e := range enums {
		for _, at := range e.at {
			if p := property(doc, at); p != nil {
				e.describe(p)
			}
		}
	}
	for _, item := range doc.Paths {
		for _, op := range operations(item) {
			for _, p := range op.Parameters {
				for _, e := range enums {
					if p.Schema != nil && len(p.Schema.Enum) > 1 && e.has(p.Schema.Enum) {
						e.describe(p.Schema)
						break
					}
				}
			}
		}
	}
}

// property returns the schema of a property, or of the elements of a list.
func property(doc *huma.OpenAPI, at string) *huma.Schema {
	name, field, _ := strings.Cut(at, ".")
	s := doc.Components.Schemas.Map()[name]
	if s == nil || s.Properties[field] == nil {
		return nil
	}
	p := s.Properties[field]
	if p.Ref != "" { // a schema that several share
		p = doc.Components.Schemas.SchemaFromRef(p.Ref)
	}
	if p.Items != nil {
		return p.Items
	}
	return p
}

// has reports whether these are the values of e, in any order.
func (e *enum) has(values []any) bool {
	if len(values) != len(e.values) {
		return false
	}
	return !slices.ContainsFunc(e.values, func(m meaning) bool { return !slices.Contains(values, any(m.value)) })
}

// describe sets the values and their meanings, which generators and readers of the
// description find in different places.
func (e *enum) describe(s *huma.Schema) {
	s.Enum = nil
	texts, lines := make([]string, len(e.values)), make([]string, len(e.values))
	for i, m := range e.values {
		s.Enum = append(s.Enum, m.value)
		texts[i], lines[i] = m.text, m.value+": "+m.text
	}
	s.Extensions = map[string]any{"x-enum-descriptions": texts}
	s.Description = strings.TrimSpace(s.Description + "\n\n" + strings.Join(lines, "; ") + ".")
}
