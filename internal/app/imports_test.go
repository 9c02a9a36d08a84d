package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sendoff/sendoff/"

// arrows are the imports of the design: each package of the module, with all
// packages of ours that it may import. "internal/" is left out. The list is
// closed and exact: a package or an import that is not in it fails the test, and
// so does an entry that is not used any more. An indented line goes on with the
// one above it.
var arrows = parseArrows(`
# The process, from the top down.
cmd/sendoff: cli
cli: admin app auth bench cli/admin cli/console cli/drill cli/remote config demo devstack dialect dispatch emulator
    logs migrations queue store store/account store/callback store/campaign store/installation store/operate store/pg
    trace version
cli/admin: admin admin/input app cli/console config dispatch provider pruner store/operate store/pg store/restore
    store/retention
cli/console: dispatch
app: accept admin admin/campaigns admin/erasures admin/imports admin/session admin/stats api api/dashboard auth config
    dialect dialect/aisoule dialect/external dialect/kaleyra dialect/metaapi dialect/native dialect/socialone
    dialect/sociocs dialect/twilioapi dispatch dispatch/template emulator eraser front gate health importer limit logs
    metrics migrations outbound provider provider/gupshup provider/kaleyra provider/meta provider/twilio pruner queue
    registry runner store store/account store/audience store/callback store/campaign store/erasure store/installation
    store/operate store/pg store/retention store/session store/stats store/trace store/webhook trace version webhook
    worker worker/feeder
app/cmd/openapi: app

# The front door.
api: accept admin admin/campaigns admin/erasures admin/imports api/dashboard api/imports api/manage api/message
    api/middleware api/openapi api/site api/stream apidoc batch dialect dispatch dispatch/person dispatch/template
    health optout outbound provider registry storable store web webhook
api/manage: accept admin admin/campaigns admin/erasures admin/input api/middleware auth campaign dispatch
    dispatch/person dispatch/template provider store/people webhook zone
api/message: accept api/middleware apidoc batch dialect dialect/native dispatch dispatch/person store
api/stream: api/middleware apidoc dispatch
api/openapi: api/middleware apidoc dialect dispatch dispatch/template
api/middleware: accept auth dialect dispatch limit logs storable store/account
apidoc:

# Use cases.
runner: campaign dispatch runner/audience store store/campaign store/ledger zone
runner/audience: campaign dispatch dispatch/person dispatch/phone dispatch/template registry store/account
    store/campaign zone
admin/campaigns: admin campaign contactimport dispatch runner runner/audience store store/account store/campaign zone
accept: auth batch dispatch dispatch/person dispatch/phone dispatch/segment provider registry storable store
    store/account store/erasure store/people store/pg
admin: admin/input auth dispatch dispatch/keep dispatch/person dispatch/phone dispatch/template optout provider
    storable store store/account store/webhook webhook zone
admin/input: dispatch storable
campaign: dispatch dispatch/segment dispatch/template storable zone
contactimport: dispatch dispatch/person dispatch/phone storable zone
webhook: address apidoc dialect/twilioapi dispatch dispatch/person outbound provider provider/twilio storable
    store/webhook
worker: batch dispatch limit outbound provider store store/people store/pg
worker/feeder: dispatch limit provider store
importer: contactimport dispatch store/audience
api/imports: admin admin/imports api/manage api/middleware apidoc contactimport dispatch store/audience
admin/imports: admin campaign contactimport dispatch store/account store/audience
admin/erasures: admin admin/input store/account store/erasure
eraser: store/erasure
pruner: store/retention

# What they share.
registry: dispatch dispatch/template store store/account store/erasure
limit: batch dispatch
queue: config dispatch logs
batch:
auth:
config:
health:
logs:
metrics: dispatch version
storable:
zone:
front:
gate: dispatch store
address:
optout: dispatch dispatch/person
version:
web:
client:
drill: devstack queue
docs:
trace: dispatch store store/trace store/webhook

# The stores.
store/ledger: campaign dispatch store/pg
store/campaign: campaign dispatch storable store store/erasure store/ledger store/people store/pg store/portfolio
store: dispatch storable store/eventlog store/ledger store/people store/pg
store/eventlog:
store/account: campaign dispatch dispatch/keep dispatch/person dispatch/template store/erasure store/people store/pg
store/audience: campaign dispatch storable store/erasure store/pg
store/erasure: dispatch dispatch/phone store/ledger store/pg
store/callback: dispatch storable store/pg store/portfolio
store/webhook: dispatch store/eventlog store/pg
store/pg: config dispatch storable
migrations: store/pg

# Vendors and formats.
provider: dispatch dispatch/person dispatch/template outbound storable
provider/gupshup: dispatch dispatch/person dispatch/template outbound provider provider/meta
provider/kaleyra: dispatch dispatch/person dispatch/template outbound provider provider/meta
provider/meta: dispatch dispatch/person dispatch/template outbound provider
provider/twilio: dispatch dispatch/person dispatch/template outbound provider
dialect: apidoc dispatch dispatch/template storable
dialect/aisoule: apidoc dialect dispatch
dialect/external: apidoc dialect dispatch
dialect/kaleyra: apidoc dialect dispatch dispatch/phone
dialect/metaapi: apidoc dialect dispatch dispatch/person
dialect/native: apidoc dialect dispatch storable
dialect/socialone: apidoc dialect dispatch dispatch/phone
dialect/sociocs: apidoc dialect dispatch dispatch/person dispatch/phone
dialect/twilioapi: address apidoc dialect dispatch dispatch/person dispatch/phone storable
outbound:

# The domain.
dispatch:
dispatch/template: dispatch
dispatch/person: dispatch/phone
dispatch/phone: dispatch
dispatch/segment:
dispatch/keep:

# Beside the product: they measure, seed, start, stand in for or test it.
apitest: app auth config dispatch store store/account store/webhook storetest
admin/session: auth dispatch store/session
admin/stats: admin dispatch store/stats
store/session: dispatch store/pg
store/stats: store store/pg
api/dashboard: accept admin admin/input admin/stats api/manage api/middleware apidoc auth dispatch store store/account
    store/session
api/site: apidoc dialect docs
bench: app config demo devstack dispatch emulator migrations queue store store/account store/pg
cli/clitest: app config dispatch emulator store/account storetest
cli/remote: auth cli/admin cli/console client dispatch store version
cli/drill: cli/console drill
demo: auth dispatch dispatch/template emulator store/account
devstack:
devstack/cmd/teststack: devstack
dialect/dialecttest: apidoc dialect dispatch dispatch/phone dispatch/template
e2e:
fault:
emulator: dispatch/template emulator/engine emulator/gupshup emulator/kaleyra emulator/meta emulator/twilio
emulator/engine: dispatch dispatch/person dispatch/template outbound
emulator/gupshup: dispatch emulator/engine
emulator/kaleyra: dispatch emulator/engine
emulator/meta: dispatch dispatch/person dispatch/template emulator/engine
emulator/twilio: dispatch emulator/engine
provider/providertest: dispatch outbound provider
storetest: devstack migrations store/pg wait
store/operate: dispatch store store/ledger store/people store/pg
store/people: dispatch dispatch/person storable store/erasure store/pg
store/installation: store/pg
store/portfolio: dispatch store/people store/pg
store/retention: dispatch/keep store/erasure store/eventlog store/pg
store/trace: dispatch store/eventlog store/pg
store/restore: campaign dispatch store store/ledger store/pg
wait:
worker/workertest: dispatch store store/account store/pg storetest
`)

func parseArrows(table string) map[string]string {
	arrows, from := map[string]string{}, ""
	for line := range strings.Lines(table) {
		line, indented := strings.TrimSpace(line), strings.HasPrefix(line, " ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		to := line
		if !indented {
			from, to, _ = strings.Cut(line, ":")
		}
		arrows[from] = strings.TrimSpace(arrows[from] + " " + strings.TrimSpace(to))
	}
	return arrows
}

// onlyIn names the packages that may import a library; a library whose name ends
// in a slash stands for all below it.
var onlyIn = map[string]string{
	"github.com/labstack/echo/": "api api/dashboard api/middleware api/imports api/manage api/message api/openapi api/site " +
		"api/stream bench",
	"github.com/danielgtaylor/huma/": "api/manage api/openapi",
	"github.com/hibiken/asynq":       "queue bench",
	"github.com/jmoiron/sqlx":        "store/pg",
	"github.com/lib/pq": "store store/session store/stats store/account store/audience store/callback store/campaign " +
		"store/erasure " +
		"store/ledger store/people store/portfolio store/retention store/webhook store/pg storetest devstack bench drill migrations",
	"github.com/redis/go-redis/":     "limit queue app storetest devstack bench",
	"github.com/alicebob/miniredis/": "devstack",
	"github.com/pressly/goose/":      "migrations",
	"github.com/alecthomas/":         "cli cli/admin",
	"github.com/teambition/":         "campaign",
}

// domain are the libraries that the domain may import besides the standard one.
var domain = []string{"github.com/google/uuid", "github.com/nyaruka/phonenumbers"}

// maxFiles is the number of files, without tests, that a package may have.
const maxFiles = 20

// TestImports fails on an import that the design does not have.
func TestImports(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		from := short(p.ImportPath)
		seen[from] = true
		if len(p.GoFiles) > maxFiles {
			t.Errorf("%s has %d files, more than %d: split it", from, len(p.GoFiles), maxFiles)
		}
		for _, to := range p.Imports {
			if why := forbidden(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
		for to := range strings.FieldsSeq(arrows[from]) {
			if !slices.ContainsFunc(p.Imports, func(i string) bool { return short(i) == to && ours(i) }) {
				t.Errorf("%s does not import %s: take it out of arrows", from, to)
			}
		}
		if _, listed := arrows[from]; !listed {
			t.Errorf("%s is not in arrows: add it with the packages of ours that it may import", from)
		}
	}
	for from := range arrows {
		if !seen[from] {
			t.Errorf("%s does not exist: take it out of arrows", from)
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
}

// packages returns the packages of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,GoFiles", "./...")
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
	return ps
}

func ours(path string) bool { return strings.HasPrefix(path, module) }

// short returns the path of one of our packages as arrows has it.
func short(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "internal/")
}

// forbidden returns why a package may not import another one, or an empty string
// if it may.
func forbidden(from, to string) string {
	if ours(to) {
		if !slices.Contains(strings.Fields(arrows[from]), short(to)) {
			return "of our packages it may import [" + arrows[from] + "]"
		}
		return ""
	}
	for library, who := range onlyIn {
		covers := to == library || (strings.HasSuffix(library, "/") && strings.HasPrefix(to, library))
		if covers && !slices.Contains(strings.Fields(who), from) {
			return "only " + who + " may"
		}
	}
	if from == "dispatch" && !standard(to) && !slices.Contains(domain, to) {
		return "the domain may import the standard library, " + strings.Join(domain, ", ") + " and nothing else"
	}
	return ""
}

// standard reports whether a package is of the standard library.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// A rule that nothing can break is none.
func TestImports_FindsViolations(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"accept", "github.com/labstack/echo/v4"},
		{"store", "github.com/hibiken/asynq"},
		{"worker", "github.com/hibiken/asynq"},
		{"worker", "github.com/lib/pq"},
		{"registry", "github.com/jmoiron/sqlx"},
		{"accept", "github.com/redis/go-redis/v9"},
		{"dispatch", "golang.org/x/time/rate"},
		{"dispatch", module + "internal/store"},
		{"dispatch", module + "internal/dispatch/template"},
		{"dialect/kaleyra", module + "internal/store"},
		{"provider/meta", module + "internal/store"},
		{"provider/twilio", module + "internal/provider/meta"},
		{"store", module + "internal/queue"},
		{"worker", module + "worker/feeder"},
		{"worker/feeder", module + "worker"},
		{"api", module + "internal/app"},
		{"api/message", module + "internal/api/stream"},
		{"api/openapi", module + "internal/api/manage"},
		{"api/middleware", module + "internal/api/message"},
		{"nothing", module + "internal/dispatch"},
	} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{
		{"api", "github.com/labstack/echo/v4/middleware"},
		{"accept", module + "internal/dispatch"},
		{"dispatch", "strings"},
	} {
		if why := forbidden(c[0], c[1]); why != "" {
			t.Errorf("%s may not import %s: %s", c[0], c[1], why)
		}
	}
}
