package admin_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// volatile are times, ids and secrets, which differ from run to run.
var volatile = regexp.MustCompile(
	`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|ch_[0-9a-f]{20}|AC[0-9a-f]{32}|sk_live_\w+…?|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}`,
)

// tidy replaces what is volatile and squeezes columns.
func tidy(out string) string {
	var lines []string
	for line := range strings.Lines(volatile.ReplaceAllString(out, "X")) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

// TestOutput_ForPeople holds what lists and details show.
func TestOutput_ForPeople(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "key", "create", "--name", "Shop", "--country", "IN", "--per-recipient-hour", "3")
	p.OK("", "user", "create", "--name", "Ada", "--email", "ada@example.com", "--role", "owner", "--no-login")
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	p.OK("", "channel", "update", "1", "--price", "marketing=0.05", "--rate", "5")
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	p.OK("", "account", "credits", "--on", "--add", "2.5")
	for command, want := range map[string]string{
		"account list": "ID SID NAME CREDITS DISABLED CREATED\n1 X Acme 2.5 no X",
		"account show": "id 1\nsid X\nname Acme\ncredits 2.5\ndefault region none\ntime zone UTC\n" +
			"kept for messages 90 days, events 30, attempts 30, webhook deliveries 14, audit log 365, inbound 90; content as long as the message\n" +
			"disabled since -\ncreated X",
		"account credits":           "credits of account 1 (Acme): on, balance 2.5\nAT KIND AMOUNT MESSAGE\nX topup 2.5 -",
		"user list":                 "ID NAME EMAIL ROLE LOGIN DISABLED CREATED\nX Ada ada@example.com owner no no X",
		"user show ada@example.com": "id X\nname Ada\nemail ada@example.com\nrole owner\ncan log in no\ndisabled no\ncreated X",
		"key list":                  "ID KEY NAME ACTIVE EXPIRES LAST_USED MESSAGES_TODAY\n1 X Shop yes - - 0",
		"key show 1": `id 1
key X
name Shop
description
test no
active yes
permissions send_template, send_text, send_media, view_templates, view_messages
limits 10 per second, 60 per minute, 10000 per day
per recipient and hour 3 one-time passwords, 3 other messages
countries IN
default region of the account
expires -
old key valid until -
created X
last used -
today 0 calls, 0 messages`,
		"channel list": "ID KEY PROVIDER KIND SENDER DEFAULT ENABLED CIRCUIT NAME\n1 X meta whatsapp +15550002222 yes yes closed WhatsApp (Meta)",
		"channel show 1": `id 1
key X
name WhatsApp (Meta)
provider meta, whatsapp
sender +15550002222
default yes
enabled yes
circuit closed
window enforce
setting phone_number_id 106540352242922
setting waba_id 102290129340398
secrets access_token, app_secret, verify_token
rate 5 messages per second, 100 concurrent calls
recipient spacing 0 s
retries 6 attempts, 2 s to 300 s apart
unknown outcomes wait 10, 60, 900 s, then up to 1, 1, 0 more attempts (otp, normal, bulk)
price marketing 0.05
callback address http://127.0.0.1:8080/callbacks/meta/X`,
		"template list": "ID NAME LANGUAGE CATEGORY STATUS PROVIDER USED VARIABLES\n1 order en utility approved - 0 name, order_id",
		"template show order": `id 1
name order
language en
category utility
status approved
channel every channel that sends such templates
provider's id -
used 0
variables name, order_id
body Hi {{1}}, order {{2}}.`,
		"template preview order --var 1=Ada --var 2=A-17": "Hi Ada, order A-17.",
	} {
		if got := tidy(p.OK("", strings.Fields(command)...).Out); got != want {
			t.Errorf("%s prints\n%s\nwant\n%s", command, got, want)
		}
	}
	if got := tidy(p.OK("", "key", "disable", "1").Out); got != "key 1 (Shop) is disabled" {
		t.Errorf("got %q", got)
	}
	const paused = "channel 1 (WhatsApp (Meta)) is paused; its messages wait until: sendoff channel resume 1"
	if got := tidy(p.OK("", "channel", "pause", "1", "--reason", "review").Out); got != paused {
		t.Errorf("got %q", got)
	}
	if got := tidy(p.OK("", "channel", "show", "1", "--reveal").Out); !strings.HasSuffix(got, "verify token X") ||
		!strings.Contains(got, "circuit paused: review") {
		t.Errorf("revealed\n%s", got)
	}
	p.MustHide(p.OK("", "channel", "show", "1", "--reveal"))
}

// Flags that are read before the database is asked.
func TestFlags_Faults(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	p.OK("", "key", "create", "--name", "Shop")
	for line, want := range map[string]string{
		"key update 1 --expires soon":                                       "--expires: \"soon\" is no time",
		"key update 1 --per-recipient-hour many":                            "--per-recipient-hour must be a number, or default",
		"key show x":                                                        "<id>",
		"channel update 1 --set colour":                                     "--set: \"colour\" must look like name=value",
		"channel update 1 --resolve-window fast=1s":                         "--resolve-window: \"fast\" is not otp, normal or bulk",
		"channel update 1 --unknown-retries otp=x":                          "--unknown-retries:",
		"channel update 1 --price marketing":                                "--price:",
		"channel update 1 --price marketing=free":                           "policy/price/marketing: must be a plain number",
		"channel update 1 --secret-file access_token":                       "--secret-file:",
		"channel update 1 --secret access_token":                            "set SENDOFF_META_ACCESS_TOKEN",
		"template preview 1 --var 1=a --var 1=b":                            "--var: 1 is given twice",
		"user create --name x --email x@y.z --no-login --generate-password": "can't be used together",
		"account credits --on --off":                                        "can't be used together",
	} {
		p.Refuse(2, want, strings.Fields(line)...)
	}
	p.MustAudit("account.create account:1", "channel.create channel:1", "key.create key:1")
}
