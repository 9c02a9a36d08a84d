package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dialect/aisoule"
	"github.com/sendoff/sendoff/internal/dialect/external"
	"github.com/sendoff/sendoff/internal/dialect/kaleyra"
	"github.com/sendoff/sendoff/internal/dialect/metaapi"
	"github.com/sendoff/sendoff/internal/dialect/socialone"
	"github.com/sendoff/sendoff/internal/dialect/sociocs"
	"github.com/sendoff/sendoff/internal/dialect/twilioapi"
	"github.com/sendoff/sendoff/internal/provider"
)

// described is what a test reads of an OpenAPI operation.
type described struct {
	Summary    string
	Tags       []string
	Responses  map[string]any
	Parameters []struct {
		Name, In, Description string
		Schema                struct{ Description string }
	}
}

// bare returns a server without a database: it can describe itself.
func bare(t *testing.T) *api.Server {
	t.Helper()
	return api.New(api.Options{
		Observer: silent{}, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), PublicURL: "https://sendoff.example.com",
		Dialects: []dialect.Dialect{
			socialone.New(),
			external.New(),
			aisoule.New(),
			sociocs.New(),
			kaleyra.New(),
			metaapi.New(),
			twilioapi.New(),
		},
		Providers: map[string]provider.Provider{},
	})
}

type silent struct{}

func (silent) Request(string, string, int, time.Duration) {}
func (silent) AcceptTime(time.Duration)                   {}
func (silent) Callback(string, int, int)                  {}
func (silent) CallbackIgnored(string)                     {}
func (silent) CallbackLate(string)                        {}
func (silent) CallbackRejected(int64, string)             {}
func (silent) Failed(int64, string)                       {}

// TestRoutes_EachIsDescribed compares the routes that are served with those that
// are described, both ways.
func TestRoutes_EachIsDescribed(t *testing.T) {
	t.Parallel()
	s := bare(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openapi.json", http.NoBody))
	var doc struct {
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]described
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %d %s", err, w.Code, w.Body)
	}
	sections := map[string]bool{}
	for _, tag := range doc.Tags {
		if sections[tag.Name] = true; tag.Description == "" {
			t.Errorf("section %s has no description", tag.Name)
		}
	}
	served := map[string]bool{}
	for _, rt := range s.Routes() {
		if rt.Method == echo.RouteNotFound {
			continue
		}
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(rt.Path, "{$1}")
		served[rt.Method+" "+path] = true
		op, ok := doc.Paths[strings.TrimSuffix(path, "/")][strings.ToLower(rt.Method)]
		if !ok {
			t.Errorf("%s %s is served but not described", rt.Method, path)
			continue
		}
		if op.Summary == "" || strings.HasSuffix(op.Summary, ": ") || len(op.Tags) != 1 || !sections[op.Tags[0]] || len(op.Responses) == 0 {
			t.Errorf("%s %s: %+v", rt.Method, path, op)
		}
		for _, p := range op.Parameters {
			if p.In != "path" && p.Description == "" && p.Schema.Description == "" {
				t.Errorf("%s %s: parameter %s has no description", rt.Method, path, p.Name)
			}
		}
	}
	for path, ops := range doc.Paths {
		for method := range ops {
			if at := strings.ToUpper(method) + " " + path; !served[at] {
				t.Errorf("%s is described but not served", at)
			}
		}
	}
}
