package cli

import (
	"maps"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/admin"
)

// examples are shown in the help of each command; a test checks that they parse.
var examples = map[string][]string{
	"dev":     {"sendoff dev", "sendoff dev --dir /tmp/sendoff --listen 127.0.0.1:9000", "sendoff dev --infra-only"},
	"serve":   {"sendoff serve --listen 0.0.0.0:8080", "sendoff serve --migrate"},
	"work":    {"sendoff work", "sendoff work --work-listen 127.0.0.1:9090"},
	"emulate": {"sendoff emulate"},
	"doctor":  {"sendoff doctor", "sendoff doctor --json"},
	"openapi": {"sendoff openapi"},
	"version": {"sendoff version", "sendoff version --json"},
	"import":  {"sendoff import people.csv --list 1", "sendoff import audience.xlsx --kind audience --country DE --dry-run --json"},

	"completion": {"sendoff completion bash", "sendoff completion fish"},
	"drill":      {"sendoff drill", "sendoff drill --scenario work-killed,postgres-crashes", "sendoff drill --long"},
	"bench":      {"sendoff bench --quick", "sendoff bench --only accept,dispatch"},

	"campaign create": {
		"sendoff campaign create --name Spring --template order_confirmation --var 'customer_name={{name}}' --csv people.csv",
		"sendoff campaign create spring.json",
	},
	"campaign validate": {"sendoff campaign validate 7"},
	"campaign launch":   {"sendoff campaign launch 7"},
	"campaign watch":    {"sendoff campaign watch 7", "sendoff campaign watch 7 --json"},
	"campaign pause":    {"sendoff campaign pause 7"},
	"campaign resume":   {"sendoff campaign resume 7"},
	"campaign cancel":   {"sendoff campaign cancel 7"},
	"campaign retry":    {"sendoff campaign retry 7"},
	"campaign report":   {"sendoff campaign report 7 --output report.csv", "sendoff campaign report 7 --json"},
	"campaign list":     {"sendoff campaign list --status running"},

	"migrate up":       {"sendoff migrate up"},
	"migrate down":     {"sendoff migrate down --yes"},
	"migrate status":   {"sendoff migrate status --json"},
	"migrate contract": {"sendoff migrate contract", "sendoff migrate contract --undo"},

	"account create":    {"sendoff account create Acme"},
	"account list":      {"sendoff account list --json"},
	"account show":      {"sendoff account show", "sendoff account show Acme"},
	"account update":    {"sendoff account update Acme --default-region US", "sendoff account update Acme --keep messages=30 --redact-days 7"},
	"restore hold":      {"sendoff restore hold", "sendoff restore hold --json"},
	"restore list":      {"sendoff restore list", "sendoff restore list --json"},
	"restore campaigns": {"sendoff restore campaigns", "sendoff restore campaigns --json"},
	"restore release":   {"sendoff restore release 0198c0de-0000-7000-8000-000000000001", "sendoff restore release --all"},
	"retention":         {"sendoff retention --dry-run", "sendoff retention --json"},
	"account disable":   {"sendoff account disable Acme"},
	"account enable":    {"sendoff account enable Acme"},
	"account delete":    {"sendoff account delete Acme --yes"},
	"account credits": {
		"sendoff account credits Acme --on --add 100", "sendoff account credits Acme --add=-5", "sendoff account credits --off",
	},

	"user create": {
		"sendoff user create --name 'Ada Lovelace' --email ada@example.com --role owner",
		"sendoff user create --name Bo --email bo@example.com --generate-password",
		"sendoff user create --name Shop --email shop@example.com --no-login",
	},
	"user list":    {"sendoff user list"},
	"user show":    {"sendoff user show ada@example.com"},
	"user update":  {"sendoff user update ada@example.com --role admin", "sendoff user update ada@example.com --set-password"},
	"user disable": {"sendoff user disable ada@example.com"},
	"user enable":  {"sendoff user enable ada@example.com"},
	"user delete":  {"sendoff user delete ada@example.com --yes"},

	"key create": {
		"sendoff key create --name backend", "sendoff key create --name tests --test",
		"sendoff key create --name shop --permission send_template --country IN,US --daily-limit 5000 --expires 90d",
	},
	"key list":    {"sendoff key list"},
	"key show":    {"sendoff key show 3"},
	"key update":  {"sendoff key update 3 --rate-per-minute 600 --rate-per-second 50", "sendoff key update 3 --country all --expires never"},
	"key disable": {"sendoff key disable 3"},
	"key enable":  {"sendoff key enable 3"},
	"key rotate":  {"sendoff key rotate 3", "sendoff key rotate 3 --overlap 0s"},
	"key delete":  {"sendoff key delete 3 --yes"},

	"channel list": {"sendoff channel list"},
	"channel show": {"sendoff channel show 1", "sendoff channel show 1 --reveal"},
	"channel update": {
		"sendoff channel update 1 --rate 40 --concurrency 200",
		"sendoff channel update 1 --backoff-base 1s --backoff-cap 2m --unknown-retries bulk=1 --resolve-window bulk=5m",
		"sendoff channel update 1 --secret access_token", "sendoff channel update 4 --rotate-callback-secret --overlap 48h",
	},
	"channel disable": {"sendoff channel disable 1"},
	"channel enable":  {"sendoff channel enable 1"},
	"channel delete":  {"sendoff channel delete 1 --yes"},
	"channel pause":   {"sendoff channel pause 1 --reason 'number under review'"},
	"channel resume":  {"sendoff channel resume 1"},
	"channel check":   {"sendoff channel check 1"},

	"secrets rotate": {"sendoff secrets rotate", "sendoff secrets rotate --json"},

	"template create":  {"sendoff template create order_confirmation.json", "sendoff template create - < order_confirmation.json"},
	"template list":    {"sendoff template list"},
	"template show":    {"sendoff template show order_confirmation"},
	"template update":  {"sendoff template update order_confirmation --status paused", "sendoff template update 7 new_text.json"},
	"template preview": {"sendoff template preview order_confirmation --var customer_name=Ada --var order_id=A-17 --var total=9.90"},
	"template sync":    {"sendoff template sync --channel 1"},
	"template delete":  {"sendoff template delete 7 --yes"},

	"send": {
		"sendoff send --to +15550000100 --template hello_world --language en",
		"sendoff send --to +15550000100 --template order_confirmation --var 1=Ada --var 2=A-17 --var 3=9.90 --wait",
		"sendoff send --to +15550000100 --text 'Your table is ready.' --send-at 10m --simulate",
	},
	"status":             {"sendoff status 01932f6e-7a40-7c31-9f1b-0242ac120002"},
	"message list":       {"sendoff message list --status failed", "sendoff message list --to +15550000100 --json"},
	"message cancel":     {"sendoff message cancel 01932f6e-7a40-7c31-9f1b-0242ac120002"},
	"inbound list":       {"sendoff inbound list --from +15550000100"},
	"inbound show":       {"sendoff inbound show 01932f6e-7a40-7c31-9f1b-0242ac120002"},
	"webhook list":       {"sendoff webhook list"},
	"webhook create":     {"sendoff webhook create https://example.com/hook --event message.delivered,message.failed"},
	"webhook show":       {"sendoff webhook show 1"},
	"webhook update":     {"sendoff webhook update 1 --event message.failed", "sendoff webhook update 1 --event all --enabled"},
	"webhook replay":     {"sendoff webhook replay 1 --from 2026-11-29T08:00:00Z --until 2026-11-29T09:00:00Z"},
	"webhook enable":     {"sendoff webhook enable 1"},
	"webhook rotate":     {"sendoff webhook rotate 1"},
	"webhook test":       {"sendoff webhook test 1"},
	"webhook deliveries": {"sendoff webhook deliveries 1 --limit 10"},
	"webhook delete":     {"sendoff webhook delete 1 --yes"},
	"contact list":       {"sendoff contact list --search Ada"},
	"contact create":     {"sendoff contact create +15550000100 --name Ada --field order=A-17 --list 1"},
	"contact show":       {"sendoff contact show 1"},
	"contact update":     {"sendoff contact update 1 --name 'Ada Lovelace' --field order=A-18"},
	"contact delete":     {"sendoff contact delete 1 --yes"},
	"suppression list":   {"sendoff suppression list"},
	"suppression add":    {"sendoff suppression add +15550000100 --reason 'asked by phone'"},
	"suppression remove": {"sendoff suppression remove +15550000100"},
	"usage":              {"sendoff usage"},
	"audit":              {"sendoff audit --action key.create"},

	"tail": {"sendoff tail", "sendoff tail --type message.failed,message.unknown --json"},
}

// allExamples returns the examples by command, those of the vendors included.
func allExamples() map[string][]string {
	all := maps.Clone(examples)
	for _, spec := range app.Specs() {
		all["channel create "+spec.Name] = []string{admin.ExampleOf(spec)}
	}
	return all
}

// showExamples adds the examples to the help of their commands.
func showExamples(k *kong.Kong) error {
	all := allExamples()
	for _, n := range k.Model.Leaves(false) {
		if lines := all[commandOf(n)]; len(lines) > 0 {
			n.Detail = strings.TrimLeft(n.Detail+"\n\nExamples:\n\n  "+strings.Join(lines, "\n  "), "\n")
		}
	}
	return nil
}

// commandOf returns a command as it is typed, such as "key create".
func commandOf(n *kong.Node) string {
	var words []string
	for ; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		words = append([]string{n.Name}, words...)
	}
	return strings.Join(words, " ")
}
