package site

import (
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/docs"
	"github.com/sendoff/sendoff/internal/dialect"
)

// section is a part of the navigation.
type section struct {
	name  string
	pages []string
}

// dialectsPage is the page before those of the dialects.
const dialectsPage = "dialects"

// pagesOf returns the names of a section's pages.
func pagesOf(s section, dialects []dialect.Dialect) []string {
	if s.pages[0] != dialectsPage {
		return s.pages
	}
	out := slices.Clone(s.pages)
	for i := range dialects {
		out = append(out, "dialect-"+dialects[i].Name)
	}
	return out
}

// sections is the navigation. A page that is not named here stands in the last
// section.
var sections = []section{
	{"Start", []string{"quick-start", "concepts", "campaigns", "faq"}},
	{"Change from another API", []string{dialectsPage}}, // and the page of each dialect
	{"Operate", []string{"operations", "alerts", "reliability", "backup", "upgrade", "security"}},
	{"Size", []string{"sizing", "performance"}},
}

// Page is one page of the documentation.
type Page struct {
	Name     string // of the file, without .md
	Title    string
	Contents []Heading // the headings of the second level
	Body     template.HTML
}

// Heading is a heading and its anchor.
type Heading struct{ ID, Text string }

// example is the address of Sendoff in the Markdown.
const example = "https://sendoff.example.com"

// load reads and renders all pages.
func load(o *Options) ([]navSection, error) {
	files, err := fs.Glob(docs.FS, "*.md")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	var nav []navSection
	rest := slices.Clone(files)
	for _, s := range sections {
		out := navSection{Name: s.name}
		for _, name := range pagesOf(s, o.Dialects) {
			p, err := read(o, name+".md")
			if err != nil {
				return nil, err
			}
			out.Pages = append(out.Pages, p)
			rest = slices.DeleteFunc(rest, func(file string) bool { return file == name+".md" })
		}
		nav = append(nav, out)
	}
	for _, file := range rest {
		p, err := read(o, file)
		if err != nil {
			return nil, err
		}
		last := &nav[len(nav)-1]
		last.Pages = append(last.Pages, p)
	}
	return nav, nil
}

// read reads and renders one page.
func read(o *Options, file string) (*Page, error) {
	text, err := fs.ReadFile(docs.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	name := strings.TrimSuffix(path.Base(file), ".md")
	source := strings.ReplaceAll(string(text), example, o.PublicURL)
	for i := range o.Dialects {
		if d := &o.Dialects[i]; name == "dialect-"+d.Name {
			source = strings.Replace(source, factsMark, facts(d, o.PublicURL), 1)
		}
	}
	return convert(name, []byte(strings.Replace(source, listMark, list(o.Dialects), 1)))
}

// list returns a table of all dialects in Markdown.
func list(all []dialect.Dialect) string {
	var b strings.Builder
	b.WriteString("| API | key | what it does |\n|---|---|---|\n")
	for i := range all {
		d := &all[i]
		fmt.Fprintf(&b, "| [%s](dialect-%s.md) | %s | %s |\n", d.Doc.Title, d.Name, key(d), d.Doc.About)
	}
	return b.String()
}
