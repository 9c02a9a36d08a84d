package dialecttest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

// Documented reports every route without a description, every field that the
// package under test reads but does not describe, and every field that it
// describes but does not read. inside names the fields of objects that are
// described as a whole (apidoc.Object or apidoc.Any).
func Documented(t *testing.T, d dialect.Dialect, inside ...string) {
	t.Helper()
	if min(len(d.Doc.Title), len(d.Doc.About), len(d.Doc.Security), len(d.Doc.Curl), len(d.Doc.Differs)) == 0 || d.Doc.Failure == nil {
		t.Errorf("%s: the description of the dialect is not complete: %+v", d.Name, d.Doc)
	}
	described, own := map[string]bool{}, map[string]bool{}
	for i := range d.Routes {
		rt := &d.Routes[i]
		if rt.Doc.Status == http.StatusNoContent && rt.Doc.Summary != "" {
			continue
		}
		if rt.Doc.Summary == "" || rt.Doc.Status == 0 || rt.Doc.Reply.Type == nil || rt.Doc.Reply.Example == "" ||
			rt.Pass == nil && (rt.Read == nil) != (rt.Doc.Request.Type != nil) {
			t.Errorf("%s %s is not described: %+v", rt.Method, rt.Path, rt.Doc)
		}
		if rt.Doc.Request.Type != nil && rt.Pass == nil {
			request := reflect.TypeOf(rt.Doc.Request.Type)
			properties(request, request.PkgPath(), described, own)
		}
		for _, q := range rt.Doc.Query {
			described[q.Name], own[q.Name] = true, true
		}
	}
	read, words := readFields(t)
	for _, name := range read {
		if !described[name] && !slices.Contains(inside, name) {
			t.Errorf("field %s is read but not described", name)
		}
	}
	for name := range own {
		if !words[name] {
			t.Errorf("field %s is described but not read", name)
		}
	}
	for _, name := range inside {
		if described[name] || !words[name] {
			t.Errorf("field %s is described, or not read", name)
		}
	}
}

// properties adds the JSON names of a struct's fields, nested ones included, to
// all, and those that the package pkg declares to own.
func properties(rt reflect.Type, pkg string, all, own map[string]bool) {
	for rt.Kind() == reflect.Pointer || rt.Kind() == reflect.Slice {
		rt = rt.Elem()
	}
	if rt.Kind() != reflect.Struct || rt.PkgPath() == reflect.TypeFor[apidoc.Any]().PkgPath() {
		return
	}
	if rt.Name() != "" && rt.PkgPath() != pkg {
		own, pkg = map[string]bool{}, "" // shared: other packages read it
		if all[rt.String()] {            // a card of a template has components, which may have cards
			return
		}
		all[rt.String()] = true
	}
	for f := range rt.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && !f.Anonymous || all[name] && own[name] {
			continue
		}
		if name != "" {
			all[name], own[name] = true, true
		}
		properties(f.Type, pkg, all, own)
	}
}

// readers are the methods of dialect.Object and url.Values that read a field.
var readers = []string{
	"Text", "Required", "Bool", "Int", "ID", "Object", "Keep", "Strings", "Texts", "Values", "Fill", "Has", "Raw", "Get",
}

// readFields returns the field names that the sources of the package under test
// pass to readers, and all their string literals.
func readFields(t *testing.T) (read []string, words map[string]bool) {
	t.Helper()
	words = map[string]bool{}
	files := sources(t, ".")
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					words[s] = true
				}
			case *ast.SelectorExpr: // dispatch.TypeImage is "image"
				if name, ok := strings.CutPrefix(n.Sel.Name, "Type"); ok {
					words[strings.ToLower(name)] = true
				}
			case *ast.CallExpr:
				if name, ok := fieldRead(n); ok {
					read = append(read, name)
				}
			}
			return true
		})
	}
	return read, words
}

// fieldRead returns the literal that a call of a reader has as its first
// argument. Headers are no fields.
func fieldRead(call *ast.CallExpr) (string, bool) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 || !slices.Contains(readers, method.Sel.Name) {
		return "", false
	}
	if on, ok := method.X.(*ast.SelectorExpr); ok && on.Sel.Name == "Header" {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// sources parses the files of a package without its tests and doc.go.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "doc.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), dir+"/"+name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		t.Fatal("no sources")
	}
	return files
}
