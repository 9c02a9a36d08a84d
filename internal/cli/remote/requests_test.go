package remote_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// api is a server in place of the API: it records requests and answers all alike.
type api struct {
	*httptest.Server
	key  string
	asks []string // method, path and body of each request
}

func newAPI(t *testing.T, status int, answer string) *api {
	t.Helper()
	a := &api{key: auth.Generate(false)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("Authorization") != "Bearer "+a.key || !strings.HasPrefix(r.UserAgent(), "sendoff-cli/") {
			t.Errorf("%s %s by %q with %q", r.Method, r.URL, r.UserAgent(), r.Header.Get("Authorization"))
		}
		if len(body) > 0 && r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s has the type %q", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		r.URL.RawQuery = r.URL.Query().Encode() // in one order
		a.asks = append(a.asks, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) do(t *testing.T, stdin string, args ...string) clitest.Result {
	t.Helper()
	return sendoff(stdin, append(args, "--url", a.URL, "--key-file", clitest.KeyFile(t, a.key))...)
}

// Every flag of every command arrives where the API reads it, and what is not
// given is not sent.
func TestCommands_SendWhatIsGiven(t *testing.T) {
	t.Parallel()
	const id = "01890000-0000-7000-8000-000000000000"
	for args, want := range map[string]string{
		"message list":                           `GET /v1/messages?limit=50`,
		"message list --limit 7":                 `GET /v1/messages?limit=7`,
		"message list --limit 5000 --cursor c/1": `GET /v1/messages?cursor=c%2F1&limit=1000`,
		"message list --limit 0":                 `GET /v1/messages?limit=1`,
		"message list --status failed --channel 3 --to +15550000100 --reference r --search s": `GET /v1/messages?` +
			`channel=3&limit=50&reference=r&search=s&status=failed&to=%2B15550000100`,
		"message cancel " + id:                         `POST /v1/messages/` + id + `/cancel`,
		"message cancel a/b":                           `POST /v1/messages/a%2Fb/cancel`,
		"inbound list --from +15550000100 --channel 3": `GET /v1/inbound?channel=3&from=%2B15550000100&limit=50`,
		"inbound list --type text --since 2026-01-02T00:00:00Z --until 2026-01-03T00:00:00Z": `GET /v1/inbound?` +
			`created_from=2026-01-02T00%3A00%3A00Z&created_to=2026-01-03T00%3A00%3A00Z&limit=50&type=text`,
		"inbound show " + id: `GET /v1/inbound/` + id,
		"usage":              `GET /v1/usage`,
		"audit --actor a --action key.create --limit 2": `GET /v1/audit?action=key.create&actor=a&limit=2`,

		"contact list --list 4 --search Ada": `GET /v1/contacts?limit=50&list=4&search=Ada`,
		"contact create +15550000100":        `POST /v1/contacts {"phone":"+15550000100"}`,
		"contact create +15550000100 --name Ada --field order=A-17 --field x=1=2 --list 1 --list 2": `POST /v1/contacts ` +
			`{"fields":{"order":"A-17","x":"1=2"},"list_ids":[1,2],"name":"Ada","phone":"+15550000100"}`,
		"contact show 9":                                    `GET /v1/contacts/9`,
		"contact update 9 --name=":                          `PATCH /v1/contacts/9 {"name":""}`,
		"contact update 9 --time-zone=":                     `PATCH /v1/contacts/9 {"time_zone":""}`,
		"contact update 9 --field a=b --name Bo":            `PATCH /v1/contacts/9 {"fields":{"a":"b"},"name":"Bo"}`,
		"contact delete 9 --yes":                            `DELETE /v1/contacts/9`,
		"suppression list --search +1555":                   `GET /v1/suppressions?limit=50&search=%2B1555`,
		"suppression add +15550000100":                      `POST /v1/suppressions {"phone":"+15550000100","scope":"all"}`,
		"suppression remove +15550000100":                   `DELETE /v1/suppressions/+15550000100`,
		"suppression add +1 --scope marketing --reason why": `POST /v1/suppressions {"phone":"+1","reason":"why","scope":"marketing"}`,

		"webhook list":                       `GET /v1/webhooks?limit=50`,
		"webhook create https://example.com": `POST /v1/webhooks {"format":"standard","url":"https://example.com"}`,
		"webhook create https://example.com --format meta --event message.sent,message.failed": `POST /v1/webhooks ` +
			`{"events":["message.sent","message.failed"],"format":"meta","url":"https://example.com"}`,
		"webhook show 2":                                  `GET /v1/webhooks/2`,
		"webhook update 2 --enabled=false":                `PATCH /v1/webhooks/2 {"enabled":false}`,
		"webhook update 2 --event all --description=":     `PATCH /v1/webhooks/2 {"description":"","events":[]}`,
		"webhook update 2 --address http://a --event a,b": `PATCH /v1/webhooks/2 {"events":["a","b"],"url":"http://a"}`,
		"webhook enable 2":                                `POST /v1/webhooks/2/enable`,
		"webhook rotate 2":                                `POST /v1/webhooks/2/rotate {}`,
		"webhook test 2":                                  `POST /v1/webhooks/2/test`,
		"webhook deliveries 2 --limit 3 --cursor c":       `GET /v1/webhooks/2/deliveries?cursor=c&limit=3`,
		"webhook replay 2 --delivery d/1":                 `POST /v1/webhooks/2/deliveries/d%2F1/replay`,
		"webhook replay 2 --from 2026-01-02T03:04:05Z":    `POST /v1/webhooks/2/replay {"from":"2026-01-02T03:04:05Z"}`,
		"webhook replay 2 --from a --until b":             `POST /v1/webhooks/2/replay {"from":"a","to":"b"}`,
		"webhook delete 2 --yes":                          `DELETE /v1/webhooks/2`,

		"campaign list --status running --search Spring --cursor c": `GET /v1/campaigns?cursor=c&limit=50&search=Spring&status=running`,
		"campaign launch 7":             `POST /v1/campaigns/7/launch`,
		"campaign pause 7":              `POST /v1/campaigns/7/pause`,
		"campaign resume 7":             `POST /v1/campaigns/7/resume`,
		"campaign cancel 7":             `POST /v1/campaigns/7/cancel`,
		"campaign retry 7":              `POST /v1/campaigns/7/retry`,
		"campaign report 7":             `GET /v1/campaigns/7/report.csv`,
		"campaign watch 7":              `GET /v1/campaigns/7`,
		"campaign validate 7":           `POST /v1/campaigns/7/validate`,
		"campaign create --name Spring": `POST /v1/campaigns {"audience":{},"name":"Spring"}`,
		"campaign create --text Hi --list 1 --list 2 --import 3 --channel ch_a --rate 2.5": `POST /v1/campaigns ` +
			`{"audience":{"import":3,"lists":[1,2]},"channel":"ch_a","rate":2.5,"text":{"body":"Hi"},"type":"text"}`,
		"campaign create --template t --language en --var a=1,2 --var b={{x}} --start-at 2027-01-02T10:00:00 --time-zone Asia/Kolkata": `POST ` +
			`/v1/campaigns {"audience":{},"start_at":"2027-01-02T10:00:00",` +
			`"template":{"language":"en","name":"t","variables":{"a":"1,2","b":"{{x}}"}},"time_zone":"Asia/Kolkata","type":"template"}`,
	} {
		// One answer that every command takes for its end.
		a := newAPI(t, http.StatusOK, `{"id":7,"status":"finished","ready":true,"data":[]}`)
		if r := a.do(t, "", strings.Fields(args)...); r.Code != 0 || r.Err != "" {
			t.Errorf("%s: code %d: %s%s", args, r.Code, r.Out, r.Err)
		}
		if d := cmp.Diff([]string{want}, a.asks); d != "" {
			t.Errorf("%s (-want +got):\n%s", args, d)
		}
	}
}

// A campaign of a file is sent as it stands there, with what the flags set, and
// with its numbers as they are written.
func TestCampaignCreate_FileAndFlags(t *testing.T) {
	t.Parallel()
	const file = `{"name":"A","rate":12345678901234567890,"audience":{"contacts":[{"to":"+1"}],"lists":[9]},"type":"text","text":{"body":"x"}}`
	name := filepath.Join(t.TempDir(), "spring.json")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, http.StatusCreated, `{"id":7,"name":"B","status":"draft"}`)
	wants(t, a.do(t, "", "campaign", "create", name), `campaign 7 "B" is draft`)
	wants(t, a.do(t, file, "campaign", "create", "-", "--name", "B", "--list", "4", "--template", "t"), `campaign 7 "B" is draft`)
	for i, want := range []string{
		`{"name":"A","rate":12345678901234567890,"audience":{"contacts":[{"to":"+1"}],"lists":[9]},"type":"text","text":{"body":"x"}}`,
		`{"name":"B","rate":12345678901234567890,"audience":{"contacts":[{"to":"+1"}],"lists":[4]},"type":"template","text":{"body":"x"},
			"template":{"name":"t"}}`,
	} {
		if got := strings.TrimPrefix(a.asks[i], "POST /v1/campaigns "); compact(t, got) != compact(t, want) {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
	for stdin, want := range map[string]string{"": "no JSON object", "[1]": "no JSON object", `{"name":`: "no JSON object"} {
		a.do(t, stdin, "campaign", "create", "-").MustFail(t, 2, want)
	}
	a.do(t, "", "campaign", "create", "/does/not/exist").MustFail(t, 2, "no such file")
	a.do(t, "", "campaign", "create", "--text", "a", "--template", "b").MustFail(t, 2, "--text")
	a.do(t, "", "campaign", "create", "--import", "3", "--csv", name).MustFail(t, 2, "--csv")
	if len(a.asks) != 2 {
		t.Errorf("a wrong command line was sent: %q", a.asks[2:])
	}
}

// compact returns JSON with sorted members and numbers as they are written.
func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// What is said wrong ends a command with code 2, before anything is sent.
func TestCommands_WrongCommandLine_Code2(t *testing.T) {
	t.Parallel()
	a := newAPI(t, http.StatusOK, `{}`)
	for args, want := range map[string]string{
		"send --to +1": "--text", "send --text x": "--to", "send --to +1 --text x --template y": "--text",
		"send --to +1 --text x --lane fast": "--lane", "send --to +1 --text x --ttl 5": "--ttl",
		"send --to +1 --text x --ttl 10ms":         "at least 1s",
		"send --to +1 --text x --send-at tomorrow": "--send-at", "send --to +1 --text x --language en": "belong to --template",
		"send --to +1 --template t --var x": "must look like name=value", "status": "<id>",
		"message cancel": "<id>", "message list --limit many": "--limit",
		"contact show x": "<id>", "contact update 1": "name what to change", "contact delete 1": "repeat with --yes",
		"suppression add +1 --scope some": "--scope", "webhook update 1": "name what to change", "webhook delete 1": "repeat with --yes",
		"webhook replay 1": "give --from, or --delivery", "webhook replay 1 --from a --delivery b": "give --from, or --delivery",
		"webhook update 1 --enabled=perhaps": "--enabled", "campaign watch": "<id>", "campaign watch 1 --every soon": "--every",
		"import /does/not/exist": "/does/not/exist", "import x --kind people": "--kind", "tail --count x": "--count", "inbound show": "<id>",
	} {
		a.do(t, "", strings.Fields(args)...).MustFail(t, 2, want)
	}
	if len(a.asks) > 0 {
		t.Errorf("sent %q", a.asks)
	}
}
