package remote_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// listed is a page as the commands that list print it with --json.
type listed struct {
	Data []map[string]any `json:"data"`
	Next string           `json:"next_cursor"`
}

// wants checks that a command succeeded and printed all texts.
func wants(t *testing.T, r clitest.Result, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if r.Code != 0 || !strings.Contains(r.Out, text) {
			t.Errorf("code %d, no %q in\n%s%s", r.Code, text, r.Out, r.Err)
		}
	}
}

// until runs a command until its output holds the text, at most 20 s.
func until(t *testing.T, text string, call func() clitest.Result) clitest.Result {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		r := call()
		if strings.Contains(r.Out, text) {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("no %q: %s%s", text, r.Out, r.Err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	made := clitest.Read[map[string]any](t, f.Good("contact", "create", "+15550000100", "--name", "Ada", "--field", "order=A-17"))
	id := fmt.Sprint(made["id"])
	if made["phone"] != "+15550000100" || made["fields"].(map[string]any)["order"] != "A-17" {
		t.Errorf("created %v", made)
	}
	changed := clitest.Read[map[string]any](t, f.Good("contact", "update", id, "--name", "Ada Lovelace", "--time-zone", "Europe/Berlin"))
	if changed["name"] != "Ada Lovelace" || changed["time_zone"] != "Europe/Berlin" || changed["fields"].(map[string]any)["order"] != "A-17" {
		t.Errorf("updated %v", changed)
	}
	wants(t, f.Call("contact", "show", id), `"name": "Ada Lovelace"`)
	wants(t, f.Call("contact", "list", "--search", "Ada"), "PHONE", "+15550000100", `{"order":"A-17"}`)
	f.Call("contact", "update", id).MustFail(t, 2, "name what to change")
	f.Call("contact", "update", id, "--time-zone", "Mars").MustFail(t, 1, "422 validation_failed")
	f.Call("contact", "create", "+15550000100").MustFail(t, 1, "409 conflict")
	f.Call("contact", "delete", id).MustFail(t, 2, "repeat with --yes")
	wants(t, f.Call("contact", "delete", id, "--yes"), "contact "+id+" deleted")
	f.Call("contact", "show", id).MustFail(t, 1, "404 not_found")
}

func TestSuppressions(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	f.Good("suppression", "add", "+15550000100", "--scope", "marketing", "--reason", "asked by phone")
	wants(t, f.Call("suppression", "list"), "+15550000100", "marketing", "asked by phone")
	wants(t, f.Call("suppression", "remove", "+15550000100"), "suppression of +15550000100 removed")
	wants(t, f.Call("suppression", "remove", "+15550000100", "--json"))
	if l := clitest.Read[listed](t, f.Good("suppression", "list", "--json")); len(l.Data) != 0 {
		t.Errorf("still there: %v", l)
	}
	f.Call("suppression", "add", "nobody").MustFail(t, 1, "validation_failed")
}

func TestMessages_ListCancelUsageAudit(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	var ids []string
	for i := range 3 {
		r := f.Good("send", "--to", "+1555000010"+strconv.Itoa(i), "--template", "order", "--var", "1=Ada", "--var", "2=A-17",
			"--reference", "r"+strconv.Itoa(i), "--send-at", "1h", "--json")
		ids = append(ids, clitest.Read[struct {
			ID string `json:"message_id"`
		}](t, r).ID)
	}
	wants(t, f.Call("message", "list", "--status", "scheduled"), "MESSAGE_ID", ids[0], ids[1], ids[2])
	first := clitest.Read[listed](t, f.Good("message", "list", "--limit", "2", "--json"))
	if len(first.Data) != 2 || first.Next == "" || first.Data[0]["message_id"] != ids[2] {
		t.Errorf("first page %v", first)
	}
	second := clitest.Read[listed](t, f.Good("message", "list", "--limit", "2", "--cursor", first.Next, "--json"))
	if len(second.Data) != 1 || second.Data[0]["message_id"] != ids[0] {
		t.Errorf("second page %v", second)
	}
	wants(t, f.Call("message", "list", "--limit", "2"), "More with: --cursor "+first.Next)
	wants(t, f.Call("message", "list", "--reference", "r1"), ids[1])
	wants(t, f.Call("status", ids[0]), "waits for its send_at", "scheduled")
	wants(t, f.Call("message", "cancel", ids[0], ids[1]), "message "+ids[0]+" is cancelled", "message "+ids[1]+" is cancelled")
	wants(t, f.Call("message", "cancel", ids[0]), "message "+ids[0]+" is cancelled") // a repeat changes nothing
	f.Call("message", "cancel", "01890000-0000-7000-8000-000000000000").MustFail(t, 1, "404 not_found")
	if all := clitest.Read[listed](t, f.Good("message", "cancel", ids[2], "--json")); all.Data[0]["status"] != "cancelled" {
		t.Errorf("cancelled %v", all)
	}
	wants(t, f.Call("usage"), "KEY_ID", "cli")
	if u := clitest.Read[listed](t, f.Good("usage", "--json")); len(u.Data) != 1 || u.Data[0]["name"] != "cli" {
		t.Errorf("usage %v", u)
	}
	wants(t, f.Call("audit", "--action", "key.create"), "key.create")
	f.Call("message", "list", "--status", "lost").MustFail(t, 1, "422 validation_failed")
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	received := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.Header.Get("Webhook-Id") }))
	defer hook.Close()
	made := clitest.Read[map[string]any](t, f.Good("webhook", "create", hook.URL, "--event", "message.delivered"))
	id := fmt.Sprint(made["id"])
	if made["secret"] == nil || fmt.Sprint(made["events"]) != "[message.delivered]" {
		t.Errorf("created %v", made)
	}
	wants(t, f.Call("webhook", "list"), hook.URL, "message.delivered")
	changed := clitest.Read[map[string]any](t, f.Good("webhook", "update", id, "--event", "all", "--description", "orders"))
	if changed["description"] != "orders" || len(changed["events"].([]any)) != 0 || changed["secret"] != nil {
		t.Errorf("updated %v", changed)
	}
	f.Call("webhook", "update", id).MustFail(t, 2, "name what to change")
	if off := clitest.Read[map[string]any](t, f.Good("webhook", "update", id, "--enabled=false")); off["enabled"] != false {
		t.Errorf("disabled %v", off)
	}
	if on := clitest.Read[map[string]any](t, f.Good("webhook", "enable", id)); on["enabled"] != true {
		t.Errorf("enabled %v", on)
	}
	if rotated := clitest.Read[map[string]any](t, f.Good("webhook", "rotate", id)); rotated["secret"] == made["secret"] ||
		rotated["secret"] == nil {
		t.Errorf("rotated %v", rotated)
	}
	f.Good("webhook", "test", id)
	delivery := clitest.Read[listed](t, until(t, `"delivered"`, func() clitest.Result {
		return f.Call("webhook", "deliveries", id, "--limit", "1", "--json")
	})).Data[0]["id"].(string)
	wants(t, f.Call("webhook", "deliveries", id), "webhook.test", "delivered")
	f.Good("webhook", "replay", id, "--delivery", delivery)
	for range 2 { // the test, and its replay with the same id
		if got := <-received; got != delivery {
			t.Errorf("webhook-id %s, want %s", got, delivery)
		}
	}
	hour := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	wants(t, f.Call("webhook", "replay", id, "--from", hour), `"from"`)
	f.Call("webhook", "replay", id).MustFail(t, 2, "give --from, or --delivery")
	f.Call("webhook", "delete", id).MustFail(t, 2, "repeat with --yes")
	wants(t, f.Call("webhook", "delete", id, "--yes"), "deleted")
	wants(t, f.Call("webhook", "list", "--json"), `"data": []`)
	f.Call("webhook", "create", "ftp://example.com").MustFail(t, 1, "validation_failed")
}

func TestCampaign_FromFileToReport(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	csv := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(csv, []byte("phone,name,order\n+15550010100,Ada,A-17\n+15550010100,Ada,A-18\n12,Bo,A-19\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := f.Good("campaign", "create", "--name", "Orders", "--template", "order", "--language", "en", "--csv", csv,
		"--var", "name={{name}}", "--var", "order_id={{order}}", "--json")
	var c struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal([]byte(r.Out), &c); err != nil || c.Status != "draft" {
		t.Fatalf("created %s: %v", r.Out, err)
	}
	id := strconv.FormatInt(c.ID, 10)
	wants(t, f.Call("campaign", "validate", id), "duplicate", "bad_number")
	f.Call("campaign", "pause", id).MustFail(t, 1, "409 invalid_state")
	f.Good("campaign", "launch", id)
	wants(t, f.Call("campaign", "watch", id), "finished")
	wants(t, f.Call("campaign", "report", id), "+15550010100", "duplicate", "bad_number")
	var rows struct{ Data []map[string]any }
	if err := json.Unmarshal([]byte(f.Good("campaign", "report", id, "--json").Out), &rows); err != nil || len(rows.Data) != 3 {
		t.Fatalf("report: %v, %v", rows, err)
	}
	if first, last := rows.Data[0], rows.Data[2]; first["row"] != 1.0 || first["to"] != "+15550010100" || first["message_id"] == nil ||
		last["status"] != "skipped" || last["reason"] != "bad_number" || last["to"] != "12" || last["message_id"] != nil {
		t.Errorf("report: %v, %v", first, last)
	}
	wants(t, f.Call("campaign", "list", "--status", "finished"), "Orders")
	f.Call("campaign", "cancel", id).MustFail(t, 1, "409 invalid_state")
}
