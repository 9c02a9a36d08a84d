package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/pruner"
	"github.com/sendoff/sendoff/internal/store/retention"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// holders returns which tables of a dump have a word.
func holders(t *testing.T, dump, word string) (tables []string) {
	t.Helper()
	f, err := os.Open(dump)
	must(t, err)
	defer func() { _ = f.Close() }()
	table := ""
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 16<<20); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "COPY public."); ok {
			table, _, _ = strings.Cut(name, " ")
		}
		if strings.Contains(strings.ToLower(line), word) && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	must(t, lines.Err())
	return tables
}

// Content and numbers of messages that are redacted are in no table of a dump: neither
// those of templates, texts, codes, inbound messages, webhooks and campaigns, nor those
// that a provider's refusal or a request's repeat quotes.
func TestRedaction_DumpHasNoText(t *testing.T) {
	t.Parallel()
	const word = "zebrafinch"
	s := start(t, options{config: func(c *config.Config) { c.WebhookLocal = true }})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	t.Cleanup(hook.Close)
	s.call(t, http.MethodPost, "/v1/webhooks", fmt.Sprintf(`{"url":%q}`, hook.URL)).want(t, http.StatusCreated)
	meta := s.channels["meta whatsapp"]

	s.inbound(t, meta, "+15550661001", word+" from a contact")
	text := fmt.Sprintf(`{"channel":%q,"to":"+15550661001","type":"text","text":{"body":%q}}`, meta.Key, word+" for a contact")
	wait.For(t, patience, func() error {
		if a := s.call(t, http.MethodPost, "/v1/messages", text); a.status != http.StatusAccepted {
			return fmt.Errorf("the window is not open: %s", a.body)
		}
		return nil
	})
	template := func(to string) string {
		return fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"order_confirmation","language":"en","variables":[%q,"A","9"]}}`,
			to, word)
	}
	s.send(t, template("+15550661002"), "Idempotency-Key", "redaction-1")
	s.becomes(t, s.send(t, template("+15550660104")).ID, "failed") // the provider refuses it
	s.becomes(t, s.send(t, template("+15550660108")).ID, "failed") // with a receipt
	sms := s.channels["twilio sms"].Key
	s.send(t, fmt.Sprintf(`{"channel":%q,"to":"+15550661003","lane":"otp","type":"text","text":{"body":%q}}`, sms, word))
	c := as[struct {
		ID int64 `json:"id"`
	}](t, s.call(t, http.MethodPost, "/v1/campaigns", fmt.Sprintf(`{"name":"Spring","type":"template","template":{"name":"order_confirmation",
		"language":"en","variables":["{{name}}","A-1","9"]},"audience":{"contacts":[{"to":"+15550661004","fields":{"name":%q}}]}}`, word)).
		want(t, http.StatusCreated)).ID
	s.call(t, http.MethodPost, fmt.Sprintf("/v1/campaigns/%d/launch", c), "").want(t, http.StatusOK)

	db := storetest.Open(t, string(s.cfg.PostgresURL), 2)
	wait.For(t, patience, func() error {
		state := as[struct{ Status string }](t, s.call(t, http.MethodGet, fmt.Sprintf("/v1/campaigns/%d", c), ""))
		if state.Status != "finished" {
			return fmt.Errorf("the campaign is %s", state.Status)
		}
		var open int
		err := db.GetContext(t.Context(), &open, `SELECT (SELECT count(*) FROM dispatch)
			+ (SELECT count(*) FROM webhook_deliveries WHERE state = 0)
			+ (SELECT count(*) FROM events e, webhook_cursors c WHERE c.webhook_id = 0 AND (e.xid, e.id) > (c.xid, c.event_id))
			+ (SELECT count(*) FROM event_pages p, webhook_cursors c WHERE c.webhook_id = 0 AND (p.xid, p.id + p.n - 1) > (c.xid, c.event_id))`)
		if err == nil && open > 0 {
			err = fmt.Errorf("%d are not over", open)
		}
		return err
	})
	dump := filepath.Join(t.TempDir(), "dump.sql")
	save := func() { tool(t, "pg_dump", "--file="+dump, "--dbname="+storetest.Direct(t, string(s.cfg.PostgresURL))) }
	save()
	before := holders(t, dump, word)
	if len(before) < 4 {
		t.Fatalf("before redaction the word stands in %v alone", before)
	}

	// A day is over from tomorrow's point of view.
	_, err := db.ExecContext(t.Context(), `UPDATE accounts SET redact_days = -1`)
	must(t, err)
	_, err = pruner.Prune(t.Context(), retention.New(db))
	must(t, err)
	save()
	if left := holders(t, dump, word); len(left) > 0 {
		t.Errorf("after redaction the word stands in %v", left)
	}
	// A window is open for a day: it is needed to send, and deleted after it.
	if left := holders(t, dump, "1555066"); slices.ContainsFunc(left, func(table string) bool { return table != "windows" }) {
		t.Errorf("after redaction numbers stand in %v", left)
	}
}
