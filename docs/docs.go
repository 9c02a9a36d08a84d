// Package docs holds the documentation: plain Markdown, which serve shows at
// /docs.
package docs

import "embed"

// FS holds the pages, one Markdown file each.
//
//go:embed *.md
var FS embed.FS
