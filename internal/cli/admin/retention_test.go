package admin_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// A dry run lists what would go and removes nothing; without it the rows go.
func TestRetention_DryRun_RemovesNothing(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "account", "update", "Acme", "--keep", "audit_log=30", "--redact-days", "7")
	if _, err := p.DB().ExecContext(t.Context(), `INSERT INTO audit_log (account_id, actor, action, at)
		VALUES (1, 'cli', 'x', now() - interval '31 days')`); err != nil {
		t.Fatal(err)
	}
	type step struct {
		Action  string `json:"action"`
		Table   string `json:"table"`
		Account int64  `json:"account_id"`
		Rows    int64  `json:"rows"`
		Bytes   int64  `json:"bytes"`
	}
	run := func(words ...string) (out struct {
		DryRun bool   `json:"dry_run"`
		Bytes  int64  `json:"bytes"`
		Data   []step `json:"data"`
	},
	) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.OK("", append([]string{"retention", "--json"}, words...)...).Out), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for range 2 {
		plan := run("--dry-run")
		if !plan.DryRun || len(plan.Data) != 1 || plan.Bytes == 0 || plan.Data[0] != (step{"delete", "audit_log", 1, 1, plan.Bytes}) {
			t.Errorf("plan: %+v", plan)
		}
	}
	if done := run(); done.DryRun || len(done.Data) != 1 || done.Data[0].Rows != 1 {
		t.Errorf("run: %+v", done)
	}
	if out := p.OK("", "retention").Out; out != "nothing is too old\n" {
		t.Errorf("the second run prints %q", out)
	}
	want := `cli account.update account:1 {"retention": {"audit_log": 30}, "redact_days": 7}`
	if log := p.Audited(); log[1] != want {
		t.Errorf("audit log %q, want %s", log, want)
	}
	p.Refuse(2, "webhook_deliveries", "account", "update", "Acme", "--keep", "letters=3")
}

// What was removed before an error, or before somebody stopped it, is listed.
func TestRetention_Interrupted_ListsWhatWasDone(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "account", "create", "Bolt")
	p.OK("", "account", "update", "Bolt", "--redact-days", "7")
	for _, query := range []string{
		`INSERT INTO audit_log (account_id, actor, action, at) VALUES (1, 'cli', 'x', now() - interval '400 days')`,
		`ALTER TABLE retention_left RENAME TO elsewhere`, // what Bolt's part needs
	} {
		if _, err := p.DB().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	r := p.Do("", "retention")
	r.MustFail(t, 1, "retention_left")
	if want := regexp.MustCompile(`(?m)^delete +audit_log +account 1 +\S+ +1 `); !want.MatchString(r.Out) {
		t.Errorf("the entry that was deleted is not listed: %q", r.Out)
	}
	if r := p.Do("", "retention"); r.Code != 1 || r.Out != "" {
		t.Errorf("with nothing done: code %d, %q", r.Code, r.Out)
	}
}
