package site_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(`\bid="([^"]*)"`)
)

// crawler fetches each page once.
type crawler struct {
	t     *testing.T
	front *apitest.Front
	pages map[string]string
}

func (c *crawler) page(path string) string {
	c.t.Helper()
	if body, ok := c.pages[path]; ok {
		return body
	}
	r := c.front.As("", http.MethodGet, path, nil)
	if r.Status != http.StatusOK {
		c.t.Errorf("%s: %d", path, r.Status)
	}
	c.pages[path] = string(r.Body)
	return string(r.Body)
}

// follow checks a link of a page and returns the page that it leads to, if it is
// one of the documentation.
func (c *crawler) follow(from, link string) string {
	c.t.Helper()
	path, part, _ := strings.Cut(link, "#")
	if path == "" {
		path = from
	}
	if !strings.HasPrefix(path, "/") {
		c.t.Errorf("%s: the link %s is not absolute", from, link)
		return ""
	}
	body := c.page(path)
	if part == "" {
		return path
	}
	for _, id := range ids.FindAllStringSubmatch(body, -1) {
		if id[1] == part {
			return path
		}
	}
	c.t.Errorf("%s: the link %s leads to no place of that page", from, link)
	return path
}

// Every link and anchor of the documentation and of the reference leads somewhere.
func TestLinks_AllResolve(t *testing.T) {
	t.Parallel()
	c := &crawler{t, apitest.New(t), map[string]string{}}
	seen, queue := map[string]bool{"/docs": true}, []string{"/docs"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		for _, link := range hrefs.FindAllStringSubmatch(c.page(path), -1) {
			if strings.HasPrefix(link[1], "https://") {
				continue
			}
			if next := c.follow(path, link[1]); strings.HasPrefix(next, "/docs/") && !seen[next] && !strings.HasSuffix(next, ".css") {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	files, err := os.ReadDir("../../../docs")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".md"); ok && !seen["/docs/"+name] {
			t.Errorf("no link leads to %s", f.Name())
		}
	}
}

func TestPages_AreWholeAndLoadNothingElse(t *testing.T) {
	t.Parallel()
	f := apitest.New(t)
	for _, want := range []struct{ path, text string }{
		{"/docs/quick-start", `<h2 id="send-a-message">Send a message <a class="anchor" href="#send-a-message" aria-label="Link to Send a mess`},
		{"/docs/quick-start", `<a href="/docs/quick-start" aria-current="page">Quick start</a>`},
		{"/docs/quick-start", "SENDOFF_PUBLIC_URL=&#39;" + apitest.Public + "&#39;"},
		{"/docs/dialects", `<a href="/docs/dialect-kaleyra">Kaleyra</a></td>` + "\n<td><code>api-key: KEY</code></td>"},
		{"/docs/dialect-kaleyra", "<code>POST /v2/{sid}/whatsapp/{phone}/messages</code>"},
		{"/docs/dialect-twilio", "HTTP Basic"},
		{"/docs/dialect-twilio", "<code>SENDOFF_ACCOUNT_SID</code> is the account's sid"},
		{"/docs/dialect-sociocs", "<code>SENDOFF_CHANNEL_KEY</code> is the key of a channel"},
		{"/docs/dialect-meta", "<code>Authorization: Bearer KEY</code>"},
		{"/docs/dialect-socialone", "<code>x-api-key: KEY</code>"},
		{"/docs/dialect-socialone", "An Idempotency-Key header is honoured"},
		{"/docs/operations", `<nav aria-label="Documentation">`},
	} {
		r := f.As("", http.MethodGet, want.path, nil)
		if r.Status != http.StatusOK || !strings.Contains(string(r.Body), want.text) {
			t.Errorf("%s: %d, lacks %s", want.path, r.Status, want.text)
		}
		if regexp.MustCompile(`<script|src=|style=|@import|url\(|<!--|example\.com:`).Match(r.Body) {
			t.Errorf("%s needs something from elsewhere, or shows a comment", want.path)
		}
		h := r.Header
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; ") || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", want.path, h)
		}
	}
	if r := f.As("", http.MethodGet, "/docs/nothing", nil); r.Status != http.StatusNotFound {
		t.Errorf("no page: %d", r.Status)
	}
	css := f.As("", http.MethodGet, "/docs/site.css", nil)
	if css.Status != http.StatusOK || css.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("stylesheet: %d, %v", css.Status, css.Header)
	}
	if r := f.As("", http.MethodHead, "/docs/faq", nil); r.Status != http.StatusOK || len(r.Body) != 0 {
		t.Errorf("HEAD: %d", r.Status)
	}
}

// The colours are those of the dashboard.
func TestStylesheet_HasTheColoursOfTheDashboard(t *testing.T) {
	t.Parallel()
	ours, err := os.ReadFile("site.css")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../../web/src/style.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := regexp.MustCompile(`(?m)^ +(--[a-z-]+: .*;)$`).FindAllStringSubmatch(string(ours), -1)
	if len(tokens) < 7 {
		t.Errorf("%d colours", len(tokens))
	}
	for _, token := range tokens {
		if !strings.Contains(string(theirs), token[1]) {
			t.Errorf("the dashboard has no %s", token[1])
		}
	}
}
