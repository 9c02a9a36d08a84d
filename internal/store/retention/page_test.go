package retention

import (
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixture is a database with an account that redacts after 7 days, and n old messages.
type fixture struct {
	*Store
	t *testing.T
}

func open(t *testing.T, n int) *fixture {
	t.Helper()
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 4, Application: "retention-test"})
	must(t, err)
	t.Cleanup(db.Close)
	f := &fixture{New(db), t}
	f.exec(`INSERT INTO accounts (id, sid, name, redact_days) VALUES (1, 'AC1', 'One', 7)`)
	f.exec(`INSERT INTO messages (id, account_id, channel_id, created_at, expires_at, status, lane, type, recipient, content)
		SELECT (left(uuid_floor(at)::text, 13) || '-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 1, 1, at, at, 50, 1, 'text', '+1', 'x'
		FROM generate_series(1, $1) AS i, (SELECT now() - interval '20 days' AS at) t`, n)
	return f
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatal(err, query)
	}
}

// redaction returns the account's job of redacting messages.
func (f *fixture) redaction() *Job {
	f.t.Helper()
	jobs, err := f.Jobs(f.t.Context())
	must(f.t, err)
	if len(jobs) == 0 || jobs[0].Action != Blank || jobs[0].Table != "messages" {
		f.t.Fatalf("jobs: %+v", jobs)
	}
	return &jobs[0]
}

// pages does a job and returns the rows of each page.
func (f *fixture) pages(j *Job) (out []int64) {
	f.t.Helper()
	for {
		n, more, err := f.Page(f.t.Context(), j)
		must(f.t, err)
		if !more {
			return out
		}
		if n > 0 {
			out = append(out, n)
		}
	}
}

// A job goes through all rows in pages of pageRows, a repeat begins where it ended, and
// what was left is looked at first.
func TestPage_GoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	f := open(t, 1200)
	f.exec(`INSERT INTO fallbacks (message_id, wake_at) SELECT id, now() FROM messages ORDER BY id LIMIT 3`)
	rows, bytes, err := f.Measure(t.Context(), f.redaction())
	if err != nil || rows != 1197 || bytes < 1197*50 {
		t.Errorf("measured %d rows, %d bytes, %v", rows, bytes, err)
	}
	got := f.pages(f.redaction())
	if len(got) != 3 || got[0] != 497 || got[1] != 500 || got[2] != 200 {
		t.Errorf("pages of %v rows", got)
	}
	if got := f.pages(f.redaction()); len(got) != 0 {
		t.Errorf("a repeat blanks %v rows", got)
	}
	f.exec(`DELETE FROM fallbacks`)
	f.exec(`DELETE FROM messages WHERE id = (SELECT id FROM messages ORDER BY id LIMIT 1)`)
	j := f.redaction()
	if rows, _, err := f.Measure(t.Context(), j); err != nil || rows != 2 {
		t.Errorf("measured %d rows of what was left, %v", rows, err)
	}
	if got := f.pages(j); len(got) != 1 || got[0] != 2 {
		t.Errorf("what was left: pages of %v rows", got)
	}
	var left int
	must(t, f.db.GetContext(t.Context(), &left, `SELECT count(*) FROM retention_left`))
	if left != 0 {
		t.Errorf("%d rows are noted as left still", left)
	}
}

// Each table has the days of the account that keeps it longest.
func TestLongest_OfAllAccounts(t *testing.T) {
	t.Parallel()
	f := open(t, 0)
	f.exec(`UPDATE accounts SET retention = '{"messages":10}'`)
	f.exec(`INSERT INTO accounts (id, sid, name, retention) VALUES (2, 'AC2', 'Two', '{"messages":40,"events":35,"attempts":50}')`)
	a, err := f.accounts(t.Context())
	must(t, err)
	if got := a.longest; len(got) != 3 || got["messages"] != 40 || got["events"] != 35 || got["attempts"] != 40 {
		t.Errorf("longest: %v", got)
	}
	if got := longest(nil); got["messages"] != 90 || got["events"] != 30 || got["attempts"] != 30 {
		t.Errorf("without accounts: %v", got)
	}
}

// With many webhooks no page of messages reads all of them.
func TestPage_ManyWebhooks_AreNotScanned(t *testing.T) {
	t.Parallel()
	f := open(t, 20)
	for range 4 {
		f.exec(`INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload, state, done_at)
			SELECT 1, gen_random_uuid(), gen_random_uuid(), 50, 'standard', '{}', 1, now() FROM generate_series(1, 5000)`)
	}
	f.exec(`ANALYZE`)
	for _, j := range redactions(time.Now()) {
		for _, query := range []string{j.fresh, j.left} {
			if query == "" {
				continue
			}
			var plan []string
			must(t, f.db.SelectContext(t.Context(), &plan, `EXPLAIN `+query, 1, never, j.Before, pageRows))
			if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan on webhook_deliveries") {
				t.Errorf("%s: %s", j.Table, text)
			}
		}
	}
}
