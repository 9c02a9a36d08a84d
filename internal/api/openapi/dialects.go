package openapi

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

// dialectOperations describes the routes of a dialect, each path once: one that is
// also served with a slash at its end says so in its summary.
func dialectOperations(d *dialect.Dialect) []apidoc.Operation {
	var all []apidoc.Operation
	for i := range d.Routes {
		rt := &d.Routes[i]
		if strings.HasSuffix(rt.Path, "/") {
			continue // the same route is there without the slash; lints refuse both
		}
		op := apidoc.Operation{
			Method: rt.Method, Path: braced(rt.Path), Tag: dialectTag, Summary: d.Doc.Title + ": " + rt.Doc.Summary, Description: d.Doc.About,
			Permission: rt.Permission, Security: []string{d.Doc.Security}, Parameters: rt.Doc.Query, Request: rt.Doc.Request,
			Responses: map[int]apidoc.Response{rt.Doc.Status: rt.Doc.Reply},
		}
		if rt.Method == http.MethodPost {
			op.Parameters = append(slices.Clone(op.Parameters), apidoc.IdempotencyKey)
		}
		maps.Copy(op.Responses, failureResponses(d, rt))
		all = append(all, op)
	}
	return all
}

var echoParam = regexp.MustCompile(`:([A-Za-z_]+)`)

// braced returns a path of echo's syntax in OpenAPI's.
func braced(path string) string { return echoParam.ReplaceAllString(path, "{$1}") }

// dialect returns a dialect as /docs shows it.
func (r docsReader) dialect(d *dialect.Dialect, publicURL string) docsDialect {
	doc := &d.Doc
	out := docsDialect{
		Name: d.Name, Title: doc.Title, About: doc.About, Curl: strings.ReplaceAll(doc.Curl, "HOST", publicURL), Answer: doc.Answer,
		Differs: slices.Concat(doc.Differs, dialect.DiffersEverywhere),
	}
	for i := range d.Routes {
		rt := &d.Routes[i]
		out.Routes = append(out.Routes, rt.Method+" "+braced(rt.Path))
		if rt.Doc.Request.Type == nil || out.Fields != nil {
			continue
		}
		if len(rt.Doc.Request.Examples) > 1 {
			out.More = strings.Join(rt.Doc.Request.Examples[1:], "\n\n")
		}
		out.Fields = r.typeFields(rt.Doc.Request.Type)
		out.Failures = failures(d, rt)
	}
	return out
}
