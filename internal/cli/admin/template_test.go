package admin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

func TestTemplate_Life(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	made := clitest.Read[admin.Template](t, p.OK(clitest.OrderTemplate, "template", "create", "-", "--json"))
	if made.Status != "approved" || made.Category != "utility" || made.Components[0].Type != "BODY" ||
		made.ParameterFormat != "positional" {
		t.Errorf("made %+v", made)
	}
	p.Do(clitest.OrderTemplate, "template", "create", "-").MustFail(t, 1, "already")
	file := filepath.Join(t.TempDir(), "t.json")
	if err := os.WriteFile(file, []byte(`{"name":"order","language":"de","category":"utility","status":"pending",`+
		`"components":[{"type":"BODY","text":"Hallo"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprint(clitest.Read[admin.Template](t, p.OK("", "template", "create", file, "--json")).ID)
	if ts := clitest.Read[admin.Page[admin.Template]](t, p.OK("", "template", "list", "--json")).Data; len(ts) != 2 ||
		ts[1].Status != "pending" {
		t.Errorf("listed %+v", ts)
	}
	p.Refuse(1, "choose one by its id", "template", "show", "order")
	p.OK("", "template", "show", "1")
	p.Refuse(1, "has no template refund", "template", "show", "refund")
	p.Refuse(2, "--yes", "template", "delete", second)
	p.OK("", "template", "delete", second, "--yes")
	p.OK("", "template", "show", "order")
	p.MustAudit(
		"account.create account:1",
		"template.create template:1",
		"template.create template:"+second,
		"template.delete template:"+second,
	)
}

// code is the exit code: that of a faulty field, or of a body that is none.
func code(want string) int {
	if want == "empty" {
		return 1
	}
	return 2
}

func TestTemplateCreate_Faults_AreNamed(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	for definition, want := range map[string]string{
		`{"name":"Order!","language":"en","category":"utility","components":[{"type":"BODY","text":"x"}]}`:                "name: ",
		`{"name":"order","language":"en","category":"news","components":[]}`:                                              "category: ",
		`{"name":"order","language":"en","category":"utility","components":[]}`:                                           "components: ",
		`{"name":"order","language":"en","category":"utility","status":"fine","components":[{"type":"BODY","text":"x"}]}`: "status: ",
		`{"name":"order","language":"en","category":"utility","provider":"twilio",
			"components":[{"type":"BODY","text":"x"}]}`: "provider_template_id: ",
		`{"name":"order","language":"en","category":"utility","colour":"red","components":[{"type":"BODY","text":"x"}]}`: "colour",
		`{"name":"order","language":"en","category":"utility","channel_id":7,"components":[{"type":"BODY","text":"x"}]}`: "channel_id: " +
			"no such channel",
		``: "empty",
	} {
		p.Do(definition, "template", "create", "-").MustFail(t, code(want), want)
	}
	p.Refuse(1, "no such file", "template", "create", "/nonexistent.json")
}

func TestTemplateUpdate_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	before := clitest.Read[admin.Template](t, p.OK("", "template", "show", "order", "--json"))
	got := clitest.Read[admin.Template](t, p.OK("", "template", "update", "order", "--status", "paused", "--json"))
	if got.Status != "paused" || got.Category != "utility" || !reflect.DeepEqual(got.Components, before.Components) || got.Channel != 0 {
		t.Errorf("got %+v, was %+v", got, before)
	}
	got = clitest.Read[admin.Template](
		t,
		p.OK(
			`{"language":"de","channel_id":1,"components":[{"type":"BODY","text":"Hallo {{1}}","variables":["name"]}]}`,
			"template",
			"update",
			"1",
			"-",
			"--category",
			"marketing",
			"--json",
		),
	)
	if got.Name != "order" || got.Language != "de" || got.Category != "marketing" || got.Status != "paused" || got.Channel != 1 ||
		got.Components[0].Text != "Hallo {{1}}" {
		t.Errorf("got %+v", got)
	}
	if got = clitest.Read[admin.Template](t, p.OK(`{"channel_id":null}`, "template", "update", "1", "-", "--json")); got.Channel != 0 ||
		got.Language != "de" {
		t.Errorf("got %+v", got)
	}
	p.Refuse(2, "nothing to change", "template", "update", "1")
	p.Do(`{"name":"Order!"}`, "template", "update", "1", "-").MustFail(t, 2, "name: ")
	p.Do(`{"channel_id":9}`, "template", "update", "1", "-").MustFail(t, 2, "channel_id: no such channel")
	p.Do(`{"provider":"twilio","provider_template_id":"HX1","channel_id":1}`, "template", "update", "1", "-").MustFail(t, 2, "provider: ")
	p.Do(`{"colour":"red"}`, "template", "update", "1", "-").MustFail(t, 2, "colour")
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	p.Do(`{"language":"en"}`, "template", "update", "1", "-").MustFail(t, 1, "already")
	p.Refuse(1, "has no template refund", "template", "update", "refund", "--status", "paused")
	p.MustAudit(
		"account.create account:1",
		"template.create template:1",
		"channel.create channel:1",
		"template.update template:1",
		"template.update template:1",
		"template.update template:1",
		"template.create template:2",
	)
}

func TestTemplatePreview_ShowsWhatWouldBeSent(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	if r := p.OK("", "template", "preview", "order"); !strings.Contains(r.Out, "Hi {{1}}, order {{2}}.") &&
		!strings.Contains(r.Out, "Hi {{name}}, order {{order_id}}.") {
		t.Error(r.Out)
	}
	for _, values := range [][]string{{"--var", "name=Ada", "--var", "order_id=A-17"}, {"--var", "1=Ada", "--var", "2=A-17"}} {
		if r := p.OK("", append([]string{"template", "preview", "order"}, values...)...); r.Out != "Hi Ada, order A-17.\n" {
			t.Errorf("%v: %s", values, r.Out)
		}
	}
	v := clitest.Read[struct {
		Text      string
		Variables []string
	}](t, p.OK("", "template", "preview", "1", "--var", "name=Ada", "--var", "order_id=A-17", "--json"))
	if v.Text != "Hi Ada, order A-17." || strings.Join(v.Variables, " ") != "name order_id" {
		t.Errorf("got %+v", v)
	}
	p.Refuse(2, "order_id", "template", "preview", "order", "--var", "name=Ada")
	p.Refuse(2, "must look like name=value", "template", "preview", "order", "--var", "Ada")
}
