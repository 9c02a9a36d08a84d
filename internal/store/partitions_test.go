package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/docs"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

// runbook returns the statements of docs/alerts.md for a default partition with rows.
func runbook(t *testing.T) string {
	t.Helper()
	text, err := docs.FS.ReadFile("alerts.md")
	must(t, err)
	_, text2, _ := strings.Cut(string(text), "## SendoffPartitionsMissing")
	_, text2, _ = strings.Cut(text2, "```sql\n")
	statements, _, found := strings.Cut(text2, "```")
	if !found || !strings.Contains(statements, "messages_default") {
		t.Fatalf("no statements in docs/alerts.md: %q", statements)
	}
	return statements
}

// How far ahead partitions are is the time until the first week that lacks one,
// also one that is there and not attached.
func TestPartitions_Ahead(t *testing.T) {
	t.Parallel()
	f := open(t)
	p, err := f.Partitions(t.Context())
	if err != nil || len(p.Missing) > 0 || p.Ahead < 2*EnoughAhead || p.Ahead > 3*EnoughAhead {
		t.Fatalf("%+v, %v", p, err)
	}
	week := func(n int) string {
		var name string
		must(t, f.db.GetContext(t.Context(), &name, `SELECT to_char(now() AT TIME ZONE 'utc' + $1 * interval '7 days', 'IYYYIW')`, n))
		return name
	}
	for _, c := range []struct {
		change      string
		least, most time.Duration
		missing     string
	}{
		{"DROP TABLE attempts_w" + week(2), EnoughAhead, 2 * EnoughAhead, ""},
		{"ALTER TABLE events DETACH PARTITION events_w" + week(1), 1, EnoughAhead, "events_w" + week(1)},
		{"DROP TABLE idempotency_w" + week(0), 0, 0, "idempotency_w" + week(0) + " events_w" + week(1)},
	} {
		f.exec(t, c.change)
		p, err := f.Partitions(t.Context())
		if err != nil || p.Ahead < c.least || p.Ahead > c.most || strings.Join(p.Missing, " ") != c.missing {
			t.Errorf("%s: %+v, %v", c.change, p, err)
		}
	}
}

// Partitions are made one at a time: the job holds no table while it waits for the
// next, so that a statement that has written to the second and comes to the first waits
// for nobody. (The job that ends leases does so.)
func TestEnsurePartitions_HoldsOneTableAtATime(t *testing.T) {
	t.Parallel()
	f := open(t)
	var week string
	must(t, f.db.GetContext(t.Context(), &week, `SELECT to_char(now() AT TIME ZONE 'utc' + interval '7 days', 'IYYYIW')`))
	f.exec(t, `DROP TABLE messages_w`+week+`, attempts_w`+week)
	there := func(name string) (yes bool) {
		must(t, f.db.GetContext(t.Context(), &yes, `SELECT to_regclass($1) IS NOT NULL`, name+week))
		return yes
	}
	done := make(chan error, 1)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM attempts LIMIT 1`); err != nil {
			return err
		}
		go func() { done <- f.EnsurePartitions(t.Context()) }()
		wait.For(t, 30*time.Second, func() error {
			if !there("messages_w") {
				return errors.New("no partition of messages yet")
			}
			return nil
		})
		_, err := tx.ExecContext(t.Context(), `SET LOCAL lock_timeout = '5s'; SELECT 1 FROM messages LIMIT 1`)
		if there("attempts_w") {
			t.Error("there is a partition of attempts, which are held")
		}
		return err
	}))
	if err := <-done; err != nil || !there("attempts_w") {
		t.Errorf("after it: %v", err)
	}
}

// Without the partitions of this week messages are accepted, sent and kept all the
// same, in the default partitions; the hourly job reports what it cannot make.
func TestEnsurePartitions_WeekMissing_DefaultTakesIt(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(t, `DO $do$ DECLARE p record; BEGIN
		FOR p IN SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhrelid::regclass::text ~ '_w[0-9]+$' LOOP
			EXECUTE format('DROP TABLE %s', p.name);
		END LOOP; END $do$`)
	id := f.accept(t, f.draft("+15550000001"))[0]
	claim := f.claim(t, id)
	_, err := f.Complete(t.Context(), []Outcome{{ID: id, Claim: claim, Action: Settle, Result: ResultAccepted, Channel: f.channel}})
	must(t, err)
	strays, err := f.Strays(t.Context())
	if err != nil || !slices.Contains(strays, "messages_default") || !slices.Contains(strays, "events_default") {
		t.Errorf("rows in %v, %v", strays, err)
	}
	if err := f.EnsurePartitions(t.Context()); err == nil || !strings.Contains(err.Error(), "messages_w") {
		t.Errorf("what can't be made: %v", err)
	}
	v, err := f.Views(t.Context(), []dispatch.ID{id})
	if err != nil || len(v) != 1 || v[0].Status != dispatch.Sent {
		t.Errorf("%+v, %v", v, err)
	}
	heal := runbook(t)
	for _, name := range strays {
		f.exec(t, strings.ReplaceAll(heal, "messages", strings.TrimSuffix(name, "_default")))
	}
	must(t, f.EnsurePartitions(t.Context()))
	strays, err = f.Strays(t.Context())
	if err != nil || len(strays) > 0 {
		t.Errorf("after the statements of the runbook: rows in %v, %v", strays, err)
	}
	if v, err := f.Views(t.Context(), []dispatch.ID{id}); err != nil || len(v) != 1 || v[0].Status != dispatch.Sent {
		t.Errorf("after the statements of the runbook: %+v, %v", v, err)
	}
}
