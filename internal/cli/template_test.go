package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch/template"
)

const orderTemplate = `{"name":"order","language":"en","category":"UTILITY","components":[{"type":"body","text":"Hi {{1}}, order {{2}}.","variables":["name","order_id"]}]}`

func TestTemplate_Life(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	made := read[template.Template](t, p.ok(orderTemplate, "template", "create", "-", "--json"))
	if made.Status != "approved" || made.Category != "utility" || made.Components[0].Type != "BODY" || made.ParameterFormat != "positional" {
		t.Errorf("made %+v", made)
	}
	p.do(orderTemplate, "template", "create", "-").mustFail(t, 1, "already")
	file := filepath.Join(t.TempDir(), "t.json")
	if err := os.WriteFile(file, []byte(`{"name":"order","language":"de","category":"utility","status":"pending","components":[{"type":"BODY","text":"Hallo"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := id(read[template.Template](t, p.ok("", "template", "create", file, "--json")).ID)
	if ts := read[[]template.Template](t, p.ok("", "template", "list", "--json")); len(ts) != 2 || ts[1].Status != "pending" {
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

func TestTemplateUpdate_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(orderTemplate, "template", "create", "-")
	p.ok(token+"\n"+appSecret+"\n", createMetaArgs...)
	before := read[template.Template](t, p.ok("", "template", "show", "order", "--json"))
	got := read[template.Template](t, p.ok("", "template", "update", "order", "--status", "paused", "--json"))
	if got.Status != "paused" || got.Category != "utility" || !reflect.DeepEqual(got.Components, before.Components) || got.Channel != 0 {
		t.Errorf("got %+v, was %+v", got, before)
	}
	got = read[template.Template](t, p.ok(`{"language":"de","channel":1,"components":[{"type":"BODY","text":"Hallo {{1}}","variables":["name"]}]}`, "template", "update", "1", "-", "--category", "marketing", "--json"))
	if got.Name != "order" || got.Language != "de" || got.Category != "marketing" || got.Status != "paused" || got.Channel != 1 || got.Components[0].Text != "Hallo {{1}}" {
		t.Errorf("got %+v", got)
	}
	if got = read[template.Template](t, p.ok(`{"channel":null}`, "template", "update", "1", "-", "--json")); got.Channel != 0 || got.Language != "de" {
		t.Errorf("got %+v", got)
	}
	p.refuse(2, "nothing to change", "template", "update", "1")
	p.do(`{"name":"Order!"}`, "template", "update", "1", "-").mustFail(t, 1, "/name")
	p.do(`{"channel":9}`, "template", "update", "1", "-").mustFail(t, 1, "has no channel 9")
	p.do(`{"provider":"twilio","provider_template_id":"HX1","channel":1}`, "template", "update", "1", "-").mustFail(t, 1, "/provider")
	p.do(`{"colour":"red"}`, "template", "update", "1", "-").mustFail(t, 1, "colour")
	p.ok(orderTemplate, "template", "create", "-")
	p.do(`{"language":"en"}`, "template", "update", "1", "-").mustFail(t, 1, "already")
	p.refuse(1, "has no template refund", "template", "update", "refund", "--status", "paused")
	p.mustAudit("account.create account:1", "template.create template:1", "channel.create channel:1", "template.update template:1", "template.update template:1", "template.update template:1", "template.create template:2")
}

func TestTemplatePreview_ShowsWhatWouldBeSent(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(orderTemplate, "template", "create", "-")
	if r := p.ok("", "template", "preview", "order"); !strings.Contains(r.out, "Hi {{1}}, order {{2}}.") && !strings.Contains(r.out, "Hi {{name}}, order {{order_id}}.") {
		t.Error(r.out)
	}
	for _, values := range [][]string{{"--var", "name=Ada", "--var", "order_id=A-17"}, {"--var", "1=Ada", "--var", "2=A-17"}} {
		if r := p.ok("", append([]string{"template", "preview", "order"}, values...)...); r.out != "Hi Ada, order A-17.\n" {
			t.Errorf("%v: %s", values, r.out)
		}
	}
	v := read[struct {
		Text      string
		Variables []string
	}](t, p.ok("", "template", "preview", "1", "--var", "name=Ada", "--var", "order_id=A-17", "--json"))
	if v.Text != "Hi Ada, order A-17." || strings.Join(v.Variables, " ") != "name order_id" {
		t.Errorf("got %+v", v)
	}
	p.refuse(1, "order_id", "template", "preview", "order", "--var", "name=Ada")
	p.refuse(2, "must look like name=value", "template", "preview", "order", "--var", "Ada")
}
