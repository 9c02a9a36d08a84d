package openapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// completeAnswers makes the schemas of answers what clients can be generated from:
// a field that is always present is required, and an answer may get more fields
// later. Schemas that requests have too keep their required fields: what may be left
// out of a request is not always in an answer.
func completeAnswers(doc *huma.OpenAPI) {
	requests, answers := map[string]bool{}, map[string]bool{}
	for _, item := range doc.Paths {
		for _, op := range operations(item) {
			if op.RequestBody != nil {
				reach(doc, op.RequestBody.Content, requests)
			}
			for _, r := range op.Responses {
				reach(doc, r.Content, answers)
			}
		}
	}
	for _, item := range doc.Webhooks {
		reach(doc, item.Post.RequestBody.Content, answers)
	}
	for name, s := range doc.Components.Schemas.Map() {
		if !answers[name] {
			continue
		}
		open(s)
		if t := doc.Components.Schemas.TypeFromRef(schemaRef + name); t != nil && !requests[name] && len(s.Required) == 0 {
			s.Required = always(t, s)
		}
	}
}

const schemaRef = "#/components/schemas/"

// reach adds the names of the schemas that content refers to.
func reach(doc *huma.OpenAPI, content map[string]*huma.MediaType, into map[string]bool) {
	for _, m := range content {
		if m.Schema != nil {
			reachSchema(doc, m.Schema, into)
		}
	}
}

func reachSchema(doc *huma.OpenAPI, s *huma.Schema, into map[string]bool) {
	if name, ok := strings.CutPrefix(s.Ref, schemaRef); ok {
		if !into[name] {
			into[name] = true
			reachSchema(doc, doc.Components.Schemas.Map()[name], into)
		}
		return
	}
	for _, inner := range children(s) {
		reachSchema(doc, inner, into)
	}
}

// children returns the schemas that s holds.
func children(s *huma.Schema) []*huma.Schema {
	all := slices.Concat(s.OneOf, s.AnyOf, s.AllOf)
	for _, p := range s.Properties {
		all = append(all, p)
	}
	if s.Items != nil {
		all = append(all, s.Items)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		all = append(all, more)
	}
	return all
}

// open lets a schema, and those inside it, have more fields than it names.
func open(s *huma.Schema) {
	if s.AdditionalProperties == false {
		s.AdditionalProperties = nil
	}
	for _, inner := range children(s) {
		if inner.Ref == "" {
			open(inner)
		}
	}
}

// always returns the properties of s that encoding/json always writes for a t.
func always(t reflect.Type, s *huma.Schema) (names []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || strings.Contains(options, "omit") || s.Properties[name] == nil {
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
