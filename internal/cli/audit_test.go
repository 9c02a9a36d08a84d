package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// change is a command that changes something: its words, and what it reads.
type change struct {
	stdin string
	words []string
}

// changes are all there are, in an order in which each of them works.
func changes() []change {
	c := func(words ...string) change { return change{"", words} }
	return []change{
		c("account", "create", "Bolt"),
		c("account", "update", "1", "--default-region", "DE"),
		c("account", "disable", "1"),
		c("account", "enable", "1"),
		c("account", "credits", "--add", "5", "--account", "1"),
		c("user", "create", "--name", "Bo", "--email", "bo@example.com", "--no-login", "--account", "1"),
		c("user", "update", "ada@example.com", "--name", "Ada L.", "--account", "1"),
		c("user", "disable", "ada@example.com", "--account", "1"),
		c("user", "enable", "ada@example.com", "--account", "1"),
		c("user", "delete", "ada@example.com", "--yes", "--account", "1"),
		c("key", "create", "--name", "Second", "--account", "1"),
		c("key", "update", "1", "--per-day", "5", "--account", "1"),
		c("key", "disable", "1", "--account", "1"),
		c("key", "enable", "1", "--account", "1"),
		c("key", "rotate", "1", "--account", "1"),
		c("key", "delete", "1", "--yes", "--account", "1"),
		{clitest.Token + "\n" + clitest.AppSecret + "\n", append(slices.Clone(clitest.CreateMetaArgs), "--account", "1")},
		c("channel", "update", "1", "--rate", "5", "--account", "1"),
		c("channel", "disable", "1", "--account", "1"),
		c("channel", "enable", "1", "--account", "1"),
		c("channel", "pause", "1", "--account", "1"),
		c("channel", "resume", "1", "--account", "1"),
		c("channel", "delete", "1", "--yes", "--account", "1"),
		{strings.Replace(clitest.OrderTemplate, "order", "another", 1), []string{"template", "create", "-", "--account", "1"}},
		c("template", "update", "1", "--status", "paused", "--account", "1"),
		c("template", "delete", "1", "--yes", "--account", "1"),
		c("account", "delete", "1", "--yes"),
	}
}

// contents is all that administration can change.
func contents(p *clitest.Place) string {
	p.T.Helper()
	db := p.DB()
	var all strings.Builder
	for _, table := range []string{
		"accounts", "users", "api_keys", "channels", "channel_health", "templates", "contacts", "ledger",
		"audit_log", "events",
	} {
		var rows string
		if err := db.QueryRowContext(p.T.Context(), `SELECT coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM `+table+
			` t`).Scan(&rows); err != nil {
			p.T.Fatal(err)
		}
		all.WriteString(table + "\n" + rows + "\n")
	}
	return all.String()
}

func TestAdmin_ChangeAndItsAuditEntry_BothOrNeither(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, Run)
	p.OK("", "user", "create", "--name", "Ada", "--email", "ada@example.com", "--no-login")
	p.OK("", "key", "create", "--name", "First")
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	for _, sql := range []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the log is full'; END $$`,
		`CREATE TRIGGER full_log BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse()`,
	} {
		if _, err := p.DB().Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	before := contents(p)
	for _, c := range changes() {
		p.Do(c.stdin, c.words...).MustFail(t, 1, "the log is full")
		if contents(p) != before {
			t.Fatalf("%v changed something that is not in the log", c.words)
		}
	}
	if _, err := p.DB().Exec(`DROP TRIGGER full_log ON audit_log`); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes() {
		n := len(p.Audited())
		p.OK(c.stdin, c.words...)
		if got := len(p.Audited()) - n; got != 1 {
			t.Errorf("%v left %d entries", c.words, got)
		}
	}
}
