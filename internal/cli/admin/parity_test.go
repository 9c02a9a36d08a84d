package admin_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// parityCase is one administrative input, as a request and as a command line.
type parityCase struct {
	noun, action string
	request      string // method and path; USER is the id of the user ada@example.com
	body         string
	command      string // words without the noun and the action; 'quoted' words may have spaces
	stdin        string // of the command
	status       int    // of the API's answer
	pointers     string // of its faults, separated by spaces; . is the body itself
}

// TestParity_APIAndCommandLine drives every input through the API on one
// database and through the command line on another, and compares the answers,
// and the audit logs at the end.
func TestParity_APIAndCommandLine(t *testing.T) {
	t.Parallel()
	p := newParity(t)
	for _, c := range allCases() {
		p.run(c)
	}
	p.compareAudit()
}

// TestParity_CasesCoverEveryField fails when an input has a field that no case
// of TestParity_APIAndCommandLine has.
func TestParity_CasesCoverEveryField(t *testing.T) {
	t.Parallel()
	var bodies strings.Builder
	for _, c := range allCases() {
		bodies.WriteString(c.body)
	}
	for _, in := range []any{
		admin.KeyCreate{},
		admin.Rotate{},
		admin.UserCreate{},
		admin.UserUpdate{},
		admin.ChannelCreate{},
		admin.PolicyUpdate{},
		admin.ResolveWindows{},
		admin.UnknownRetries{},
		admin.Pause{},
		admin.TemplateCreate{},
		admin.TemplateSync{},
		admin.CreditsChange{},
		admin.AccountUpdate{},
		admin.RetentionUpdate{},
	} {
		for _, name := range jsonNames(reflect.TypeOf(in)) {
			if !strings.Contains(bodies.String(), `"`+name+`":`) {
				t.Errorf("no case gives %s of %T", name, in)
			}
		}
	}
}

// jsonNames returns the names of a struct's fields in JSON.
func jsonNames(typ reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(typ) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func allCases() []parityCase {
	return slices.Concat(keyCases, userCases, senderCases(), channelCases, policyCases, templateCases, creditCases)
}

// parity is two equal installations.
type parity struct {
	t   *testing.T
	api *apitest.Front // asked over HTTP
	cli *apitest.Front // whose database the commands work on
}

func newParity(t *testing.T) *parity { return &parity{t, apitest.New(t), apitest.New(t)} }

func (p *parity) run(c parityCase) {
	p.t.Helper()
	name := c.noun + " " + c.action + " " + c.command + c.stdin
	method, path, _ := strings.Cut(strings.ReplaceAll(c.request, "USER", p.user(p.api)), " ")
	var body any
	if c.body != "" {
		body = c.body
	}
	r := p.api.Do(method, path, body)
	if r.Status != c.status {
		p.t.Errorf("%s: API answers %d, want %d: %s", name, r.Status, c.status, r.Body)
	}
	args := append([]string{c.noun}, strings.Fields(c.action)...)
	args = append(args, split(c.command)...)
	args = append(args, "--json", "--postgres-url", p.cli.PostgresURL, "--secret-key", apitest.SecretKey)
	if c.noun == "channel" {
		args = append(args, "--public-url", apitest.Public)
	}
	got := clitest.Run(cli.Run).Do(c.stdin, args...)
	if r.Status/100 == 2 {
		p.compare(name, r.Body, got)
		return
	}
	p.compareRefusal(name, c, r.Body, got)
}

// user returns the id of Ada, or an id that nobody has.
func (p *parity) user(f *apitest.Front) string {
	var id string
	const find = `SELECT coalesce(max(id::text), '00000000-0000-0000-0000-000000000000') FROM users WHERE email = 'ada@example.com'`
	if err := f.DB.QueryRow(find).Scan(&id); err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *parity) compare(name string, body []byte, got clitest.Result) {
	p.t.Helper()
	if got.Code != 0 {
		p.t.Errorf("%s: the command fails: %s%s", name, got.Out, got.Err)
		return
	}
	if len(body) == 0 { // 204
		var v struct{ Deleted bool }
		if err := json.Unmarshal([]byte(got.Out), &v); err != nil || !v.Deleted {
			p.t.Errorf("%s: prints %s", name, got.Out)
		}
		return
	}
	if a, b := plain(p.t, body), plain(p.t, []byte(got.Out)); !reflect.DeepEqual(a, b) {
		p.t.Errorf("%s:\n  API %v\n  CLI %v", name, a, b)
	}
}

func (p *parity) compareRefusal(name string, c parityCase, body []byte, got clitest.Result) {
	p.t.Helper()
	type refusal struct {
		Code   dispatch.Code
		Detail string
		Errors []dispatch.Fault
	}
	var a, b refusal
	if err := json.Unmarshal(body, &a); err != nil {
		p.t.Fatalf("%s: %v: %s", name, err, body)
	}
	if err := json.Unmarshal([]byte(got.Err), &b); err != nil || got.Code == 0 {
		p.t.Errorf("%s: the command does not refuse with JSON: code %d, %s%s", name, got.Code, got.Out, got.Err)
		return
	}
	if !reflect.DeepEqual(a, b) {
		p.t.Errorf("%s:\n  API %+v\n  CLI %+v", name, a, b)
	}
	at := []string{}
	for _, f := range a.Errors {
		at = append(at, cmp.Or(f.Field, "."))
	}
	if want := strings.Fields(c.pointers); !slices.Equal(slices.Sorted(slices.Values(at)), slices.Sorted(slices.Values(want))) {
		p.t.Errorf("%s: faults at %v, want %v", name, at, want)
	}
}

// compareAudit checks that both logs have the same entries of different actors.
func (p *parity) compareAudit() {
	p.t.Helper()
	a, b := p.audit(p.api, "key:1"), p.audit(p.cli, "cli")
	if len(a) < 30 || len(a) != len(b) {
		p.t.Errorf("%d entries of the API, %d of the command line", len(a), len(b))
		return
	}
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			p.t.Errorf("audit entry %d:\n  API %v\n  CLI %v", i, a[i], b[i])
		}
	}
}

func (p *parity) audit(f *apitest.Front, actor string) (out []any) {
	p.t.Helper()
	rows, err := f.DB.QueryContext(
		p.t.Context(),
		`SELECT json_build_object('action', action, 'target', regexp_replace(target, '^user:.*', 'user'), 'detail', detail)::text
		FROM audit_log WHERE actor = $1 ORDER BY id`,
		actor,
	)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, plain(p.t, []byte(line)))
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// random are the members whose values differ from one installation to the
// other, or from one moment to the next.
var random = []string{
	"key", "sid", "prefix", "callback_url", "verify_token", "created_at", "updated_at", "changed_at", "status_at", "calls_today", "at",
	"old_key_valid_until", "old_callback_secret_valid_until", "old_secret_valid_until",
}

// plain decodes JSON. Of random members only the presence stays, a UUID loses
// its digits, and send_rate, which the command line does not know, goes.
func plain(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return simplify(v)
}

func simplify(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = simplify(v[i])
		}
	case map[string]any:
		delete(v, "send_rate")
		delete(v, "ledger")       // account credits shows it, too
		delete(v, "last_used_at") // of the key that asks, it is written later
		for name := range maps.Clone(v) {
			switch text, isText := v[name].(string); {
			case slices.Contains(random, name):
				v[name] = fmt.Sprint(v[name] != nil)
			case name == "id" && isText && len(text) == 36:
				v[name] = "a UUID"
			default:
				v[name] = simplify(v[name])
			}
		}
	}
	return v
}

// split cuts a command line into words as a shell would.
func split(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

const (
	ok       = http.StatusOK
	created  = http.StatusCreated
	gone     = http.StatusNoContent
	invalid  = http.StatusUnprocessableEntity
	conflict = http.StatusConflict
	missing  = http.StatusNotFound
)

var long = strings.Repeat("x", 1001)

var keyCases = []parityCase{
	{
		"key",
		"create",
		"POST /v1/keys",
		`{"name":"Shop","permissions":["send_text","manage"]}`,
		"--name Shop --permission send_text --permission manage",
		"",
		created,
		"",
	},
	{
		"key", "create", "POST /v1/keys", `{"name":"T","permissions":["send_text"],"test":true,"countries":["in","IN"],"daily_limit":5,` +
			`"rate_per_second":1,"rate_per_minute":2,"expires_at":"2100-01-02T00:00:00Z","description":"d","default_region":"de",` +
			`"per_recipient_hour":0}`,
		"--name T --permission send_text --test --country in --country IN --daily-limit 5 --rate-per-second 1 --rate-per-minute 2 --expires " +
			"2100-01-02 --description d --default-region de --per-recipient-hour 0", "", created, "",
	},
	{"key", "create", "POST /v1/keys", `{"permissions":["send_text"]}`, "--permission send_text", "", invalid, "/name"},
	{
		"key", "create", "POST /v1/keys", `{"name":" ","permissions":["send_text","fly"],"rate_per_second":0,"rate_per_minute":10000001,` +
			`"daily_limit":-1,"countries":["XX"],"per_recipient_hour":-1}`,
		"--name ' ' --permission send_text --permission fly --rate-per-second 0 --rate-per-minute 10000001 --daily-limit=-1 --country XX " +
			"--per-recipient-hour=-1", "", invalid,
		"/name /permissions/1 /rate_per_second /rate_per_minute /daily_limit /countries/0 /per_recipient_hour",
	},
	{
		"key", "create", "POST /v1/keys", `{"name":"` + long + `","permissions":["send_text"],"description":"` + long +
			`","expires_at":"2020-01-01T00:00:00Z"}`,
		"--name " + long + " --permission send_text --description " + long + " --expires 2020-01-01", "", invalid,
		"/name /description /expires_at",
	},
	{"key", "list", "GET /v1/keys", "", "", "", ok, ""},
	{"key", "show", "GET /v1/keys/2", "", "2", "", ok, ""},
	{"key", "show", "GET /v1/keys/9", "", "9", "", missing, ""},
	{
		"key", "update", "PATCH /v1/keys/2", `{"name":"Store","permissions":["view_messages"],"per_recipient_hour":3,"countries":[],` +
			`"expires_at":null}`,
		"2 --name Store --permission view_messages --per-recipient-hour 3 --country all --expires never", "", ok, "",
	},
	{"key", "update", "PATCH /v1/keys/2", `{"per_recipient_hour":null}`, "2 --per-recipient-hour default", "", ok, ""},
	{
		"key",
		"update",
		"PATCH /v1/keys/2",
		`{"permissions":["none"],"per_recipient_hour":1000001}`,
		"2 --permission none --per-recipient-hour 1000001",
		"",
		invalid,
		"/permissions/0 /per_recipient_hour",
	},
	{"key", "update", "PATCH /v1/keys/9", `{"name":"x"}`, "9 --name x", "", missing, ""},
	{"key", "disable", "PATCH /v1/keys/2", `{"active":false}`, "2", "", ok, ""},
	{"key", "enable", "PATCH /v1/keys/2", `{"active":true}`, "2", "", ok, ""},
	{"key", "rotate", "POST /v1/keys/2/rotate", "", "2", "", ok, ""},
	{"key", "rotate", "POST /v1/keys/2/rotate", `{"overlap_seconds":0}`, "2 --overlap 0s", "", ok, ""},
	{"key", "rotate", "POST /v1/keys/2/rotate", `{"overlap_seconds":-1}`, "2 --overlap=-1s", "", invalid, "/overlap_seconds"},
	{"key", "rotate", "POST /v1/keys/2/rotate", `{"overlap_seconds":2592001}`, "2 --overlap 2592001s", "", invalid, "/overlap_seconds"},
	{"key", "rotate", "POST /v1/keys/9/rotate", "", "9", "", missing, ""},
	{"key", "delete", "DELETE /v1/keys/3", "", "3 --yes", "", gone, ""},
	{"key", "delete", "DELETE /v1/keys/3", "", "3 --yes", "", missing, ""},
}

var userCases = []parityCase{
	{
		"user",
		"create",
		"POST /v1/users",
		`{"name":"Ada","email":"Ada@Example.com","role":"owner","password":"ten letters"}`,
		"--name Ada --email Ada@Example.com --role owner",
		"ten letters\n",
		created,
		"",
	},
	{
		"user",
		"create",
		"POST /v1/users",
		`{"name":"Bo","email":"bo@example.com"}`,
		"--name Bo --email bo@example.com --no-login",
		"",
		created,
		"",
	},
	{
		"user",
		"create",
		"POST /v1/users",
		`{"name":"Ada","email":"ada@example.com"}`,
		"--name Ada --email ada@example.com --no-login",
		"",
		conflict,
		"",
	},
	{
		"user",
		"create",
		"POST /v1/users",
		`{"role":"king","password":"short"}`,
		"--role king",
		"short\n",
		invalid,
		"/name /email /role /password",
	},
	{
		"user",
		"create",
		"POST /v1/users",
		`{"name":" ","email":"A <a@b.c>"}`,
		"--name ' ' --email 'A <a@b.c>' --no-login",
		"",
		invalid,
		"/name /email",
	},
	{"user", "list", "GET /v1/users", "", "", "", ok, ""},
	{"user", "show", "GET /v1/users/USER", "", "ada@example.com", "", ok, ""},
	{"user", "show", "GET /v1/users/x", "", "x", "", missing, ""},
	{"user", "update", "PATCH /v1/users/USER", `{"role":"admin"}`, "ada@example.com --role admin", "", conflict, ""},
	{
		"user",
		"update",
		"PATCH /v1/users/USER",
		`{"name":"Ada L.","password":"another password"}`,
		"ada@example.com --name 'Ada L.' --set-password",
		"another password\n",
		ok,
		"",
	},
	{"user", "update", "PATCH /v1/users/USER", `{"email":"bo@example.com"}`, "ada@example.com --email bo@example.com", "", conflict, ""},
	{
		"user",
		"update",
		"PATCH /v1/users/USER",
		`{"email":"nobody","role":"x"}`,
		"ada@example.com --email nobody --role x",
		"",
		invalid,
		"/email /role",
	},
	{"user", "disable", "PATCH /v1/users/USER", `{"disabled":true}`, "ada@example.com", "", conflict, ""},
	{"user", "enable", "PATCH /v1/users/USER", `{"disabled":false}`, "ada@example.com", "", ok, ""},
	{"user", "delete", "DELETE /v1/users/USER", "", "ada@example.com --yes", "", conflict, ""},
}

// sid is an account sid of Twilio.
const sid = "AC0123456789abcdef0123456789abcdef"

// senderCases are the senders of an SMS channel and of a WhatsApp channel.
func senderCases() []parityCase {
	var out []parityCase
	add := func(kind, sender string, status int) {
		c := parityCase{
			noun: "channel", action: "create twilio", request: "POST /v1/channels",
			body: fmt.Sprintf(
				`{"name":"S","provider":"twilio","kind":%q,"sender":%q,"settings":{"account_sid":%q},"secrets":{"auth_token":"t"}}`,
				kind,
				sender,
				sid,
			),
			command: fmt.Sprintf("--name S --kind %s --sender='%s' --account-sid %s", kind, sender, sid), stdin: "t\n", status: status,
		}
		if c.command = strings.ReplaceAll(c.command, "--sender='", "--sender '"); strings.HasPrefix(sender, "-") {
			c.command = strings.ReplaceAll(c.command, "--sender '"+sender+"'", "--sender="+sender)
		}
		if status == invalid {
			c.pointers = "/sender"
		}
		out = append(out, c)
	}
	for _, good := range []string{"ACME", "AT&T", "A B", "a-b_c+d", "12345", "123", "+15550007777", "1A", "ABCDEFGHIJK"} {
		add("sms", good, created)
	}
	for _, bad := range []string{"---", "12", "A.B", "ABCDEFGHIJKL", "Ä", "A/B", "& &"} {
		add("sms", bad, invalid)
	}
	for _, bad := range []string{"ACME", "12345", "+1", "+1555000222x"} {
		add("whatsapp", bad, invalid)
	}
	return out
}

const metaFlags = " --phone-number-id 106540352242922 --waba-id 102290129340398"

var channelCases = []parityCase{
	{
		"channel", "create meta", "POST /v1/channels", `{"name":"M","provider":"meta","sender":"+1 555 000 9999",` +
			`"settings":{"phone_number_id":"106540352242922","waba_id":"102290129340398"},"secrets":{"access_token":"a","app_secret":"b"}}`,
		"--name M --sender '+1 555 000 9999'" + metaFlags, "a\nb\n", created, "",
	},
	{
		"channel", "create meta", "POST /v1/channels", `{"name":"M","provider":"meta","kind":"whatsapp","settings":{"phone_number_id":"+1",` +
			`"waba_id":"x","version":"25","base_url":"ftp://x"},"window":"never","key":"1","policy":{"rate":-1,"concurrency":10001}}`,
		"--name M --phone-number-id=+1 --waba-id x --api-version 25 --base-url ftp://x --window never --key 1 --rate=-1 --concurrency 10001", "",
		invalid,
		"/sender /key /window /policy/rate /policy/concurrency /settings/phone_number_id /settings/waba_id /settings/version " +
			"/settings/base_url /secrets/access_token /secrets/app_secret",
	},
	{
		"channel", "create twilio", "POST /v1/channels",
		`{"name":"T","provider":"twilio","kind":"sms","sender":"ACME","settings":{"account_sid":"AC1","messaging_service_sid":"x",` +
			`"api_key_sid":"SK1"},"secrets":{"auth_token":"t"}}`,
		"--name T --sender ACME --account-sid AC1 --messaging-service-sid x --api-key-sid SK1", "t\n", invalid,
		"/settings/account_sid /settings/messaging_service_sid /settings/api_key_sid /secrets/api_key_secret",
	},
	{
		"channel",
		"create gupshup",
		"POST /v1/channels",
		`{"name":"G","provider":"gupshup","sender":"+919999900000","settings":{},"secrets":{}}`,
		"--name G --sender +919999900000",
		"",
		invalid,
		"/settings/app_name /secrets/apikey",
	},
	{
		"channel", "create gupshup", "POST /v1/channels",
		`{"name":"G","provider":"gupshup","sender":"+919999900000","key":"gup","default":true,"window":"provider",` +
			`"settings":{"app_name":"A"},"secrets":{"apikey":"k"},"policy":{"rate":5,"concurrency":6}}`,
		"--name G --sender +919999900000 --key gup --default --window provider --app-name A --rate 5 --concurrency 6", "k\n", created, "",
	},
	{
		"channel", "create gupshup", "POST /v1/channels",
		`{"name":"G","provider":"gupshup","sender":"+919999900000","key":"gup","settings":{"app_name":"A"},"secrets":{"apikey":"k"}}`,
		"--name G --sender +919999900000 --key gup --app-name A", "k\n", conflict, "",
	},
	{
		"channel",
		"create kaleyra",
		"POST /v1/channels",
		`{"name":"K","provider":"kaleyra","kind":"sms","sender":"SENDOF","settings":{"sid":"HX1"},"secrets":{"api_key":"k"}}`,
		"--name K --kind sms --sender SENDOF --sid HX1",
		"k\n",
		created,
		"",
	},
	{
		"channel",
		"create kaleyra",
		"POST /v1/channels",
		`{"name":"K","provider":"kaleyra","kind":"fax","sender":"SENDOF","settings":{"sid":"HX1"},"secrets":{"api_key":"k"}}`,
		"--name K --kind fax --sender SENDOF --sid HX1",
		"k\n",
		invalid,
		"/kind /kind /sender",
	},
	{"channel", "list", "GET /v1/channels", "", "", "", ok, ""},
	{"channel", "show", "GET /v1/channels/1", "", "1", "", ok, ""},
	{"channel", "show", "GET /v1/channels/99", "", "99", "", missing, ""},
	{
		"channel", "update", "PATCH /v1/channels/1", `{"name":"Main","sender":"+15550001234","default":true,"window":"provider",` +
			`"settings":{"version":"v24.0","waba_id":null},"secrets":{"access_token":"new"}}`,
		"1 --name Main --sender +15550001234 --default --window provider --set version=v24.0 --set waba_id= --secret access_token", "new\n", ok,
		"",
	},
	{
		"channel", "update", "PATCH /v1/channels/1", `{"name":" ","sender":"x","window":"x","settings":{"colour":"red","base_url":"x",` +
			`"phone_number_id":null},"secrets":{"apikey":"k"}}`,
		"1 --name ' ' --sender x --window x --set colour=red --set base_url=x --set phone_number_id= --secret apikey", "k\n", invalid,
		"/name /sender /window /settings/base_url /settings/colour /settings/phone_number_id /secrets/apikey",
	},
	{"channel", "update", "PATCH /v1/channels/99", `{"name":"x"}`, "99 --name x", "", missing, ""},
	{"channel", "disable", "PATCH /v1/channels/1", `{"enabled":false}`, "1", "", ok, ""},
	{"channel", "enable", "PATCH /v1/channels/1", `{"enabled":true}`, "1", "", ok, ""},
	{"channel", "pause", "POST /v1/channels/1/pause", "", "1", "", ok, ""},
	{"channel", "pause", "POST /v1/channels/1/pause", `{"reason":"` + long + `"}`, "1 --reason " + long, "", invalid, "/reason"},
	{"channel", "resume", "POST /v1/channels/1/resume", "", "1", "", ok, ""},
	{"channel", "pause", "POST /v1/channels/1/pause", `{"reason":"under review"}`, "1 --reason 'under review'", "", ok, ""},
	{"channel", "update", "POST /v1/channels/1/callback-secret", "", "1 --rotate-callback-secret", "", conflict, ""},
	{
		"channel",
		"update",
		"POST /v1/channels/12/callback-secret",
		`{"overlap_seconds":60}`,
		"gup --rotate-callback-secret --overlap 1m",
		"",
		ok,
		"",
	},
	{
		"channel",
		"update",
		"POST /v1/channels/12/callback-secret",
		`{"overlap_seconds":-1}`,
		"gup --rotate-callback-secret --overlap=-1s",
		"",
		invalid,
		"/overlap_seconds",
	},
	{
		"channel", "update", "PATCH /v1/channels/12", `{"secrets":{"callback_secret":"0123456789abcdef0123456789abcdef"},` +
			`"callback_overlap_seconds":60}`,
		"gup --secret callback_secret --overlap 1m", "0123456789abcdef0123456789abcdef\n", ok, "",
	},
	{
		"channel",
		"update",
		"PATCH /v1/channels/12",
		`{"secrets":{"callback_secret":"short"}}`,
		"gup --secret callback_secret",
		"short\n",
		invalid,
		"/secrets/callback_secret",
	},
	{"channel", "delete", "DELETE /v1/channels/11", "", "11 --yes", "", gone, ""},
	{"channel", "delete", "DELETE /v1/channels/11", "", "11 --yes", "", missing, ""},
}

var policyCases = []parityCase{
	{
		"channel", "update", "PATCH /v1/channels/1", `{"policy":{"rate":0.5,"concurrency":7,"max_attempts":3,"max_age_s":7200,` +
			`"backoff_base_s":1,"backoff_cap_s":60,"recipient_spacing_s":6,"resolve_window_s":{"otp":5,"bulk":1800},` +
			`"unknown_retries":{"normal":2},"price":{"default":1,"marketing":0.05},` +
			`"portfolio":"main","messaging_limit":-1,"messaging_reserve":0}}`,
		"1 --rate 0.5 --concurrency 7 --max-attempts 3 --max-age 2h --backoff-base 1s --backoff-cap 1m --recipient-spacing 6s " +
			"--resolve-window otp=5s --resolve-window bulk=30m --unknown-retries normal=2 --price default=1 --price marketing=0.05 " +
			"--portfolio main --messaging-limit=-1 --messaging-reserve 0", "", ok, "",
	},
	{
		"channel", "update", "PATCH /v1/channels/1", `{"policy":{"rate":0,"concurrency":0,"max_attempts":101,"max_age_s":3600000,` +
			`"backoff_base_s":0.001,"backoff_cap_s":0.005,"recipient_spacing_s":-1,"resolve_window_s":{"normal":90000},` +
			`"unknown_retries":{"otp":11},"price":{"default":1,"marketing":0.05,"gold":1,"utility":-1},` +
			`"messaging_limit":-2,"messaging_reserve":1.5}}`,
		"1 --rate 0 --concurrency 0 --max-attempts 101 --max-age 1000h --backoff-base 1ms --backoff-cap 5ms --recipient-spacing=-1s " +
			"--resolve-window normal=25h --unknown-retries otp=11 --price gold=1 --price utility=-1 " +
			"--messaging-limit=-2 --messaging-reserve 1.5", "", invalid,
		"/policy/rate /policy/concurrency /policy/max_attempts /policy/max_age_s /policy/backoff_base_s /policy/backoff_cap_s " +
			"/policy/recipient_spacing_s /policy/resolve_window_s/normal /policy/unknown_retries/otp /policy/messaging_limit " +
			"/policy/messaging_reserve " +
			"/policy/price/gold /policy/price/utility",
	},
	{
		"channel",
		"update",
		"PATCH /v1/channels/1",
		`{"policy":{"backoff_cap_s":0.5}}`,
		"1 --backoff-cap 500ms",
		"",
		invalid,
		"/policy/backoff_cap_s",
	},
	{"channel", "show", "GET /v1/channels/1", "", "1", "", ok, ""},
}

// fileCase is a case whose command reads the request's body.
func fileCase(action, request, body, words string, status int, pointers string) parityCase {
	return parityCase{"template", action, request, body, strings.TrimSpace(words + " -"), body, status, pointers}
}

const components = `"components":[{"type":"body","text":"Hi {{1}}.","variables":["who"]}]`

// listed are the fields of Meta's template list that a template is registered with
// as it stands; they are not kept.
const listed = `"id":"1","quality_score":{"score":"GREEN"},"rejected_reason":"NONE","previous_category":"MARKETING",` +
	`"correct_category":"UTILITY","sub_category":"CUSTOM","allow_category_change":true,"message_send_ttl_seconds":60,` +
	`"cta_url_link_tracking_opted_out":true,"is_primary_device_delivery_only":false,"library_template_name":"x"`

var templateCases = []parityCase{
	fileCase("create", "POST /v1/templates", `{"name":"order","language":"en","category":"UTILITY",`+components+`}`, "", created, ""),
	fileCase("create", "POST /v1/templates", `{"name":"order","language":"en","category":"utility",`+components+`}`, "", conflict, ""),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"bound","language":"en","category":"utility","status":"pending","channel_id":1,`+components+`}`,
		"",
		created,
		"",
	),
	fileCase("create", "POST /v1/templates", `{"name":"listed","language":"en","category":"UTILITY",`+components+`,`+listed+`}`, "",
		created, ""),
	fileCase("create", "POST /v1/templates", `{}`, "", invalid, "/name /language /category /components"),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"Order!","language":"english please","category":"news","status":"fine","parameter_format":"odd","components":[]}`,
		"",
		invalid,
		"/name /language /category /status /parameter_format /components",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":7,"colour":"red","components":[{"type":"body","texts":"x"}]}`,
		"",
		invalid,
		"/name /colour /components/0/texts /language /category /components/0/text",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"x","language":"en","category":"utility","channel_id":99,`+components+`}`,
		"",
		invalid,
		"/channel_id",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"x","language":"en","category":"utility","channel_id":2,`+components+`}`,
		"",
		invalid,
		"/channel_id /provider_template_id",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"x","language":"en","category":"utility","provider":"twilio",`+components+`}`,
		"",
		invalid,
		"/provider_template_id",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"x","language":"en","category":"utility","provider":"acme","provider_template_id":"1",`+components+`}`,
		"",
		invalid,
		"/provider",
	),
	fileCase(
		"create",
		"POST /v1/templates",
		`{"name":"x","language":"en","category":"utility","provider":"twilio","provider_template_id":"HX1","channel_id":1,`+components+`}`,
		"",
		invalid,
		"/provider",
	),
	fileCase("create", "POST /v1/templates", `{"name":null}`, "", invalid, "/name /language /category /components"),
	fileCase("create", "POST /v1/templates", `[]`, "", invalid, "."),
	fileCase("create", "POST /v1/templates", `{"name":`, "", http.StatusBadRequest, ""),
	{"template", "list", "GET /v1/templates", "", "", "", ok, ""},
	{"template", "show", "GET /v1/templates/1", "", "order", "", ok, ""},
	{"template", "show", "GET /v1/templates/9", "", "9", "", missing, ""},
	{
		"template",
		"update",
		"PATCH /v1/templates/1",
		`{"status":"paused","category":"marketing"}`,
		"order --status paused --category marketing",
		"",
		ok,
		"",
	},
	{
		"template",
		"update",
		"PATCH /v1/templates/1",
		`{"status":"fine","category":"news"}`,
		"order --status fine --category news",
		"",
		invalid,
		"/status /category",
	},
	fileCase("update", "PATCH /v1/templates/3", `{"channel_id":null,"language":"de"}`, "3", ok, ""),
	fileCase("update", "PATCH /v1/templates/1", `{"name":"bound","language":"de"}`, "1", conflict, ""),
	{"template", "update", "PATCH /v1/templates/9", `{"status":"paused"}`, "9 --status paused", "", missing, ""},
	{"template", "preview", "POST /v1/templates/1/preview", "", "1", "", ok, ""},
	{"template", "preview", "POST /v1/templates/1/preview", `{"variables":{"who":"Ada"}}`, "order --var who=Ada", "", ok, ""},
	{
		"template",
		"preview",
		"POST /v1/templates/1/preview",
		`{"variables":{"whom":"Ada"}}`,
		"order --var whom=Ada",
		"",
		invalid,
		"/variables/who /variables/whom",
	},
	{"template", "sync", "POST /v1/templates/sync", `{"channel":"99"}`, "--channel 99", "", invalid, "/channel"},
	{"template", "sync", "POST /v1/templates/sync", `{"channel":"gup"}`, "--channel gup", "", invalid, "/channel"},
	{"template", "delete", "DELETE /v1/templates/3", "", "3 --yes", "", gone, ""},
	{"template", "delete", "DELETE /v1/templates/3", "", "3 --yes", "", missing, ""},
}

var creditCases = []parityCase{
	{
		"channel",
		"update",
		"PATCH /v1/channels/1",
		`{"policy":{"price":{"default":1e12}}}`,
		"1 --price default=1e12",
		"",
		invalid,
		"/policy/price/default",
	},
	{"account", "credits", "GET /v1/credits", "", "", "", ok, ""},
	{"account", "credits", "POST /v1/credits", `{"amount":10.25,"enabled":true}`, "--on --add 10.25", "", ok, ""},
	{"account", "credits", "POST /v1/credits", `{"amount":-0.000001}`, "--add=-0.000001", "", ok, ""},
	{"account", "credits", "POST /v1/credits", `{"enabled":false}`, "--off", "", ok, ""},
	{"account", "credits", "POST /v1/credits", `{"amount":0}`, "--add 0", "", invalid, "/amount"},
	{"account", "credits", "POST /v1/credits", `{"amount":1e3}`, "--add 1e3", "", invalid, "/amount"},
	{"account", "credits", "POST /v1/credits", `{"amount":0.0000001}`, "--add 0.0000001", "", invalid, "/amount"},
	{"account", "show", "GET /v1/account", "", "", "", ok, ""},
	{"account", "update", "PATCH /v1/account", `{"default_region":"us"}`, "One --default-region us", "", ok, ""},
	{"account", "update", "PATCH /v1/account", `{"time_zone":"Asia/Calcutta"}`, "One --time-zone Asia/Calcutta", "", ok, ""},
	{"account", "update", "PATCH /v1/account", `{"time_zone":"Mars/Base"}`, "One --time-zone Mars/Base", "", invalid, "/time_zone"},
	{"account", "update", "PATCH /v1/account", `{"opt_out_languages":["de","fr"]}`, "One --opt-out-languages de,fr", "", ok, ""},
	{
		"account",
		"update",
		"PATCH /v1/account",
		`{"opt_out_languages":["xx"]}`,
		"One --opt-out-languages xx",
		"",
		invalid,
		"/opt_out_languages/0",
	},
	{
		"account", "update", "PATCH /v1/account",
		`{"retention":{"messages":30,"events":20,"attempts":10,"webhook_deliveries":5,"audit_log":400,"inbound":60},"redact_days":7}`,
		"One --keep messages=30;events=20;attempts=10;webhook_deliveries=5;audit_log=400;inbound=60 --redact-days 7", "", ok, "",
	},
	{
		"account", "update", "PATCH /v1/account", `{"retention":{"messages":90},"redact_days":0}`, "One --keep messages=90 --redact-days 0", "",
		ok, "",
	},
	{"account", "update", "PATCH /v1/account", `{"retention":{"events":0}}`, "One --keep events=0", "", invalid, "/retention/events"},
	{"account", "update", "PATCH /v1/account", `{"redact_days":-1}`, "One --redact-days=-1", "", invalid, "/redact_days"},
	{"account", "update", "PATCH /v1/account", `{"opt_out_languages":[]}`, "One --opt-out-languages=", "", ok, ""},
	{"account", "update", "PATCH /v1/account", `{"default_region":"XX"}`, "One --default-region XX", "", invalid, "/default_region"},
	{"account", "update", "PATCH /v1/account", `{"name":"One","default_region":""}`, "One --name One --default-region=", "", ok, ""},
	{"account", "show", "GET /v1/account", "", "One", "", ok, ""},
}
