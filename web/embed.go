// Package web holds the dashboard's sources and, once `make build` has built it,
// the dashboard itself.
package web

import (
	"embed"
	"io/fs"
)

// dist always holds placeholder.html, so that the package builds before npm has
// run; the built dashboard lies in dist/app.
//
//go:embed all:dist
var dist embed.FS

// Files returns the built dashboard, with its index.html at the root, or nil if
// it has not been built.
func Files() fs.FS {
	app, err := fs.Sub(dist, "dist/app")
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(app, "index.html"); err != nil {
		return nil
	}
	return app
}

// Placeholder returns the page that is served while the dashboard is not built.
func Placeholder() []byte {
	b, _ := dist.ReadFile("dist/placeholder.html") // embedded above
	return b
}
