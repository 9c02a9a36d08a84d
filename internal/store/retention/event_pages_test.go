package retention

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
)

// Old pages of events go, except those that webhooks have not been made of and those with a message
// that is unfinished, wherever it waits; nobody else's do.
func TestEventPages_OldOnesGo(t *testing.T) {
	t.Parallel()
	f := open(t, 5)
	f.exec(`INSERT INTO accounts (id, sid, name) VALUES (2, 'AC2', 'Two')`)
	var ids []string
	must(t, f.db.SelectContext(t.Context(), &ids, `SELECT id FROM messages ORDER BY id`))
	page := func(account, days int, ids ...string) (id int64) {
		must(t, f.db.GetContext(t.Context(), &id, `INSERT INTO event_pages (account_id, channel_id, at, kind, seq, cause, n, message_ids)
			VALUES ($1, 1, now() - make_interval(days => $2), 30, 2, 'worker', cardinality($3::uuid[]), $3::uuid[]) RETURNING id`,
			account, days, pq.Array(ids)))
		return id
	}
	page(1, 40, ids[0], ids[1]) // goes
	unfinished, young, others := page(1, 40, ids[0], ids[2]), page(1, 20, ids[0]), page(2, 40, ids[0])
	waiting, claimed := page(1, 40, ids[3], ids[0]), page(1, 40, ids[4])
	f.exec(`INSERT INTO backlog (page, account_id, channel_id, lane, created_at, expires_at, first_id, n, ids)
		VALUES (1, 1, 1, 1, now() - interval '40 days 1 second', now() + interval '1 day', $1, 1, ARRAY[$1::uuid])`, ids[3])
	f.exec(`INSERT INTO claims (claim, account_id, channel_id, lane, wake_at, pages, ids)
		VALUES (gen_random_uuid(), 1, 1, 1, now(), '{2}', ARRAY[$1::uuid])`, ids[4])
	f.exec(`INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
		VALUES ($1, 1, 1, 0, 1, now(), now(), now())`, ids[2])
	f.exec(`UPDATE webhook_cursors SET (xid, event_id) = (SELECT xid, id FROM event_pages WHERE id = $1)`, claimed)
	unread := page(1, 40, ids[1])

	jobs, err := f.Jobs(t.Context())
	must(t, err)
	for i := range jobs {
		if j := &jobs[i]; j.Account == 1 && j.Table == "event_pages" {
			rows, bytes, err := f.Measure(t.Context(), j)
			must(t, err)
			if rows != 2 || bytes == 0 {
				t.Errorf("%d events of %d bytes are measured, want the 2 of one page", rows, bytes)
			}
			if n, _, err := f.Page(t.Context(), j); err != nil || n != 1 {
				t.Errorf("%d pages go, want 1 (%v)", n, err)
			}
		}
	}
	var left []int64
	must(t, f.db.SelectContext(t.Context(), &left, `SELECT id FROM event_pages ORDER BY id`))
	if want := []int64{unfinished, young, others, waiting, claimed, unread}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

// A message whose events in pages webhooks have not been made of is not redacted, and its partition
// stays.
func TestEventPages_Unread_MessageStays(t *testing.T) {
	t.Parallel()
	f := open(t, 2)
	f.exec(`INSERT INTO event_pages (account_id, channel_id, at, kind, seq, cause, n, message_ids)
		SELECT 1, 1, created_at, 10, 1, 'api', 1, ARRAY[id] FROM messages ORDER BY id LIMIT 1`)
	if got := f.pages(f.redaction()); len(got) != 1 || got[0] != 1 {
		t.Errorf("pages of %v rows are redacted, want the one message that is read", got)
	}
	w := Week{Table: "messages", From: time.Now().AddDate(0, 0, -21), To: time.Now().AddDate(0, 0, -19)}
	if why, err := f.Needed(t.Context(), &w); err != nil || why != "webhooks have not been made of its events" {
		t.Errorf("the partition stays because of %q (%v)", why, err)
	}
	f.exec(`UPDATE webhook_cursors SET (xid, event_id) = (SELECT xid, id FROM event_pages)`)
	if got := f.pages(f.redaction()); len(got) != 1 || got[0] != 1 {
		t.Errorf("pages of %v rows are redacted after that, want 1", got)
	}
	if why, err := f.Needed(t.Context(), &w); err != nil || why != "" {
		t.Errorf("the partition stays because of %q (%v)", why, err)
	}
}

// What is looked for in pages of events is not looked for in all of them: whether webhooks have been made
// of a partition's is read from the cursor on, and of old pages that they have not been made of no message
// is looked up.
func TestPlans_EventPages_OnlyThoseAskedFor(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	f.exec(`INSERT INTO event_pages (account_id, channel_id, at, kind, seq, cause, n, message_ids)
		SELECT 1, 1, now() - make_interval(days => 40), 30, 2, 'worker', 20, array_fill(gen_random_uuid(), ARRAY[20])
		FROM generate_series(1, 5000)`)
	f.exec(`ANALYZE event_pages`)
	plan := func(query string, args ...any) string {
		var lines []string
		must(t, f.db.SelectContext(t.Context(), &lines, `EXPLAIN (ANALYZE, COSTS off, TIMING off) `+query, args...))
		return strings.Join(lines, "\n")
	}
	now := time.Now()
	looked := plan(allEventPages, 1, now, pageRows)
	if !strings.Contains(looked, "Function Scan on unnest m (never executed)") {
		t.Errorf("messages of unread pages are looked up:\n%s", looked)
	}
	f.exec(`UPDATE webhook_cursors SET (xid, event_id) = (SELECT xid, max(id) + n FROM event_pages GROUP BY xid, n)`)
	read := plan(sqlNeeded, now.AddDate(0, 0, -21), now.AddDate(0, 0, -19), now, true)
	if !strings.Contains(read, "Index Scan using event_pages_order on event_pages p (actual rows=0") {
		t.Errorf("pages are not read from the cursor on:\n%s", read)
	}
}
