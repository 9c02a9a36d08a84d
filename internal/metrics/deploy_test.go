package metrics

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metricName finds the names of our metrics in an expression.
var metricName = regexp.MustCompile(`\bsendoff_[a-z_]+`)

// exported returns the names of all metrics that this package registers.
func exported(t *testing.T) []string {
	t.Helper()
	source := read(t, "internal/metrics/metrics.go")
	var names []string
	for _, m := range regexp.MustCompile(`"(sendoff_[a-z_]+)"`).FindAllStringSubmatch(source, -1) {
		names = append(names, m[1])
	}
	for _, of := range []string{"open", "in_use", "waits", "wait_seconds"} {
		names = append(names, "sendoff_postgres_pool_"+of)
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mustExist fails for a metric in an expression that no process exports.
func mustExist(t *testing.T, where, text string, names []string) {
	t.Helper()
	for _, name := range metricName.FindAllString(text, -1) {
		base := name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !slices.Contains(names, name) && !slices.Contains(names, base) {
			t.Errorf("%s: no process exports %s", where, name)
		}
	}
}

// dashboard is what the test reads of Grafana's JSON.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Datasource               struct{ UID string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

// Every panel has a unit, a description, metrics that exist and the data source of
// the variable: a fixed one works on one Grafana only.
func TestGrafana_EveryMetricExists(t *testing.T) {
	t.Parallel()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/sendoff.json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Templating.List) != 1 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" ||
		d.Templating.List[0].Query != "prometheus" {
		t.Errorf("variables %+v", d.Templating.List)
	}
	names, ids, used := exported(t), map[int]bool{}, ""
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%q has the id of another panel", p.Title)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if p.FieldConfig.Defaults.Unit == "" || p.Description == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%q lacks unit, description, data source or query", p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%q has a fixed data source", p.Title)
			}
			mustExist(t, p.Title, q.Expr, names)
			used += " " + q.Expr
		}
	}
	for _, name := range names {
		if !strings.Contains(used, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// Every rule's metrics exist, and docs/alerts.md has a paragraph at the address that
// the rule names.
func TestAlerts_MetricsAndRunbooksExist(t *testing.T) {
	t.Parallel()
	rules, docs := read(t, "deploy/alerts/sendoff.yaml"), read(t, "docs/alerts.md")
	mustExist(t, "sendoff.yaml", strings.ReplaceAll(rules, "sendoff_test.yaml", ""), exported(t))
	alerts := regexp.MustCompile(`(?m)^      - alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(alerts) < 12 {
		t.Fatalf("%d rules", len(alerts))
	}
	for _, a := range alerts {
		if !strings.Contains(docs, "\n## "+a[1]+"\n") {
			t.Errorf("docs/alerts.md has no paragraph on %s", a[1])
		}
		if a[1] != "SendoffWatchdog" && !strings.Contains(rules, "docs/alerts.md#"+strings.ToLower(a[1])+"\n") {
			t.Errorf("%s names no runbook", a[1])
		}
	}
}
