package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sendoff/sendoff/internal/api/dashboard"
)

// get requests a path from files; what is not the dashboard's is answered 418.
func get(t *testing.T, files *dashboard.Files, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	files.Wrap(teapot, func(path string) bool { return path == "/known" }).ServeHTTP(w, r)
	return w
}

func TestFiles_PagesAssetsAndOthers(t *testing.T) {
	t.Parallel()
	files := dashboard.NewFiles(fstest.MapFS{
		"index.html": {Data: []byte("<page>")}, "index.html.br": {Data: []byte("brotli")}, "index.html.gz": {Data: []byte("gzip")},
		"assets/a-1.js": {Data: []byte("script")}, "icon.svg": {Data: []byte("<svg>")},
	}, nil)
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		body         string
	}{
		{"GET", "/", nil, 200, "<page>"},
		{"HEAD", "/", nil, 200, ""},
		{"GET", "/", []string{"Accept-Encoding", "gzip, br"}, 200, "brotli"},
		{"GET", "/", []string{"Accept-Encoding", "gzip"}, 200, "gzip"},
		{"GET", "/messages", []string{"Accept", "text/html,*/*;q=0.8"}, 200, "<page>"},
		{"GET", "/messages/0197", nil, 200, "<page>"},
		{"GET", "/campaigns/new", nil, 200, "<page>"},
		{"GET", "/share/a.b", nil, 200, "<page>"},
		{"GET", "/assets/a-1.js", nil, 200, "script"},
		{"GET", "/icon.svg", nil, 200, "<svg>"},
		{"GET", "/assets/gone.js", nil, 404, "404 page not found\n"},
		{"GET", "/assets/../index.html", nil, 404, "404 page not found\n"},
		{"GET", "/messages", []string{"Accept", "application/json"}, 418, ""},
		{"GET", "/messages", []string{"apikey", "sk_live_x"}, 418, ""},
		{"GET", "/keys/", nil, 200, "<page>"},
		{"GET", "/messages/a/b", nil, 418, ""},
		{"GET", "//", nil, 418, ""},
		{"GET", "/nothing", nil, 418, ""},
		{"GET", "/nothing", []string{"Accept", "text/html,*/*;q=0.8"}, 404, "<page>"},
		{"GET", "/messages/a/b", []string{"Accept", "text/html,*/*;q=0.8"}, 404, "<page>"},
		{"GET", "/nothing", []string{"Accept", "*/*"}, 418, ""},
		{"GET", "/nothing", []string{"Accept", "text/html", "Authorization", "Bearer sk_live_x"}, 418, ""},
		{"GET", "/known", []string{"Accept", "text/html"}, 418, ""},
		{"GET", "/v1/nothing", []string{"Accept", "text/html"}, 418, ""},
		{"GET", "/v1/messages", nil, 418, ""},
		{"POST", "/messages", nil, 418, ""},
	} {
		w := get(t, files, c.method, c.path, c.headers...)
		if w.Code != c.status || c.status != 418 && w.Body.String() != c.body {
			t.Errorf("%s %s %v: got %d %q", c.method, c.path, c.headers, w.Code, w.Body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); c.status == 200 && !strings.HasPrefix(csp, "default-src 'none';") {
			t.Errorf("%s %s: policy %q", c.method, c.path, csp)
		}
	}
	if cache := get(t, files, "GET", "/assets/a-1.js").Header().Get("Cache-Control"); !strings.Contains(cache, "immutable") {
		t.Errorf("an asset: Cache-Control %q", cache)
	}
	if cache := get(t, files, "GET", "/").Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("the page: Cache-Control %q", cache)
	}
}

func TestFiles_NotBuilt_ShowsThePlaceholder(t *testing.T) {
	t.Parallel()
	files := dashboard.NewFiles(nil, []byte("run make build"))
	if w := get(t, files, "GET", "/keys"); w.Code != 200 || w.Body.String() != "run make build" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if w := get(t, files, "GET", "/icon.svg"); w.Code != 404 {
		t.Errorf("an asset: got %d", w.Code)
	}
}
