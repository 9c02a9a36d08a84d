package pruner

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch/keep"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// webhook makes a delivery of a message or an inbound message, which is done or not.
func (f *fixture) webhook(message uuid.UUID, done bool) (id uuid.UUID) {
	f.t.Helper()
	must(f.t, f.db.GetContext(f.t.Context(), &id, `INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload, response,
		state, done_at) VALUES (1, gen_random_uuid(), $1, 50, 'standard', $2, $2, CASE WHEN $3 THEN 1 ELSE 0 END, CASE WHEN $3 THEN now() END)
		RETURNING id`, message, `{"text":"`+secret+`"}`, done))
	return id
}

func (f *fixture) delivered(delivery uuid.UUID) {
	f.exec(`UPDATE webhook_deliveries SET state = 1, done_at = now() WHERE id = $1`, delivery)
}

// inbound makes an inbound message with its event, days old.
func (f *fixture) inbound(account int64, days int) (id uuid.UUID) {
	f.t.Helper()
	f.n++
	must(f.t, f.db.GetContext(f.t.Context(), &id, `INSERT INTO inbound (id, account_id, channel_id, from_phone, type, text, raw, content,
		provider_id, received_at, at) SELECT (left(uuid_floor(at)::text, 13) || '-7000-8000-' || lpad($4::text, 12, '0'))::uuid, $1, 1,
		'+15550000100', 'text', $3, $3, $3, 'x' || $4, at, at FROM (SELECT now() - make_interval(days => $2) AS at) t RETURNING id`,
		account, days, secret, f.n))
	f.exec(`INSERT INTO events (message_id, account_id, at, kind) VALUES ($1, $2, now() - make_interval(days => $3), 101)`, id, account, days)
	return id
}

func (f *fixture) run() []Step {
	f.t.Helper()
	done, err := Prune(f.t.Context(), f.store)
	must(f.t, err)
	return done
}

// texts returns how many messages, inbound messages and webhooks have their text still.
func (f *fixture) texts() (out [3]int) {
	f.t.Helper()
	for i, table := range []string{"messages", "inbound", "webhook_deliveries"} {
		out[i] = f.count(`SELECT count(*) FROM `+table+` t WHERE strpos(t::text, $1) > 0`, secret)
	}
	return out
}

// A webhook goes out with all it has to tell, however old its message is: redaction
// waits for those that are not delivered, and for events that none were made of yet.
func TestPrune_Redaction_WaitsForWebhooks(t *testing.T) {
	t.Parallel()
	f := open(t)
	account := f.account(keep.Days{}, 7)
	message, inbound := f.message(account, 20), f.inbound(account, 20)
	first, second := f.webhook(message, false), f.webhook(inbound, false)
	f.webhook(message, true)
	for _, step := range []struct {
		name   string
		before func()
		want   [3]int
	}{
		{"events that webhooks are not made of", func() { f.delivered(first); f.delivered(second) }, [3]int{1, 1, 3}},
		{"webhooks that are not delivered", func() {
			f.read()
			f.exec(`UPDATE webhook_deliveries SET done_at = NULL, state = 0 WHERE id = ANY($1)`, pg.UUIDArray([]uuid.UUID{first, second}))
		}, [3]int{1, 1, 3}},
		{"the message's is delivered", func() { f.delivered(first) }, [3]int{0, 1, 1}},
		{"all are delivered", func() { f.delivered(second) }, [3]int{}},
	} {
		step.before()
		f.run()
		if got := f.texts(); got != step.want {
			t.Errorf("%s: messages, inbound messages and webhooks with a text: %v, want %v", step.name, got, step.want)
		}
	}
	if n := f.count(`SELECT count(*) FROM webhook_deliveries WHERE payload = '{}' AND response IS NULL`); n != 3 {
		t.Errorf("%d webhooks are blank, want 3", n)
	}
	if n := f.count(`SELECT count(*) FROM retention_left`); n != 0 {
		t.Errorf("%d rows are noted as left, want none", n)
	}
}

// A message that waits holds up no other: what is blank is not written again, and
// only the one that was left is looked at once more.
func TestPrune_Redaction_LeavesOneBehind_RewritesNothing(t *testing.T) {
	t.Parallel()
	f := open(t)
	account := f.account(keep.Days{}, 7)
	waits := f.message(account, 30)
	f.unfinished(waits)
	for range 3 {
		f.message(account, 20)
	}
	f.read()
	rows := func() (out string) {
		must(t, f.db.GetContext(t.Context(), &out, `SELECT string_agg(id::text || xmin::text, ',' ORDER BY id) FROM messages WHERE id <> $1`,
			waits))
		return out
	}
	if done := f.run(); len(done) != 1 || done[0].Rows != 3 {
		t.Fatalf("the first run: %+v", done)
	}
	was := rows()
	if done := f.run(); len(done) != 0 || rows() != was {
		t.Errorf("the second run wrote %+v", done)
	}
	if plan, err := Plan(t.Context(), f.store); err != nil || len(plan) != 0 {
		t.Errorf("the plan has %+v, %v", plan, err)
	}
	f.finish(waits)
	if plan, err := Plan(t.Context(), f.store); err != nil || len(plan) != 1 || plan[0].Rows != 1 {
		t.Errorf("the plan after it had finished has %+v, %v", plan, err)
	}
	if done := f.run(); len(done) != 1 || done[0].Rows != 1 || rows() != was {
		t.Errorf("after it had finished: %+v", done)
	}
	if got := f.texts(); got != [3]int{} {
		t.Errorf("texts are left: %v", got)
	}
}

// What was scheduled far ahead is old when its sending is, not when its acceptance is.
func TestPrune_ScheduledFarAhead_CountsFromSending(t *testing.T) {
	t.Parallel()
	f := open(t)
	short := f.account(keep.Days{Messages: 10, Attempts: 10, Events: 10}, 7)
	f.account(keep.Days{Messages: 20, Attempts: 20, Events: 20}, 0)
	week := f.week(60)
	late := f.message(short, 55)
	f.exec(`UPDATE messages SET send_at = now() - interval '5 days' WHERE id = $1`, late)
	f.exec(`UPDATE attempts SET at = now() - interval '5 days' WHERE message_id = $1`, late)
	early := f.message(short, 30)
	f.read()
	done := f.run()
	for _, table := range []string{"messages", "attempts"} {
		id := map[string]string{"messages": "id", "attempts": "message_id"}[table]
		if n := f.count(`SELECT count(*) FROM `+table+` WHERE `+id+` = $1`, late); n != 1 {
			t.Errorf("%s of the message that was sent five days ago: %d", table, n)
		}
		if n := f.count(`SELECT count(*) FROM `+table+` WHERE `+id+` = $1`, early); n != 0 {
			t.Errorf("%s of an old message: %d", table, n)
		}
	}
	if got := f.texts(); got[0] != 1 {
		t.Errorf("the text of the message that was sent five days ago is gone")
	}
	if k := found(done, Keep); k != "attempts "+week+", messages "+week {
		t.Errorf("kept %q of %+v", k, done)
	}
	for i := range done {
		if s := &done[i]; s.Action == Keep && s.Reason != "it holds messages that were sent later" {
			t.Errorf("%+v", s)
		}
	}
	f.exec(`UPDATE messages SET send_at = now() - interval '8 days' WHERE id = $1`, late)
	f.run()
	if got := f.texts(); got[0] != 0 {
		t.Errorf("the text of the message that was sent eight days ago is there still")
	}
	f.exec(`UPDATE messages SET send_at = now() - interval '25 days' WHERE id = $1`, late)
	done = f.run()
	if d := found(done, Drop); d != "attempts "+week+", messages "+week {
		t.Errorf("dropped %q of %+v", d, done)
	}
}

// A message or an inbound message of which an event is not told yet stays: its webhook
// is made of the row.
func TestPrune_UnreadEvents_KeepTheirMessages(t *testing.T) {
	t.Parallel()
	f := open(t)
	short := f.account(keep.Days{Messages: 10, Inbound: 10}, 0)
	f.account(keep.Days{Messages: 20}, 0)
	week := f.week(60)
	f.read()
	f.message(short, 15)
	f.message(short, 55)
	f.inbound(short, 15)
	left := func() int {
		return f.count(`SELECT count(*) FROM messages`)*10 + f.count(`SELECT count(*) FROM inbound`)
	}
	if done := f.run(); left() != 21 || found(done, Keep) != "events "+week+", messages "+week {
		t.Errorf("messages and inbound messages with events that are not told: %d, %+v", left(), done)
	}
	f.read()
	if f.run(); left() != 0 {
		t.Errorf("after the events were told: %d", left())
	}
}

// Webhooks are kept as long as the account wants, those that wait as long as their
// endpoint can be called; a dry run counts them.
func TestPrune_OldDeliveries_AreDeleted(t *testing.T) {
	t.Parallel()
	f := open(t)
	short, long := f.account(keep.Days{Deliveries: 3}, 0), f.account(keep.Days{Messages: 5}, 0)
	f.exec(`INSERT INTO webhooks (account_id, url, enabled) VALUES ($1, 'a', true), ($1, 'b', false), ($2, 'c', true)`, short, long)
	f.exec(`INSERT INTO webhook_deliveries (webhook_id, id, message_id, created_at, kind, format, payload, done_at)
		SELECT w.id, (left(uuid_floor(at)::text, 13) || '-8000-8000-' || lpad((100 * d + x)::text, 12, '0'))::uuid, gen_random_uuid(), at, 50,
			'standard', '{}', CASE WHEN x = 1 THEN at END
		FROM webhooks w, unnest(ARRAY[1, 4, 6]) AS d, generate_series(0, 1) AS x, LATERAL (SELECT now() - make_interval(days => d) AS at) t`)
	for _, do := range []func(context.Context, Store) ([]Step, error){Plan, Prune} {
		steps, err := do(t.Context(), f.store)
		must(t, err)
		if len(steps) != 2 || steps[0].Table != "webhook_deliveries" || steps[0].Rows != 6 || steps[1].Account != long || steps[1].Rows != 1 {
			t.Errorf("steps: %+v", steps)
		}
	}
	var left string
	must(t, f.db.GetContext(t.Context(), &left, `SELECT string_agg(w.url || (now()::date - d.created_at::date) ||
		CASE WHEN d.done_at IS NULL THEN 'waits' ELSE '' END, ' ' ORDER BY w.url, d.created_at DESC, d.done_at)
		FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id`))
	if left != "a1 a1waits a4waits a6waits b1 b1waits c1 c1waits c4 c4waits c6waits" {
		t.Errorf("left: %s", left)
	}
}
