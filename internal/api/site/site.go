// Package site serves the documentation of package docs at /docs, beside the
// reference of the API. Pages are rendered at the first request; they need no
// scripts and load nothing but their stylesheet.
package site

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

var (
	//go:embed site.html
	siteHTML string
	//go:embed site.css
	siteCSS []byte

	siteTemplate = template.Must(template.New("site").Parse(siteHTML))
)

// Root is where the pages are served.
const Root = "/docs/"

// policy allows the stylesheet of this server, and nothing else.
const policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Options are what the pages are rendered from.
type Options struct {
	PublicURL string // the address that examples show
	Dialects  []dialect.Dialect
}

// Site serves the pages.
type Site struct {
	pages func() (map[string][]byte, error)
}

// Register serves the pages below Root. The page without a name is the first one.
func Register(e *echo.Echo, o Options) {
	s := &Site{sync.OnceValues(func() (map[string][]byte, error) { return render(&o) })}
	e.GET(Root, func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, Root+sections[0].pages[0]) })
	e.GET(Root+":page", s.page)
}

// Operations describes the routes.
func Operations() []apidoc.Operation {
	return []apidoc.Operation{
		{
			Method: http.MethodGet, Path: Root + "{page}", Tag: "Operation", Summary: "Page of the documentation", Public: true,
			Description: "Guides, such as quick-start and operations; /docs lists them.",
			Responses:   map[int]apidoc.Response{200: {Type: "", Media: "text/html", Example: "<!doctype html>..."}, 404: {}},
		},
	}
}

func (s *Site) page(c echo.Context) error {
	if c.Param("page") == "site.css" {
		return send(c, "text/css; charset=utf-8", siteCSS)
	}
	pages, err := s.pages()
	if err != nil {
		return err
	}
	body, ok := pages[c.Param("page")]
	if !ok {
		return echo.ErrNotFound
	}
	return send(c, "text/html; charset=utf-8", body)
}

func send(c echo.Context, contentType string, body []byte) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "max-age=60")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", policy)
	return c.Blob(http.StatusOK, contentType, body)
}

// view is the data of site.html.
type view struct {
	*Page
	Nav            []navSection
	Previous, Next *Page
}

type navSection struct {
	Name  string
	Pages []*Page
}

// render returns all pages by name.
func render(o *Options) (map[string][]byte, error) {
	nav, err := load(o)
	if err != nil {
		return nil, err
	}
	var all []*Page
	for _, s := range nav {
		all = append(all, s.Pages...)
	}
	out := map[string][]byte{}
	for i, p := range all {
		v := view{Page: p, Nav: nav}
		if i > 0 {
			v.Previous = all[i-1]
		}
		if i+1 < len(all) {
			v.Next = all[i+1]
		}
		var b bytes.Buffer
		if err := siteTemplate.Execute(&b, v); err != nil {
			return nil, fmt.Errorf("write page %s: %w", p.Name, err)
		}
		out[p.Name] = b.Bytes()
	}
	return out, nil
}
