package cli

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/migrations"
)

// migrate status shows below a missing migration what it would lock; --json has the
// numbers.
func TestMigrateStatus_ShowsLocks(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id IN (71, 84)"); err != nil {
		t.Fatal(err)
	}
	r := sendoff("", "migrate", "status", "--postgres-url", url)
	shown := strings.Join(strings.Fields(r.Out), " ") // the longest name decides how wide a column is
	for _, want := range []string{
		"00071_template_quality.sql missing takes ACCESS EXCLUSIVE on templates for less than a second: only the catalogue changes",
		"00084_campaign_changes.sql missing locks nothing that is in use",
	} {
		if r.Code != 0 || !strings.Contains(shown, want) {
			t.Errorf("code %d: %s\nlacks %s", r.Code, r.Out, want)
		}
	}
	for _, m := range clitest.Read[[]migrations.Status](t, sendoff("", "migrate", "status", "--json", "--postgres-url", url)) {
		switch {
		case m.Version == 71 && (len(m.Locks) != 1 || m.Locks[0].Table != "templates" || m.Locks[0].Strength != "ACCESS EXCLUSIVE"):
			t.Errorf("%+v", m)
		case m.Applied == (m.Locks != nil):
			t.Errorf("%s: applied %t, locks %v", m.Name, m.Applied, m.Locks)
		}
	}
}
