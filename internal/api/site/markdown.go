package site

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders CommonMark with tables. HTML in the source is left out.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(nodes{html.NewConfig()}, 100))),
)

// convert renders a page. Its first heading is the title.
func convert(name string, source []byte) (*Page, error) {
	doc := markdown.Parser().Parse(text.NewReader(source))
	title, ok := doc.FirstChild().(*ast.Heading)
	if !ok || title.Level != 1 {
		return nil, fmt.Errorf("page %s does not begin with its title", name)
	}
	p := &Page{Name: name, Title: plain(title, source)}
	doc.RemoveChild(doc, title)
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			p.Contents = append(p.Contents, Heading{ID: id(h), Text: plain(h, source)})
		}
	}
	if err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link:
			if entering {
				n.Destination = address(n.Destination)
			}
		case *east.Table:
			n.SetAttributeString("tabindex", []byte("0")) // a wide one scrolls
		}
		return ast.WalkContinue, nil
	}); err != nil {
		return nil, fmt.Errorf("read page %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, source, doc); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	p.Body = template.HTML(b.String()) //nolint:gosec // of our own Markdown, without HTML
	return p, nil
}

// address returns where a link of the Markdown leads on the site: other.md#part
// is /docs/other#part.
func address(link []byte) []byte {
	file, part, _ := strings.Cut(string(link), "#")
	name, ok := strings.CutSuffix(file, ".md")
	if !ok || strings.Contains(file, "/") {
		return link
	}
	if part != "" {
		part = "#" + part
	}
	return []byte(Root + name + part)
}

// plain returns the text of a heading.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(source))
		} else {
			b.WriteString(plain(c, source))
		}
	}
	return b.String()
}

func id(h *ast.Heading) string {
	v, _ := h.AttributeString("id")
	b, _ := v.([]byte)
	return string(b)
}

// nodes renders headings with a link to themselves, and blocks of code so that the
// keyboard reaches them, since they scroll.
type nodes struct{ html.Config }

// RegisterFuncs registers the renderers of nodes.
func (r nodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHeading, r.heading)
	reg.Register(ast.KindFencedCodeBlock, r.code)
}

func (nodes) heading(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	h, _ := n.(*ast.Heading)
	if entering {
		fmt.Fprintf(w, "<h%d id=\"%s\">", h.Level, id(h))
		return ast.WalkContinue, nil
	}
	fmt.Fprintf(w, " <a class=\"anchor\" href=\"#%s\" aria-label=\"Link to %s\">#</a></h%d>\n", id(h),
		template.HTMLEscapeString(plain(h, source)), h.Level)
	return ast.WalkContinue, nil
}

func (nodes) code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	_, _ = w.WriteString(`<pre tabindex="0"><code>`)
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		template.HTMLEscape(w, line.Value(source))
	}
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}
