package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

// log reads all of the event log in pages of size events.
func (f *fixture) log(t *testing.T, size int) (all []dispatch.Event) {
	t.Helper()
	var p dispatch.Position
	for {
		page, err := f.EventsAfter(t.Context(), p, size)
		must(t, err)
		if len(page) == 0 {
			return all
		}
		if len(page) > size {
			t.Fatalf("%d events in a page of %d", len(page), size)
		}
		all, p = append(all, page...), page[len(page)-1].Position()
	}
}

// readable waits until no transaction holds up what was written: those of other tests do, too.
func (f *fixture) readable(t *testing.T) {
	t.Helper()
	wait.Until(t, "all that was written can be read", func() bool {
		return f.number(t, `SELECT (SELECT count(*) FROM events WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))
		  + (SELECT count(*) FROM event_pages WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))`) == 0
	})
}

// mixed accepts and settles messages so that the log has events in rows and in pages, in turns
// and within one transaction, with pages of 1 to 256.
func (f *fixture) mixed(t *testing.T) (ids []dispatch.ID) {
	t.Helper()
	for i, n := range []int{1, 20, 300, 2, 64} {
		page := f.drafts(n)
		for j := range page {
			page[j].Paged = (i+j)%5 != 0
		}
		ids = append(ids, f.accept(t, page...)...)
		claim, got := f.due(t, 1+n/2)
		_, err := f.Complete(t.Context(), ends(got, claim, Settle, ResultAccepted))
		must(t, err)
		claim, got = f.due(t, n/4)
		_, err = f.Complete(t.Context(), ends(got, claim, Resolve, ResultUnknown))
		must(t, err)
	}
	if rows, pages := f.number(t, `SELECT count(*) FROM events`), f.number(t, `SELECT count(*) FROM event_pages`); rows == 0 || pages == 0 {
		t.Fatalf("%d rows and %d pages", rows, pages)
	}
	return ids
}

// The log is the same however it is read and whether its events are in pages or in rows: each event
// once, in the order of its place.
func TestEventPages_LogInParts_IsTheSame(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.mixed(t)
	f.readable(t)
	all := f.log(t, 10_000)
	seen := map[string]int{}
	for i, e := range all {
		seen[fmt.Sprint(e.Message, e.Seq)]++
		if i > 0 && !before(all[i-1].Position(), e.Position()) {
			t.Errorf("%v comes after %v", e.Position(), all[i-1].Position())
		}
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d events", k, n)
		}
	}
	if sent := f.number(t, `SELECT count(*) FROM messages WHERE status = 30`); len(all) != len(ids)+sent {
		t.Errorf("%d events of %d messages, %d sent", len(all), len(ids), sent)
	}
	timelines := func() (lines []string) {
		for _, id := range ids {
			got, err := f.Timeline(t.Context(), id)
			must(t, err)
			lines = append(lines, fmt.Sprintf("%+v", got))
		}
		return lines
	}
	told := timelines()
	for _, split := range []bool{false, true} {
		if split {
			pages := f.number(t, `SELECT count(*) FROM event_pages`)
			n, err := f.SplitEvents(t.Context())
			must(t, err)
			if left := f.number(t, `SELECT count(*) FROM event_pages`); n != pages || left != 0 {
				t.Errorf("%d of %d pages split, %d left", n, pages, left)
			}
		}
		for _, size := range []int{1, 3, 100, 256, 10_000} {
			if got := f.log(t, size); !slices.Equal(got, all) {
				t.Errorf("split=%v, pages of %d: %d events, not the same as the %d", split, size, len(got), len(all))
			}
		}
		end, err := f.EndOfEvents(t.Context())
		must(t, err)
		if end != all[len(all)-1].Position() {
			t.Errorf("split=%v: the log ends at %v, want %v", split, end, all[len(all)-1].Position())
		}
		for _, r := range [][2]int{{0, len(all) - 1}, {5, 6}, {30, 31}, {40, 300}, {200, 201}, {100, 100}} {
			f.countsBetween(t, all, r[0], r[1])
		}
		if got := timelines(); !slices.Equal(got, told) {
			t.Errorf("split=%v: timelines differ", split)
		}
	}
}

func before(a, b dispatch.Position) bool { return a.XID < b.XID || a.XID == b.XID && a.ID < b.ID }

// countsBetween holds that EventCounts returns what stands in all behind from and up to to.
func (f *fixture) countsBetween(t *testing.T, all []dispatch.Event, from, to int) {
	t.Helper()
	want, got := map[int16]int{}, map[int16]int{}
	for _, e := range all[from+1 : max(from, to)+1] {
		want[e.Kind]++
	}
	counts, err := f.EventCounts(t.Context(), all[from].Position(), all[to].Position(), 10_000)
	must(t, err)
	for _, c := range counts {
		got[c.Kind] += c.N
	}
	if !maps.Equal(got, want) {
		t.Errorf("from %d to %d: %v, want %v", from, to, got, want)
	}
}

// The ids of a page's events are its own: the next page begins behind them, and rows have smaller ones.
func TestEventPages_HaveRoomForTheirIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	var step, start int
	must(t, f.db.QueryRowxContext(t.Context(), `SELECT increment_by, start_value FROM pg_sequences WHERE sequencename = 'event_pages_id'`).
		Scan(&step, &start))
	if step != eventlog.Room || step < pageMax || start < 1<<40 {
		t.Errorf("pages are %d apart from %d on, the log reads %d", step, start, eventlog.Room)
	}
}

// A page of events that is committed late is not skipped.
func TestEventPages_LateCommit_IsNotSkipped(t *testing.T) {
	t.Parallel()
	f := open(t)
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		_, err := f.In(tx).InsertMessages(t.Context(), f.drafts(20))
		must(t, err)
		f.paged(t, 20)
		if got := f.log(t, 100); len(got) != 0 {
			t.Errorf("%d events while an older transaction runs", len(got))
		}
		return nil
	}))
	f.readable(t)
	if got := f.log(t, 100); len(got) != 40 {
		t.Errorf("%d events, want 40", len(got))
	}
}

// Until the schema is contracted a page's calls are told in rows: the binary before reads no others.
func TestEventPages_NotContracted_SettleWritesRows(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 32)
	claim, got := f.due(t, 32)
	f.exec(t, `UPDATE config_version SET contracted = 140`)
	pages := f.number(t, `SELECT count(*) FROM event_pages`)
	_, err := f.Complete(t.Context(), ends(got, claim, Settle, ResultAccepted))
	must(t, err)
	if n := f.number(t, `SELECT count(*) FROM events WHERE kind = 30`); n != 32 || f.number(t, `SELECT count(*) FROM event_pages`) != pages {
		t.Errorf("%d rows", n)
	}
	f.invariants(t)
}

// What was sent before, by its sent_at, is settled by the statement for that, so that the time of
// each page's events is that of its messages.
func TestEventPages_TimesAreThoseOfMessages(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.paged(t, 32)
	f.exec(t, `UPDATE messages SET sent_at = created_at WHERE id = $1::uuid`, ids[3].String())
	claim, got := f.due(t, 32)
	_, err := f.Complete(t.Context(), ends(got, claim, Settle, ResultAccepted))
	must(t, err)
	if n := f.number(t, `SELECT count(*) FROM event_pages p, unnest(p.message_ids) i(id) JOIN messages m ON m.id = i.id
	  WHERE p.at <> CASE p.kind WHEN 30 THEN m.sent_at ELSE m.created_at END`); n != 0 {
		t.Errorf("%d events of pages with another time than their message's", n)
	}
	for _, id := range ids {
		got, err := f.Timeline(t.Context(), id)
		must(t, err)
		var types []string
		for _, e := range got {
			types = append(types, e.Type)
		}
		slices.Sort(types) // an attempt began before it was told
		if strings.Join(types, " ") != "attempt queued sent" {
			t.Errorf("%s: %v", id, types)
		}
	}
	f.invariants(t)
}

// Readers of pages read from their place on, and no more than they return, whatever the statistics
// are of.
func TestPlans_EventPages_AreReadFromTheirPlace(t *testing.T) {
	t.Parallel()
	f := open(t)
	insert := func(n int) {
		f.exec(t, `INSERT INTO event_pages (account_id, channel_id, at, kind, seq, cause, n, message_ids)
			SELECT $1, $2, now() - make_interval(secs => g), 30, 2, 'worker', 20, array_fill(gen_random_uuid(), ARRAY[20])
			FROM generate_series(1, $3::integer) g`,
			f.account, f.channel, n)
	}
	insert(1000)
	f.exec(t, `ANALYZE event_pages`)
	insert(30_000)
	id := f.paged(t, 20)[7]
	f.readable(t)
	var p dispatch.Position
	must(t, f.db.QueryRowxContext(t.Context(), `SELECT xid::text::bigint, id FROM event_pages ORDER BY id OFFSET 1100 LIMIT 1`).
		Scan(&p.XID, &p.ID))
	for name, c := range map[string]struct {
		most  float64
		query string
		args  []any
	}{
		"page":     {101 + 60, sqlEvents, []any{p.XID, p.ID, 100}},
		"counts":   {500, sqlEventCounts, []any{p.XID, p.ID, p.XID, p.ID + 1024*10_000, 500}},
		"end":      {1, sqlEndOfEvents, nil},
		"timeline": {1, sqlTimeline, []any{id.String()}},
	} {
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			read := 0.0
			f.explainAs(t, mode, c.query, c.args...).walk(func(n *planNode) {
				if n.Relation == "event_pages" {
					read += n.Loops * (n.Rows + n.Removed)
				}
			})
			if read > c.most || read == 0 {
				t.Errorf("%s, %s: %.0f pages of events are read, at most %.0f", name, mode, read, c.most)
			}
		}
	}
}

// A settle of pages reads its messages by their places, not what lies between them, whatever the size
// of the table.
func TestPlans_SettlePaged_ReadsItsMessages(t *testing.T) {
	t.Parallel()
	for _, between := range []int{0, 3000, 30_000, 100_000} {
		f := open(t)
		f.paged(t, 100)
		for from := 0; from < between; from += 5000 { // a long transaction holds the log of every test's events up
			f.exec(t, `INSERT INTO messages (id, account_id, channel_id, lane, type, recipient, content, status, expires_at)
				SELECT (left($1::uuid::text, 24) || lpad(to_hex(g), 12, '0'))::uuid, $2, $3, 1, 'text', '+15550000000', '{}', 40, now()
				FROM generate_series($4::integer + 1, least($4::integer + 5000, $5::integer)) g`,
				dispatch.NewID(), f.account, f.channel, from, between)
		}
		f.paged(t, 100)
		f.exec(t, `ANALYZE messages`)
		claim, got := f.due(t, 200)
		outs := ends(got, claim, Settle, ResultAccepted)
		args := settleArgs(outs)
		read := 0.0
		f.explainAs(t, "force_generic_plan", f.ofPages(t.Context()), args...).walk(func(n *planNode) {
			if strings.HasPrefix(n.Relation, "messages") {
				read += n.Loops * (n.Rows + n.Removed)
			}
		})
		if read < 400 || read > 5000 { // a small table may be read whole
			t.Errorf("%d messages between: %.0f rows are read for 200 calls", between, read)
		}
	}
}
