package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const orderTemplate = `{"name":"order","language":"en","category":"UTILITY","components":[{"type":"body","text":"Hi {{1}}, order {{2}}.","variables":["name","order_id"]}]}`

func TestTemplate_Life(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	made := read[dispatch.Template](t, p.ok(orderTemplate, "template", "create", "-", "--json"))
	if made.Status != "approved" || made.Category != "utility" || made.Components[0].Type != "BODY" || made.ParameterFormat != "positional" {
		t.Errorf("made %+v", made)
	}
	p.do(orderTemplate, "template", "create", "-").mustFail(t, 1, "already")
	file := filepath.Join(t.TempDir(), "t.json")
	if err := os.WriteFile(file, []byte(`{"name":"order","language":"de","category":"utility","status":"pending","components":[{"type":"BODY","text":"Hallo"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := id(read[dispatch.Template](t, p.ok("", "template", "create", file, "--json")).ID)
	if ts := read[[]dispatch.Template](t, p.ok("", "template", "list", "--json")); len(ts) != 2 || ts[1].Status != "pending" {
		t.Errorf("listed %+v", ts)
	}
	p.refuse(1, "say which by its id", "template", "show", "order")
	p.ok("", "template", "show", "1")
	p.refuse(1, "has no template refund", "template", "show", "refund")
	p.refuse(2, "--yes", "template", "delete", second)
	p.ok("", "template", "delete", second, "--yes")
	p.ok("", "template", "show", "order")
	p.mustAudit("account.create account:1", "template.create template:1", "template.create template:"+second, "template.delete template:"+second)
}

func TestTemplateCreate_Faults_AreNamed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for definition, want := range map[string]string{
		`{"name":"Order!","language":"en","category":"utility","components":[{"type":"BODY","text":"x"}]}`:                    "/name",
		`{"name":"order","language":"en","category":"news","components":[]}`:                                                  "/category",
		`{"name":"order","language":"en","category":"utility","components":[]}`:                                               "/components",
		`{"name":"order","language":"en","category":"utility","status":"fine","components":[{"type":"BODY","text":"x"}]}`:     "/status",
		`{"name":"order","language":"en","category":"utility","provider":"twilio","components":[{"type":"BODY","text":"x"}]}`: "/provider_template_id",
		`{"name":"order","language":"en","category":"utility","colour":"red","components":[{"type":"BODY","text":"x"}]}`:      "colour",
		`{"name":"order","language":"en","category":"utility","channel":7,"components":[{"type":"BODY","text":"x"}]}`:         "has no channel 7",
		``: "empty",
	} {
		p.do(definition, "template", "create", "-").mustFail(t, 1, want)
	}
	p.refuse(1, "no such file", "template", "create", "/nonexistent.json")
}
