package erasure

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	secret = "the text of a customer"
	number = "+15550000100"
)

// fixture is a database with an account.
type fixture struct {
	*Store
	t       *testing.T
	account int64
}

func open(t *testing.T) *fixture {
	t.Helper()
	box, err := pg.NewBox(strings.Repeat("1", 64))
	must(t, err)
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 8, Application: "erasure-test", Box: box})
	must(t, err)
	t.Cleanup(db.Close)
	f := &fixture{Store: New(db), t: t}
	must(t, db.GetContext(t.Context(), &f.account, `INSERT INTO accounts (sid, name) VALUES ('AC' || repeat('0', 32), 'One') RETURNING id`))
	return f
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatal(err, query)
	}
}

func (f *fixture) count(query string, args ...any) (n int) {
	f.t.Helper()
	must(f.t, f.db.GetContext(f.t.Context(), &n, query, args...))
	return n
}

// message makes a finished message to the number with an attempt and an event.
func (f *fixture) message(to string) uuid.UUID {
	f.t.Helper()
	id := uuid.Must(uuid.NewV7())
	f.exec(`INSERT INTO messages (id, account_id, channel_id, expires_at, status, lane, type, recipient, content, metadata, fallback,
		error_message) VALUES ($1, $2, 1, now(), 50, 1, 'text', $3, $4, $4, $4, $4)`, id, f.account, to, `{"text":"`+secret+`"}`)
	f.exec(`INSERT INTO attempts (message_id, claim, outcome, detail) VALUES ($1, gen_random_uuid(), 1, $2)`, id, secret)
	f.exec(`INSERT INTO events (message_id, account_id, kind, detail, extra) VALUES ($1, $2, 50, $3, $3)`, id, f.account, secret)
	return id
}

// inbound makes a message from the number.
func (f *fixture) inbound(from string) uuid.UUID {
	f.t.Helper()
	id := uuid.Must(uuid.NewV7())
	f.exec(`INSERT INTO inbound (id, account_id, channel_id, from_phone, type, text, raw, content, provider_id, at)
		VALUES ($1, $2, 1, $3, 'text', $4, $4, $4, gen_random_uuid()::text, now())`, id, f.account, from, secret)
	return id
}

// webhook makes a delivery of a message, which is done or not.
func (f *fixture) webhook(message uuid.UUID, done bool) (id uuid.UUID) {
	f.t.Helper()
	must(f.t, f.db.GetContext(f.t.Context(), &id, sqlWebhook, message, secret, done))
	return id
}

const sqlWebhook = `INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload, response, state, done_at)
  VALUES (1, gen_random_uuid(), $1, 50, 'standard', $2, $2, CASE WHEN $3 THEN 1 ELSE 0 END, CASE WHEN $3 THEN now() END) RETURNING id`

// webhooks lists the payloads of a message's webhooks, pending ones first.
func (f *fixture) webhooks(message uuid.UUID) string {
	f.t.Helper()
	var out []string
	must(f.t, f.db.SelectContext(f.t.Context(), &out, `SELECT state || ' ' || payload || coalesce(' ' || response, '') FROM webhook_deliveries
		WHERE message_id = $1 ORDER BY state`, message))
	return strings.Join(out, ", ")
}

// texts names the tables that have the text or the number still.
func (f *fixture) texts() (out []string) {
	f.t.Helper()
	for _, table := range []string{"messages", "attempts", "events", "inbound", "webhook_deliveries", "campaign_recipients", "fallbacks"} {
		if f.count(`SELECT count(*) FROM `+table+` t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0`, secret, number) > 0 {
			out = append(out, table)
		}
	}
	return out
}

// Of a person's message nothing is left, and nothing of it goes out any more: neither
// a webhook nor a fallback. One that is not finished stays for later.
func TestBlank_RemovesText_EndsWebhooksAndFallbacks(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.message(number)
	f.webhook(id, true)
	f.webhook(id, false)
	f.exec(`INSERT INTO fallbacks (message_id, wake_at) VALUES ($1, now())`, id)
	f.exec(`UPDATE messages SET campaign_id = 7 WHERE id = $1`, id)
	f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, message_id, recipient, person, fields, detail)
		VALUES (7, 1, 50, now(), $1, $2, $2, $3, $3)`, id, number, secret)
	removed := map[string]int64{}
	left, err := f.Blank(t.Context(), []uuid.UUID{id}, removed)
	must(t, err)
	if texts := f.texts(); left != 0 || len(texts) > 0 {
		t.Errorf("%d left; texts in %v", left, texts)
	}
	if got := f.webhooks(id); got != "1 {}" {
		t.Errorf("webhooks: %q, want the delivered one, blank", got)
	}
	for name, want := range map[string]int64{
		"messages": 1, "attempts": 1, "events": 1, "webhook_bodies": 2, "fallbacks": 1, "campaign_recipients": 1,
	} {
		if removed[name] != want {
			t.Errorf("removed %s: %d, want %d", name, removed[name], want)
		}
	}
	if f.count(`SELECT count(*) FROM fallbacks`) != 0 {
		t.Error("the fallback is there still")
	}
	again := map[string]int64{}
	_, err = f.Blank(t.Context(), []uuid.UUID{id}, again)
	must(t, err)
	for name, n := range again {
		if n != 0 {
			t.Errorf("a repeat removed %d of %s", n, name)
		}
	}

	waits := f.message(number)
	f.exec(`INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane)
		VALUES ($1, 1, 1, now(), now(), now(), 1)`, waits)
	left, err = f.Blank(t.Context(), []uuid.UUID{id, waits}, removed)
	must(t, err)
	if texts := f.texts(); left != 1 || !slices.Contains(texts, "messages") {
		t.Errorf("an unfinished message: %d left, texts in %v", left, texts)
	}
}

// Redaction keeps a webhook that is not delivered, with its message's name, and blanks
// the others.
func TestRedactMessages_PendingWebhook_IsKept(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := f.message(number), f.message(number)
	f.webhook(one, true)
	f.webhook(two, true)
	pending := f.webhook(two, false)
	blanked, waiting, err := f.RedactMessages(t.Context(), []uuid.UUID{one, two})
	must(t, err)
	if blanked != 2 || !slices.Equal(waiting, []uuid.UUID{two}) {
		t.Errorf("blanked %d, waiting %v; want 2 and %v", blanked, waiting, two)
	}
	if got := f.webhooks(one) + "; " + f.webhooks(two); got != "1 {}; 0 "+secret+" "+secret+", 1 {}" {
		t.Errorf("webhooks: %s", got)
	}
	f.exec(`UPDATE webhook_deliveries SET state = 1, done_at = now() WHERE id = $1`, pending)
	blanked, waiting, err = f.RedactMessages(t.Context(), []uuid.UUID{two})
	must(t, err)
	if texts := f.texts(); blanked != 0 || len(waiting) > 0 || len(texts) > 0 {
		t.Errorf("the second time: blanked %d, waiting %v, texts in %v", blanked, waiting, texts)
	}
}

// A webhook that is just being made of the text is waited for.
func TestRedactInbound_WebhookInTheMaking_IsSeen(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.inbound(number)
	type result struct {
		waiting []uuid.UUID
		err     error
	}
	ended := make(chan result, 1)
	err := f.db.Tx(context.WithoutCancel(t.Context()), func(tx *pg.DB) error {
		if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM webhook_cursors FOR UPDATE`); err != nil {
			return err
		}
		go func() {
			_, waiting, err := f.RedactInbound(context.WithoutCancel(t.Context()), []uuid.UUID{id})
			ended <- result{waiting, err}
		}()
		wait.Until(t, "redaction waits for the cursor", func() bool {
			return f.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
				AND query = $1`, sqlExpanded) > 0
		})
		_, err := tx.ExecContext(t.Context(), sqlWebhook, id, secret, false)
		return err
	})
	must(t, err)
	if r := <-ended; r.err != nil || !slices.Equal(r.waiting, []uuid.UUID{id}) {
		t.Errorf("waiting %v, %v; want the inbound message", r.waiting, r.err)
	}
	if got := f.webhooks(id); got != "0 "+secret+" "+secret {
		t.Errorf("webhooks: %q", got)
	}
}

// A person's inbound messages go with their webhooks: one that is not delivered yet
// never is, neither with the text nor without.
func TestFinish_Inbound_GoesWithItsWebhooks(t *testing.T) {
	t.Parallel()
	f := open(t)
	theirs, other := f.inbound(number), f.inbound("+15550000199")
	for _, id := range []uuid.UUID{theirs, other} {
		f.webhook(id, false)
		f.webhook(id, true)
	}
	e, err := f.CreateErasure(t.Context(), f.account, number)
	must(t, err)
	removed := map[string]int64{}
	must(t, f.Finish(t.Context(), &e, removed))
	if got := f.webhooks(theirs) + "; " + f.webhooks(other); got != "1 {}; 0 "+secret+" "+secret+", 1 "+secret+" "+secret {
		t.Errorf("webhooks: %s", got)
	}
	if removed["inbound"] != 1 || removed["webhook_bodies"] != 2 || f.count(`SELECT count(*) FROM inbound WHERE id = $1`, other) != 1 {
		t.Errorf("removed %v", removed)
	}
}

// The webhooks of a page of messages are found by an index.
func TestBlankDeliveries_ManyWebhooks_AreNotScanned(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 4 {
		f.exec(`INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload, state, done_at)
			SELECT 1, gen_random_uuid(), gen_random_uuid(), 50, 'standard', '{}', 1, now() FROM generate_series(1, 5000)`)
	}
	f.exec(`ANALYZE webhook_deliveries`)
	ids := pg.UUIDArray([]uuid.UUID{f.message(number), f.message(number)})
	for _, query := range []string{sqlBlankDeliveries, dropUndelivered.sql} {
		var plan []string
		must(t, f.db.SelectContext(t.Context(), &plan, `EXPLAIN `+query, ids))
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan on webhook_deliveries") {
			t.Error(text)
		}
	}
}
