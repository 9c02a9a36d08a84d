package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

func TestAccount_Several_MustBeNamed(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "key", "list") // the only one is meant
	bolt := clitest.Read[admin.Account](t, p.OK("", "account", "create", "Bolt", "--json"))
	p.Refuse(1, "choose one with --account", "key", "list")
	p.Refuse(1, "1 (Acme), 2 (Bolt)", "key", "list")
	p.Refuse(1, `no account "Cask"`, "key", "list", "--account", "Cask")
	for _, ref := range []string{"2", "Bolt", bolt.SID} {
		if v := clitest.Read[admin.Account](t, p.OK("", "account", "show", "--json", ref)); v.ID != 2 || v.SID != bolt.SID {
			t.Errorf("%s: got %+v", ref, v)
		}
	}
	if all := clitest.Read[admin.Page[admin.Account]](t, p.OK("", "account", "list", "--json")); len(all.Data) != 2 {
		t.Errorf("%d accounts", len(all.Data))
	}
	p.MustAudit("account.create account:1", "account.create account:2")
}

func TestAccount_Disabled_UntilEnabled(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.Refuse(2, "<account>", "account", "disable")
	p.Refuse(1, `no account "Cask"`, "account", "disable", "Cask")
	v := clitest.Read[admin.Account](t, p.OK("", "account", "disable", "Acme", "--json"))
	if v.ID != 1 || v.DisabledAt == nil {
		t.Errorf("disabled %+v", v)
	}
	if again := clitest.Read[admin.Account](t, p.OK("", "account", "disable", "1", "--json")); !again.DisabledAt.Equal(*v.DisabledAt) {
		t.Errorf("disabled again: since %v, was since %v", again.DisabledAt, v.DisabledAt)
	}
	list := p.OK("", "account", "list").Out
	if lines := strings.Split(strings.TrimSpace(list), "\n"); strings.Fields(lines[0])[4] != "DISABLED" ||
		strings.Fields(lines[1])[4] != "yes" {
		t.Errorf("listed\n%s", list)
	}
	if r := p.OK("", "account", "enable", v.SID); r.Out != "account 1 (Acme) is enabled\n" {
		t.Error(r.Out)
	}
	if v := clitest.Read[admin.Account](t, p.OK("", "account", "show", "--json")); v.DisabledAt != nil {
		t.Errorf("enabled %+v", v)
	}
	p.MustAudit("account.create account:1", "account.disable account:1", "account.disable account:1", "account.enable account:1")
}

func TestAccount_Deleted_WithAllThatIsItsOwn(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "user", "create", "--name", "Ada", "--email", "ada@example.com", "--role", "owner", "--no-login")
	p.OK("", "key", "create", "--name", "First")
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	p.OK(clitest.OrderTemplate, "template", "create", "-")
	p.OK("", "account", "credits", "--add", "5")
	for _, sql := range []string{
		`INSERT INTO contacts (account_id, phone) VALUES (1, '+15550000100')`,
		`INSERT INTO webhooks (account_id, url) VALUES (1, 'https://example.com')`,
		`INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload) VALUES (1, gen_random_uuid(), gen_random_uuid(), ` +
			`105, 'standard', '{}')`,
		`INSERT INTO webhook_cursors (webhook_id, xid, event_id) VALUES (1, pg_current_xact_id(), 0)`,
	} {
		if _, err := p.DB().Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	p.OK("", "account", "create", "Bolt")
	p.Refuse(2, "--yes", "account", "delete", "1")
	if r := p.OK("", "account", "delete", "Acme", "--yes", "--json"); strings.Join(strings.Fields(r.Out), "") != `{"id":1,"deleted":true}` {
		t.Error(r.Out)
	}
	p.Refuse(1, `no account "Acme"`, "account", "delete", "Acme", "--yes")
	for _, table := range []string{
		"accounts WHERE id = 1", "users", "api_keys", "channels", "templates", "contacts", "ledger", "webhooks",
		"webhook_deliveries", "webhook_cursors WHERE webhook_id <> 0",
	} {
		var n int
		if err := p.DB().QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left of %s (%v)", n, table, err)
		}
	}
	if log := p.Audited(); len(log) != 8 || log[7] != `cli account.delete account:1 {"name": "Acme"}` {
		t.Errorf("audit log %q", log)
	}
}

func TestAccount_None_SaysHowToMakeOne(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	if _, err := p.DB().Exec(`DELETE FROM accounts`); err != nil {
		t.Fatal(err)
	}
	p.Refuse(1, "sendoff account create", "key", "list")
}

func TestAccountCredits_TopUp_IsExact(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "account", "credits", "--on", "--add", "100.000001")
	type view struct {
		admin.Credits
		Ledger []admin.LedgerEntry `json:"ledger"`
	}
	v := clitest.Read[view](t, p.OK("", "account", "credits", "--add=-0.5", "--json"))
	if !v.Enabled || v.Balance != 99_500_001 || len(v.Ledger) != 2 || v.Ledger[0].Amount != -500_000 {
		t.Errorf("got %+v", v)
	}
	p.Refuse(2, "amount: must be a plain number", "account", "credits", "--add", "1e3")
	if r := p.OK("", "account", "credits", "--off"); !strings.Contains(r.Out, "off, balance 99.500001") {
		t.Error(r.Out)
	}
}

// userWithPassword is what the command prints that generates a password.
type userWithPassword struct {
	admin.User
	Password string `json:"password"`
}

func TestUser_PasswordNeverPrinted_UnlessGenerated(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	const password = "correct horse battery"
	r := p.OK(password+"\n", "user", "create", "--name", "Ada", "--email", "ada@example.com", "--role", "owner")
	if strings.Contains(r.Out+r.Err, password) {
		t.Error("the password was printed")
	}
	made := clitest.Read[userWithPassword](
		t,
		p.OK("", "user", "create", "--name", "Bo", "--email", "bo@example.com", "--generate-password", "--json"),
	)
	if len(made.Password) < 10 {
		t.Errorf("generated %q", made.Password)
	}
	p.OK("", "user", "create", "--name", "Cy", "--email", "cy@example.com", "--no-login")
	p.Refuse(1, "already", "user", "create", "--name", "Cy", "--email", "cy@example.com", "--no-login")
	p.Refuse(1, "--generate-password", "user", "create", "--name", "D", "--email", "d@example.com")
	p.Refuse(2, "e-mail", "user", "create", "--name", "D", "--email", "nobody", "--no-login")
	p.Do("short\n", "user", "create", "--name", "D", "--email", "d@example.com").
		MustFail(t, 2, "password: must have at least 10 characters")
	p.OK(password+"\n", "user", "update", "bo@example.com", "--set-password")
	p.Refuse(1, "sendoff user list", "user", "disable", "nobody")
	for _, line := range p.Audited() {
		if strings.Contains(line, password) || strings.Contains(line, made.Password) {
			t.Error("a password is in the audit log")
		}
	}
}

func TestUser_Life(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	ada := clitest.Read[admin.User](
		t,
		p.OK("", "user", "create", "--name", "Ada", "--email", "Ada@example.com", "--role", "owner", "--generate-password", "--json"),
	)
	bo := clitest.Read[admin.User](t, p.OK("", "user", "create", "--name", "Bo", "--email", "bo@example.com", "--no-login", "--json"))
	if !ada.CanLogin || bo.CanLogin || bo.Role != "sender" {
		t.Errorf("made %+v and %+v", ada, bo)
	}
	if r := p.OK("", "user", "disable", "BO@example.com"); !strings.Contains(r.Out, "disabled: Bo <bo@example.com>") {
		t.Error(r.Out)
	}
	ms := clitest.Read[admin.Page[admin.User]](t, p.OK("", "user", "list", "--json")).Data
	if len(ms) != 2 || ms[0].Disabled || !ms[1].Disabled {
		t.Errorf("listed %+v", ms)
	}
	list := p.OK("", "user", "list").Out
	if lines := strings.Split(strings.TrimSpace(list), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "DISABLED") ||
		strings.Fields(lines[2])[5] != "yes" {
		t.Errorf("listed\n%s", list)
	}
	p.OK("", "user", "enable", bo.ID)
	changed := clitest.Read[userWithPassword](
		t,
		p.OK(
			"",
			"user",
			"update",
			bo.ID,
			"--name",
			"Bob",
			"--email",
			"bob@example.com",
			"--role",
			"admin",
			"--generate-password",
			"--json",
		),
	)
	if changed.Name != "Bob" || changed.Email != "bob@example.com" || changed.Role != "admin" || !changed.CanLogin || changed.Disabled ||
		changed.Password == "" {
		t.Errorf("changed to %+v", changed)
	}
	if got := clitest.Read[admin.User](t, p.OK("", "user", "show", "bob@example.com", "--json")); got != changed.User {
		t.Errorf("shows %+v, want %+v", got, changed.User)
	}
	p.Refuse(1, "another user has", "user", "update", bo.ID, "--email", "ada@example.com")
	p.Refuse(2, "nothing to change", "user", "update", bo.ID)
	p.Refuse(1, "last owner", "user", "disable", "ada@example.com")
	p.Refuse(1, "last owner", "user", "update", "ada@example.com", "--role", "viewer")
	p.Refuse(1, "last owner", "user", "delete", "ada@example.com", "--yes")
	p.Refuse(2, "--yes", "user", "delete", bo.ID)
	p.OK("", "user", "delete", bo.ID, "--yes")
	p.Refuse(1, "has no user", "user", "show", bo.ID)
	p.MustAudit(
		"account.create account:1",
		"user.create user:"+ada.ID,
		"user.create user:"+bo.ID,
		"user.disable user:"+bo.ID,
		"user.enable user:"+bo.ID,
		"user.update user:"+bo.ID,
		"user.delete user:"+bo.ID,
	)
}

func TestKey_Life(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	k := clitest.Read[admin.Key](
		t,
		p.OK(
			"",
			"key",
			"create",
			"--name",
			"Shop",
			"--permission",
			"send_text",
			"--permission",
			"manage",
			"--country",
			"in",
			"--per-day",
			"5",
			"--expires",
			"30d",
			"--json",
		),
	)
	if _, ok := auth.Parse(k.Key); !ok || fmt.Sprint(k.Permissions) != "[send_text manage]" || k.PerDay != 5 ||
		fmt.Sprint(k.Countries) != "[IN]" ||
		k.ExpiresAt == nil ||
		k.PerRecipientHour != nil {
		t.Errorf("made %+v", k)
	}
	st := p.Open()
	works := func(secret string) bool {
		hash := auth.Hash(secret)
		found, err := st.KeyByHash(t.Context(), hash[:])
		return err == nil && found.Active
	}
	if !works(k.Key) {
		t.Error("a new key does not work")
	}
	for _, args := range [][]string{{"key", "list"}, {"key", "show", "1"}, {"key", "list", "--json"}, {"key", "show", "1", "--json"}} {
		if r := p.OK("", args...); strings.Contains(r.Out, k.Key) || !strings.Contains(r.Out, k.Prefix) {
			t.Errorf("%v: %s", args, r.Out)
		}
	}
	p.OK("", "key", "disable", "1")
	if works(k.Key) {
		t.Error("a disabled key works")
	}
	p.OK("", "key", "enable", "1")
	second := clitest.Read[admin.Key](t, p.OK("", "key", "rotate", "1", "--json")).Key
	if !works(k.Key) || !works(second) {
		t.Error("both secrets must work during the overlap")
	}
	third := clitest.Read[admin.Key](t, p.OK("", "key", "rotate", "1", "--overlap", "0s", "--json")).Key
	if works(second) || !works(third) {
		t.Error("without overlap only the new secret works")
	}
	p.Refuse(2, "--yes", "key", "delete", "1")
	p.OK("", "key", "delete", "1", "--yes")
	p.Refuse(1, "has no key 1", "key", "show", "1")
	p.Refuse(2, "permissions/0: must be one of send_template", "key", "create", "--name", "x", "--permission", "everything")
	p.MustAudit(
		"account.create account:1",
		"key.create key:1",
		"key.disable key:1",
		"key.enable key:1",
		"key.rotate key:1",
		"key.rotate key:1",
		"key.delete key:1",
	)
}

func TestKeyUpdate_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK("", "key", "create", "--name", "Shop", "--country", "IN", "--expires", "30d", "--per-recipient-hour", "7")
	before := clitest.Read[admin.Key](t, p.OK("", "key", "show", "1", "--json"))
	got := clitest.Read[admin.Key](t, p.OK("", "key", "update", "1", "--per-day", "5", "--json"))
	if got.PerDay != 5 || got.Name != "Shop" || got.PerSecond != 10 || got.PerMinute != 60 ||
		fmt.Sprint(got.Countries, got.Permissions) != fmt.Sprint(before.Countries, before.Permissions) ||
		*got.PerRecipientHour != 7 ||
		!got.ExpiresAt.Equal(*before.ExpiresAt) {
		t.Errorf("got %+v, was %+v", got, before)
	}
	r := p.OK(
		"",
		"key",
		"update",
		"1",
		"--name",
		"Store",
		"--description",
		"the till",
		"--permission",
		"manage",
		"--country",
		"all",
		"--expires",
		"never",
		"--per-recipient-hour",
		"default",
		"--per-second",
		"3",
		"--per-minute",
		"30",
	)
	if !strings.Contains(
		r.Out,
		"key 1 (Store) is updated: countries, description, expires_at, name, per_recipient_hour, permissions, rate_per_minute, rate_per_second",
	) {
		t.Error(r.Out)
	}
	got = clitest.Read[admin.Key](t, p.OK("", "key", "show", "1", "--json"))
	if got.Name != "Store" || got.Description != "the till" || fmt.Sprint(got.Permissions) != "[manage]" || len(got.Countries) != 0 ||
		got.ExpiresAt != nil ||
		got.PerRecipientHour != nil ||
		got.PerSecond != 3 ||
		got.PerMinute != 30 ||
		got.PerDay != 5 ||
		!got.Active {
		t.Errorf("got %+v", got)
	}
	p.Refuse(2, "nothing to change", "key", "update", "1")
	p.Refuse(2, "countries/0: is not", "key", "update", "1", "--country", "XX")
	p.Refuse(2, "permissions/0: must be one of send_template", "key", "update", "1", "--permission", "all")
	p.Refuse(2, "daily_limit: must be at least 1", "key", "update", "1", "--per-day", "0")
	p.Refuse(2, "--per-recipient-hour must be", "key", "update", "1", "--per-recipient-hour", "many")
	p.Refuse(2, "in the future", "key", "update", "1", "--expires", "2020-01-01")
	p.Refuse(1, "has no key 9", "key", "update", "9", "--per-day", "5")
	p.MustAudit("account.create account:1", "key.create key:1", "key.update key:1", "key.update key:1")
}
