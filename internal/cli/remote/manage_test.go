package remote_test

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// What the API manages can be managed from a shell, with the API's own JSON.
func TestRemote_ManagesWhatTheAPIManages(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	type created struct {
		ID      string `json:"message_id"`
		Number  int64  `json:"id"`
		Status  string `json:"status"`
		Secret  string `json:"secret"`
		Phone   string `json:"phone"`
		Enabled bool   `json:"enabled"`
	}
	out := func(want string, args ...string) {
		t.Helper()
		if r := f.Call(args...); r.Code != 0 || !strings.Contains(r.Out, want) {
			t.Errorf("%v: code %d, no %q in %s%s", args, r.Code, want, r.Out, r.Err)
		}
	}
	m := clitest.Read[created](t, f.Call(
		"send", "--to", "+15550000100", "--template", "order", "--var", "1=Ada", "--var", "2=x", "--send-at", "1h", "--json",
	))
	out("waits for its send_at", "status", m.ID)
	out(m.ID+"  scheduled  +15550000100", "message", "list", "--status", "scheduled")
	out("message "+m.ID+" is cancelled", "message", "cancel", m.ID)
	f.Call("message", "cancel", "01890000-0000-7000-8000-000000000000").MustFail(t, 1, "404 not_found")

	hook := clitest.Read[created](t, f.Call("webhook", "create", "https://example.com/hook", "--event", "message.sent"))
	if hook.Number != 1 || !strings.HasPrefix(hook.Secret, "whsec_") || !hook.Enabled {
		t.Errorf("webhook %+v", hook)
	}
	out("https://example.com/hook", "webhook", "list")
	out(`"id": 1`, "webhook", "show", "1")
	if again := clitest.Read[created](t, f.Call("webhook", "rotate", "1")); again.Secret == hook.Secret || again.Secret == "" {
		t.Errorf("rotated: %+v", again)
	}
	out("delivery_id", "webhook", "test", "1")
	out("webhook.test", "webhook", "deliveries", "1")
	f.Call("webhook", "delete", "1").MustFail(t, 2, "--yes")
	out("webhook 1 deleted", "webhook", "delete", "1", "--yes")

	c := clitest.Read[created](t, f.Call("contact", "create", "+15551234567", "--name", "Zed", "--field", "order=A-17"))
	if c.Phone != "+15551234567" {
		t.Errorf("contact %+v", c)
	}
	out("Zed", "contact", "list", "--search", "Ze")
	out(`"order": "A-17"`, "contact", "show", "1")
	out("contact 1 deleted", "contact", "delete", "1", "--yes")
	out(`"phone": "+15551234567"`, "suppression", "add", "+15551234567", "--scope", "marketing", "--reason", "asked")
	out("+15551234567  marketing  manual", "suppression", "list")
	out("suppression of +15551234567 removed", "suppression", "remove", "+15551234567")
	out("RECEIVED_AT", "inbound", "list")
	out("MESSAGES_TODAY", "usage")
	out("cli", "usage")
	out("suppression.delete", "audit", "--action", "suppression.delete")
	if page := clitest.Read[struct{ Data []created }](t, f.Call("audit", "--json", "--limit", "2")); len(page.Data) != 2 {
		t.Errorf("audit: %+v", page)
	}
}
