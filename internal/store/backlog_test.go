package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// drafts are n messages that may wait in pages.
func (f *fixture) drafts(n int) []NewMessage {
	page := make([]NewMessage, n)
	for i := range page {
		page[i] = f.draft(fmt.Sprintf("+1555%07d", i))
		page[i].Paged = true
	}
	return page
}

// paged accepts n messages into pages.
func (f *fixture) paged(t testing.TB, n int) []dispatch.ID {
	t.Helper()
	return f.accept(t, f.drafts(n)...)
}

func (f *fixture) number(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	must(t, f.db.GetContext(context.Background(), &n, query, args...))
	return n
}

// rows is how many messages have rows in dispatch, pages how many wait in pages, and
// claims how many claims of these there are.
type layout struct{ rows, pages, claims int }

func (f *fixture) layout(t testing.TB) layout {
	t.Helper()
	return layout{
		f.number(t, `SELECT count(*) FROM dispatch`),
		f.number(t, `SELECT coalesce(sum(n), 0) FROM backlog WHERE n = cardinality(ids)`), f.number(t, `SELECT count(*) FROM claims`),
	}
}

func (f *fixture) due(t testing.TB, n int) (claim uuid.UUID, got []Claimed) {
	t.Helper()
	claim = uuid.New()
	got, _, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, n, claim, 20*time.Second, true)
	must(t, err)
	return claim, got
}

// ends are outcomes of claimed messages.
func ends(got []Claimed, claim uuid.UUID, action Action, result Result) []Outcome {
	outs := make([]Outcome, len(got))
	for i := range got {
		outs[i] = outcome(got[i].ID, claim, action, result)
		outs[i].Paged, outs[i].TID = got[i].Paged, got[i].TID
	}
	return outs
}

// A backlog waits in pages of at most pageMax messages of one channel and lane, whether
// its messages are plain or have keys. Who is refused is in none of them.
func TestInsertMessages_Paged_WritesPages(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{false, true} {
		t.Run(fmt.Sprintf("keyed=%v", keyed), func(t *testing.T) {
			t.Parallel()
			f := open(t)
			page := f.drafts(pageMax + 50)
			_, other := f.newAccount(t, "meta")
			f.exec(t, `INSERT INTO suppressions (account_id, phone, reason) VALUES ($1, $2, 'manual')`, f.account, page[3].To)
			for i := range page {
				switch i {
				case 5:
					page[i].Paged = false
				case 6:
					page[i].Lane = dispatch.Bulk
				case 7:
					page[i].Channel = other
				case 8:
					page[i].ExpiresAt = time.Now().Add(time.Minute)
				}
				if keyed {
					page[i].IdemKey, page[i].IdemFingerprint = fmt.Sprint("key-", i), "print"
				}
			}
			rs, err := f.InsertMessages(t.Context(), page)
			must(t, err)
			for i, r := range rs {
				if (r.Err != nil) != (i == 3) {
					t.Errorf("message %d: %v", i, r.Err)
				}
			}
			if got, want := f.layout(t), (layout{rows: 1, pages: len(page) - 2}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			var pages pq.Int64Array
			must(t, f.db.GetContext(t.Context(), &pages, `SELECT array_agg(n ORDER BY n) FROM backlog`))
			// The refused one counts for the size of its page.
			if want := (pq.Int64Array{1, 1, 47, pageMax - 1}); !slices.Equal(pages, want) {
				t.Errorf("pages of %v messages, want %v", pages, want)
			}
			if n := f.number(t, `SELECT count(*) FROM backlog b WHERE first_id <> (SELECT min(i::text)::uuid FROM unnest(ids) AS i)
				OR expires_at <> (SELECT min(expires_at) FROM messages m WHERE m.page = b.page)
				OR (SELECT count(*) FROM messages m WHERE m.page = b.page) <> n`); n != 0 {
				t.Errorf("%d pages say something else than their messages", n)
			}
			f.invariants(t)
			rs, err = f.InsertMessages(t.Context(), page) // as when the answer was lost
			must(t, err)
			for i, r := range rs {
				if i != 3 && (r.Err != nil || r.ID != page[i].ID) {
					t.Errorf("message %d again: %v, %v", i, r.ID, r.Err)
				}
			}
			f.invariants(t)
		})
	}
}

// Messages of pages are claimed in the order of acceptance, as many as asked for, each once,
// beside those with rows; what is accepted leaves nothing behind.
func TestClaimDue_Pages_OldestFirst(t *testing.T) {
	t.Parallel()
	f := open(t)
	first, second := f.paged(t, 30), f.paged(t, 30)
	rows := f.messages(t, 10)
	claim, got := f.due(t, 40)
	want := slices.Concat(first, second[:10])
	for i, c := range got {
		if !c.Paged || c.ID != want[i] || c.Attempts != 1 || c.Left < 3500 || c.Content == "" || !c.Since.Equal(c.CreatedAt) {
			t.Fatalf("message %d: %+v, want %s", i, c, want[i])
		}
	}
	if got, want := f.layout(t), (layout{rows: 10, pages: 20, claims: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	second2, rest := f.due(t, 100)
	if len(got) != 40 || len(rest) != 30 {
		t.Fatalf("%d claimed, then %d", len(got), len(rest))
	}
	f.invariants(t)
	f.complete(t, ends(got, claim, Settle, ResultAccepted)...)
	f.complete(t, ends(got, claim, Settle, ResultAccepted)...) // as when the answer was lost
	f.complete(t, ends(rest, second2, Settle, ResultAccepted)...)
	for _, id := range slices.Concat(first, second, rows) {
		if s, w := f.standing(t, id), f.written(t, id); s.Status != dispatch.Sent || s.State != nil || w != (written{2, 1, 2}) {
			t.Fatalf("%+v, %+v", s, w)
		}
	}
	must(t, f.TidyPages(t.Context()))
	if got := f.layout(t); got != (layout{}) {
		t.Errorf("%+v is left", got)
	}
	f.invariants(t)
}

// Rows come first in every second claim, so that neither keeps the other waiting.
func TestClaimDue_RowsFirst_ThenPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	f.messages(t, 10)
	got, _, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, 15, uuid.New(), time.Minute, false)
	must(t, err)
	paged := 0
	for _, c := range got {
		if c.Paged {
			paged++
		}
	}
	if len(got) != 15 || paged != 5 {
		t.Errorf("%d claimed, %d of them in pages; want 15 and 5", len(got), paged)
	}
}

// The claim of a worker that is gone ends with its lease: what it had not reported is in
// doubt, what it had reported stays as it is.
func TestExpireLeases_Paged_OnlyWhatIsOpen(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	claim, got := f.due(t, 20)
	outs := ends(got, claim, Settle, ResultAccepted)
	f.complete(t, outs[:5]...)
	n, err := f.ExpireLeases(t.Context(), [3]time.Duration{time.Minute, time.Minute, time.Minute})
	must(t, err)
	if n != 0 || f.layout(t).claims != 1 {
		t.Fatalf("%d leases ended early", n)
	}
	f.hour(t, got[0].ID)
	n, err = f.ExpireLeases(t.Context(), [3]time.Duration{time.Minute, time.Minute, time.Minute})
	must(t, err)
	if got, want := f.layout(t), (layout{rows: 15}); n != 15 || got != want {
		t.Errorf("%d in doubt, %+v; want 15, %+v", n, got, want)
	}
	for i, c := range got {
		s, w := f.standing(t, c.ID), f.written(t, c.ID)
		doubt := s.State != nil && *s.State == stateResolving && s.MaybeSent
		if doubt == (i < 5) || w.Attempts != 1 {
			t.Errorf("message %d: %+v, %+v", i, s, w)
		}
	}
	f.complete(t, outs...) // it was not gone
	for _, c := range got {
		if s := f.standing(t, c.ID); s.Status != dispatch.Sent || s.State != nil {
			t.Errorf("%+v", s)
		}
	}
	f.invariants(t)
}

// A claim of which the answer was lost is given back, uncounted.
func TestUnclaim_Paged_ReadyAgain(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 20)
	f.messages(t, 3)
	claim, got := f.due(t, 18)
	must(t, f.Unclaim(t.Context(), claim))
	if got, want := f.layout(t), (layout{rows: 21, pages: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.invariants(t)
	_, again := f.due(t, 100)
	for _, c := range again {
		if c.Attempts != 1 {
			t.Errorf("%+v", c)
		}
	}
	if len(got) != 18 || len(again) != 23 {
		t.Errorf("%d claimed, then %d", len(got), len(again))
	}
}

// One message of a page, or of its claim, is cancelled, unless it is being sent; the others
// go on.
func TestCancel_Paged(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.paged(t, 30)
	claim, got := f.due(t, 10)
	for i, want := range map[int]bool{2: false, 20: true} {
		done, err := f.Cancel(t.Context(), ids[i])
		must(t, err)
		if done != want {
			t.Errorf("message %d cancelled: %v", i, done)
		}
	}
	f.invariants(t)
	f.complete(t, ends(got, claim, Settle, ResultAccepted)...)
	_, rest := f.due(t, 100)
	if len(rest) != 19 {
		t.Errorf("%d others are claimed, want 19", len(rest))
	}
	for i, id := range ids {
		want := dispatch.Queued
		switch {
		case i < 10:
			want = dispatch.Sent
		case i == 20:
			want = dispatch.Cancelled
		}
		if s := f.standing(t, id); s.Status != want {
			t.Errorf("message %d: %+v, want %s", i, s, want)
		}
	}
	f.invariants(t)
}

// A message of a page whose time is over expires; the others of its page are sent.
func TestTidyPages_Expired(t *testing.T) {
	t.Parallel()
	f := open(t)
	page := f.drafts(20)
	page[4].ExpiresAt = time.Now().Add(-time.Second)
	f.accept(t, page...)
	if _, got := f.due(t, 100); len(got) != 0 {
		t.Fatalf("%d claimed of a page that is to be opened", len(got))
	}
	must(t, f.TidyPages(t.Context()))
	claimed, expired, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, 100, uuid.New(), time.Minute, true)
	must(t, err)
	if len(claimed) != 19 || len(expired) != 1 || expired[0] != page[4].ID {
		t.Errorf("%d claimed, expired %v", len(claimed), expired)
	}
}

// Each message in a page is shown, listed and counted as one with a row is.
func TestViews_Paged(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := slices.Concat(f.paged(t, 40), f.messages(t, 5), f.paged(t, 40))
	f.due(t, 30)
	views, err := f.Views(t.Context(), ids)
	must(t, err)
	for _, v := range views {
		i := slices.Index(ids, v.ID)
		want, attempts := dispatch.Queued, 0
		if i < 30 {
			want, attempts = dispatch.Sending, 1
		}
		if v.Status != want || v.Attempts != attempts || v.Hold.Claimed != (i < 30) {
			t.Errorf("message %d: %s after %d attempts, %+v", i, v.Status, v.Attempts, v.Hold)
		}
	}
	slices.Reverse(ids)
	for status, want := range map[dispatch.Status][]dispatch.ID{dispatch.Queued: ids[:55], dispatch.Sending: ids[55:]} {
		var got []dispatch.ID
		for cursor := "start"; cursor != ""; {
			page, err := f.ListMessages(t.Context(), f.account, dispatch.Filter{
				Statuses: []dispatch.Status{status}, Limit: 7, Cursor: map[bool]string{false: cursor}[cursor == "start"],
			})
			must(t, err)
			for _, v := range page.Views {
				got = append(got, v.ID)
			}
			cursor = page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d listed, want %d, in another order or other ones", status, len(got), len(want))
		}
	}
	depths, err := f.Depths(t.Context())
	must(t, err)
	for _, d := range depths {
		if want := map[int16]int64{int16(dispatch.Normal): 55}[d.Lane]; d.Count != want {
			t.Errorf("lane %d has %d, want %d", d.Lane, d.Count, want)
		}
	}
	backlogs, err := f.Backlogs(t.Context(), dispatch.Normal, 100)
	must(t, err)
	if len(backlogs) != 1 || backlogs[0] != (Backlog{Channel: f.channel, N: 5, Paged: 50}) {
		t.Errorf("%+v", backlogs)
	}
	if done, err := f.Delete(t.Context(), ids[0]); err != nil || done {
		t.Errorf("a message in a page was deleted: %v, %v", done, err)
	}
	if q, found, err := f.FindQuoted(t.Context(), f.account, ids[0]); err != nil || !found || !q.Waiting {
		t.Errorf("%+v, %v, %v", q, found, err)
	}
}
