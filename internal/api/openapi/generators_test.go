package openapi_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/webhook"
)

// description is the part of the description that generators read and openapi3 does
// not keep.
type description struct {
	Webhooks map[string]struct {
		Post struct {
			OperationID string
			Security    *[]any
			RequestBody struct {
				Content map[string]struct{ Example, Schema map[string]any }
			}
		}
	}
}

// Generators turn an operation's id and a parameter's name into an identifier.
func TestOpenAPI_Names_AreUniqueIdentifiers(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	name := func(s string) string { return regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(strings.ToLower(s), "") }
	ids := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			at := method + " " + path
			if other, ok := ids[name(op.OperationID)]; ok || name(op.OperationID) == "" {
				t.Errorf("%s and %s have the id %q", at, other, op.OperationID)
			}
			ids[name(op.OperationID)] = at
			params := map[string]bool{}
			for _, p := range op.Parameters {
				goName := p.Value.Name
				if given, ok := p.Value.Extensions["x-go-name"].(string); ok {
					goName = given
				}
				if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`).MatchString(goName) || params[p.Value.In+name(goName)] {
					t.Errorf("%s: the parameter %s is named %q", at, p.Value.Name, goName)
				}
				params[p.Value.In+name(goName)] = true
			}
		}
	}
}

// Every body has an example; Validate has checked it against its schema.
func TestOpenAPI_Bodies_HaveExamples(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for media, m := range op.RequestBody.Value.Content {
				bodies++
				if m.Example == nil && len(m.Examples) == 0 {
					t.Errorf("%s %s: the body of %s has no example", method, path, media)
				}
			}
		}
	}
	if bodies < 50 {
		t.Errorf("%d bodies", bodies)
	}
}

// vendorsOwn are the enumerations whose values are names of vendors, and need no
// words.
var vendorsOwn = []string{"provider", "format"}

func TestOpenAPI_Answers_CanGrowAndSayWhatTheyAlwaysHave(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, r := range op.Responses.Map() {
				for _, m := range r.Value.Content {
					if at := closed(m.Schema, map[*openapi3.Schema]bool{}); at != "" {
						t.Errorf("%s %s, answer %s: %s refuses further fields", method, path, status, at)
					}
				}
			}
		}
	}
	for name, want := range map[string][]string{
		"View":        {"message_id", "status", "channel_id", "to", "type", "lane", "maybe_sent", "attempts", "created_at", "updated_at"},
		"ReceiptBody": {"status", "to", "channel_id"}, "Problem": {"type", "title", "status", "detail", "code"},
		"Brief":       {"message_id", "status", "maybe_sent", "updated_at"},
		"BatchAnswer": {"accepted", "rejected", "results"}, "PageView": {"data"}, "Key": {"id", "name", "permissions", "active"},
		"Webhook": {"id", "url", "events", "enabled"}, "TimelineEvent": {"sequence", "at", "type"},
	} {
		s := doc.Components.Schemas[name]
		if s == nil {
			t.Errorf("no schema %s", name)
			continue
		}
		for _, field := range want {
			if !slices.Contains(s.Value.Required, field) {
				t.Errorf("%s.%s is not required: %v", name, field, s.Value.Required)
			}
		}
	}
	if required := doc.Components.Schemas["View"].Value.Required; slices.Contains(required, "send_at") {
		t.Errorf("View requires send_at, which most messages lack: %v", required)
	}
	if s := doc.Components.Schemas["KeyCreate"].Value; s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has {
		t.Error("a request may have unknown fields, which are refused")
	}
}

// closed returns where a schema refuses further fields, or "".
func closed(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) string {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return ""
	}
	s := ref.Value
	seen[s] = true
	if s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has {
		return ref.Ref + " " + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ",")
	}
	inner := slices.Concat([]*openapi3.SchemaRef{s.Items, s.AdditionalProperties.Schema}, s.OneOf, s.AllOf, s.AnyOf)
	for _, p := range s.Properties {
		inner = append(inner, p)
	}
	for _, p := range inner {
		if at := closed(p, seen); at != "" {
			return at
		}
	}
	return ""
}

func TestOpenAPI_Enums_HaveMeanings(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	native, found := map[string]bool{}, 0
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Tags[0] == "Dialects" {
				continue
			}
			for _, p := range op.Parameters {
				found += meanings(t, op.OperationID+"?"+p.Value.Name, p.Value.Schema.Value)
			}
			if op.RequestBody != nil {
				collect(op.RequestBody.Value.Content, native)
			}
			for _, r := range op.Responses.Map() {
				collect(r.Value.Content, native)
			}
		}
	}
	for name := range native {
		for field, p := range doc.Components.Schemas[name].Value.Properties {
			if slices.Contains(vendorsOwn, field) {
				continue
			}
			found += meanings(t, name+"."+field, p.Value)
			if p.Value.Items != nil {
				found += meanings(t, name+"."+field, p.Value.Items.Value)
			}
		}
	}
	if found < 40 {
		t.Errorf("%d enumerations", found)
	}
	for at, file := range map[string]string{"Problem.code": "error.go", "ViewError.code": "failure.go"} {
		name, field, _ := strings.Cut(at, ".")
		var got []string
		for _, v := range doc.Components.Schemas[name].Value.Properties[field].Value.Enum {
			got = append(got, v.(string))
		}
		if want := codes(t, "../../dispatch/"+file); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}

// meanings checks an enumeration and returns 1 for one.
func meanings(t *testing.T, at string, s *openapi3.Schema) int {
	t.Helper()
	if len(s.Enum) < 2 {
		return 0
	}
	texts, _ := s.Extensions["x-enum-descriptions"].([]any)
	if len(texts) != len(s.Enum) {
		t.Errorf("%s: %d values and %d meanings: %v", at, len(s.Enum), len(texts), s.Enum)
		return 1
	}
	for i, v := range s.Enum {
		if line := v.(string) + ": " + texts[i].(string); !strings.Contains(s.Description, line) {
			t.Errorf("%s: the description lacks %q", at, line)
		}
	}
	return 1
}

// collect adds the names of the schemas that content refers to, at any depth.
func collect(content openapi3.Content, into map[string]bool) {
	var visit func(ref *openapi3.SchemaRef)
	visit = func(ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil {
			return
		}
		if name := strings.TrimPrefix(ref.Ref, "#/components/schemas/"); ref.Ref != "" {
			if into[name] {
				return
			}
			into[name] = true
		}
		visit(ref.Value.Items)
		for _, p := range ref.Value.Properties {
			visit(p)
		}
	}
	for _, m := range content {
		visit(m.Schema)
	}
}

// codes returns the constants with texts of a file, sorted: those of type Code or
// ErrorCode.
func codes(t *testing.T, file string) (all []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Type == nil || len(v.Values) != 1 {
			return true
		}
		kind, ok := v.Type.(*ast.Ident)
		if lit, isText := v.Values[0].(*ast.BasicLit); ok && isText && strings.HasSuffix(kind.Name, "Code") {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return true
	})
	slices.Sort(all)
	return all
}

// Every event that a webhook can subscribe to is described, with an example that
// fits, and needs no API key.
func TestOpenAPI_Webhooks_AreDescribed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var doc description
	if err := json.Unmarshal(f.As("", "GET", "/openapi.json", nil).Body, &doc); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(doc.Webhooks)), slices.Sorted(slices.Values(webhook.EventNames())); !slices.Equal(got, want) {
		t.Errorf("described are %v, want %v", got, want)
	}
	for name, hook := range doc.Webhooks {
		body := hook.Post.RequestBody.Content["application/json"]
		if body.Example["type"] != name || hook.Post.Security == nil || len(*hook.Post.Security) != 0 {
			t.Errorf("%s: example %v, security %v", name, body.Example, hook.Post.Security)
		}
		schema := &openapi3.Schema{}
		raw, err := json.Marshal(body.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"type", "timestamp", "data"} {
			if schema.Properties[field] == nil || !slices.Contains(schema.Required, field) {
				t.Errorf("%s: %s is not required", name, field)
			}
		}
		for field := range body.Example["data"].(map[string]any) {
			if data := schema.Properties["data"].Value; len(data.Properties) > 0 && data.Properties[field] == nil {
				t.Errorf("%s: the example's data has %s, the schema has not", name, field)
			}
		}
	}
}
