package site

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
)

// Comments in the Markdown that are replaced by what the code states: the facts
// of the page's dialect, and the list of all dialects.
const (
	factsMark = "<!-- facts -->"
	listMark  = "<!-- dialects -->"
)

// facts returns what the code states about a dialect, in Markdown.
func facts(d *dialect.Dialect, publicURL string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n- **Base address**: `%s`\n- **Key**: %s\n\n", d.Doc.About, publicURL, key(d))
	b.WriteString("## What is the same\n\nPaths, fields, answers and errors are the vendor's:\n\n| route | what it does |\n|---|---|\n")
	for _, rt := range routes(d) {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", rt.Method, braced(rt.Path), rt.Doc.Summary)
	}
	fmt.Fprintf(&b, "\n```sh\n%s\n```\n\n%s\n\nThe answer:\n\n```json\n%s\n```\n\n", strings.ReplaceAll(d.Doc.Curl, "HOST", publicURL),
		variables(d.Doc.Curl), d.Doc.Answer)
	fmt.Fprintf(&b, "[The reference](/docs#dialect-%s) lists each field and each error.\n\n## What differs\n\n", d.Name)
	for _, line := range slices.Concat(d.Doc.Differs, dialect.DiffersEverywhere) {
		fmt.Fprintf(&b, "- %s\n", escape(line))
	}
	return b.String()
}

// shellVariables are those of the examples, and what they hold.
var shellVariables = []struct{ name, holds string }{
	{"SENDOFF_API_KEY", "an API key (`sendoff key create`)"},
	{"SENDOFF_ACCOUNT_SID", "the account's sid (`sendoff account show`)"},
	{"SENDOFF_CHANNEL_KEY", "the key of a channel (`sendoff channel list`)"},
}

// variables returns what to set for an example, in Markdown.
func variables(curl string) string {
	var lines []string
	for _, v := range shellVariables {
		if strings.Contains(curl, "$"+v.name) {
			lines = append(lines, "`"+v.name+"` is "+v.holds)
		}
	}
	return strings.Join(lines, ", ") + ". With `make run` all of it is in `.sendoff/dev.json`."
}

// routes returns the routes of a dialect, each path once, with or without a
// slash at its end.
func routes(d *dialect.Dialect) []dialect.Route {
	var out []dialect.Route
	for _, rt := range d.Routes {
		if !strings.HasSuffix(rt.Path, "/") {
			out = append(out, rt)
		}
	}
	return out
}

// key returns how a request carries its API key, in Markdown.
func key(d *dialect.Dialect) string {
	switch d.Doc.Security {
	case "bearer":
		return "`Authorization: Bearer KEY`"
	case "basic":
		return "HTTP Basic: the account's sid, and the API key as the password"
	}
	return "`" + d.Header + ": KEY`"
}

var echoParam = regexp.MustCompile(`:([A-Za-z_]+)`)

// braced returns a path of echo's syntax with its parameters in braces.
func braced(path string) string { return echoParam.ReplaceAllString(path, "{$1}") }

// special are the characters that Markdown would read as markup.
var special = strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`, "|", `\|`, "`", "\\`")

// escape returns text that Markdown shows as it is.
func escape(text string) string { return special.Replace(text) }
