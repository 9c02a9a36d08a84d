package erasure

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Of an erased person no table has a number, a name or a text, whatever wrote it there;
// another person's records stay.
func TestErase_NoTableHasThePerson(t *testing.T) {
	t.Parallel()
	f := open(t)
	const digits, name = "15550000100", "Ada Erased"
	message, inbound := f.message(number), f.inbound(number)
	f.webhook(message, true)
	f.webhook(inbound, true)
	wamid := "wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b"+digits+"\x15\x02"))
	f.exec(`INSERT INTO channels (id, account_id, key, name, provider, kind, sender, secrets)
		VALUES (1, $1, 'k', 'k', 'meta', 'whatsapp', '+1', '')`, f.account)
	for _, query := range []string{
		`UPDATE messages SET provider_message_id = $2`,
		`UPDATE attempts SET provider_message_id = $2`,
		`INSERT INTO provider_refs (channel_id, ref, message_id) SELECT 1, $2, id FROM messages`,
		`INSERT INTO contacts (account_id, phone, wa_id, user_id, name) VALUES ($1, '+15550000100', '15550000101', 'US.1', '` + name + `'),
			($1, '+15550000199', '', '', 'Bo')`,
		`INSERT INTO campaigns (id, account_id, name, definition, contacts) VALUES (1, $1, 'c', '{}',
			'[{"to":"+1 555 000 0100","fields":{"name":"` + name + `"}},{"to":"+15550000199"}]')`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, person, fields)
			VALUES (1, 1, 50, now(), '+15550000100', '+15550000100', '{"name":"` + name + `"}')`,
		`INSERT INTO campaign_validations (campaign_id, result) VALUES (1, '{"longest":{"to":"15550000100","rendering":"Dear ` + name + `"}}')`,
		`INSERT INTO imports (id, account_id, actor, kind, status, columns) VALUES (1, $1, 'cli', 'contacts', 'done',
			'[{"name":"phone","field":"phone","sample":"+15550000100"},{"name":"n","field":"name","sample":"` + name + `"}]')`,
		`INSERT INTO import_rows (import_id, row, line, result, name, cells, problem)
			VALUES (1, 1, 2, 'bad', '` + name + `', '["+1 (555) 000-0100","` + name + `"]', '{"value":"` + name + `"}')`,
		`INSERT INTO import_rows (import_id, row, line, result, phone, name) VALUES (1, 2, 3, 'created', '+15550000100', '` + name + `')`,
		`INSERT INTO import_changes (import_id, target, before, after) VALUES
			(1, '1', '{"wa_id":"15550000101","name":"` + name + `"}', NULL), (1, '2', NULL, '{"user_id":"US.1","name":"` + name + `"}')`,
		`INSERT INTO parked_callbacks (channel_id, ref, body, wake_at) VALUES (1, 'x', '{"Recipient":"15550000100"}', now())`,
		`INSERT INTO windows (channel_id, phone, wa_id, opened_at) VALUES (1, '+15550000100', '', now()), (1, '+1999', '15550000101', now())`,
		`INSERT INTO suppressions (account_id, phone, reason, detail) VALUES ($1, '+15550000100', 'manual', '` + name + ` asked')`,
		`INSERT INTO opt_ins (account_id, value, scope, at) VALUES ($1, '+15550000100', 'all', now())`,
		`INSERT INTO identities (account_id, value, person, username)
			VALUES ($1, '+15550000100', 1, '` + name + `'), ($1, '+15550000101', 1, '')`,
		`INSERT INTO portfolio_users (account_id, portfolio, person) VALUES ($1, 'p', '+15550000100')`,
		`INSERT INTO audit_log (account_id, actor, action, target, detail) VALUES
			($1, 'cli', 'suppression.create', 'phone:+15550000100', '{}'), ($1, 'cli', 'x', 'y', '{"to":"+15550000100","name":"` + name + `"}')`,
	} {
		args := []any{f.account, wamid}
		if !strings.Contains(query, "$2") {
			args = args[:1]
		}
		if !strings.Contains(query, "$1") {
			query += ` RETURNING $1::bigint`
		}
		f.exec(query, args...)
	}
	e, err := f.CreateErasure(t.Context(), f.account, number)
	must(t, err)
	removed := map[string]int64{}
	must(t, f.Messages(t.Context(), &e, func(ids []uuid.UUID) error {
		_, err := f.Blank(t.Context(), ids, removed)
		return err
	}))
	must(t, f.Finish(t.Context(), &e, removed))

	var tables []string
	must(t, f.db.SelectContext(t.Context(), &tables, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`))
	for _, table := range tables {
		for _, word := range []string{digits, "15550000101", "555 000 0100", "000-0100", "US.1", name, secret, wamid} {
			if f.count(`SELECT count(*) FROM `+table+` t WHERE strpos(t::text, $1) > 0`, word) > 0 {
				t.Errorf("%s has %q still", table, word)
			}
		}
	}
	for table, want := range map[string]int{"contacts": 1, "campaign_recipients": 1, "import_rows": 2, "imports": 1, "messages": 1} {
		if n := f.count(`SELECT count(*) FROM ` + table); n != want {
			t.Errorf("%d rows of %s, want %d", n, table, want)
		}
	}
	if n := f.count(`SELECT count(*) FROM imports WHERE columns @> '[{"name":"phone","field":"phone","sample":""}]'`); n != 1 {
		t.Error("the columns of the import are not what they were")
	}
	for name, want := range map[string]int64{
		"messages": 1, "provider_ids": 3, "contacts": 1, "campaigns": 1, "campaign_recipients": 1, "campaign_validations": 1,
		"import_rows": 2, "import_samples": 1, "import_changes": 2, "parked_callbacks": 1, "windows": 2, "suppressions": 1, "opt_ins": 1,
		"identities": 2, "portfolio_users": 1, "audit_log": 2, "inbound": 1, "webhook_bodies": 2,
	} {
		if removed[name] != want {
			t.Errorf("removed %s: %d, want %d", name, removed[name], want)
		}
	}
	after, err := f.Erasure(t.Context(), f.account, e.ID)
	must(t, err)
	if after.FinishedAt == nil || len(after.IDs) != 0 || after.Counts()["windows"] != 2 {
		t.Errorf("the erasure: %+v", after)
	}
}
