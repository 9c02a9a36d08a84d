package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sendoff/sendoff/"

// onlyIn names who may import what; a folder stands for all below it where it
// ends in a slash. internal/bench measures the raw libraries besides us.
var onlyIn = map[string][]string{
	"github.com/labstack/echo/":      {"internal/api", "internal/api/middleware", "internal/api/manage", "internal/api/message", "internal/api/openapi", "internal/api/stream", "internal/bench"},
	"github.com/danielgtaylor/huma/": {"internal/api/manage", "internal/api/openapi"},
	"github.com/hibiken/asynq":       {"internal/queue", "worker", "internal/bench"},
	"github.com/jmoiron/sqlx":        {"internal/store/pg"},
	"github.com/lib/pq":              {"internal/store", "internal/store/account", "internal/store/pg", "internal/store/webhook", "internal/store/storetest", "internal/devstack", "internal/bench", "migrations"},
	"github.com/redis/go-redis/":     {"internal/limit", "internal/queue", "internal/app", "internal/store/storetest", "internal/devstack", "internal/bench"},
	"github.com/alicebob/miniredis/": {"internal/devstack"},
	"github.com/pressly/goose/":      {"migrations"},
	"github.com/alecthomas/":         {"internal/cli", "internal/cli/admin"},
	module + "internal/app":          {"internal/cli", "internal/cli/admin", "internal/bench", "internal/api/apitest"},
	module + "internal/api":          {"internal/app"},
	module + "worker":                {"internal/app"},
	module + "worker/feeder":         {"internal/app"},
	"github.com/teambition/":         {"internal/campaign"},
}

// mayUse names the packages of ours that a package may import, and with them
// all it may; others are free.
var mayUse = map[string][]string{
	"internal/store":         {"internal/dispatch", "internal/store/pg"},
	"internal/store/pg":      {"internal/config", "internal/dispatch"},
	"internal/store/webhook": {"internal/dispatch", "internal/store/pg"},
	"internal/store/account": {"internal/dispatch", "internal/dispatch/template", "internal/store/pg"},

	"internal/apidoc": {},
	"internal/api/middleware": {
		"internal/accept", "internal/auth", "internal/dialect", "internal/dispatch", "internal/limit",
		"internal/store/account",
	},
	"internal/api": {
		"internal/accept", "internal/admin", "internal/api/manage", "internal/api/message", "internal/api/middleware",
		"internal/api/openapi", "internal/api/stream", "internal/apidoc", "internal/batch", "internal/dialect",
		"internal/dispatch", "internal/dispatch/template", "internal/health", "internal/provider", "internal/registry",
		"internal/store",
	},
	"internal/api/manage": {
		"internal/accept", "internal/admin", "internal/admin/input", "internal/api/middleware", "internal/dispatch",
		"internal/dispatch/template", "internal/provider", "internal/store", "internal/store/webhook", "internal/webhook",
	},
	"internal/api/message": {
		"internal/accept", "internal/api/middleware", "internal/apidoc", "internal/batch", "internal/dialect",
		"internal/dialect/native", "internal/dispatch", "internal/store",
	},
	"internal/api/stream": {"internal/api/middleware", "internal/apidoc", "internal/dispatch"},
	"internal/api/openapi": {
		"internal/api/middleware", "internal/apidoc", "internal/dialect", "internal/dispatch", "internal/dispatch/template",
	},
	"internal/dispatch":          {},
	"internal/dispatch/template": {"internal/dispatch"},
	"internal/dialect":           {"internal/apidoc", "internal/dispatch", "internal/dispatch/template"},
	"internal/dialect/":          {"internal/apidoc", "internal/dialect", "internal/dispatch", "internal/dispatch/template"},
	"internal/provider":          {"internal/dispatch", "internal/dispatch/template", "internal/outbound"},
	"internal/provider/":         {"internal/provider", "internal/dispatch", "internal/dispatch/template", "internal/outbound"},
	"internal/queue":             {"internal/config", "internal/dispatch"},
	"internal/batch":             {},
	"internal/auth":              {},
	"internal/config":            {},
	"internal/limit":             {"internal/dispatch", "internal/batch"},
	"internal/metrics":           {"internal/dispatch"},
	"internal/outbound":          {},
	"internal/emulator/engine":   {"internal/dispatch", "internal/dispatch/template", "internal/outbound"},
	"internal/emulator/":         {"internal/dispatch", "internal/dispatch/template", "internal/emulator/engine"},
	"internal/registry":          {"internal/dispatch", "internal/dispatch/template", "internal/store", "internal/store/account"},
	"internal/devstack":          {},
	"worker":                     {"internal/batch", "internal/dispatch", "internal/limit", "internal/provider", "internal/queue", "internal/registry", "internal/store", "internal/store/pg"},
	"migrations":                 {"internal/store/pg"},
	"internal/provider/gupshup":  {"internal/provider", "internal/dispatch", "internal/dispatch/template", "internal/outbound", "internal/provider/meta"}, // it passes Meta's codes on
	"internal/provider/kaleyra":  {"internal/provider", "internal/dispatch", "internal/dispatch/template", "internal/outbound", "internal/provider/meta"}, // and Meta's bodies
}

// domain is all that the domain may import besides the standard library.
var domain = []string{"github.com/google/uuid", "github.com/nyaruka/phonenumbers"}

// TestImports holds the arrows of the design: who may know whom.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, to := range p.Imports {
			if why := forbidden(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ps []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 20 {
		t.Fatalf("go list found %d packages", len(ps))
	}
	return ps
}

// forbidden says why a package may not import another; empty: it may.
func forbidden(from, to string) string {
	for what, who := range onlyIn {
		if (to == what || (strings.HasSuffix(what, "/") && strings.HasPrefix(to, what))) && !slices.Contains(who, from) {
			return "only " + strings.Join(who, ", ") + " may"
		}
	}
	ours, mine := strings.CutPrefix(to, module)
	if from == "internal/dispatch" && !standard(to) && !slices.Contains(domain, to) {
		return "the domain knows the standard library, " + strings.Join(domain, ", ") + " and nothing else"
	}
	allowed, ok := mayUse[from]
	if !ok {
		allowed, ok = mayUse[path.Dir(from)+"/"]
	}
	if mine && ok && !slices.Contains(allowed, ours) {
		return "of our packages it may know [" + strings.Join(allowed, " ") + "]"
	}
	return ""
}

func standard(to string) bool {
	first, _, _ := strings.Cut(to, "/")
	return !strings.Contains(first, ".")
}

// A rule that nothing can break holds nothing.
func TestImports_FindsViolations(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"internal/accept", "github.com/labstack/echo/v4"},
		{"internal/store", "github.com/hibiken/asynq"},
		{"worker", "github.com/lib/pq"},
		{"internal/registry", "github.com/jmoiron/sqlx"},
		{"internal/accept", "github.com/redis/go-redis/v9"},
		{"internal/dispatch", "golang.org/x/time/rate"},
		{"internal/dispatch", module + "internal/store"},
		{"internal/dialect/kaleyra", module + "internal/store"},
		{"internal/provider/meta", module + "internal/store"},
		{"internal/store", module + "internal/queue"},
		{"internal/api", module + "internal/app"},
		{"internal/api/message", module + "internal/api/stream"},
		{"internal/api/openapi", module + "internal/api/manage"},
		{"internal/api/middleware", module + "internal/api/message"},
		{"internal/provider/twilio", module + "internal/provider/meta"},
	} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	if why := forbidden("internal/api", "github.com/labstack/echo/v4/middleware"); why != "" {
		t.Errorf("the front door may not use echo: %s", why)
	}
}
