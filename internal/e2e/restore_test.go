package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/restore"
	"github.com/sendoff/sendoff/internal/storetest"
)

// tool runs a program of Postgres.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if strings.Contains(string(out), "server version mismatch") {
		t.Skipf("%s is older than the server: %s", name, out)
	}
	if err != nil {
		if _, missing := exec.LookPath(name); missing != nil && os.Getenv("SENDOFF_TEST_REQUIRED") == "" {
			t.Skip(missing)
		}
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// A dump is made while messages wait. They are sent; then the dump is restored, and
// whoever works on it sends none of them again. What the operator releases is sent.
func TestRestore_OfADumpFromBefore_SendsNothingTwice(t *testing.T) {
	t.Parallel()
	s := start(t, options{idle: true})
	const all = 20
	to := func(i int) string { return fmt.Sprintf("+1555507%02d00", i) }
	var ids []string
	for i := range all {
		ids = append(ids, s.send(t, order(to(i), `"lane":"bulk"`)).ID)
	}
	later := s.send(t, order("+15555079900", `"send_at":"2035-01-01T00:00:00Z"`)).ID
	c := as[struct {
		ID int64 `json:"id"`
	}](t, s.call(t, http.MethodPost, "/v1/campaigns", `{"name":"Spring","type":"template","template":{"name":"hello_world","language":"en"},
		"audience":{"contacts":[{"to":"+15555078800"}]}}`).want(t, http.StatusCreated)).ID
	s.call(t, http.MethodPost, fmt.Sprintf("/v1/campaigns/%d/launch", c), "").want(t, http.StatusOK)
	dump := filepath.Join(t.TempDir(), "dump")
	tool(t, "pg_dump", "--format=custom", "--file="+dump, "--dbname="+storetest.Direct(t, string(s.cfg.PostgresURL)))

	w, err := app.Work(s.cfg, "", s.url, s.log)
	must(t, err)
	for _, id := range ids {
		s.becomes(t, id, "delivered")
	}
	stopped(t, "worker", w)
	stopped(t, "front door", s.serving)
	s.serving = nil
	before := s.copies(t, "+15555078800")

	url := storetest.Empty(t)
	tool(t, "pg_restore", "--no-owner", "--dbname="+storetest.Direct(t, url), dump)
	db := storetest.Open(t, url, 2)
	held := restore.New(db)
	_, err = db.ExecContext(t.Context(), "UPDATE instances SET seen_at = now() - interval '1 hour'") // which has passed
	must(t, err)
	if n, err := held.Running(t.Context()); err != nil || n != 0 {
		t.Fatalf("%d processes run, %v", n, err)
	}
	if h, err := held.Hold(t.Context()); err != nil || h != (restore.Held{Messages: all, Campaigns: 1}) {
		t.Fatalf("held %+v, %v", h, err)
	}
	if h, err := held.Hold(t.Context()); err != nil || h != (restore.Held{}) {
		t.Fatalf("held again %+v, %v", h, err)
	}

	s.cfg.PostgresURL = config.Secret(url)
	s.serving, err = app.Serve(s.cfg, strings.TrimPrefix(s.url, "http://"), s.log)
	must(t, err)
	w, err = app.Work(s.cfg, "", s.url, s.log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "worker", w) })
	s.becomes(t, s.send(t, order("+15555077700", `"lane":"bulk"`)).ID, "delivered") // all that was due before it would have been sent
	for i, id := range ids {
		m := s.message(t, id)
		if n := s.copies(t, to(i)); n != 1 || m.Status != "unknown" || !m.MaybeSent || m.Error == nil || m.Error.Code != "outcome_unknown" {
			t.Errorf("%s: %d copies, %+v", id, n, m)
		}
	}
	if m := s.message(t, later); m.Status != "scheduled" {
		t.Errorf("scheduled for later: %s", m.Status)
	}
	if n := s.copies(t, "+15555078800"); n != before {
		t.Errorf("the campaign sent %d and then %d", before, n)
	}
	state := as[struct{ Status, Reason string }](t, s.call(t, http.MethodGet, fmt.Sprintf("/v1/campaigns/%d", c), ""))
	if state.Status != "paused" || state.Reason != "restored from a backup" {
		t.Errorf("campaign: %+v", state)
	}

	list, err := held.List(t.Context(), 100, false)
	if err != nil || len(list) != all || list[0].ID.String() != ids[0] {
		t.Errorf("listed %d, %v", len(list), err)
	}
	first := []dispatch.ID{uuid.MustParse(ids[0])}
	if n, err := held.Release(t.Context(), first); err != nil || n != 1 {
		t.Errorf("released %d, %v", n, err)
	}
	s.becomes(t, ids[0], "delivered")
	if n := s.copies(t, to(0)); n != 2 {
		t.Errorf("%d copies of what was released", n)
	}
	if n, err := held.Release(t.Context(), first); err != nil || n != 0 {
		t.Errorf("released again: %d, %v", n, err)
	}
	if n, err := held.ReleaseAll(t.Context()); err != nil || n != all-1 {
		t.Errorf("released the rest: %d, %v", n, err)
	}
}
