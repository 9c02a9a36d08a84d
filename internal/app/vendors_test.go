package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayName are the folders and files of Go code that may name a vendor. Tests,
// helpers of tests and what measures or seeds may, too.
var mayName = []string{
	"internal/provider/", "internal/dialect/", "internal/emulator/", "internal/webhook/", "internal/app/dialects.go",
	"internal/app/providers.go",
	"internal/demo/", "internal/bench/", "internal/fault/", "internal/e2e/", "migrations/",
	"internal/apitest/", "internal/cli/clitest/", "worker/workertest/",
	// The columns and routes of webhooks that are sent in a vendor's form.
	"internal/store/webhook",
}

// vendorWord finds a vendor's name as a word: in an identifier as a part of it,
// in a string in lower case, as code writes it. Prose may name a vendor
// ("Meta's Cloud API").
var vendorWord = regexp.MustCompile(`\b(meta|twilio|gupshup|kaleyra)\b`)

// words returns the parts of an identifier in lower case, separated by spaces.
func words(identifier string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z0-9])([A-Z])|_`).ReplaceAllString(identifier, "$1 $2"))
}

// named returns the places of a file that name a vendor.
func named(file string, source any) ([]string, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var places []string
	ast.Inspect(f, func(n ast.Node) bool {
		text := ""
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false // TestImports is about these
		case *ast.Ident:
			text = words(n.Name)
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text, _ = strconv.Unquote(n.Value)
			}
		}
		if word := vendorWord.FindString(text); word != "" {
			places = append(places, fset.Position(n.Pos()).String()+" names "+word)
		}
		return true
	})
	return places, nil
}

// A vendor is one folder: what it needs, and how it differs from others, is in
// its provider.Spec, its dialect and its emulator.
func TestVendors_AreNamedInTheirFoldersOnly(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || strings.HasSuffix(rel, ".gen.go") ||
			slices.ContainsFunc(mayName, func(p string) bool { return strings.HasPrefix(rel, p) }) {
			return nil
		}
		files++
		places, err := named(path, nil)
		for _, place := range places {
			t.Error(place)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Errorf("%d files were read", files)
	}
}

// A rule that nothing can break holds nothing.
func TestVendors_FindsNames(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]int{
		"package x\nvar y = z == \"twilio\"":                                      1,
		"package x\nconst q = `SELECT 1 WHERE provider = 'gupshup'`":              1,
		"package x\nfunc createMeta() {}":                                         1,
		"package x\ntype kaleyraBody struct{ meta_id int }":                       2,
		"package x\nvar s struct { A int `enum:\"meta,twilio\"` }":                1,
		"package x\nvar metadata, metas = \"metadata\", \"Meta's Cloud API\"":     0,
		"package x\nimport \"github.com/sendoff/sendoff/internal/provider/meta\"": 0,
	} {
		got, err := named("x.go", source)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != want {
			t.Errorf("%q: %v, want %d", source, got, want)
		}
	}
}
