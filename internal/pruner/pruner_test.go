package pruner

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch/keep"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/retention"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// fixture is a database, and messages of its accounts that are as old as a test
// wants.
type fixture struct {
	db    *pg.DB
	store Store
	t     *testing.T
	n     int
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 8)
	return &fixture{db: db, store: retention.New(db), t: t}
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

// account makes an account with a retention and, if redact is not 0, redaction.
func (f *fixture) account(d keep.Days, redact int) (id int64) {
	f.t.Helper()
	f.n++
	must(f.t, f.db.GetContext(f.t.Context(), &id, `INSERT INTO accounts (sid, name, retention, redact_days)
		VALUES ($1, $1, $2::jsonb, nullif($3, 0)) RETURNING id`, fmt.Sprintf("AC%032d", f.n), d, redact))
	return id
}

const secret = "the text of a customer"

// message makes a message with an attempt and an event, days old.
func (f *fixture) message(account int64, days int) uuid.UUID {
	f.t.Helper()
	f.n++
	at := time.Now().AddDate(0, 0, -days)
	var id uuid.UUID
	must(f.t, f.db.GetContext(f.t.Context(), &id,
		`SELECT (left(uuid_floor($1)::text, 13) || '-7000-8000-' || lpad($2::text, 12, '0'))::uuid`, at, f.n))
	f.exec(`INSERT INTO messages (id, account_id, channel_id, created_at, expires_at, status, lane, type, recipient, content)
		VALUES ($1, $2, 1, $3, $3, 50, 1, 'text', '+15550000100', $4)`, id, account, at, `{"text":"`+secret+`"}`)
	f.exec(`INSERT INTO attempts (message_id, claim, at, outcome, detail) VALUES ($1, gen_random_uuid(), $2, 1, $3)`, id, at, secret)
	f.exec(`INSERT INTO events (message_id, account_id, at, kind, detail) VALUES ($1, $2, $3, 50, $4)`, id, account, at, secret)
	return id
}

// unfinished makes a message wait; finish ends that.
func (f *fixture) unfinished(id uuid.UUID) {
	f.exec(`INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane)
		VALUES ($1, 1, 1, now(), now(), now(), 1)`, id)
}

func (f *fixture) finish(id uuid.UUID) { f.exec(`DELETE FROM dispatch WHERE message_id = $1`, id) }

// read moves the cursor of webhooks to the end of the log.
func (f *fixture) read() {
	f.exec(`UPDATE webhook_cursors SET xid = pg_current_xact_id(), event_id = 0 WHERE webhook_id = 0`)
}

// week makes the partitions of the week that begins so many days ago.
func (f *fixture) week(days int) (name string) {
	f.t.Helper()
	from := time.Now().AddDate(0, 0, -days).UTC().Truncate(24 * time.Hour)
	name = "w_" + from.Format("20060102")
	const bounds = `DO $do$ BEGIN
		EXECUTE format('CREATE TABLE %%I PARTITION OF %%I FOR VALUES FROM (%%L) TO (%%L)', '%s', '%s', %s, %s); END $do$`
	quoted := func(t time.Time) string { return "'" + t.Format(time.RFC3339) + "'::timestamptz" }
	to := from.AddDate(0, 0, 7)
	for _, table := range []string{"messages", "attempts"} {
		f.exec(fmt.Sprintf(bounds, table+name, table, "uuid_floor("+quoted(from)+")", "uuid_floor("+quoted(to)+")"))
	}
	f.exec(fmt.Sprintf(bounds, "events"+name, "events", quoted(from), quoted(to)))
	return name
}

// found returns the steps of an action, as table and partition or account.
func found(steps []Step, action string) string {
	var out []string
	for i := range steps {
		if s := &steps[i]; s.Action == action {
			out = append(out, s.Table+" "+strings.TrimPrefix(s.Partition, s.Table)+accountOf(s))
		}
	}
	return strings.Join(out, ", ")
}

func accountOf(s *Step) string {
	if s.Account == 0 {
		return ""
	}
	return fmt.Sprint(s.Account)
}

// Weeks that are too old for every account go as a whole, each table after its own
// days; one with an unfinished message stays and is named until it is finished.
func TestPrune_OldWeeks_AreDropped_UnfinishedOnesKept(t *testing.T) {
	t.Parallel()
	f := open(t)
	one := f.account(keep.Days{}, 0)
	f.account(keep.Days{Messages: 40}, 0)
	oldest, older := f.week(130), f.week(110)
	recent := f.week(60)
	f.message(one, 125)
	waits := f.message(one, 105)
	f.message(one, 55)
	f.unfinished(waits)
	f.read()

	plan, err := Plan(t.Context(), f.store)
	must(t, err)
	all := func(table string, weeks ...string) string {
		return table + " " + strings.Join(weeks, ", "+table+" ")
	}
	wantDrop := strings.Join([]string{all("attempts", oldest, recent), all("events", oldest, recent), all("messages", oldest)}, ", ")
	wantKeep := strings.Join([]string{all("attempts", older), all("events", older), all("messages", older)}, ", ")
	if d, k := found(plan, Drop), found(plan, Keep); d != wantDrop || k != wantKeep {
		t.Fatalf("plan: drop %s, keep %s; want %s and %s", d, k, wantDrop, wantKeep)
	}
	for _, s := range plan {
		if s.Bytes == 0 || s.Action == Keep && s.Reason != "it holds unfinished messages" {
			t.Errorf("%+v", s)
		}
	}
	if n := f.count(`SELECT count(*) FROM messages`); n != 3 {
		t.Fatalf("a plan left %d messages", n)
	}

	done, err := Prune(t.Context(), f.store)
	must(t, err)
	if d, k := found(done, Drop), found(done, Keep); d != wantDrop || k != wantKeep {
		t.Errorf("run: dropped %s, kept %s", d, k)
	}
	if n := f.count(`SELECT count(*) FROM messages`); n != 2 {
		t.Errorf("%d messages are left, want 2", n)
	}
	f.finish(waits)
	done, err = Prune(t.Context(), f.store)
	must(t, err)
	if d := found(done, Drop); d != wantKeep {
		t.Errorf("after the message had finished: dropped %s, want %s", d, wantKeep)
	}
	if n := f.count(`SELECT count(*) FROM messages`) + 10*f.count(`SELECT count(*) FROM attempts`); n != 1 {
		t.Errorf("messages and attempts that are left: %d", n)
	}
}

// Idempotency keys go two days after their week, whatever accounts keep.
func TestPrune_OldKeys_AreDropped(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`DO $do$ BEGIN EXECUTE format('CREATE TABLE keys_old PARTITION OF idempotency FOR VALUES FROM (%L) TO (%L)',
		(now() - interval '20 days')::date, (now() - interval '13 days')::date); END $do$`)
	const partitions = `SELECT count(*) FROM pg_inherits WHERE inhparent = 'idempotency'::regclass`
	before := f.count(partitions)
	for _, do := range []func(context.Context, Store) ([]Step, error){Plan, Prune} {
		steps, err := do(t.Context(), f.store)
		must(t, err)
		if d := found(steps, Drop); d != "idempotency keys_old" {
			t.Errorf("dropped %q", d)
		}
	}
	if n := f.count(partitions); n != before-1 {
		t.Errorf("%d partitions of %d are left", n, before)
	}
}

// Events of which no webhooks were made yet keep their week.
func TestPrune_UnreadEvents_KeepTheirWeek(t *testing.T) {
	t.Parallel()
	f := open(t)
	one := f.account(keep.Days{}, 0)
	week := f.week(60)
	f.read()
	f.message(one, 55)
	done, err := Prune(t.Context(), f.store)
	must(t, err)
	if k := found(done, Keep); k != "events "+week {
		t.Errorf("kept %q of %+v", k, done)
	}
	f.read()
	done, err = Prune(t.Context(), f.store)
	must(t, err)
	if d := found(done, Drop); d != "events "+week {
		t.Errorf("dropped %q of %+v", d, done)
	}
}

// An account that keeps less than others loses its own rows only, and those of what
// is unfinished when it has finished.
func TestPrune_ShorterRetention_DeletesThatAccountsRows(t *testing.T) {
	t.Parallel()
	f := open(t)
	short, long := f.account(keep.Days{Messages: 10, Audit: 10, Inbound: 10}, 0), f.account(keep.Days{}, 0)
	waits := f.message(short, 21)
	f.unfinished(waits)
	for _, account := range []int64{short, long} {
		f.message(account, 20)
		f.message(account, 5)
		f.exec(`INSERT INTO inbound (id, account_id, channel_id, from_phone, type, provider_id, received_at, at)
			SELECT uuid_floor(at + $1 * interval '1 second'), $1, $1, '+1', 'text', 'x', at, at FROM (SELECT now() - interval '20 days' AS at) t`,
			account)
		f.exec(`INSERT INTO audit_log (account_id, actor, action, at) VALUES ($1, 'cli', 'x', now() - interval '20 days'),
			($1, 'cli', 'y', now())`, account)
	}
	f.read()
	plan, err := Plan(t.Context(), f.store)
	must(t, err)
	want := fmt.Sprintf("attempts %[1]d, events %[1]d, messages %[1]d, inbound %[1]d, audit_log %[1]d", short)
	if d := found(plan, Delete); d != want {
		t.Errorf("plan: %s, want %s", d, want)
	}
	done, err := Prune(t.Context(), f.store)
	must(t, err)
	if d := found(done, Delete); d != want {
		t.Errorf("run: %s, want %s", d, want)
	}
	for _, table := range []string{"messages", "attempts", "events"} {
		if n := f.count(`SELECT count(*) FROM ` + table); n != 4 {
			t.Errorf("%d rows of %s are left, want 4", n, table)
		}
	}
	if n := f.count(`SELECT count(*) FROM inbound`)*10 + f.count(`SELECT count(*) FROM audit_log`); n != 13 {
		t.Errorf("inbound and audit log that are left: %d", n)
	}
	f.finish(waits)
	_, err = Prune(t.Context(), f.store)
	must(t, err)
	if n := f.count(`SELECT count(*) FROM messages WHERE account_id = $1`, short); n != 1 {
		t.Errorf("%d messages of the account after the old one had finished, want 1", n)
	}
}

// Redaction leaves the message and removes every copy of its text and number.
func TestPrune_Redaction_LeavesNoText(t *testing.T) {
	t.Parallel()
	f := open(t)
	account := f.account(keep.Days{}, 7)
	for range 3 {
		f.message(account, 20)
	}
	recent := f.message(account, 2)
	f.exec(`INSERT INTO inbound (id, account_id, channel_id, from_phone, type, text, raw, content, provider_id, received_at, at)
		VALUES (uuid_floor(now() - interval '20 days'), $1, 1, '+15550000100', 'text', $2, $2, $2, 'x', now() - interval '20 days', now())`,
		account, secret)
	f.read()
	done, err := Prune(t.Context(), f.store)
	must(t, err)
	if b := found(done, Blank); b != fmt.Sprintf("messages %[1]d, inbound %[1]d", account) {
		t.Errorf("blanked %s", b)
	}
	for _, table := range []string{"messages", "attempts", "events", "inbound"} {
		id := map[string]string{"messages": "id", "inbound": "id"}[table]
		if id == "" {
			id = "message_id"
		}
		if n := f.count(`SELECT count(*) FROM `+table+` t WHERE `+id+` <> $1 AND (strpos(t::text, $2) > 0 OR strpos(t::text, '+1555') > 0)`,
			recent, secret); n != 0 {
			t.Errorf("%d rows of %s have the text or the number still", n, table)
		}
	}
	if n := f.count(`SELECT count(*) FROM messages`)*10 + f.count(`SELECT count(*) FROM messages WHERE content LIKE '%customer%'`); n != 41 {
		t.Errorf("messages, and those with a text: %d, want 41", n)
	}
	done, err = Prune(t.Context(), f.store)
	must(t, err)
	if b := found(done, Blank); b != "" {
		t.Errorf("a second run blanked %s again", b)
	}
}

// A partition is dropped beside transactions that use the table, and none of theirs
// waits longer than lockWait for it.
func TestPrune_BusyTable_WaitsItsTurn(t *testing.T) {
	t.Parallel()
	f := open(t)
	account := f.account(keep.Days{}, 0)
	week := f.week(130)
	f.message(account, 125)
	f.read()
	reads, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- f.db.Tx(context.WithoutCancel(t.Context()), func(tx *pg.DB) error {
			_, err := tx.ExecContext(t.Context(), `SELECT 1 FROM messages LIMIT 1`)
			close(reads)
			<-release
			return err
		})
	}()
	<-reads
	dropped := make(chan []Step, 1)
	go func() {
		steps, err := Prune(context.WithoutCancel(t.Context()), f.store)
		if err != nil {
			t.Error(err)
		}
		dropped <- steps
	}()
	wait.Until(t, "the drop waits for the lock", func() bool {
		return f.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
			AND query LIKE 'DROP TABLE%'`) > 0
	})
	close(release)
	must(t, <-ended)
	if d := found(<-dropped, Drop); !strings.HasSuffix(d, "messages "+week) {
		t.Errorf("dropped %s", d)
	}
}

// Once an hour one worker prunes and logs what it did; a partition that stays is a warning.
func TestPruner_OneWorkerAnHour(t *testing.T) {
	t.Parallel()
	f := open(t)
	account := f.account(keep.Days{}, 7)
	f.week(130)
	f.unfinished(f.message(account, 125))
	f.message(account, 20)
	f.read()
	var log bytes.Buffer
	turn := func() string {
		t.Helper()
		log.Reset()
		p := Pruner{Store: f.store, Take: store.New(f.db).TakeJob, Log: slog.New(slog.NewTextHandler(&log, nil))}
		must(t, p.turn(t.Context()))
		return log.String()
	}
	out := turn()
	for _, want := range []string{
		`level=INFO msg="old records" action=blank table=messages`, `rows=1`,
		`level=WARN msg="old records" action=keep table=messages`, `reason="it holds unfinished messages"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the log lacks %s: %s", want, out)
		}
	}
	if out := turn(); out != "" {
		t.Errorf("another worker did it again: %s", out)
	}
	f.exec(`UPDATE jobs SET next_at = now()`)
	if out := turn(); !strings.Contains(out, "action=keep") {
		t.Errorf("an hour later: %q", out)
	}
}
