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

func TestAdmin_NoTables_SaysMigrate(t *testing.T) {
	t.Parallel()
	p := &clitest.Place{T: t, URL: storetest.Empty(t), Run: Run}
	p.Refuse(1, "sendoff migrate up", "account", "list")
}
