package cli

import (
	"slices"
	"strings"
	"testing"
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
		{token + "\n" + appSecret + "\n", append(slices.Clone(createMetaArgs), "--account", "1")},
		c("channel", "update", "1", "--rate", "5", "--account", "1"),
		c("channel", "disable", "1", "--account", "1"),
		c("channel", "enable", "1", "--account", "1"),
		c("channel", "pause", "1", "--account", "1"),
		c("channel", "resume", "1", "--account", "1"),
		c("channel", "delete", "1", "--yes", "--account", "1"),
		{strings.Replace(orderTemplate, "order", "another", 1), []string{"template", "create", "-", "--account", "1"}},
		c("template", "update", "1", "--status", "paused", "--account", "1"),
		c("template", "delete", "1", "--yes", "--account", "1"),
		c("account", "delete", "1", "--yes"),
	}
}

// contents is all that administration can change.
func (p *place) contents() string {
	p.t.Helper()
	db := p.db()
	var all strings.Builder
	for _, table := range []string{"accounts", "users", "api_keys", "channels", "channel_health", "templates", "contacts", "ledger", "audit_log", "events"} {
		var rows string
		if err := db.QueryRowContext(p.t.Context(), `SELECT coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM `+table+` t`).Scan(&rows); err != nil {
			p.t.Fatal(err)
		}
		all.WriteString(table + "\n" + rows + "\n")
	}
	return all.String()
}

func TestAdmin_ChangeAndItsAuditEntry_BothOrNeither(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok("", "user", "create", "--name", "Ada", "--email", "ada@example.com", "--no-login")
	p.ok("", "key", "create", "--name", "First")
	p.ok(token+"\n"+appSecret+"\n", createMetaArgs...)
	p.ok(orderTemplate, "template", "create", "-")
	for _, sql := range []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the log is full'; END $$`,
		`CREATE TRIGGER full_log BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse()`,
	} {
		if _, err := p.db().Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	before := p.contents()
	for _, c := range changes() {
		p.do(c.stdin, c.words...).mustFail(t, 1, "the log is full")
		if p.contents() != before {
			t.Fatalf("%v changed something that is not in the log", c.words)
		}
	}
	if _, err := p.db().Exec(`DROP TRIGGER full_log ON audit_log`); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes() {
		n := len(p.audited())
		p.ok(c.stdin, c.words...)
		if got := len(p.audited()) - n; got != 1 {
			t.Errorf("%v left %d entries", c.words, got)
		}
	}
}
