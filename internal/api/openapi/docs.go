package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// docsPage is the data of docs.html.
type docsPage struct {
	Host     string
	About    string
	Sections []docsSection
	Dialects []docsDialect
}

type docsSection struct {
	Name, Text string
	Ops        []docsOp
}

// docsOp is one operation.
type docsOp struct {
	ID, Method, Path, Summary, Text, Permission string
	Params, Body                                []docsField
	Answers                                     []docsAnswer
	Example                                     string
}

// docsField is one field of a body, or one parameter.
type docsField struct {
	Name, Type, Text string
	Required         bool
}

type docsAnswer struct {
	Status, Text string
	Fields       []docsField
}

// docsDialect is one dialect.
type docsDialect struct {
	Name, Title, About, Curl, More, Answer string
	Routes                                 []string
	Fields                                 []docsField
	Failures                               []failure // of the send
	Differs                                []string
}

// renderDocs returns the /docs page. It loads nothing from elsewhere.
func renderDocs(doc *huma.OpenAPI, o *Options) ([]byte, error) {
	p := docsPage{Host: o.PublicURL, About: doc.Info.Description}
	r := docsReader{doc.Components.Schemas}
	by := map[string][]docsOp{}
	for _, path := range sortedPaths(doc) {
		for _, op := range operations(doc.Paths[path]) {
			by[op.Tags[0]] = append(by[op.Tags[0]], r.op(op))
		}
	}
	for _, t := range doc.Tags {
		if ops := by[t.Name]; len(ops) > 0 && t.Name != dialectTag {
			p.Sections = append(p.Sections, docsSection{Name: t.Name, Text: t.Description, Ops: ops})
		}
	}
	for i := range o.Dialects {
		p.Dialects = append(p.Dialects, r.dialect(&o.Dialects[i], o.PublicURL))
	}
	var b bytes.Buffer
	if err := docsTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("write docs: %w", err)
	}
	return b.Bytes(), nil
}

func sortedPaths(o *huma.OpenAPI) []string {
	paths := make([]string, 0, len(o.Paths))
	for p := range o.Paths {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	return paths
}

// operations returns the operations of a path in reading order.
func operations(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Patch, item.Put, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

// docsReader turns schemas into tables.
type docsReader struct{ schemas huma.Registry }

func (r docsReader) op(op *huma.Operation) docsOp {
	out := docsOp{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Text: op.Description}
	if ps, ok := op.Metadata[permissionsKey].([]string); ok {
		out.Permission = strings.Join(ps, " or ")
	}
	for _, p := range op.Parameters {
		f := docsField{Name: p.Name, Type: p.In, Text: p.Description, Required: p.Required}
		if f.Text == "" && p.Schema != nil {
			f.Text = p.Schema.Description
		}
		if p.Schema != nil {
			f.Text = strings.TrimSpace(f.Text + " " + limits(p.Schema))
		}
		out.Params = append(out.Params, f)
	}
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			out.Body = r.fields(m.Schema, "", 0)
			out.Example = exampleText(m.Example)
		}
	}
	statuses := make([]string, 0, len(op.Responses))
	for status := range op.Responses {
		statuses = append(statuses, status)
	}
	sort.Strings(statuses)
	for _, status := range statuses {
		resp := op.Responses[status]
		a := docsAnswer{Status: status, Text: resp.Description}
		if status[0] == '2' {
			for _, m := range resp.Content {
				a.Fields = r.fields(m.Schema, "", 0)
			}
		}
		out.Answers = append(out.Answers, a)
	}
	return out
}

func exampleText(v any) string {
	raw, ok := v.(json.RawMessage)
	if !ok || string(raw) == "{}" {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// maxFields is how many levels of nested fields are shown.
const maxFields = 3

// typeFields returns the fields of a Go type.
func (r docsReader) typeFields(v any) []docsField {
	return r.fields(r.schemas.Schema(reflect.TypeOf(v), true, ""), "", 0)
}

// fields returns the properties of a schema; nested ones are named a.b.
func (r docsReader) fields(s *huma.Schema, at string, depth int) []docsField {
	s = r.real(s)
	if s == nil || depth > maxFields {
		return nil
	}
	if s.Items != nil {
		return r.fields(s.Items, at+"[]", depth)
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		ra, rb := slices.Contains(s.Required, a), slices.Contains(s.Required, b)
		if ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var out []docsField
	for _, name := range names {
		p := s.Properties[name]
		full := name
		if at != "" {
			full = at + "." + name
		}
		inner := r.real(p)
		text := p.Description
		if text == "" && inner != nil {
			text = inner.Description
		}
		out = append(out, docsField{
			Name: full, Type: kindOf(inner), Text: strings.TrimSpace(text + " " + limits(inner)), Required: slices.Contains(s.Required, name),
		})
		out = append(out, r.fields(p, full, depth+1)...)
	}
	return out
}

// real returns the schema that a reference refers to.
func (r docsReader) real(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return r.schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func kindOf(s *huma.Schema) string {
	switch {
	case s == nil || s.Type == "":
		return "any"
	case s.Type == huma.TypeArray && s.Items != nil && s.Items.Type != "":
		return "list of " + s.Items.Type
	case s.Type == huma.TypeArray:
		return "list"
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

// limits describes the constraints of a value.
func limits(s *huma.Schema) string {
	if s == nil {
		return ""
	}
	var out []string
	if s.Items != nil {
		s = s.Items
	}
	if len(s.Enum) > 0 && s.Extensions == nil { // else the description has them
		words := make([]string, 0, len(s.Enum))
		for _, e := range s.Enum {
			if w := fmt.Sprint(e); w != "" {
				words = append(words, w)
			}
		}
		out = append(out, "One of "+strings.Join(words, ", ")+".")
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		out = append(out, fmt.Sprintf("%v to %.0f.", *s.Minimum, *s.Maximum))
	case s.MaxLength != nil:
		out = append(out, fmt.Sprintf("At most %d characters.", *s.MaxLength))
	}
	return strings.Join(out, " ")
}
