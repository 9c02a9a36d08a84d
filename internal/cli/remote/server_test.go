package remote_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// Lists are read to their end, a page at a time, whatever they are of.
func TestLists_PageByPage(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	for i := range 5 {
		number := fmt.Sprintf("+1555000010%d", i)
		f.Good("contact", "create", number)
		f.Good("suppression", "add", number, "--scope", "marketing")
		f.Good("webhook", "create", fmt.Sprintf("http://127.0.0.1:1/%d", i), "--event", "message.read")
		f.Good("campaign", "create", "--name", fmt.Sprint("C", i), "--text", "x", "--list", "1")
	}
	for what, member := range map[string]string{"contact": "phone", "suppression": "phone", "webhook": "url", "campaign": "name"} {
		var seen []string
		pages := 0
		for cursor := ""; pages == 0 || cursor != ""; pages++ {
			page := clitest.Read[listed](t, f.Good(what, "list", "--json", "--limit", "2", "--cursor", cursor))
			for _, row := range page.Data {
				seen = append(seen, fmt.Sprint(row[member]))
			}
			if cursor = page.Next; pages > 5 {
				t.Fatalf("%s: no end: %q", what, seen)
			}
		}
		if slices.Sort(seen); pages != 3 || len(slices.Compact(seen)) != 5 {
			t.Errorf("%s: %d pages with %q", what, pages, seen)
		}
		f.Call(what, "list", "--cursor", "nonsense").MustFail(t, 1, "validation_failed")
	}
	if all := clitest.Read[listed](t, f.Good("audit", "--json", "--limit", "3", "--action", "webhook.create")); len(all.Data) != 3 ||
		all.Next == "" || all.Data[0]["action"] != "webhook.create" {
		t.Errorf("audit %v", all)
	}
}

// A key that may only read templates is refused by every command.
func TestCommands_KeyWithoutPermission(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	key := clitest.Read[struct{ Key string }](t, f.OK("", "key", "create", "--name", "reader", "--permission", "view_templates", "--json"))
	reader := f.With(key.Key)
	for _, args := range []string{
		"send --to +15550000100 --text x", "message list", "status 01890000-0000-7000-8000-000000000000", "inbound list",
		"contact create +15550000100", "contact list", "contact show 1", "contact update 1 --name x", "contact delete 1 --yes",
		"suppression add +15550000100", "suppression list", "suppression remove +15550000100",
		"webhook create http://127.0.0.1:1", "webhook list", "webhook show 1", "webhook update 1 --enabled=false", "webhook enable 1",
		"webhook rotate 1", "webhook test 1", "webhook deliveries 1", "webhook replay 1 --delivery d", "webhook delete 1 --yes",
		"campaign create --name x --text y --list 1", "campaign list", "campaign launch 1", "campaign pause 1", "campaign resume 1",
		"campaign cancel 1", "campaign retry 1", "campaign validate 1", "campaign watch 1", "campaign report 1", "audit", "usage",
	} {
		reader.Call(strings.Fields(args)...).MustFail(t, 1, "403 forbidden")
	}
}

// What is not there is named as such by every command that takes an id.
func TestCommands_UnknownID(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	for _, args := range []string{
		"status 01890000-0000-7000-8000-000000000000", "message cancel 01890000-0000-7000-8000-000000000000",
		"inbound show 01890000-0000-7000-8000-000000000000", "contact show 9", "contact update 9 --name x", "contact delete 9 --yes",
		"suppression remove +15550000199", "webhook show 9", "webhook update 9 --enabled=false", "webhook enable 9", "webhook rotate 9",
		"webhook test 9", "webhook deliveries 9", "webhook replay 9 --from 2026-01-02T03:04:05Z", "webhook delete 9 --yes",
		"campaign launch 9", "campaign pause 9", "campaign resume 9", "campaign cancel 9", "campaign retry 9", "campaign validate 9",
		"campaign watch 9", "campaign report 9",
	} {
		f.Call(strings.Fields(args)...).MustFail(t, 1, "404 not_found")
	}
}

// What contacts write is listed and shown.
func TestInbound_ListAndShow(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	write := func(from, text string) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"channel": f.Channel(1).Key, "from": from, "text": text})
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(f.Channel(1).Settings["base_url"]+"/_emulator/inbound", "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode/100 != 2 {
			t.Fatalf("the emulator answered %s", res.Status)
		}
	}
	write("+15550000201", "first")
	until(t, "first", func() clitest.Result { return f.Call("inbound", "list") })
	write("+15550000202", "second\nline")
	r := until(t, "second line", func() clitest.Result { return f.Call("inbound", "list") })
	if first, second := strings.Index(r.Out, "first"), strings.Index(r.Out, "second"); second > first {
		t.Errorf("the newest is not first:\n%s", r.Out)
	}
	wants(t, r, "RECEIVED_AT", "+15550000201", "+15550000202", "text")
	page := clitest.Read[listed](t, f.Good("inbound", "list", "--from", "+15550000202", "--json"))
	if len(page.Data) != 1 || page.Data[0]["text"] != "second\nline" {
		t.Fatalf("of one number: %v", page)
	}
	wants(t, f.Call("inbound", "show", fmt.Sprint(page.Data[0]["id"])), `"from": "+15550000202"`)
	if page := clitest.Read[listed](t, f.Good("inbound", "list", "--channel", "1", "--limit", "1", "--json")); page.Next == "" ||
		len(page.Data) != 1 {
		t.Errorf("the first page: %v", page)
	}
}

// file writes text to a file of the name and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file becomes contacts, suppressions or nothing, and its report says what.
func TestImport_Kinds(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	people := file(t, "people.csv", "Telefon;Vorname;Stadt\n+15550000100;Ada;Köln\n0171 2345678;Bo;Bonn\n+15550000100;Ada;Köln\n")
	args := []string{"import", people, "--map", "Vorname:name", "--map", "Stadt:fields.city", "--country", "DE"}
	type report struct {
		Status                         string
		DryRun                         bool `json:"dry_run"`
		Lines, Created, Duplicate, Bad int
		Unchanged                      int
	}
	dry := clitest.Read[report](t, f.Good(append(args, "--dry-run", "--json")...))
	if d := cmp.Diff(report{Status: "done", DryRun: true, Lines: 3, Created: 2, Duplicate: 1}, dry); d != "" {
		t.Errorf("dry run (-want +got):\n%s", d)
	}
	if page := clitest.Read[listed](t, f.Good("contact", "list", "--json")); len(page.Data) != 0 {
		t.Errorf("a dry run wrote %v", page)
	}
	wants(t, f.Call(args...), "done: 3 lines = 2 created + 0 updated + 0 unchanged + 1 duplicate + 0 suppressed + 0 bad\n")
	wants(t, f.Call("contact", "list"), "+15550000100", "Ada", `{"city":"Köln"}`, "+491712345678", "Bo")
	if again := clitest.Read[report](t, f.Good(append(args, "--json", "--keep-fields")...)); again.Created != 0 || again.Unchanged != 2 {
		t.Errorf("again: %+v", again)
	}
	bad := file(t, "numbers.csv", "phone\n+15550000101\nnobody\n")
	r := f.Good("import", bad, "--kind", "suppressions")
	wants(t, r, "2 lines = 1 created", "1 bad\n", "the bad rows: GET /v1/imports/", "/errors.csv\n")
	wants(t, f.Call("suppression", "list"), "+15550000101")
	f.Call("import", file(t, "empty.csv", "")).MustFail(t, 1, "import")
	f.Call("import", people, "--list", "99").MustFail(t, 1, "validation_failed")
	f.Call("import", people, "--map", "Nichts:name").MustFail(t, 1, "Nichts")
	f.Call("import", t.TempDir()).MustFail(t, 1, "is a directory")
}

// A campaign is paused, resumed and cancelled; its report goes to a file, and its
// failed recipients to a retry.
func TestCampaign_Life(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	id := func(r clitest.Result) string {
		t.Helper()
		return fmt.Sprint(clitest.Read[struct{ ID int64 }](t, r).ID)
	}
	people := file(t, "people.csv", "phone,name,order\n+15550010103,Ada,1\n+15550020103,Bo,2\n+15550030100,Cy,3\n")
	draft := func(more ...string) []string {
		return append([]string{
			"campaign", "create", "--template", "order", "--language", "en", "--var", "name={{name}}", "--var", "order_id={{order}}",
		}, more...)
	}
	c := id(f.Good(draft("--name", "Slow", "--csv", people, "--rate", "0.1", "--json")...))
	wants(t, f.Call("campaign", "launch", c), "campaign "+c+` "Slow" is `)
	wants(t, f.Call("campaign", "launch", c), `"Slow" is `) // a repeat changes nothing
	until(t, "Slow", func() clitest.Result { return f.Call("campaign", "list", "--status", "running") })
	wants(t, f.Call("campaign", "pause", c), `"Slow" is paused`, "of 3 done", "calls were under way")
	f.Call("campaign", "cancel", "99").MustFail(t, 1, "404 not_found")
	wants(t, f.Call("campaign", "resume", c), `"Slow" is running: `, "of 3 done")
	if v := clitest.Read[map[string]any](t, f.Good("campaign", "cancel", c, "--json")); fmt.Sprint(v["id"]) != c || v["name"] != "Slow" {
		t.Errorf("cancelled: %v", v)
	}
	wants(t, f.Call("campaign", "watch", c, "--every", "50ms"), `"Slow" is cancelled`, " cancelled")

	c = id(f.Good(draft("--name", "Again", "--csv", people, "--json")...))
	wants(t, f.Call("campaign", "validate", c), "ready: 3 recipients\n")
	f.Good("campaign", "launch", c)
	wants(t, f.Call("campaign", "watch", c, "--every", "500ms"), `campaign `+c+` "Again" is finished: 3 of 3 done`)
	var last map[string]any
	states := json.NewDecoder(strings.NewReader(f.Good("campaign", "watch", c, "--json").Out))
	for states.More() {
		if err := states.Decode(&last); err != nil {
			t.Fatal(err)
		}
	}
	if last["status"] != "finished" {
		t.Errorf("the last state of watch: %v", last)
	}
	report := filepath.Join(t.TempDir(), "report.csv")
	until(t, "delivered,", func() clitest.Result {
		r := f.Good("campaign", "report", c, "--output", report)
		raw, err := os.ReadFile(report)
		if err != nil || r.Out != "" {
			t.Fatalf("%s %v", r.Out, err)
		}
		r.Out = string(raw)
		return r
	})
	raw, err := os.ReadFile(report)
	if rows := strings.Split(strings.TrimSpace(string(raw)), "\n"); err != nil || len(rows) != 4 ||
		!strings.HasPrefix(rows[0], "row,to,status,") ||
		!strings.Contains(rows[1], "+15550010103") {
		t.Errorf("report %q, %v", rows, err)
	}
	f.Call("campaign", "report", c, "-o", t.TempDir()).MustFail(t, 1, "is a directory")
	retry := until(t, "parent_id", func() clitest.Result { return f.Call("campaign", "retry", c, "--json") })
	if v := clitest.Read[map[string]any](t, retry); fmt.Sprint(v["parent_id"]) != c || v["counts"].(map[string]any)["total"] != 2. {
		t.Errorf("the retry: %v", v)
	}
}

// A campaign from standard input, whose recipients are in the body, is ready or says
// for each recipient what is wrong.
func TestCampaignValidate_NotReady(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	body := `{"type":"template","template":{"name":"order","language":"en","variables":{"name":"{{name}}","order_id":"{{order}}"}},
		"audience":{"contacts":[{"to":"12","fields":{"name":"Ada","order":"1"}},{"to":"+15550000100","fields":{"name":"Bo"}}]}}`
	r := f.Run.Do(body, append([]string{"campaign", "create", "-", "--name", "Bad", "--json"}, f.Flags()...)...)
	c := fmt.Sprint(clitest.Read[struct{ ID int64 }](t, r).ID)
	r = f.Call("campaign", "validate", c)
	if r.Code != 1 || !strings.HasPrefix(r.Out, "not ready, 1 skipped (bad_number), 1 skipped (missing_field)\n") ||
		!strings.Contains(r.Out, "  row 1, to 12: bad_number: ") || !strings.Contains(r.Out, "  row 2, to +15550000100: missing_field order: ") {
		t.Errorf("code %d: %s%s", r.Code, r.Out, r.Err)
	}
	if v := clitest.Read[map[string]any](t, f.Call("campaign", "validate", c, "--json")); v["ready"] != false {
		t.Errorf("as JSON: %v", v)
	}
	wants(t, f.Call("campaign", "list", "--search", "ba"), "COUNTS.TOTAL", "Bad", "draft")
	if page := clitest.Read[listed](t, f.Good("campaign", "list", "--search", "nothing", "--json")); len(page.Data) != 0 {
		t.Errorf("found %v", page)
	}
}
