// Package dashboard serves what only the dashboard needs: its files, with a page for
// every address of the browser's router; sessions and invitations; the overview's
// figures, the playground, a message's deliveries, and shared messages.
package dashboard

import (
	"bytes"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/api/middleware"
)

// policy allows the page what this server serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// pages are the addresses of the dashboard. Those in withID also have pages of
// one record below them.
var (
	pages = []string{
		"/", "/messages", "/scheduled", "/campaigns", "/contacts", "/templates", "/channels", "/keys", "/playground", "/webhooks", "/team",
		"/audit", "/settings", "/sign-in",
	}
	withID = []string{"messages", "campaigns", "share"}
)

// Files serves the files of the dashboard.
type Files struct {
	files       fs.FS
	placeholder []byte
}

// NewFiles returns a handler of the built dashboard, or of the placeholder page
// if files is nil.
func NewFiles(files fs.FS, placeholder []byte) *Files { return &Files{files, placeholder} }

// Wrap serves requests for the dashboard, and passes all others to next. A browser
// at an address that is neither a page nor known to the API gets the dashboard's own
// page of not found, with its ways on, in place of an answer in JSON.
func (f *Files) Wrap(next http.Handler, known func(path string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			next.ServeHTTP(w, r)
		case isPage(r.URL.Path) && wantsHTML(r):
			f.page(w, r, http.StatusOK)
		case strings.HasPrefix(r.URL.Path, "/assets/"), r.URL.Path == "/icon.svg", r.URL.Path == "/theme.js":
			f.asset(w, r)
		case isBrowser(r) && !strings.HasPrefix(r.URL.Path, "/v1/") && !known(r.URL.Path):
			f.page(w, r, http.StatusNotFound)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isPage reports whether path is the address of a page, also with a slash at its end.
func isPage(path string) bool {
	if len(path) > 2 {
		path = strings.TrimSuffix(path, "/")
	}
	if slices.Contains(pages, path) {
		return true
	}
	dir, id, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && id != "" && !strings.Contains(id, "/") && slices.Contains(withID, dir)
}

// wantsHTML reports whether the client takes HTML and is none of an API.
func wantsHTML(r *http.Request) bool {
	for _, name := range []string{"Authorization", "X-Api-Key", "Apikey", "Api-Key"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

// isBrowser reports whether a person looks at the answer: the client names HTML.
func isBrowser(r *http.Request) bool {
	return wantsHTML(r) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// page serves the one page of the dashboard. It is never cached, so that it names
// the scripts of this build.
func (f *Files) page(w http.ResponseWriter, r *http.Request, status int) {
	w.Header().Set("Cache-Control", "no-store")
	if f.files == nil {
		f.send(w, r, status, "text/html; charset=utf-8", f.placeholder)
		return
	}
	f.file(w, r, status, "index.html")
}

// asset serves a script, a style or an image. Names of built assets contain a
// hash of the content: they never change.
func (f *Files) asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/") // fs.FS refuses dots in it
	w.Header().Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	f.file(w, r, http.StatusOK, name)
}

// file serves a file, compressed if the client takes that.
func (f *Files) file(w http.ResponseWriter, r *http.Request, status int, name string) {
	kind := mime.TypeByExtension(path.Ext(name))
	for _, c := range []struct{ coding, ext string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
		if f.files == nil || !strings.Contains(r.Header.Get("Accept-Encoding"), c.coding) {
			continue
		}
		b, err := fs.ReadFile(f.files, name+c.ext)
		if err != nil {
			continue
		}
		w.Header().Add("Vary", "Accept-Encoding")
		if c.coding != "" {
			w.Header().Set("Content-Encoding", c.coding)
		}
		f.send(w, r, status, kind, b)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.NotFound(w, r)
}

func (f *Files) send(w http.ResponseWriter, r *http.Request, status int, kind string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	if r.Method != http.MethodHead && !middleware.IsHead(r) {
		_, _ = bytes.NewReader(b).WriteTo(w) // the client has gone
	}
}
