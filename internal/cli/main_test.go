package cli

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// sendoff runs a command.
func sendoff(stdin string, args ...string) clitest.Result { return clitest.Run(Run).Do(stdin, args...) }

func TestRun_WrongCommandLine_Code2(t *testing.T) {
	t.Parallel()
	sendoff("", "frobnicate").MustFail(t, 2, "frobnicate")
	sendoff("", "send", "--text", "hi").MustFail(t, 2, "--to")
	sendoff("", "account", "list").MustFail(t, 2, "SENDOFF_POSTGRES_URL")
	sendoff("", "account", "list", "--postgres-url", "postgres://127.0.0.1:1/x?sslmode=disable").MustFail(t, 1, "does not answer")
	if r := sendoff("", "channel", "create", "meta", "--help"); r.Code != 0 || !strings.Contains(r.Out, "SENDOFF_META_ACCESS_TOKEN") {
		t.Errorf("help: code %d: %s", r.Code, r.Out)
	}
}

// A wrong command line is told in one line that says what to do.
func TestRun_WrongCommandLine_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	const (
		noPostgres = "postgres-url (SENDOFF_POSTGRES_URL) is required; for sendoff dev: set -a; . .sendoff/dev.env; set +a"
		noAddress  = " is no address to listen on; it must look like 127.0.0.1:8080, or :8080"
		settings   = " --postgres-url postgres://h/x?sslmode=disable --secret-key 0123456789012345"
	)
	for line, want := range map[string]string{
		"kye create":                       `unexpected argument kye, did you mean "key"? see sendoff --help`,
		"key nope":                         "unexpected argument nope; see sendoff key --help",
		"key create --zz":                  "unknown flag --zz; see sendoff key create --help",
		"webhook replay":                   `expected "<id>"; see sendoff webhook replay --help`,
		"send --to x":                      "missing flags: --text=TEXT or --template=NAME; see sendoff send --help",
		"import x --kind zz":               `--kind must be one of "contacts","suppressions","audience" but got "zz"; see sendoff import --help`,
		"migrate status":                   noPostgres,
		"serve --listen zz":                `--listen: "zz"` + noAddress + "; see sendoff serve --help",
		"serve --metrics-listen 127.0.0.1": `--metrics-listen: "127.0.0.1"` + noAddress + "; see sendoff serve --help",
		"work --work-listen :x":            `--work-listen: ":x"` + noAddress + "; see sendoff work --help",
		"work --redis-url http://h" + settings: `redis-url (SENDOFF_REDIS_URL): redis url scheme "http" is not one of redis, rediss, ` +
			"redis-cluster, rediss-cluster, redis-sentinel, rediss-sentinel, unix",
		"migrate down --yes": noPostgres,
	} {
		if r := sendoff("", strings.Fields(line)...); r.Code != 2 || r.Err != "sendoff: "+want+"\n" || r.Out != "" {
			t.Errorf("sendoff %s: code %d: %q, want %q", line, r.Code, r.Err, want)
		}
	}
}

func TestAdmin_NoTables_SaysMigrate(t *testing.T) {
	t.Parallel()
	p := &clitest.Place{T: t, URL: storetest.Empty(t), Run: Run}
	p.Refuse(1, "sendoff migrate up", "account", "list")
}
